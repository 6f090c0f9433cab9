//! Calls to the keyring: they block, and each ends in time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use auth_core::Error;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::platform::Platform;
use super::problem::{Problem, explain, fault, silence};
use crate::thread::Thread;

/// How long one call waits for the keyring.
pub(super) const TIMEOUT: Duration = Duration::from_secs(3);

/// The thread's name, as a debugger shows it (Linux keeps 15 characters).
const THREAD_NAME: &str = "auth-keyring";

/// The keyring, and the thread on which calls wait for it. Not the caller's runtime: that could
/// not end before a call does that hangs.
#[derive(Clone)]
pub(super) struct Backend {
    thread: Thread,
    connection: Arc<Connection>,
}

/// The connection that is in use, if any.
#[derive(Default)]
struct Connection(Mutex<Option<Arc<Platform>>>);

impl Backend {
    pub(super) fn start() -> Result<Self, Error> {
        Ok(Self {
            thread: Thread::start(THREAD_NAME)?,
            connection: Arc::default(),
        })
    }

    /// Does `work` if the keyring is unlocked. It may be done twice, if the keyring was restarted.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        work: impl Fn(&Platform) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Error> {
        let connection = Arc::clone(&self.connection);
        let task = async move {
            let job = {
                let connection = Arc::clone(&connection);
                spawn_blocking(move || connection.work(&work))
            };
            match timeout(TIMEOUT, job).await {
                Ok(Ok(outcome)) => outcome.map_err(explain),
                Ok(Err(_)) => Err(fault("a call of the keyring's library broke off")),
                Err(_) => {
                    // The call may go on for ever, and nobody must wait behind it.
                    connection.give_up();
                    Err(silence(TIMEOUT))
                }
            }
        };
        self.thread.run(task).await?
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
                // It was restarted, perhaps, and has forgotten us.
                self.give_up();
                once()
            }
            outcome => outcome,
        }
        .inspect_err(|_| self.give_up())
    }

    fn get(&self) -> Result<Arc<Platform>, Problem> {
        if let Some(platform) = &*self.slot() {
            return Ok(Arc::clone(platform));
        }
        // Not under the lock: it may take long.
        let platform = Arc::new(Platform::connect()?);
        *self.slot() = Some(Arc::clone(&platform));
        Ok(platform)
    }

    fn give_up(&self) {
        let given_up = self.slot().take();
        // Not under the lock either.
        drop(given_up);
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Arc<Platform>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
