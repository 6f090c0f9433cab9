//! Renewing ahead of time for as long as a guard is held.

use std::any::Any;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::task::AbortHandle;

use super::{Session, Shared};
use crate::Error;
use crate::renew::Renew;

/// The clocks are looked at so often at least: a timer stands still while the machine is
/// suspended, and the wall clock may be set.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Renews a session ahead of time until it is dropped. Made by
/// [`Session::refresh_in_background`](crate::Session::refresh_in_background).
#[must_use = "renewing ahead of time ends when this is dropped"]
pub struct BackgroundRefresh {
    task: AbortHandle,
    /// A handle of the session, whose renewals are waited for as long as this is held.
    _session: Box<dyn Any + Send + Sync>,
}

impl Drop for BackgroundRefresh {
    fn drop(&mut self) {
        // A renewal under way is a task of its own and continues.
        self.task.abort();
    }
}

impl fmt::Debug for BackgroundRefresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackgroundRefresh")
    }
}

pub(super) fn start<R: Renew>(shared: &Arc<Shared<R>>) -> Result<BackgroundRefresh, Error> {
    let task = crate::background::spawn(run(Arc::clone(shared)))?;
    let session = Session::of(Arc::clone(shared));
    Ok(BackgroundRefresh {
        task,
        _session: Box::new(session),
    })
}

async fn run<R: Renew>(shared: Arc<Shared<R>>) {
    let mut states = shared.states.subscribe();
    loop {
        states.mark_unchanged();
        let now = shared.clock.now();
        // Not by the announced state: a process forked in the middle of a renewal inherits that.
        let is_renewing = shared.lock().is_renewing();
        let due = shared.due_in(now).filter(|_| !is_renewing);
        if due == Some(Duration::ZERO) {
            if shared.valid(now).is_some() {
                shared.renew_early(now);
            } else {
                // The outcome is in the state.
                let _ = shared.join_or_start();
            }
        }
        // A failure that stays until a log-in, or a token that never ends: nothing but a
        // change of state matters.
        let mut nap = due.map(|due| {
            let due = due.clamp(Duration::from_millis(1), LONGEST_SLEEP);
            shared.clock.sleep(due)
        });
        let mut change = pin!(states.changed());
        poll_fn(|context| {
            let woken = nap
                .as_mut()
                .is_some_and(|nap| nap.as_mut().poll(context).is_ready());
            if woken || change.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            Poll::Pending
        })
        .await;
    }
}
