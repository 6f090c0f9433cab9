//! Calls to the keyring. They block, and each is bounded in time.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use auth_core::Error;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::platform::Platform;
use super::problem::{Problem, explain, timed_out};
use crate::error::store_error;
use crate::thread::Thread;

/// How long one call waits for the keyring.
pub(super) const TIMEOUT: Duration = Duration::from_secs(3);

/// The thread's name, as a debugger shows it (Linux keeps 15 characters).
const THREAD_NAME: &str = "auth-keyring";

/// The process that used the keyring's library first, or 0. The library has threads that no child made
/// by `fork()` has, and starts them once only: a call in the child would hang.
static FIRST_USE: AtomicU32 = AtomicU32::new(0);

/// The keyring, and the thread on which calls wait for it.
///
/// They do not wait on the caller's runtime, which could not end while a call hangs.
#[derive(Clone)]
pub(super) struct Backend {
    thread: Thread,
    connection: Arc<Connection>,
}

/// The connection that is in use, if any.
struct Connection {
    process: u32,
    platform: Mutex<Option<Arc<Platform>>>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            // Closing it in a child made by `fork()` would cut off the parent.
            let platform = self.platform.get_mut();
            std::mem::forget(platform.unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}

impl Backend {
    pub(super) fn start() -> Result<Self, Error> {
        Ok(Self {
            thread: Thread::start(THREAD_NAME)?,
            connection: Arc::new(Connection {
                process: std::process::id(),
                platform: Mutex::default(),
            }),
        })
    }

    /// Does `work` if the keyring is unlocked. It is done twice if the keyring was restarted.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        work: impl Fn(&Platform) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Error> {
        if !self.thread.is_here() {
            return Err(explain(Problem::Forked));
        }
        let connection = Arc::clone(&self.connection);
        let task = async move {
            let job = {
                let connection = Arc::clone(&connection);
                spawn_blocking(move || connection.work(&work))
            };
            match timeout(TIMEOUT, job).await {
                Ok(Ok(outcome)) => outcome.map_err(explain),
                Ok(Err(_)) => Err(store_error(
                    "a call of the keyring's library was interrupted",
                )),
                Err(_) => {
                    // The call may hang forever, and no other call must wait behind it.
                    connection.discard();
                    Err(timed_out(TIMEOUT))
                }
            }
        };
        self.thread.run(task).await
    }
}

impl Connection {
    fn work<T>(&self, work: &impl Fn(&Platform) -> Result<T, Problem>) -> Result<T, Problem> {
        let once = || {
            let platform = self.get()?;
            platform.check()?;
            work(&platform)
        };
        match once() {
            Err(Problem::Broken) => {
                // A keyring that was restarted has forgotten this connection.
                self.discard();
                once()
            }
            outcome => outcome,
        }
        .inspect_err(|_| self.discard())
    }

    fn get(&self) -> Result<Arc<Platform>, Problem> {
        if let Some(platform) = &*self.slot() {
            return Ok(Arc::clone(platform));
        }
        let process = std::process::id();
        let first = FIRST_USE.compare_exchange(0, process, Relaxed, Relaxed);
        if first.is_err_and(|first| first != process) {
            return Err(Problem::Forked);
        }
        // Not under the lock, because it may take long.
        let platform = Arc::new(Platform::connect()?);
        *self.slot() = Some(Arc::clone(&platform));
        Ok(platform)
    }

    fn discard(&self) {
        let discarded = self.slot().take();
        // Not under the lock.
        drop(discarded);
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Arc<Platform>>> {
        self.platform.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
