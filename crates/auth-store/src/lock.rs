//! Locks between processes, as files in a directory. The system frees them when their holder dies.

mod file_lock;
mod lease;

use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use auth_core::{Error, Lease};

use crate::disk::{at, blocking, make_directory};
use crate::name::Name;
use crate::per_process::PerProcess;
use crate::thread::Thread;
use file_lock::Attempt;
use lease::FileLease;

pub(crate) use file_lock::FileLock;

/// How long a session waits for the lease unless [`FileStore::lease_wait`] says otherwise.
///
/// [`FileStore::lease_wait`]: crate::FileStore::lease_wait
pub const DEFAULT_LEASE_WAIT: Duration = Duration::from_secs(30);

/// Writing one small file takes milliseconds, or a second on a busy disk.
const WRITE_WAIT: Duration = Duration::from_secs(10);

/// The thread's name, as a debugger shows it (Linux keeps 15 characters).
const THREAD_NAME: &str = "auth-file";

/// The locks of one directory, and how long to wait for a lease.
///
/// Each key has a lease for the length of a renewal, and a write lock for a moment.
#[derive(Clone)]
pub(crate) struct Locks {
    pub(crate) directory: Arc<Path>,
    pub(crate) lease_wait: Duration,
    thread: Arc<PerProcess<Thread>>,
}

impl Locks {
    pub(crate) fn at(path: PathBuf) -> Self {
        // The program may change its working directory later.
        let path = std::path::absolute(&path).unwrap_or(path);
        Self {
            directory: path.into(),
            lease_wait: DEFAULT_LEASE_WAIT,
            thread: Arc::default(),
        }
    }

    /// Runs `task` on the thread of these locks, until it ends or the caller is dropped. It starts with
    /// the first one: the caller may have no runtime, or one without timers or with a paused clock.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        task: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        self.thread()?.run_while_awaited(task).await
    }

    fn thread(&self) -> Result<Thread, Error> {
        self.thread.get(|| Thread::start(THREAD_NAME))
    }

    /// Keeps others from writing the record called `name`, until what is returned is dropped. Call it
    /// [on the thread](Self::run).
    pub(crate) async fn write(&self, name: &Name) -> Result<FileLock, Error> {
        let directory = Arc::clone(&self.directory);
        blocking(move || make_directory(&directory)).await?;
        let path = self.directory.join(name.write_lock());
        file_lock::wait(path, WRITE_WAIT).await?.map_err(|busy| {
            let message = "locked by a program that does not finish writing for";
            at(&busy, format_args!("{message} {WRITE_WAIT:?}"))
        })
    }

    /// As [`write`](Self::write), without waiting: `None` if another process is writing. Blocks.
    pub(crate) fn try_write(&self, name: &Name) -> Result<Option<FileLock>, Error> {
        let path = self.directory.join(name.write_lock());
        Ok(match file_lock::attempt(&path, None)? {
            Attempt::Locked(lock) => Some(lock),
            Attempt::Busy(_) => None,
        })
    }

    /// Waits until no other session renews the token of the key called `name`.
    pub(crate) async fn lease(&self, name: Name) -> Result<Box<dyn Lease>, Error> {
        let thread = self.thread()?;
        let directory = Arc::clone(&self.directory);
        let waiting = FileLease::wait(thread.clone(), directory, name, self.lease_wait);
        let lease = thread.run_while_awaited(waiting).await?;
        Ok(Box::new(lease.given()))
    }
}

impl fmt::Debug for Locks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locks")
            .field("directory", &self.directory)
            .field("lease_wait", &self.lease_wait)
            .finish_non_exhaustive()
    }
}
