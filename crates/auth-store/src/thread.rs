//! A thread with a runtime, for as long as a handle exists.
//!
//! A store is called from any runtime, from one that ends soon after, and from none at all. All that
//! outlives a call (a connection, the extension of a lease, a subscription) or needs a timer therefore
//! runs here. In a child made by `fork()` the thread does not exist, and each call is an error at once.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use auth_core::Error;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tracing::instrument::WithSubscriber as _;

use crate::error::store_error;

/// A handle. The thread ends with the last one.
#[derive(Clone)]
pub(crate) struct Thread(Arc<Running>);

/// Ends without waiting for a blocking call, wherever it is dropped: if the thread does not start,
/// that is inside the caller's runtime, which forbids waiting.
struct Quiet(Option<Runtime>);

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

struct Running {
    process: u32,
    handle: Handle,
    // Dropping it ends the thread.
    _stop: oneshot::Sender<()>,
}

impl Thread {
    /// Starts a thread of that name (Linux shows 15 characters).
    pub(crate) fn start(name: &str) -> Result<Self, Error> {
        Self::try_start(name).map_err(|error| {
            store_error("no thread could be started for the token store").with_source(error)
        })
    }

    fn try_start(name: &str) -> std::io::Result<Self> {
        Self::start_on(std::thread::Builder::new().name(name.to_owned()))
    }

    fn start_on(thread: std::thread::Builder) -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let runtime = Quiet(Some(runtime));
        let (stop, stopped) = oneshot::channel::<()>();
        thread.spawn(move || {
            if let Quiet(Some(runtime)) = &runtime {
                let _ = runtime.block_on(stopped);
            }
        })?;
        Ok(Self(Arc::new(Running {
            process: std::process::id(),
            handle,
            _stop: stop,
        })))
    }

    /// Whether the thread is one of this process, and not of the one from which it was forked.
    pub(crate) fn is_here(&self) -> bool {
        self.0.process == std::process::id()
    }

    /// As [`is_here`](Self::is_here), as an error.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.is_here() {
            return Ok(());
        }
        Err(store_error(
            "this belongs to the process from which this one was forked: only that one can use it",
        ))
    }

    /// Runs `task` until it ends or the thread ends. It must not hold a handle.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let task = task.with_current_subscriber();
        self.0.handle.spawn(task).abort_handle()
    }

    /// Runs `task` to its end. The thread stays until then.
    pub(crate) fn spawn_to_its_end(&self, task: impl Future<Output = ()> + Send + 'static) {
        let thread = self.clone();
        self.spawn(async move {
            task.await;
            drop(thread);
        });
    }

    /// Runs `task` to its end, even if the caller is dropped.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        task: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        self.check()?;
        let (sender, receiver) = oneshot::channel();
        self.spawn_to_its_end(async move {
            // It fails if the caller was dropped.
            let _ = sender.send(task.await);
        });
        receiver.await.unwrap_or_else(|_| Err(interrupted()))
    }

    /// Runs `task` to its end, or until the caller is dropped.
    pub(crate) async fn run_while_awaited<T: Send + 'static>(
        &self,
        task: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        self.check()?;
        let (mut sender, receiver) = oneshot::channel();
        self.spawn_to_its_end(async move {
            let mut task = pin!(task);
            let ended = poll_fn(|context| match sender.poll_closed(context) {
                Poll::Ready(()) => Poll::Ready(None),
                Poll::Pending => task.as_mut().poll(context).map(Some),
            });
            if let Some(outcome) = ended.await {
                let _ = sender.send(outcome);
            }
        });
        receiver.await.unwrap_or_else(|_| Err(interrupted()))
    }
}

/// For a task that panicked.
fn interrupted() -> Error {
    store_error("a task of the token store was interrupted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_thread_that_the_system_does_not_give_is_an_error_inside_a_runtime_too() {
        let impossible = std::thread::Builder::new().stack_size(usize::MAX / 2);
        assert!(Thread::start_on(impossible).is_err());
    }
}
