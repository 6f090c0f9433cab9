//! Tokens in the operating system's keyring.

mod backend;
mod platform;
mod problem;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{BoxFuture, Error, Lease, SaveOutcome, StoreKey, Token, TokenStore};

use crate::error::store_error;
use crate::file::FileStore;
use crate::lock::{DEFAULT_LEASE_WAIT, Locks};
use crate::name::Name;
use crate::record::{self, Bytes};
use backend::Backend;
use platform::Platform;
use problem::Problem;

/// The directory of the locks, within that of the file store.
const LOCKS: &str = "keyring";

/// How many characters of a label are shown.
const LABEL: usize = 120;

/// A keyring of the user's session: the Secret Service on Linux (GNOME Keyring, `KWallet`,
/// `KeePassXC`), the login keychain on macOS, or the Credential Manager on Windows.
///
/// Each token is one entry. A keyring has no locks, and cannot save a token only if it is newer. Both
/// are done under locks on files without secrets, in the directory `keyring` of
/// [`FileStore::in_state_directory`], unless another one is set. The lease is such a lock. The system
/// frees it when its holder dies.
///
/// [`KeyringStoreBuilder::open`] finds out whether the keyring can be used, before a log-in e-mail is
/// sent. No call waits longer than [`KeyringStoreBuilder::TIMEOUT`] for the keyring. No call makes it
/// ask the user for a password: a locked keyring is an error.
///
/// Windows keeps at most 2560 bytes in an entry, and some vendors' tokens are longer.
///
/// Source: Microsoft, `CREDENTIALW`, *`CredentialBlobSize`*.
///
/// It can be called on any runtime and on none. Cloning is cheap. The store has threads, which end with
/// the last clone. In a child process made by `fork()` each call is an error, and so is opening another
/// store if the parent had one: the keyring's library has threads, too.
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
    locks: Locks,
}

/// The settings of a [`KeyringStore`].
#[derive(Clone, Debug)]
pub struct KeyringStoreBuilder {
    service: String,
    lock_directory: Option<PathBuf>,
    lease_wait: Duration,
}

impl KeyringStoreBuilder {
    /// The program's name in the keyring, unless another one is set.
    pub const DEFAULT_SERVICE: &str = "auth-store";

    /// How long one call waits for the keyring.
    pub const TIMEOUT: Duration = backend::TIMEOUT;

    /// Sets the program's name, as the keyring shows it to the user. Stores with different names see
    /// nothing of each other.
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.service = service.into();
        self
    }

    /// Sets the directory of the lock files. All processes that share the keyring need the same one.
    pub fn lock_directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.lock_directory = Some(path.into());
        self
    }

    /// Sets how long to wait for another session's renewal. The default is [`DEFAULT_LEASE_WAIT`].
    pub fn lease_wait(mut self, wait: Duration) -> Self {
        self.lease_wait = wait;
        self
    }

    /// Opens the keyring, and finds out whether it can be used.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`](auth_core::ErrorKind::Store) if there is no keyring, if it is locked or if
    /// it does not answer in time. The message names the choices.
    /// [`ErrorKind::InvalidConfig`](auth_core::ErrorKind::InvalidConfig) if there is no directory for
    /// the locks: set [`lock_directory`](Self::lock_directory).
    pub async fn open(self) -> Result<KeyringStore, Error> {
        let directory = match self.lock_directory {
            Some(path) => path,
            None => FileStore::in_state_directory()?.directory().join(LOCKS),
        };
        let mut locks = Locks::at(directory);
        locks.lease_wait = self.lease_wait;
        let store = KeyringStore {
            backend: Backend::start()?,
            service: self.service.into(),
            locks,
        };
        // Each call begins with a check of the keyring.
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
            lease_wait: DEFAULT_LEASE_WAIT,
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

    fn entry(&self, key: &StoreKey) -> EntryId {
        EntryId {
            service: Arc::clone(&self.service),
            user: Name::of(key).as_str().to_owned(),
            label: format!("{}: {} ({})", self.service, key.account, key.vendor)
                .chars()
                .take(LABEL)
                // D-Bus allows no NUL, and a label is one line.
                .map(|it| if it.is_control() { '_' } else { it })
                .collect(),
        }
    }

    /// Call it on the thread of the locks, as [`delete_here`](Self::delete_here).
    async fn save_here(self, key: StoreKey, token: Token) -> Result<SaveOutcome, Error> {
        let entry = self.entry(&key);
        let lock = self.locks.write(&Name::of(&key)).await?;
        let stored = self.read(&entry).await?;
        let is_there = stored.is_some();
        let stored = record::unless_damaged(stored, place(&self.service, &entry.user));
        let is_damaged = is_there && stored.is_none();
        let replacement = record::replacement(&key, &token, stored.as_ref(), None)
            .map_err(|error| at(&self.service, &entry.user, &error))?;
        let Some(record) = replacement else {
            return Ok(SaveOutcome::Superseded);
        };
        let write = move |platform: &Platform| {
            // Held until it is written, whatever becomes of the caller.
            let _lock = &lock;
            if is_damaged {
                entry.keep_damaged(platform)?;
            }
            entry.write(platform, &record)
        };
        self.backend.call(write).await?;
        Ok(SaveOutcome::Saved)
    }

    async fn delete_here(self, key: StoreKey) -> Result<(), Error> {
        let entry = self.entry(&key);
        let lock = self.locks.write(&Name::of(&key)).await?;
        let delete = move |platform: &Platform| {
            let _lock = &lock;
            entry.aside().delete(platform)?;
            entry.delete(platform)
        };
        self.backend.call(delete).await
    }

    async fn read(&self, entry: &EntryId) -> Result<Option<Bytes>, Error> {
        let entry = entry.clone();
        let read = move |platform: &Platform| entry.read(platform);
        self.backend.call(read).await
    }
}

/// What identifies an entry of the keyring, and its label.
#[derive(Clone)]
struct EntryId {
    service: Arc<str>,
    user: String,
    label: String,
}

impl EntryId {
    /// The entry for a record of this one that cannot be read.
    fn aside(&self) -> Self {
        Self {
            user: format!("{}.damaged", self.user),
            label: format!("{} (damaged)", self.label),
            ..self.clone()
        }
    }

    fn open(&self, platform: &Platform) -> Result<keyring_core::Entry, Problem> {
        platform.entry(&self.service, &self.user, &self.label)
    }

    fn read(&self, platform: &Platform) -> Result<Option<Bytes>, Problem> {
        match self.open(platform)?.get_secret() {
            Ok(record) => Ok(Some(Bytes::new(record))),
            Err(keyring_core::Error::NoEntry) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn write(&self, platform: &Platform, record: &[u8]) -> Result<(), Problem> {
        Ok(self.open(platform)?.set_secret(record)?)
    }

    /// Copies a record that is damaged to another entry.
    fn keep_damaged(&self, platform: &Platform) -> Result<(), Problem> {
        // A call is made again if the keyring was restarted, and then there may be a new record.
        match self.read(platform)? {
            Some(record) if record::is_damaged(&record) => self.aside().write(platform, &record),
            _ => Ok(()),
        }
    }

    fn delete(&self, platform: &Platform) -> Result<(), Problem> {
        match self.open(platform)?.delete_credential() {
            Ok(()) | Err(keyring_core::Error::NoEntry) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The entry `user` of `service`, for a person.
fn place(service: &str, user: &str) -> String {
    format!("the entry `{user}` of `{service}` in the keyring")
}

/// An error about the record in the entry `user` of `service`.
fn at(service: &str, user: &str, error: &Error) -> Error {
    store_error(format!("{error}; it is {}", place(service, user)))
}

/// The records of a service, by the names of their entries. Other entries are left out.
fn records(platform: &Platform, service: &str) -> Result<Vec<(Name, Bytes)>, Problem> {
    let mut records = Vec::new();
    for entry in platform.entries(service)? {
        let Some((of, user)) = entry.get_specifiers() else {
            continue;
        };
        let Some(name) = Name::parse(&user).filter(|_| of == service) else {
            continue;
        };
        match entry.get_secret() {
            Ok(record) => records.push((name, Bytes::new(record))),
            // It was deleted meanwhile.
            Err(keyring_core::Error::NoEntry) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(records)
}

impl TokenStore for KeyringStore {
    fn load<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Option<Token>, Error>> {
        Box::pin(async move {
            let entry = self.entry(key);
            let record = self.read(&entry).await?;
            record::unless_damaged(record, place(&self.service, &entry.user))
                .map(|record| record::decode(key, &record, None))
                .transpose()
                .map_err(|error| at(&self.service, &entry.user, &error))
        })
    }

    fn save<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<SaveOutcome, Error>> {
        let saved = self.clone().save_here(key.clone(), token.clone());
        Box::pin(self.locks.run(saved))
    }

    fn delete<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<(), Error>> {
        let deleted = self.clone().delete_here(key.clone());
        Box::pin(self.locks.run(deleted))
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<StoreKey>, Error>> {
        Box::pin(async move {
            let service = Arc::clone(&self.service);
            let list = move |platform: &Platform| records(platform, &service);
            let mut keys = Vec::new();
            for (name, record) in self.backend.call(list).await? {
                let user = name.as_str();
                let record = record::unless_damaged(Some(record), place(&self.service, user));
                let Some(record) = record else { continue };
                let owner = record::owner(&record, |key| Name::of(key) == name);
                keys.push(owner.map_err(|error| at(&self.service, user, &error))?);
            }
            keys.sort();
            Ok(keys)
        })
    }

    fn lease<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Box<dyn Lease>, Error>> {
        Box::pin(self.locks.lease(Name::of(key)))
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
