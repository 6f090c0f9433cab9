//! Tokens in the operating system's keyring.

mod backend;
mod platform;
mod problem;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{BoxFuture, Error, Lease, SaveOutcome, StoreKey, Token, TokenStore};
use zeroize::Zeroizing;

use crate::file::{self, FileStore};
use crate::record;
use backend::Backend;
use platform::Platform;
use problem::{Problem, fault};

/// The directory of the locks, in the file store's own.
const LOCKS: &str = "keyring";

/// How many characters of a label are shown.
const LABEL: usize = 120;

/// A keyring of the user's session: the Secret Service on Linux (GNOME Keyring, `KWallet`,
/// `KeePassXC`), the login keychain on macOS, the AuthHeaders Manager on Windows.
///
/// Each token is an entry of its own. A keyring has neither locks nor a way to save only what is
/// newer, so both are done under locks on files that hold nothing secret: in the directory
/// `keyring` of [`FileStore::in_state_directory`], unless another is set. The lease is one of them:
/// when its holder dies, the system frees it.
///
/// Whether the keyring can be used is found out by [`KeyringStoreBuilder::open`]: before a log-in
/// mail is sent. No call waits longer than [`KeyringStoreBuilder::TIMEOUT`] for the keyring, and no
/// call has it ask the user for a password: a locked keyring is an error.
///
/// Windows keeps no more than 2560 bytes in an entry: less than some vendors' tokens.
///
/// A cheap clone. It has a thread of its own, which ends with the last clone.
///
/// # Example
///
/// ```no_run
/// use auth_store::KeyringStore;
///
/// # async fn example() -> Result<(), auth_core::Error> {
/// let store = KeyringStore::builder().service("example-shop").open().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct KeyringStore {
    backend: Backend,
    service: Arc<str>,
    locks: FileStore,
}

/// A record, wiped from memory in the end.
type Bytes = Zeroizing<Vec<u8>>;

/// What a [`KeyringStore`] is made of.
#[derive(Clone, Debug)]
pub struct KeyringStoreBuilder {
    service: String,
    lock_directory: Option<PathBuf>,
    lease_wait: Duration,
}

impl KeyringStoreBuilder {
    /// The program's name in the keyring, unless another is set.
    pub const DEFAULT_SERVICE: &str = "auth-store";

    /// How long one call waits for the keyring.
    pub const TIMEOUT: Duration = backend::TIMEOUT;

    /// The program's name, as the keyring shows it to the user. Stores with different names see
    /// nothing of each other.
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.service = service.into();
        self
    }

    /// Where the files are on which processes lock each other out; the same for all of them.
    pub fn lock_directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.lock_directory = Some(path.into());
        self
    }

    /// How long to wait for another session's renewal; [`DEFAULT_LEASE_WAIT`] otherwise.
    ///
    /// [`DEFAULT_LEASE_WAIT`]: crate::DEFAULT_LEASE_WAIT
    pub fn lease_wait(mut self, wait: Duration) -> Self {
        self.lease_wait = wait;
        self
    }

    /// Opens the keyring, and finds out whether it can be used.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`](auth_core::ErrorKind::Store) if there is none, if it is locked or if it
    /// does not answer in time; the message names the choices.
    /// [`ErrorKind::InvalidConfig`](auth_core::ErrorKind::InvalidConfig) if there is no place for the
    /// locks: name one.
    pub async fn open(self) -> Result<KeyringStore, Error> {
        let directory = match self.lock_directory {
            Some(path) => path,
            None => FileStore::in_state_directory()?.directory().join(LOCKS),
        };
        let store = KeyringStore {
            backend: Backend::start()?,
            service: self.service.into(),
            locks: FileStore::at(directory).lease_wait(self.lease_wait),
        };
        // Each call begins with what is asked here.
        store.backend.call(|_| Ok(())).await?;
        Ok(store)
    }
}

impl KeyringStore {
    /// Begins a store.
    pub fn builder() -> KeyringStoreBuilder {
        KeyringStoreBuilder {
            service: KeyringStoreBuilder::DEFAULT_SERVICE.to_owned(),
            lock_directory: None,
            lease_wait: file::DEFAULT_LEASE_WAIT,
        }
    }

    /// Opens a store with all defaults.
    ///
    /// # Errors
    ///
    /// As for [`KeyringStoreBuilder::open`].
    pub async fn open() -> Result<Self, Error> {
        Self::builder().open().await
    }

    fn place(&self, key: &StoreKey) -> Place {
        Place {
            service: Arc::clone(&self.service),
            user: FileStore::name_of(key),
            label: format!("{}: {} ({})", self.service, key.account, key.vendor)
                .chars()
                .take(LABEL)
                // D-Bus knows no NUL, and a label is one line.
                .map(|it| if it.is_control() { '_' } else { it })
                .collect(),
        }
    }

    /// Reads the record, if there is one.
    async fn read(&self, key: &StoreKey) -> Result<Option<Token>, Error> {
        let place = self.place(key);
        let record = {
            let place = place.clone();
            self.backend
                .call(move |platform| place.read(platform))
                .await?
        };
        let decode =
            |record: Bytes| record::decode(key, &record, None).map_err(|error| place.fault(&error));
        record.map(decode).transpose()
    }
}

/// An entry of the keyring.
#[derive(Clone)]
struct Place {
    service: Arc<str>,
    user: String,
    label: String,
}

impl Place {
    fn read(&self, platform: &Platform) -> Result<Option<Bytes>, Problem> {
        let entry = platform.entry(&self.service, &self.user, &self.label)?;
        match entry.get_secret() {
            Ok(record) => Ok(Some(Zeroizing::new(record))),
            Err(keyring_core::Error::NoEntry) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn write(&self, platform: &Platform, record: &[u8]) -> Result<(), Problem> {
        let entry = platform.entry(&self.service, &self.user, &self.label)?;
        Ok(entry.set_secret(record)?)
    }

    fn delete(&self, platform: &Platform) -> Result<(), Problem> {
        let entry = platform.entry(&self.service, &self.user, &self.label)?;
        match entry.delete_credential() {
            Ok(()) | Err(keyring_core::Error::NoEntry) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn fault(&self, error: &Error) -> Error {
        let Self { service, user, .. } = self;
        fault(format!(
            "{error}; it is the entry `{user}` of `{service}` in the keyring"
        ))
    }
}

/// The records of all entries of a service that have a name of ours, by these names.
fn records(platform: &Platform, service: &str) -> Result<Vec<(String, Bytes)>, Problem> {
    let mut records = Vec::new();
    for entry in platform.entries(service)? {
        let Some((of, user)) = entry.get_specifiers() else {
            continue;
        };
        if of != service || !FileStore::is_name(&user) {
            continue;
        }
        match entry.get_secret() {
            Ok(record) => records.push((user, Zeroizing::new(record))),
            // Deleted meanwhile.
            Err(keyring_core::Error::NoEntry) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(records)
}

impl TokenStore for KeyringStore {
    fn load<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Option<Token>, Error>> {
        Box::pin(self.read(key))
    }

    fn save<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<SaveOutcome, Error>> {
        Box::pin(async move {
            let _lock = self.locks.lock_out(key).await?;
            // What cannot be read may be worth more than what is saved.
            let stored = self.read(key).await?;
            if stored.is_some_and(|stored| token.is_superseded_by(&stored)) {
                return Ok(SaveOutcome::Superseded);
            }
            let record = record::encode(key, token, None)?;
            let place = self.place(key);
            let write = move |platform: &Platform| place.write(platform, &record);
            self.backend.call(write).await?;
            Ok(SaveOutcome::Saved)
        })
    }

    fn delete<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let _lock = self.locks.lock_out(key).await?;
            let place = self.place(key);
            self.backend
                .call(move |platform| place.delete(platform))
                .await
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<StoreKey>, Error>> {
        Box::pin(async move {
            let service = Arc::clone(&self.service);
            let found = self
                .backend
                .call(move |platform| records(platform, &service));
            let mut keys = Vec::new();
            for (user, record) in found.await? {
                let place = Place {
                    service: Arc::clone(&self.service),
                    user,
                    label: String::new(),
                };
                let (key, _) = record::peek(&record).map_err(|error| place.fault(&error))?;
                if FileStore::name_of(&key) != place.user {
                    return Err(place.fault(&fault("this is the record of another key")));
                }
                keys.push(key);
            }
            keys.sort();
            Ok(keys)
        })
    }

    fn lease<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Box<dyn Lease>, Error>> {
        self.locks.lease(key)
    }
}

impl fmt::Debug for KeyringStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyringStore")
            .field("service", &self.service)
            .field("locks", &self.locks)
            .finish_non_exhaustive()
    }
}
