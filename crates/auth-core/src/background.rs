//! The thread on which renewals run, for as long as there are any.
//!
//! Not the caller's runtime: a renewal must finish when its caller is gone, and a runtime may be
//! shut down, or be a current-thread one that is not driven any more, while the vendor has already
//! rotated the refresh token. One thread serves all sessions of the process; it starts with the
//! first task and ends with the last.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tracing::instrument::WithSubscriber as _;

use crate::{Error, ErrorKind};

/// The thread's name, as a debugger shows it (Linux keeps 15 characters).
pub(crate) const THREAD_NAME: &str = "auth-renewal";

struct Worker {
    handle: Handle,
    tasks: usize,
    // Dropping it ends the thread.
    _stop: oneshot::Sender<()>,
}

static WORKER: Mutex<Option<Worker>> = Mutex::new(None);

fn worker() -> MutexGuard<'static, Option<Worker>> {
    WORKER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts a task for as long as it exists, finished or aborted.
struct Counted;

impl Drop for Counted {
    fn drop(&mut self) {
        let mut slot = worker();
        if let Some(worker) = slot.as_mut() {
            worker.tasks -= 1;
            if worker.tasks == 0 {
                *slot = None;
            }
        }
    }
}

/// Runs `task` to its end, whatever becomes of the caller.
///
/// # Errors
///
/// [`ErrorKind::Unavailable`] if the system gives no thread.
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Result<AbortHandle, Error> {
    let mut slot = worker();
    let mut started = match slot.take() {
        Some(running) => running,
        None => start().map_err(|error| {
            Error::new(
                ErrorKind::Unavailable,
                "no thread could be started for the renewal",
            )
            .with_source(error)
        })?,
    };
    started.tasks += 1;
    let counted = Counted;
    let handle = started.handle.clone();
    *slot = Some(started);
    drop(slot);
    let task = async move {
        let _counted = counted;
        task.await;
    };
    // A subscriber that is set for a thread only would not see the renewal otherwise.
    Ok(handle.spawn(task.with_current_subscriber()).abort_handle())
}

/// As [`spawn`], for a caller who wants the outcome.
pub(crate) async fn run<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
) -> Result<T, Error> {
    let (tell, told) = oneshot::channel();
    spawn(async move {
        // The caller may have been dropped.
        let _ = tell.send(task.await);
    })?;
    told.await.map_err(|_| lost())
}

/// For the case that a task panics.
pub(crate) fn lost() -> Error {
    Error::new(ErrorKind::Unavailable, "a task of the session broke off")
}

fn start() -> std::io::Result<Worker> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let (stop, stopped) = oneshot::channel::<()>();
    std::thread::Builder::new()
        .name(THREAD_NAME.to_owned())
        .spawn(move || {
            let _ = runtime.block_on(stopped);
            // A look-up of a host name may still block one of the runtime's threads: do not wait.
            runtime.shutdown_background();
        })?;
    Ok(Worker {
        handle,
        tasks: 0,
        _stop: stop,
    })
}
