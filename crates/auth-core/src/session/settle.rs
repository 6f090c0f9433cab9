//! Waiting for what a session has begun: before a process exits, and when the last handle is dropped.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::blocking::block_on;
use super::events::{Identity, millis, tell};
use super::{Session, SessionPool, Shared};
use crate::background;
use crate::renew::Renew;
use crate::{BoxFuture, Error};

/// How long the drop of the last handle waits, unless the program says otherwise.
pub(super) const WAIT_ON_DROP: Duration = Duration::from_secs(10);

/// Counts the handles of one session, and the tasks that must finish although they are gone.
pub(super) struct UnderWay {
    /// Of this process. A child made by `fork()` inherits the count of tasks, and none of them.
    tasks: ArcSwap<Tasks>,
    handles: AtomicUsize,
    wait_on_drop: Duration,
}

/// The tasks of one process.
struct Tasks {
    process: u32,
    count: AtomicUsize,
    none: Notify,
}

impl Tasks {
    fn new() -> Self {
        Self {
            process: std::process::id(),
            count: AtomicUsize::new(0),
            none: Notify::new(),
        }
    }

    fn are_none(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }

    async fn until_none(&self) {
        let mut none = pin!(self.none.notified());
        loop {
            // Before the look: what is told in between is not missed.
            none.as_mut().enable();
            if self.are_none() {
                return;
            }
            none.as_mut().await;
            none.set(self.none.notified());
        }
    }

    /// What waits until there are none; `None` if there are none.
    fn to_settle(self: &Arc<Self>) -> Option<BoxFuture<'static, ()>> {
        let tasks = Arc::clone(self);
        (!tasks.are_none())
            .then(|| Box::pin(async move { tasks.until_none().await }) as BoxFuture<'_, _>)
    }
}

/// Held by a task that must finish: a renewal, or a save.
#[must_use]
pub(super) struct Unfinished(Arc<Tasks>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.none.notify_waiters();
        }
    }
}

impl UnderWay {
    pub(super) fn new(wait_on_drop: Duration) -> Self {
        Self {
            tasks: ArcSwap::from_pointee(Tasks::new()),
            handles: AtomicUsize::new(0),
            wait_on_drop,
        }
    }

    fn tasks(&self) -> Arc<Tasks> {
        let tasks = self.tasks.load_full();
        if tasks.process == std::process::id() {
            return tasks;
        }
        self.tasks.rcu(|known| {
            if known.process == std::process::id() {
                Arc::clone(known)
            } else {
                Arc::new(Tasks::new())
            }
        });
        self.tasks.load_full()
    }
}

impl<R: Renew> Shared<R> {
    /// Counts a task of this session for as long as the result is held.
    pub(super) fn unfinished(&self) -> Unfinished {
        let tasks = self.under_way.tasks();
        tasks.count.fetch_add(1, Ordering::SeqCst);
        Unfinished(tasks)
    }

    /// Runs `task` to its end on the thread of renewals, whatever becomes of the caller.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Error> {
        background::run(counted(self.unfinished(), task)).await
    }

    /// As [`run`](Self::run), for a caller who does not wait.
    pub(super) fn spawn(
        &self,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Error> {
        background::spawn(counted(self.unfinished(), task)).map(drop)
    }

    /// What waits until no task is under way; `None` if none is.
    fn to_settle(&self) -> Option<BoxFuture<'static, ()>> {
        self.under_way.tasks().to_settle()
    }
}

impl<R: Renew> Session<R> {
    pub(super) fn of(shared: Arc<Shared<R>>) -> Self {
        shared.under_way.handles.fetch_add(1, Ordering::Relaxed);
        Self { shared }
    }

    /// Waits until no renewal of this session is under way in this process, and nothing of it has
    /// still to be saved. Starts nothing.
    ///
    /// For a program that is about to exit. A renewal that is cut off may lose the refresh token that
    /// the vendor has just issued, and a person must log in again. Dropping the last handle of a
    /// session [waits as well](crate::SessionBuilder::wait_on_drop), but a handle in a `static` is
    /// never dropped, and `std::process::exit` drops none.
    ///
    /// Takes as long as the renewal, which the HTTP policy limits. Within the renewal of this session
    /// it returns at once.
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::{Error, Renew, Session};
    /// # async fn example(session: &Session<impl Renew<Error = Error>>) {
    /// session.settled().await;
    /// std::process::exit(0);
    /// # }
    /// ```
    pub async fn settled(&self) {
        if self.shared.is_renewing_here() {
            return;
        }
        if let Some(to_settle) = self.shared.to_settle() {
            to_settle.await;
        }
    }
}

impl<K, R: Renew> SessionPool<K, R> {
    /// Waits until no session of this pool is renewing, or has a token to save: for `limit` at the
    /// most. Returns how many still are, in which case the process should wait longer before it exits.
    ///
    /// Sessions that have left the pool are waited for as well. Nothing is started, and no session
    /// counts as used.
    ///
    /// # Example
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use auth_core::{Renew, SessionPool};
    /// # async fn example(pool: &SessionPool<String, impl Renew>) {
    /// match pool.settle(Duration::from_secs(10)).await {
    ///     0 => println!("every token is saved"),
    ///     left => eprintln!("{left} sessions are still renewing"),
    /// }
    /// # }
    /// ```
    pub async fn settle(&self, limit: Duration) -> usize {
        let sessions = self.living();
        let to_settle: Vec<_> = sessions.iter().filter_map(|it| it.to_settle()).collect();
        if !to_settle.is_empty() {
            // There, since the caller may have no runtime, or one whose clock stands still. What
            // was not waited for is counted below.
            let waiting = async move { tokio::time::timeout(limit, all(to_settle)).await.is_ok() };
            let _ = background::run_while_awaited(waiting).await;
        }
        let left = sessions.iter().filter(|it| it.to_settle().is_some());
        left.count()
    }
}

impl<R: Renew> Clone for Session<R> {
    fn clone(&self) -> Self {
        Self::of(Arc::clone(&self.shared))
    }
}

impl<R: Renew> Drop for Session<R> {
    fn drop(&mut self) {
        if self.shared.under_way.handles.fetch_sub(1, Ordering::AcqRel) == 1 {
            wait_without_handles(std::slice::from_ref(&self.shared));
        }
    }
}

impl<R: Renew> Session<R> {
    /// Drops this handle, and waits for nothing.
    pub(super) fn let_go(self) -> Arc<Shared<R>> {
        let shared = Arc::clone(&self.shared);
        shared.under_way.handles.fetch_add(1, Ordering::Relaxed);
        drop(self);
        shared.under_way.handles.fetch_sub(1, Ordering::AcqRel);
        shared
    }
}

async fn counted<T>(unfinished: Unfinished, task: impl Future<Output = T>) -> T {
    let outcome = task.await;
    drop(unfinished);
    outcome
}

/// Waits when it is dropped.
struct Wait {
    sessions: Vec<(Arc<Identity>, Arc<Tasks>)>,
    limit: Duration,
}

impl Drop for Wait {
    fn drop(&mut self) {
        let to_settle = self
            .sessions
            .iter()
            .filter_map(|(_, tasks)| tasks.to_settle());
        let limit = Some(self.limit);
        if block_on(all(to_settle.collect()), limit).is_some() {
            return;
        }
        let left = self.sessions.iter().filter(|it| !it.1.are_none());
        for (identity, _) in left {
            tell!(
                warn,
                identity,
                "the last handle was dropped, and the renewal is still under way: if the process \
                 exits now, the renewed token may be lost",
                waited_ms = millis(self.limit)
            );
        }
    }
}

async fn all(to_settle: Vec<BoxFuture<'static, ()>>) {
    for session in to_settle {
        session.await;
    }
}

/// Waits for the tasks of those sessions whose last handle was dropped, so that leaving `main` does not
/// cut them off.
///
/// Decision: no task of a runtime is blocked. There, a thread of the runtime's pool waits, and the
/// runtime waits for that thread when it is dropped, as `#[tokio::main]` does at the end of `main`. On
/// any other thread the drop itself waits. That cannot dead-lock: renewals run on a thread of their own,
/// and on that one nothing waits.
#[cold]
pub(super) fn wait_without_handles<R: Renew>(sessions: &[Arc<Shared<R>>]) {
    if background::is_on_its_thread() {
        return;
    }
    let mut wait = Wait {
        sessions: Vec::new(),
        limit: Duration::ZERO,
    };
    for session in sessions {
        let UnderWay {
            handles,
            wait_on_drop,
            ..
        } = &session.under_way;
        if handles.load(Ordering::Acquire) == 0 && !wait_on_drop.is_zero() {
            let tasks = session.under_way.tasks();
            if !tasks.are_none() {
                wait.sessions.push((Arc::clone(&session.identity), tasks));
            }
            wait.limit = wait.limit.max(*wait_on_drop);
        }
    }
    if wait.sessions.is_empty() {
        return;
    }
    if let Ok(runtime) = Handle::try_current() {
        // By the drop of what it holds, since a runtime that is shut down drops what its pool has not
        // begun. It panics if the system gives no thread.
        let pooled = AssertUnwindSafe(|| runtime.spawn_blocking(move || drop(wait)));
        drop(catch_unwind(pooled));
    }
}
