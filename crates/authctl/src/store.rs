//! Where tokens are kept: the keyring, files (in clear or sealed), or Redis. Never silently in plain files.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use auth_core::{ErrorKind, Expiry, SecretString, StoreKey, Token, TokenStore};
use auth_store::{EncryptionKey, FileStore, KeyringStore, RedisStore};

use clap::Args;

use crate::error::Failure;
use crate::input::Input;
use crate::output;
use crate::profile::{Config, Profile, state_directory};

/// A store behind one pointer.
pub(crate) type Store = Arc<dyn TokenStore>;

/// The name in the keyring.
const SERVICE: &str = "authctl";

/// Where a profile's token is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreKind {
    Keyring,
    File,
    Redis,
}

impl StoreKind {
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        match name {
            "keyring" => Some(Self::Keyring),
            "file" => Some(Self::File),
            "redis" => Some(Self::Redis),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::File => "file",
            Self::Redis => "redis",
        }
    }
}

/// Where a log-in keeps its token.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Where to keep the token [default: the keyring, where there is one]
    #[arg(long, global = true, value_parser = ["keyring", "file", "redis"])]
    store: Option<String>,
    /// Seal the records of a file or Redis with a key from the file descriptor `AUTHCTL_KEY_FD`, or from the
    /// keyring
    #[arg(long, global = true, value_parser = ["fd", "keyring"])]
    seal: Option<String>,
    /// The directory of the store `file`
    #[arg(long, global = true, value_name = "DIRECTORY")]
    store_path: Option<String>,
    /// The address of the store `redis`, without a password: `AUTHCTL_REDIS_URL` takes one that has it
    #[arg(long, global = true, value_name = "URL")]
    redis_url: Option<String>,
}

impl Place {
    pub(crate) fn apply(&self, profile: &mut Profile) {
        profile.set_if("store", self.store.as_deref());
        profile.set_if("seal", self.seal.as_deref());
        profile.set_if("store-path", self.store_path.as_deref());
        profile.set_if("redis-url", self.redis_url.as_deref());
    }
}

/// Opens the store for a log-in. Where no store was chosen and there is no keyring, the user is asked once.
pub(crate) async fn choose(profile: &mut Profile, input: &Input<'_>) -> Result<Store, Failure> {
    if profile.get("store").is_some() {
        return open_to_write(profile).await;
    }
    let missing = match keyring().await {
        Ok(keyring) => return Ok(Arc::new(keyring)),
        Err(missing) => missing,
    };
    if !Input::is_interactive() {
        return Err(missing);
    }
    output::note(format_args!(
        "The keyring cannot be used: {}.\nWhere shall tokens be kept?\n\
         1  in files that only you can read, as plain text: your other programs and backups can read them\n\
         2  in files that are sealed with a key: each command needs the key on a file descriptor \
         (AUTHCTL_KEY_FD)\n\
         3  in Redis, for several machines: its address is asked for\n\
         4  nowhere: stop, and start a keyring",
        missing.what(),
    ));
    let mut chosen = vec![("store", "file".to_owned())];
    match input.text("your choice", "--store file")?.as_str() {
        "1" => {}
        "2" => chosen.push(("seal", "fd".to_owned())),
        "3" => {
            let url = input.text("the address, as in redis://host:6379", "--redis-url URL")?;
            chosen = vec![("store", "redis".to_owned()), ("redis-url", url)];
        }
        _ => return Err(missing),
    }
    for (key, text) in &chosen {
        profile.set(key, text);
    }
    let store = open_to_write(profile).await?;
    let mut config = Config::load()?;
    for (key, text) in &chosen {
        config.put_shared(key, text)?;
    }
    Ok(store)
}

/// The kind of store that the profile names. The keyring is the default.
pub(crate) fn kind(profile: &Profile) -> Result<StoreKind, Failure> {
    let Some(name) = profile.get("store") else {
        return Ok(StoreKind::Keyring);
    };
    StoreKind::of_name(name).ok_or_else(|| {
        Failure::usage("`store` must be keyring, file or redis").hint("correct the configuration")
    })
}

/// Where the profile's token is, in words.
pub(crate) fn describe(profile: &Profile) -> Result<String, Failure> {
    let sealed = match profile.get("seal") {
        Some(_) => "sealed ",
        None => "",
    };
    Ok(match kind(profile)? {
        StoreKind::Keyring => "the keyring".to_owned(),
        StoreKind::File => format!("{sealed}files in {}", file_directory(profile)?.display()),
        StoreKind::Redis => format!("{sealed}entries of Redis"),
    })
}

fn file_directory(profile: &Profile) -> Result<PathBuf, Failure> {
    if let Some(path) = profile.get("store-path") {
        return Ok(path.into());
    }
    // One directory holds records of one kind.
    let name = match profile.get("seal") {
        Some(_) => "sealed",
        None => "tokens",
    };
    Ok(state_directory()?.join(name))
}

/// Opens the store that the profile names.
pub(crate) async fn open(profile: &Profile) -> Result<Store, Failure> {
    match kind(profile)? {
        StoreKind::Keyring => Ok(Arc::new(keyring().await?)),
        StoreKind::File => {
            let store = FileStore::at(file_directory(profile)?);
            Ok(match key(profile).await? {
                Some(key) => Arc::new(store.encrypt_with(key)),
                None => Arc::new(store),
            })
        }
        StoreKind::Redis => {
            let builder = RedisStore::builder(redis_url(profile)?).prefix("authctl:");
            let builder = match key(profile).await? {
                Some(key) => builder.encrypt_with(key),
                None => builder,
            };
            Ok(Arc::new(builder.build()?))
        }
    }
}

/// Opens the store, and finds out whether it can be written: before a mail is sent, or a code is spent.
pub(crate) async fn open_to_write(profile: &Profile) -> Result<Store, Failure> {
    let store = open(profile).await?;
    check(&store).await?;
    Ok(store)
}

/// Finds out whether the store can be written.
pub(crate) async fn check(store: &Store) -> Result<(), Failure> {
    let lease = store.lease(&own_key("log-in", "")).await?;
    Ok(lease.release().await?)
}

/// Opens the keyring, or says within 4 s what is in the way and what else can be done.
pub(crate) async fn keyring() -> Result<KeyringStore, Failure> {
    let locks = state_directory()?.join("keyring");
    let builder = KeyringStore::builder()
        .service(SERVICE)
        .lock_directory(locks);
    builder.open().await.map_err(|error| {
        // What to do follows in words of this program.
        let text = error.to_string();
        let what = text.split(": ").next().unwrap_or_default();
        Failure::new(error.kind(), what).hint(
            "unlock or start a keyring (gnome-keyring-daemon, KWallet, KeePassXC), or choose at the \
             log-in: `--store file` (plain text that only this user can read), `--store file --seal fd` \
             (sealed), `--store redis`",
        )
    })
}

fn redis_url(profile: &Profile) -> Result<SecretString, Failure> {
    if let Ok(url) = std::env::var("AUTHCTL_REDIS_URL") {
        return Ok(url.into());
    }
    let Some(url) = profile.get("redis-url") else {
        let what = "the store is redis, and its address is not known";
        return Err(Failure::usage(what).hint(
            "set `redis-url` in the configuration, or AUTHCTL_REDIS_URL if it has a password",
        ));
    };
    if url::Url::parse(url).is_ok_and(|url| url.password().is_some()) {
        let what = "`redis-url` in the configuration holds a password";
        return Err(Failure::usage(what).hint("take it out, and set AUTHCTL_REDIS_URL instead"));
    }
    Ok(url.into())
}

/// The key that seals records, if the profile asks for that.
async fn key(profile: &Profile) -> Result<Option<EncryptionKey>, Failure> {
    let text = match profile.get("seal") {
        None => return Ok(None),
        Some("fd") => key_from_descriptor()?,
        Some("keyring") => key_from_keyring().await?,
        Some(_) => return Err(Failure::usage("`seal` must be fd or keyring")),
    };
    Ok(Some(EncryptionKey::from_base64(&text)?))
}

fn key_from_descriptor() -> Result<SecretString, Failure> {
    let hint = "give the Base64 text of 32 bytes on a file descriptor: `AUTHCTL_KEY_FD=3 authctl … \
                3<key-file`";
    let number = std::env::var("AUTHCTL_KEY_FD").ok();
    let Some(number) = number.and_then(|text| text.parse::<u32>().ok()) else {
        let what =
            "the store is sealed with a key from a file descriptor, and AUTHCTL_KEY_FD names none";
        return Err(Failure::new(ErrorKind::Store, what).hint(hint));
    };
    let text = std::fs::read_to_string(format!("/dev/fd/{number}")).map_err(|error| {
        let what = format!("cannot read the key from file descriptor {number}: {error}");
        Failure::new(ErrorKind::Store, what).hint(hint)
    })?;
    Ok(text.into())
}

/// The key in the keyring, which is made at the first use.
async fn key_from_keyring() -> Result<SecretString, Failure> {
    use base64::Engine as _;
    let keyring = keyring().await?;
    let key = own_key("store", "seal");
    if let Some(token) = keyring.load(&key).await? {
        return Ok(token.access().clone());
    }
    let mut bytes = [0; 32];
    getrandom::getrandom(&mut bytes)
        .map_err(|_| Failure::new(ErrorKind::Store, "the system gives no random numbers"))?;
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    keep(&keyring, &key, text.into()).await?;
    // Another process may have been faster.
    let kept = keyring.load(&key).await?;
    kept.map(|token| token.access().clone())
        .ok_or_else(|| Failure::new(ErrorKind::Store, "the keyring lost the key"))
}

/// The key of something of this program's own, which is no vendor's token.
pub(crate) fn own_key(account: &str, scope: &str) -> StoreKey {
    StoreKey {
        vendor: "authctl".to_owned(),
        account: account.to_owned(),
        scope: scope.to_owned(),
        base_url: String::new(),
    }
}

/// Keeps a secret that is no token, unless there is one already.
async fn keep(store: &dyn TokenStore, key: &StoreKey, secret: SecretString) -> Result<(), Failure> {
    let token = Token::new(secret, Expiry::Never, UNIX_EPOCH);
    let _kept = store.save(key, &token).await?;
    Ok(())
}

/// Keeps a secret that is no token in the place of an earlier one.
pub(crate) async fn replace(
    store: &Store,
    key: &StoreKey,
    secret: &SecretString,
) -> Result<(), Failure> {
    let earlier = store.load(key).await?;
    let generation = earlier.map_or(0, |token| token.generation() + 1);
    let token = Token::new(secret.clone(), Expiry::Never, UNIX_EPOCH).with_generation(generation);
    let _kept = store.save(key, &token).await?;
    Ok(())
}
