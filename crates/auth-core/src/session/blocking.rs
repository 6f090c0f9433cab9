//! The session for code without a runtime: renewals have a thread of their own, so that a thread
//! can wait for them.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use http::HeaderMap;
use tokio::runtime::Handle;
use tokio::task::coop::consume_budget;

use crate::auth_headers::{AuthHeaders, Current};
use crate::background;
use crate::renew::Renew;
use crate::session::{Authorizer as _, Session};
use crate::{Error, ErrorKind, Token};

/// More than any task of Tokio may do before it has to yield.
const MORE_THAN_A_BUDGET: usize = 256;

impl<R: Renew> Session<R> {
    /// As [`Session::headers`], for threads without a runtime, and for `spawn_blocking`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] where it would block a task of an async runtime; otherwise as
    /// [`Session::headers`].
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::{Error, Renew, Session};
    /// # fn example(session: &Session<impl Renew<Error = Error>>) -> Result<(), Error> {
    /// let headers = session.headers_blocking()?; // for ureq, or a thread of one's own
    /// # Ok(()) }
    /// ```
    pub fn headers_blocking(&self) -> Result<HeaderMap, R::Error> {
        match self.with_current(true, Current::headers) {
            Some(headers) => Ok(headers),
            // In a task, a valid token is used although its renewal is due.
            None => wait("headers", self.headers()).or_else(|error| {
                let valid = self.try_headers();
                valid.ok_or(error)
            }),
        }
    }

    /// As [`Session::apply`], without a runtime.
    ///
    /// # Errors
    ///
    /// As [`Session::headers_blocking`]; the map is unchanged then.
    pub fn apply_blocking(&self, headers: &mut HeaderMap) -> Result<(), R::Error> {
        let applied = self.with_current(true, |current| current.apply(headers));
        if applied.is_some() {
            return Ok(());
        }
        wait("apply", self.apply(headers)).or_else(|error| {
            let is_valid = self.try_apply(headers);
            is_valid.then_some(()).ok_or(error)
        })
    }

    /// As [`Session::auth_headers`], without a runtime.
    ///
    /// # Errors
    ///
    /// As [`Session::headers_blocking`].
    pub fn auth_headers_blocking(&self) -> Result<AuthHeaders, R::Error> {
        wait("auth_headers", self.auth_headers())
    }

    /// As [`Authorizer::headers_for`](crate::Authorizer::headers_for), without a runtime: the headers for
    /// a call to `url`. Keep them, to report a refusal by [`Session::invalidate`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the token must not go to the host of `url`; otherwise as
    /// [`Session::headers_blocking`].
    pub fn headers_for_blocking(&self, url: &str) -> Result<AuthHeaders, R::Error> {
        self.check(url)?;
        self.auth_headers_blocking()
    }

    /// As [`Session::renew`], without a runtime.
    ///
    /// # Errors
    ///
    /// As [`Session::headers_blocking`].
    pub fn renew_blocking(&self) -> Result<AuthHeaders, R::Error> {
        wait("renew", self.renew())
    }

    /// As [`Session::set_token`], without a runtime.
    ///
    /// # Errors
    ///
    /// As [`Session::set_token`], or [`ErrorKind::InvalidConfig`] as for
    /// [`Session::headers_blocking`].
    pub fn set_token_blocking(&self, token: impl Into<Token>) -> Result<(), R::Error> {
        wait("set_token", self.set_token(token))
    }

    /// As [`Session::log_out`], without a runtime.
    ///
    /// # Errors
    ///
    /// As [`Session::log_out`], or [`ErrorKind::InvalidConfig`] as for
    /// [`Session::headers_blocking`]: then nothing was done.
    pub fn log_out_blocking(&self) -> Result<(), R::Error> {
        wait("log_out", self.log_out())
    }

    /// As [`Session::settled`], without a runtime: waits for `limit` at the most, and returns whether
    /// nothing is under way any more.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] as for [`Session::headers_blocking`].
    pub fn settled_blocking(&self, limit: Duration) -> Result<bool, R::Error> {
        refuse_in_a_task("settled")?;
        Ok(block_on(self.settled(), Some(limit)).is_some())
    }
}

/// Waits for `future`, unless this thread polls a task.
fn wait<T, E: From<Error>>(call: &str, future: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    refuse_in_a_task(call)?;
    // Without a limit it ends with an outcome.
    block_on(future, None).unwrap_or_else(|| Err(background::lost().into()))
}

fn refuse_in_a_task(call: &str) -> Result<(), Error> {
    if would_block_a_task() {
        let message = format!(
            "{call}_blocking() was called in an async task, whose thread it would block: \
             await {call}(), or call it inside spawn_blocking"
        );
        return Err(Error::new(ErrorKind::InvalidConfig, message));
    }
    Ok(())
}

/// Runs `future`, which needs no runtime: what it waits for runs on a thread of the sessions. `None` if
/// it takes longer than `limit`.
pub(super) fn block_on<T>(future: impl Future<Output = T>, limit: Option<Duration>) -> Option<T> {
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    let thread = std::thread::current();
    let waker = Waker::from(Arc::new(Unpark(thread.clone())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    let mut has_parked = false;
    let outcome = loop {
        if let Poll::Ready(outcome) = future.as_mut().poll(&mut context) {
            break Some(outcome);
        }
        has_parked = true;
        match deadline.map(|it| it.saturating_duration_since(Instant::now())) {
            None => std::thread::park(),
            Some(Duration::ZERO) => break None,
            Some(left) => std::thread::park_timeout(left),
        }
    };
    if has_parked {
        // An executor of this thread may have been woken meanwhile, and finds that out by the same token.
        thread.unpark();
    }
    outcome
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Whether this thread polls an async task. A thread of `spawn_blocking` belongs to a runtime as
/// well, and may block: only a task has a budget that it can use up. (A task without one is not
/// recognised. It is blocked then, and nothing worse.)
fn would_block_a_task() -> bool {
    let mut context = Context::from_waker(Waker::noop());
    Handle::try_current().is_ok()
        && (0..MORE_THAN_A_BUDGET).any(|_| pin!(consume_budget()).poll(&mut context).is_pending())
}
