//! Who may start a renewal, who joins the one under way, and who gets an earlier failure.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Shared;
use super::events::Event;
use super::renewal;
use super::state::{Outcome, RenewalState, Renewing, wait};
use crate::auth_headers::AuthHeaders;
use crate::background;
use crate::clock::Moment;
use crate::renew::{Reason, Renew};
use crate::{AuthError, Token};

/// What a caller without a valid token gets.
pub(super) enum Admission<E> {
    Ready(AuthHeaders),
    Failed(E),
    Wait(Renewing<E>),
}

impl<E: AuthError> Admission<E> {
    pub(super) async fn wait(self) -> Result<AuthHeaders, E> {
        match self {
            Self::Ready(headers) => Ok(headers),
            Self::Failed(error) => Err(error),
            Self::Wait(renewal) => wait(renewal).await,
        }
    }
}

/// What a renewal starts from.
pub(super) struct Plan {
    pub(super) reason: Reason,
    /// This token, and not whatever is there when the task begins: what another session has saved
    /// meanwhile must count as its renewal.
    pub(super) known: Option<Token>,
    /// Whether to renew only if another process has logged in since.
    pub(super) only_if_newer: bool,
}

/// A renewal that is decided, and begins once the lock is given back.
struct Start<E> {
    plan: Plan,
    epoch: u64,
    done: watch::Sender<Outcome<E>>,
}

impl<E: AuthError> RenewalState<E> {
    fn start(&mut self, reason: Reason, now: Moment) -> (Start<E>, Renewing<E>) {
        let (done, renewal) = watch::channel(None);
        self.renewal = Some(renewal.clone());
        self.renewal_process = std::process::id();
        let only_if_newer = self.backoff.is_final();
        if only_if_newer {
            self.looked_at = now;
        } else if reason != Reason::Requested {
            self.backoff.began(now);
        }
        let plan = Plan {
            reason,
            known: self.token.clone(),
            only_if_newer,
        };
        let start = Start {
            plan,
            epoch: self.epoch,
            done,
        };
        (start, renewal)
    }
}

impl<R: Renew> Shared<R> {
    /// The valid headers, the failure that still counts, or the one renewal to wait for, which
    /// starts here if there is none.
    pub(super) fn join_or_start(self: &Arc<Self>) -> Admission<R::Error> {
        let mut state = self.lock();
        let now = state.now;
        if let Some(headers) = self.valid(now) {
            drop(state);
            self.renew_early(now);
            return Admission::Ready(headers);
        }
        if let Some(renewal) = state.under_way() {
            return self.join(renewal);
        }
        if !self.may_look(&state, now) {
            // Changed only where it must be: a change is announced.
            if state.backoff.blocking(now).is_none() {
                state.backoff.hold_back(now);
            }
            if let Some(error) = state.backoff.blocking(now) {
                return Admission::Failed(error);
            }
        }
        let reason = state.reason();
        let (start, renewal) = state.start(reason, now);
        drop(state);
        self.begin(start);
        Admission::Wait(renewal)
    }

    /// A renewal although the token is valid or a failure still counts. Joins the one under way.
    pub(super) fn request(self: &Arc<Self>) -> Admission<R::Error> {
        let mut state = self.lock();
        state.backoff.reset();
        // The program wants a token again.
        state.is_logged_out = false;
        if let Some(renewal) = state.under_way() {
            return self.join(renewal);
        }
        let now = state.now;
        let (start, renewal) = state.start(Reason::Requested, now);
        drop(state);
        self.begin(start);
        Admission::Wait(renewal)
    }

    /// The renewal under way, unless the caller is this renewal.
    fn join(&self, renewal: Renewing<R::Error>) -> Admission<R::Error> {
        if self.is_renewing_here() {
            return Admission::Failed(renewal::waits_for_itself().into());
        }
        Admission::Wait(renewal)
    }

    /// Starts the renewal that is due before the token's end, if there is none under way, and returns it: it may have
    /// ended when the caller looks.
    pub(super) fn renew_early(self: &Arc<Self>, now: Moment) -> Option<Renewing<R::Error>> {
        let mut state = self.lock();
        let current = self.present()?;
        if current.is_fresh(now) {
            return None;
        }
        if self.renews_in_foreground && state.is_renewing() {
            // Still due, so that other callers wait for it as well.
            return state.under_way();
        }
        // Until this renewal has finished, nothing is due before the end: other callers stay on
        // the hot path.
        current.renew_before_the_end(Duration::ZERO);
        if let Some(renewal) = state.under_way() {
            return Some(renewal);
        }
        let left = match state.backoff.last().map(|failure| failure.left(now)) {
            // Only a log-in helps; the token is good until it ends.
            Some(None) if !self.look_later(&state, now) => return None,
            Some(None) => None,
            Some(Some(left)) if !left.is_zero() => Some(left),
            _ => state.backoff.hold_back(now),
        };
        if let Some(left) = left {
            current.renew_after(now, left);
            return None;
        }
        let (start, renewal) = state.start(Reason::Expiring, now);
        if self.renews_in_foreground && state.is_renewing() {
            current.renew_after(now, Duration::ZERO);
        }
        drop(state);
        self.begin(start);
        Some(renewal)
    }

    fn begin(self: &Arc<Self>, start: Start<R::Error>) {
        let Start { plan, epoch, done } = start;
        let begun = renewal::Begun {
            epoch,
            reason: plan.reason,
            at: self.clock.now(),
        };
        let mut finish = renewal::Finish::new(Arc::clone(self), begun, done);
        match background::reserve() {
            Ok(place) => drop(place.spawn(renewal::run(finish, plan))),
            Err(error) => finish.with(Err(error.into()), renewal::Course::default()),
        }
    }

    /// The vendor rejected `headers`: the next caller renews. A report about older ones changes
    /// nothing.
    pub(super) fn invalidate(&self, headers: &AuthHeaders) {
        let mut state = self.lock();
        let current = self.present().map(AuthHeaders);
        let late = !current.is_some_and(|current| current.is_the_same_as(headers));
        state.tell(Event::Refused { late });
        if late {
            return;
        }
        self.current.store(None);
        let now = state.now;
        let installed_at = state.installed_at.monotonic();
        let age = now.monotonic().saturating_sub(installed_at);
        state.is_rejected = true;
        state.backoff.rejected(age, now);
    }
}
