//! The thread on which renewals and calls run, while there are any and for a second after that.
//!
//! Not the caller's runtime: a renewal must finish when its caller is gone, and a runtime may be
//! shut down, or be a current-thread one that is not driven any more, while the vendor has already
//! rotated the refresh token. One thread serves all sessions of the process. It starts with the
//! first task and ends [`LINGER`] after the last one, so that a fleet's log-ins do not start a thread each.
//! While it waits it holds no lock, and no process waits for it.
//!
//! A child process made by `fork()` inherits this module's memory, and no thread. It starts a thread of
//! its own when it needs one. What ran on its parent's thread does not run in it.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;
use tracing::dispatcher;
use tracing::subscriber::NoSubscriber;

use crate::{Error, ErrorKind};

/// The thread's name, as a debugger shows it (Linux keeps 15 characters).
pub(crate) const THREAD_NAME: &str = "auth-renewal";

/// How long the thread waits for another task before it ends.
const LINGER: Duration = Duration::from_secs(1);

struct Worker {
    handle: Handle,
    /// How many tasks there are.
    tasks: usize,
    /// How many there have been.
    begun: u64,
    /// Told when there are none.
    idle: Arc<Notify>,
}

thread_local! {
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
}

/// The thread of one process, if it runs.
struct Record {
    process: u32,
    worker: Mutex<Option<Worker>>,
}

impl Record {
    fn worker(&self) -> MutexGuard<'_, Option<Worker>> {
        self.worker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns once the thread has had nothing to do for a while. A later task starts another one.
    async fn until_idle(&self, idle: &Notify) {
        loop {
            // Told as well if it became idle before this waits.
            idle.notified().await;
            let begun = self.worker().as_ref().map(|worker| worker.begun);
            tokio::time::sleep(LINGER).await;
            let mut slot = self.worker();
            let is_idle = |worker: &Worker| worker.tasks == 0 && Some(worker.begun) == begun;
            if slot.as_ref().is_none_or(is_idle) {
                *slot = None;
                return;
            }
        }
    }
}

static RECORD: ArcSwapOption<Record> = ArcSwapOption::const_empty();

/// The record of this process.
///
/// One that was inherited is left as it is: its lock may be held by a thread that does not exist here,
/// and dropping its runtime's handle would touch what is shared with the parent.
fn record() -> Arc<Record> {
    let process = std::process::id();
    let is_of_this = |record: &Arc<Record>| record.process == process;
    loop {
        let present = RECORD.load_full();
        if let Some(record) = present.filter(is_of_this) {
            return record;
        }
        let inherited = RECORD.rcu(|present| match present {
            Some(record) if is_of_this(record) => Some(Arc::clone(record)),
            _ => Some(Arc::new(Record {
                process,
                worker: Mutex::new(None),
            })),
        });
        if let Some(inherited) = inherited.filter(|it| !is_of_this(it)) {
            std::mem::forget(inherited);
        }
    }
}

/// Whether the calling thread is the one of renewals, or a test's in its place: nothing may block it.
pub(crate) fn is_on_its_thread() -> bool {
    #[cfg(test)]
    if crate::simulation::runtime().is_some() {
        return true;
    }
    IS_WORKER.get()
}

/// Counts a task for as long as it exists, finished or aborted.
struct Counted(Arc<Record>);

impl Drop for Counted {
    fn drop(&mut self) {
        let mut slot = self.0.worker();
        if let Some(worker) = slot.as_mut() {
            worker.tasks -= 1;
            if worker.tasks == 0 {
                worker.idle.notify_one();
            }
        }
    }
}

/// A place on the thread, which runs for as long as it is held.
pub(crate) struct Place {
    handle: Handle,
    /// `None` only where a test has renewals run on its own runtime.
    counted: Option<Counted>,
}

/// Starts the thread, if it does not run.
///
/// # Errors
///
/// [`ErrorKind::Unavailable`] if the system gives no thread.
pub(crate) fn reserve() -> Result<Place, Error> {
    #[cfg(test)]
    if let Some(handle) = crate::simulation::runtime() {
        let counted = None;
        return Ok(Place { handle, counted });
    }
    #[cfg(test)]
    if crate::simulation::has_no_threads() {
        return Err(not_started(std::io::Error::other("as the test asked")));
    }
    let record = record();
    let mut slot = record.worker();
    let mut started = match slot.take() {
        Some(running) => running,
        None => start(&record).map_err(not_started)?,
    };
    started.tasks += 1;
    started.begun += 1;
    let handle = started.handle.clone();
    *slot = Some(started);
    drop(slot);
    Ok(Place {
        handle,
        counted: Some(Counted(record)),
    })
}

fn not_started(error: std::io::Error) -> Error {
    let message = "no thread could be started for the renewal";
    Error::new(ErrorKind::Unavailable, message).with_source(error)
}

impl Place {
    /// Runs `task` to its end, whatever becomes of the caller.
    pub(crate) fn spawn(self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let Self { handle, counted } = self;
        // A subscriber that is set for a thread only would not see the renewal otherwise.
        let subscriber = dispatcher::get_default(|subscriber| {
            let is_one = !subscriber.is::<NoSubscriber>();
            is_one.then(|| subscriber.clone())
        });
        let task = async move {
            let _counted = counted;
            let mut task = pin!(task);
            let polled = poll_fn(|context| match &subscriber {
                Some(it) => dispatcher::with_default(it, || task.as_mut().poll(context)),
                None => task.as_mut().poll(context),
            });
            polled.await;
        };
        handle.spawn(task).abort_handle()
    }
}

/// As [`Place::spawn`], for a caller without a place.
///
/// # Errors
///
/// As [`reserve`].
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Result<AbortHandle, Error> {
    Ok(reserve()?.spawn(task))
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

/// As [`run`], until the caller is dropped.
pub(crate) async fn run_while_awaited<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
) -> Result<T, Error> {
    struct Aborted(AbortHandle);
    impl Drop for Aborted {
        fn drop(&mut self) {
            self.0.abort();
        }
    }
    if IS_WORKER.get() {
        return Ok(task.await);
    }
    let (tell, told) = oneshot::channel();
    let _aborted = Aborted(spawn(async move {
        let _ = tell.send(task.await);
    })?);
    told.await.map_err(|_| lost())
}

/// For the case that a task panics.
pub(crate) fn lost() -> Error {
    Error::new(ErrorKind::Unavailable, "a task of the session broke off")
}

/// Ends without waiting, wherever it is dropped: the thread may not start, and a runtime must not
/// wait for its blocking threads inside another runtime. (A look-up of a host name may still block
/// one of its own.)
struct Quiet(Option<Runtime>);

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn start(record: &Arc<Record>) -> std::io::Result<Worker> {
    let thread = std::thread::Builder::new().name(THREAD_NAME.to_owned());
    start_with(thread, record)
}

fn start_with(thread: std::thread::Builder, record: &Arc<Record>) -> std::io::Result<Worker> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let runtime = Quiet(Some(runtime));
    let idle = Arc::new(Notify::new());
    let (record, is_idle) = (Arc::clone(record), Arc::clone(&idle));
    thread.spawn(move || {
        IS_WORKER.set(true);
        if let Quiet(Some(runtime)) = &runtime {
            runtime.block_on(record.until_idle(&is_idle));
        }
    })?;
    Ok(Worker {
        handle,
        tasks: 0,
        begun: 0,
        idle,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_thread_that_the_system_does_not_give_is_an_error_inside_a_runtime_too() {
        let impossible = std::thread::Builder::new().stack_size(usize::MAX / 2);
        assert!(start_with(impossible, &record()).is_err());
    }
}
