//! What a session does at present, for programs that want to warn a person.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use tokio::sync::watch;

use crate::{AuthError, BoxFuture, ErrorKind};

/// What a session does at present.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// There is a valid token, and the last renewal (if any) succeeded.
    Fresh,
    /// As `Fresh`, but the token store refused the token: another process or the next start will
    /// not know it. [`Session::save`](crate::Session::save) tries again.
    Unsaved {
        /// What the store said.
        reason: StateReason,
    },
    /// As `Fresh`, but the token was renewed without the store's lease, which the program
    /// [allows](crate::SessionBuilder::renew_without_lease): another process may have renewed at
    /// the same time, and the vendor may accept only one of the two tokens.
    RenewedWithoutLease {
        /// Why there was no lease, and whether the token could be saved.
        reason: StateReason,
    },
    /// A renewal is under way. A valid token stays in use.
    Renewing,
    /// There is no valid token. The next caller starts a renewal.
    Absent,
    /// The last renewal failed and is tried again, or the next one is held back because the
    /// vendor's tokens end too soon.
    Failing {
        /// Why it failed, or is held back.
        reason: StateReason,
        /// How long the session waits before the next attempt. Zero: the next caller starts it.
        retry_after: Duration,
        /// Whether the present token is still valid, so that callers get its headers.
        token_is_valid: bool,
    },
    /// The session cannot renew: a person must log in. The present token may still be valid for a
    /// while, which is the time to ask. A log-in that another process saves in the store is found.
    LoginRequired {
        /// Why.
        reason: StateReason,
    },
}

impl State {
    /// The state in one word that stays the same from release to release, for a metric or a filter:
    /// `fresh`, `unsaved`, `renewed_without_lease`, `renewing`, `absent`, `failing` or
    /// `login_required`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Unsaved { .. } => "unsaved",
            Self::RenewedWithoutLease { .. } => "renewed_without_lease",
            Self::Renewing => "renewing",
            Self::Absent => "absent",
            Self::Failing { .. } => "failing",
            Self::LoginRequired { .. } => "login_required",
        }
    }

    /// Why, where there is anything to say.
    pub fn reason(&self) -> Option<&StateReason> {
        match self {
            Self::Unsaved { reason }
            | Self::RenewedWithoutLease { reason }
            | Self::Failing { reason, .. }
            | Self::LoginRequired { reason } => Some(reason),
            Self::Fresh | Self::Renewing | Self::Absent => None,
        }
    }
}

/// In words, for a person: what the session does, and why.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fresh => f.write_str("the token is valid"),
            Self::Unsaved { reason } => write!(f, "the token is not saved: {reason}"),
            Self::RenewedWithoutLease { reason } => {
                write!(f, "the token was renewed without the lease: {reason}")
            }
            Self::Renewing => f.write_str("a renewal is under way"),
            Self::Absent => f.write_str("there is no valid token, and the next call renews"),
            Self::Failing {
                reason,
                retry_after,
                token_is_valid,
            } => {
                let token = if *token_is_valid {
                    "the token is still valid"
                } else {
                    "there is no valid token"
                };
                let wait = retry_after.as_secs();
                write!(f, "renewals fail, next in {wait} s, {token}: {reason}")
            }
            Self::LoginRequired { reason } => write!(f, "only a log-in helps: {reason}"),
        }
    }
}

/// Why a session is in a state: a kind to act on and a text to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateReason {
    kind: ErrorKind,
    message: String,
}

impl StateReason {
    pub(crate) fn of(error: &impl AuthError) -> Self {
        Self {
            kind: error.kind(),
            message: error.to_string(),
        }
    }

    /// What the caller can do.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for StateReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The last state that was announced, and which announcement it was: one may overtake another.
#[derive(Clone, Debug)]
pub(crate) struct Announced {
    pub(crate) state: State,
    pub(crate) number: u64,
}

/// The states of a session: the present one at once, then each new one; those that pass between
/// two looks are skipped. Ends with the session.
///
/// States change when something happens, not by the clock: that a token has ended is noticed by
/// the next caller, or at once while [`Session::refresh_in_background`](crate::Session::refresh_in_background) is held.
pub struct States {
    next: BoxFuture<'static, Option<(State, watch::Receiver<Announced>)>>,
}

impl States {
    pub(crate) fn new(mut states: watch::Receiver<Announced>) -> Self {
        states.mark_changed();
        Self {
            next: Box::pin(next(states)),
        }
    }

    /// The next state; `None` once the session is gone.
    pub async fn next(&mut self) -> Option<State> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

async fn next(
    mut states: watch::Receiver<Announced>,
) -> Option<(State, watch::Receiver<Announced>)> {
    states.changed().await.ok()?;
    let state = states.borrow_and_update().state.clone();
    Some((state, states))
}

impl Stream for States {
    type Item = State;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<State>> {
        match self.next.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some((state, states))) => {
                self.next = Box::pin(next(states));
                Poll::Ready(Some(state))
            }
            Poll::Ready(None) => {
                self.next = Box::pin(std::future::ready(None));
                Poll::Ready(None)
            }
        }
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("States")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn a_state_is_a_sentence_for_people_and_a_word_for_machines() {
        let reason = StateReason::of(&Error::new(ErrorKind::Unavailable, "no response"));
        let failing = |millis, token_is_valid| State::Failing {
            reason: reason.clone(),
            retry_after: Duration::from_millis(millis),
            token_is_valid,
        };
        let reason = reason.clone();
        for (state, name, words) in [
            (State::Fresh, "fresh", "the token is valid"),
            (State::Renewing, "renewing", "a renewal is under way"),
            (
                State::Absent,
                "absent",
                "there is no valid token, and the next call renews",
            ),
            (
                failing(61_500, true),
                "failing",
                "renewals fail, next in 61 s, the token is still valid: no response",
            ),
            (
                failing(0, false),
                "failing",
                "renewals fail, next in 0 s, there is no valid token: no response",
            ),
            (
                State::LoginRequired { reason },
                "login_required",
                "only a log-in helps: no response",
            ),
        ] {
            assert_eq!((state.name(), state.to_string().as_str()), (name, words));
            assert_eq!(state.reason().is_some(), words.contains("no response"));
        }
    }
}
