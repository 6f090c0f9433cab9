//! Tokens in files that only their owner can read.

mod access;
mod directory;
mod lease;
mod lock;
mod name;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auth_core::{BoxFuture, Error, ErrorKind, Lease, SaveOutcome, StoreKey, Token, TokenStore};
use etcetera::{BaseStrategy as _, HomeDirError};

use crate::cipher::Cipher;
use crate::record;
use directory::Directory;
use lease::FileLease;
use lock::Lock;
use name::Name;

/// How long a session waits for the lease unless [`FileStore::lease_wait`] says otherwise.
pub const DEFAULT_LEASE_WAIT: Duration = Duration::from_secs(30);

/// Writing one small file takes milliseconds, and a busy disk makes it a second.
const WRITE_WAIT: Duration = Duration::from_secs(10);

/// The directory within the user's own.
const DIRECTORY: &str = "auth-store";

/// A directory with one file for each key, for all processes of one user on one machine.
///
/// The directory is made with mode 0700 and a file with 0600 before the secret is in it; a
/// directory or file of somebody else's, or that others may read, is refused. A file is written
/// beside its place, synced, and moved there: whoever reads it sees the earlier token or the later
/// one. What is torn, or was written by others, is reported and kept until
/// [`delete`](TokenStore::delete).
///
/// The lease is a lock on a file beside the record: when its holder dies, the system frees it.
/// A lease that was dropped without [`release`](Lease::release) counts as
/// [abandoned](Lease::was_abandoned), too.
///
/// On a system other than Unix there are no modes to check, and a directory is not synced: the
/// user's profile has to keep others out.
///
/// Source: ours.
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
    directory: Arc<Path>,
    cipher: Option<Arc<Cipher>>,
    lease_wait: Duration,
    /// Whether this handle has looked for what dead processes left behind.
    is_swept: Arc<AtomicBool>,
}

impl FileStore {
    /// A store in the user's own directory for state: `$XDG_STATE_HOME/auth-store`, else
    /// `~/.local/state/auth-store`; on Windows `%LOCALAPPDATA%\auth-store`.
    ///
    /// Nothing is made before something is saved.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the user has no home directory: name one with
    /// [`FileStore::at`].
    // The one place beside the command line and the examples whose purpose it is to ask the
    // environment; by a crate that knows the systems' rules.
    pub fn in_state_directory() -> Result<Self, Error> {
        let state = state_directory().map_err(|error| {
            let message = "there is no home directory to keep tokens in; name a directory";
            Error::new(ErrorKind::InvalidConfig, message).with_source(error)
        })?;
        Ok(Self::at(state.join(DIRECTORY)))
    }

    /// A store in the directory `path`, which is made with the first token. No other program's
    /// files should be in it.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        // The program may go to another directory later.
        let path = std::path::absolute(&path).unwrap_or(path);
        Self {
            directory: path.into(),
            cipher: None,
            lease_wait: DEFAULT_LEASE_WAIT,
            is_swept: Arc::default(),
        }
    }

    /// Seals what is saved with `key`. What was saved without a key before is refused: delete it,
    /// and log in again.
    #[cfg(feature = "encryption")]
    pub fn encrypt_with(mut self, key: crate::EncryptionKey) -> Self {
        self.cipher = Some(Arc::new(key));
        self
    }

    /// Changes how long a session waits while another one renews;
    /// [`DEFAULT_LEASE_WAIT`] otherwise.
    pub fn lease_wait(mut self, wait: Duration) -> Self {
        self.lease_wait = wait;
        self
    }

    /// The directory in which the files are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn place(&self) -> Directory {
        Directory::at(Arc::clone(&self.directory))
    }

    /// The right to write the record called `name`, for a moment.
    async fn write_lock(&self, name: &Name) -> Result<Lock, Error> {
        let directory = self.place();
        let is_swept = Arc::clone(&self.is_swept);
        blocking(move || {
            directory.make()?;
            if !is_swept.swap(true, Ordering::Relaxed) {
                // What cannot be taken away is in nobody's way.
                let _ = directory.sweep();
            }
            Ok(())
        })
        .await?;
        let path = self.directory.join(name.write_lock());
        lock::wait(path, WRITE_WAIT).await?.map_err(|busy| {
            let message = format!(
                "{}: locked by a program that does not finish writing for {WRITE_WAIT:?}",
                busy.display()
            );
            Error::new(ErrorKind::Store, message)
        })
    }
}

/// For a store that keeps its tokens elsewhere, where there are no locks.
#[cfg(feature = "keyring")]
impl FileStore {
    /// Keeps others from writing the token of `key` until what is returned is dropped.
    pub(crate) async fn lock_out(&self, key: &StoreKey) -> Result<impl Send + use<>, Error> {
        self.write_lock(&Name::of(key)).await
    }

    /// What the token of `key` is called.
    pub(crate) fn name_of(key: &StoreKey) -> String {
        Name::of(key).into_text()
    }

    /// Whether a token may be called that.
    pub(crate) fn is_name(text: &str) -> bool {
        Name::is(text)
    }
}

#[cfg(not(windows))]
fn state_directory() -> Result<PathBuf, HomeDirError> {
    let known = etcetera::base_strategy::Xdg::new()?;
    Ok(known.state_dir().unwrap_or_else(|| known.data_dir()))
}

#[cfg(windows)]
fn state_directory() -> Result<PathBuf, HomeDirError> {
    // Not the roaming profile: a token belongs to this machine.
    Ok(etcetera::base_strategy::Windows::new()?.cache_dir())
}

impl TokenStore for FileStore {
    fn load<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Option<Token>, Error>> {
        let (directory, cipher, key) = (self.place(), self.cipher.clone(), key.clone());
        Box::pin(blocking(move || load(&directory, &key, cipher.as_deref())))
    }

    fn save<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<SaveOutcome, Error>> {
        Box::pin(async move {
            let name = Name::of(key);
            let lock = self.write_lock(&name).await?;
            let (directory, cipher) = (self.place(), self.cipher.clone());
            let (key, token) = (key.clone(), token.clone());
            blocking(move || {
                let _lock = lock;
                // What cannot be read may be worth more than what is saved.
                let stored = load(&directory, &key, cipher.as_deref())?;
                if stored.is_some_and(|stored| token.is_superseded_by(&stored)) {
                    return Ok(SaveOutcome::Superseded);
                }
                let record = record::encode(&key, &token, cipher.as_deref())?;
                directory.write(&name, &record)?;
                Ok(SaveOutcome::Saved)
            })
            .await
        })
    }

    fn delete<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let directory = self.place();
            if !blocking(move || directory.check()).await? {
                return Ok(());
            }
            let name = Name::of(key);
            let lock = self.write_lock(&name).await?;
            let directory = self.place();
            blocking(move || {
                let _lock = lock;
                directory.delete(&name)
            })
            .await
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<StoreKey>, Error>> {
        let directory = self.place();
        Box::pin(blocking(move || {
            let mut keys = Vec::new();
            for name in directory.names()? {
                let path = directory.path(&name.record());
                // Deleted meanwhile, if it is not there.
                let Some(bytes) = access::read(&path)? else {
                    continue;
                };
                let (key, _) = record::peek(&bytes).map_err(|error| at(&path, &error))?;
                if Name::of(&key) != name {
                    return Err(at(&path, "this is the record of another key"));
                }
                keys.push(key);
            }
            keys.sort();
            Ok(keys)
        }))
    }

    fn lease<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Box<dyn Lease>, Error>> {
        Box::pin(async move {
            let directory = self.place();
            let lease = FileLease::wait(directory, Name::of(key), self.lease_wait).await?;
            Ok(Box::new(lease) as Box<dyn Lease>)
        })
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("directory", &self.directory)
            .field("is_encrypted", &self.cipher.is_some())
            .field("lease_wait", &self.lease_wait)
            .finish_non_exhaustive()
    }
}

fn load(
    directory: &Directory,
    key: &StoreKey,
    cipher: Option<&Cipher>,
) -> Result<Option<Token>, Error> {
    if !directory.check()? {
        return Ok(None);
    }
    let path = directory.path(&Name::of(key).record());
    let Some(bytes) = access::read(&path)? else {
        return Ok(None);
    };
    let token = record::decode(key, &bytes, cipher).map_err(|error| at(&path, &error))?;
    Ok(Some(token))
}

/// Runs `work` where it may wait for the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        let message = "the runtime ended while a token file was read or written";
        Err(Error::new(ErrorKind::Store, message))
    })
}

/// An error about the file or directory `path`.
fn at(path: &Path, what: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Store, format!("{}: {what}", path.display()))
}

/// What the system said when it was asked to `what` the file or directory `path`.
fn failed(path: &Path, what: &str, error: std::io::Error) -> Error {
    at(path, format_args!("cannot {what}: {error}")).with_source(error)
}
