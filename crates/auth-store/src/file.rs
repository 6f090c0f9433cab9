//! Tokens in files that only their owner can read.

mod records;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auth_core::{BoxFuture, Error, ErrorKind, Lease, SaveOutcome, StoreKey, Token, TokenStore};
use etcetera::{BaseStrategy as _, HomeDirError};

use crate::cipher::Cipher;
use crate::disk::blocking;
use crate::lock::{FileLock, Locks};
use crate::name::Name;
use records::Records;

/// The directory within the user's state directory.
const DIRECTORY: &str = "auth-store";

/// A store with one file for each key, for all processes of one user on one machine.
///
/// The directory has mode 0700 and each file mode 0600 before a secret is written. A directory or
/// file that belongs to another user, or that others have rights to, is refused. So is a file with a
/// second name (a hard link), and a directory that another user could replace: one that owns or can
/// write a directory above it, unless that one is sticky, as `/tmp` is.
///
/// A token is written to a second file, synced, and moved into place. A reader sees either the
/// earlier token or the later one. A record that another program, another encryption key or a later
/// version wrote is an error. It is kept until [`delete`](TokenStore::delete). A record that is no JSON
/// (empty, filled with zeros, cut off) is taken for none, with a warning in the log, and the next save
/// keeps it aside with the ending `.damaged`.
///
/// The lease is a lock on a file beside the record. The system frees it when its holder dies. A
/// lease that was dropped without [`release`](Lease::release) counts as
/// [abandoned](Lease::was_abandoned), too.
///
/// It can be called on any runtime and on none. A cheap clone; clones share a thread, which starts
/// with the first call. In a child process made by `fork()` the store starts a thread of its own, and
/// a lease of the parent stays the parent's.
///
/// On systems other than Unix there are no modes to check, and directories are not synced. There,
/// keep the directory in the user's profile.
///
/// # Example
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), auth_core::Error> {
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("tokens");
/// use auth_core::{StoreKey, TokenStore as _};
/// use auth_store::FileStore;
///
/// let store = FileStore::at(path);
/// let key = StoreKey {
///     vendor: "iqm".into(),
///     account: "user1@iqm.com".into(),
///     scope: String::new(),
///     base_url: "https://api.iqm.com/".into(),
/// };
/// assert!(store.load(&key).await?.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FileStore {
    locks: Locks,
    cipher: Option<Arc<Cipher>>,
    /// Whether this handle has deleted the unfinished files of dead processes.
    is_swept: Arc<AtomicBool>,
}

impl FileStore {
    /// Opens the store in the user's state directory.
    ///
    /// That is `$XDG_STATE_HOME/auth-store`, or `~/.local/state/auth-store` if the variable is not
    /// set. On Windows it is `%LOCALAPPDATA%\auth-store`. The directory is made when the first token
    /// is saved.
    ///
    /// Source: XDG Base Directory Specification, *Environment variables*.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the user has no home directory: choose a directory with
    /// [`FileStore::at`].
    ///
    /// # Example
    ///
    /// ```
    /// # fn main() -> Result<(), auth_core::Error> {
    /// use auth_store::FileStore;
    ///
    /// let store = FileStore::in_state_directory()?;
    /// assert!(store.directory().ends_with("auth-store"));
    /// # Ok(())
    /// # }
    /// ```
    // Decision: the one place in the libraries that reads the environment, because that is what it is
    // for. `etcetera` knows the rules of each system.
    pub fn in_state_directory() -> Result<Self, Error> {
        let state = state_directory().map_err(|error| {
            let message = "there is no home directory to keep tokens in: choose a directory";
            Error::new(ErrorKind::InvalidConfig, message).with_source(error)
        })?;
        Ok(Self::at(state.join(DIRECTORY)))
    }

    /// Opens the store in the directory `path`, which is made when the first token is saved.
    ///
    /// Do not keep files of other programs in it.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            locks: Locks::at(path.into()),
            cipher: None,
            is_swept: Arc::default(),
        }
    }

    /// Encrypts what is saved with `key`. A record that was saved without a key is refused: delete
    /// it, and log in again.
    #[cfg(feature = "encryption")]
    pub fn encrypt_with(mut self, key: crate::cipher::EncryptionKey) -> Self {
        self.cipher = Some(Arc::new(key));
        self
    }

    /// Changes how long a session waits while another one renews. The default is
    /// [`DEFAULT_LEASE_WAIT`](crate::DEFAULT_LEASE_WAIT).
    pub fn lease_wait(mut self, wait: Duration) -> Self {
        self.locks.lease_wait = wait;
        self
    }

    /// The directory of the files.
    pub fn directory(&self) -> &Path {
        &self.locks.directory
    }

    fn records(&self) -> Records {
        Records::new(Arc::clone(&self.locks.directory), self.cipher.clone())
    }

    /// The right to write the record called `name`, for a moment. Call it on the thread.
    async fn write_lock(&self, name: &Name) -> Result<FileLock, Error> {
        if !self.is_swept.swap(true, Ordering::Relaxed) {
            let (records, locks) = (self.records(), self.locks.clone());
            // A file that cannot be deleted does no harm.
            let _ = blocking(move || records.sweep(&locks)).await;
        }
        self.locks.write(name).await
    }

    async fn save_here(self, key: StoreKey, token: Token) -> Result<SaveOutcome, Error> {
        let lock = self.write_lock(&Name::of(&key)).await?;
        blocking(move || {
            let _lock = lock;
            self.records().save(&key, &token)
        })
        .await
    }

    async fn delete_here(self, name: Name) -> Result<(), Error> {
        let records = self.records();
        if !blocking(move || records.exist()).await? {
            return Ok(());
        }
        let lock = self.write_lock(&name).await?;
        blocking(move || {
            let _lock = lock;
            self.records().delete(&name)
        })
        .await
    }
}

#[cfg(not(windows))]
fn state_directory() -> Result<PathBuf, HomeDirError> {
    let known = etcetera::base_strategy::Xdg::new()?;
    Ok(known.state_dir().unwrap_or_else(|| known.data_dir()))
}

#[cfg(windows)]
fn state_directory() -> Result<PathBuf, HomeDirError> {
    // Not in the roaming profile, because a token belongs to this machine.
    Ok(etcetera::base_strategy::Windows::new()?.cache_dir())
}

impl TokenStore for FileStore {
    fn load<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Option<Token>, Error>> {
        let (records, key) = (self.records(), key.clone());
        Box::pin(self.locks.run(blocking(move || records.load(&key))))
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
        let deleted = self.clone().delete_here(Name::of(key));
        Box::pin(self.locks.run(deleted))
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<StoreKey>, Error>> {
        let records = self.records();
        Box::pin(self.locks.run(blocking(move || records.list())))
    }

    fn lease<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Box<dyn Lease>, Error>> {
        Box::pin(self.locks.lease(Name::of(key)))
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("directory", &self.locks.directory)
            .field("is_encrypted", &self.cipher.is_some())
            .field("lease_wait", &self.locks.lease_wait)
            .finish_non_exhaustive()
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
