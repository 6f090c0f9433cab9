//! A thread with a runtime of its own, for as long as anybody needs it.
//!
//! A store is called from whatever runtime there is, from one that ends soon after, and from none at
//! all. What outlives a call (a connection, the extension of a lease, a subscription) and what needs
//! a timer therefore lives here.

use std::future::Future;
use std::sync::Arc;

use auth_core::{Error, ErrorKind};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tracing::instrument::WithSubscriber as _;

/// A handle; the thread ends with the last one.
#[derive(Clone)]
pub(crate) struct Thread(Arc<Running>);

struct Running {
    handle: Handle,
    // Dropping it ends the thread.
    _stop: oneshot::Sender<()>,
}

impl Thread {
    /// Starts a thread of that name (Linux shows 15 characters).
    pub(crate) fn start(name: &str) -> Result<Self, Error> {
        Self::try_start(name).map_err(|error| {
            let message = "no thread could be started for the token store";
            Error::new(ErrorKind::Store, message).with_source(error)
        })
    }

    fn try_start(name: &str) -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let _ = runtime.block_on(stopped);
                // A blocking call may still be under way: do not wait for it.
                runtime.shutdown_background();
            })?;
        Ok(Self(Arc::new(Running {
            handle,
            _stop: stop,
        })))
    }

    /// Runs `task` until it ends, or the thread does: it must not hold a handle.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let task = task.with_current_subscriber();
        self.0.handle.spawn(task).abort_handle()
    }

    /// Runs `task` to its end; the thread stays until then.
    pub(crate) fn spawn_to_its_end(&self, task: impl Future<Output = ()> + Send + 'static) {
        let thread = self.clone();
        self.spawn(async move {
            task.await;
            drop(thread);
        });
    }

    /// Runs `task` to its end, whatever becomes of the caller.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Error> {
        let (tell, told) = oneshot::channel();
        self.spawn_to_its_end(async move {
            // Nobody listens if the caller was dropped.
            let _ = tell.send(task.await);
        });
        told.await.map_err(|_| broken_off())
    }

    /// Runs `task` to its end, or until the caller is dropped.
    #[cfg(feature = "redis")]
    pub(crate) async fn run_while_awaited<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Error> {
        let (mut tell, told) = oneshot::channel();
        self.spawn_to_its_end(async move {
            tokio::select! {
                biased;
                () = tell.closed() => {}
                outcome = task => {
                    let _ = tell.send(outcome);
                }
            }
        });
        told.await.map_err(|_| broken_off())
    }
}

/// For the case that a task panics.
fn broken_off() -> Error {
    Error::new(ErrorKind::Store, "a task of the token store broke off")
}
