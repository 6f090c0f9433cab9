//! Who may start a renewal, who joins the one under way, and who gets an earlier failure.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Shared;
use super::renewal;
use super::state::{Outcome, RenewalState, wait};
use crate::auth_headers::AuthHeaders;
use crate::background;
use crate::clock::Moment;
use crate::renew::{Reason, Renew};

/// What a caller without a valid token gets.
pub(super) enum Admission<E> {
    Ready(AuthHeaders),
    Failed(E),
    Wait(watch::Receiver<Outcome<E>>),
}

impl<E: crate::AuthError> Admission<E> {
    pub(super) async fn wait(self) -> Result<AuthHeaders, E> {
        match self {
            Self::Ready(headers) => Ok(headers),
            Self::Failed(error) => Err(error),
            Self::Wait(renewal) => wait(renewal).await,
        }
    }
}

impl<R: Renew> Shared<R> {
    /// The valid headers, the failure that still counts, or the one renewal to wait for, which
    /// starts here if there is none.
    pub(super) fn join_or_start(self: &Arc<Self>) -> Admission<R::Error> {
        let mut state = self.renewal_state();
        let now = self.clock.now();
        if let Some(headers) = self.valid(now) {
            drop(state);
            self.renew_early(now);
            return Admission::Ready(headers);
        }
        if let Some(renewal) = state.under_way() {
            return Admission::Wait(renewal);
        }
        if let Some(error) = state.backoff.blocking(now) {
            return Admission::Failed(error.clone());
        }
        let reason = state.reason();
        self.start(&mut state, reason)
    }

    /// A renewal although the token is valid or a failure still counts. Joins the one under way.
    pub(super) fn request(self: &Arc<Self>) -> Admission<R::Error> {
        let mut state = self.renewal_state();
        state.backoff.reset();
        match state.under_way() {
            Some(renewal) => Admission::Wait(renewal),
            None => self.start(&mut state, Reason::Requested),
        }
    }

    /// Starts the renewal that is due before the token's end, if there is none under way.
    pub(super) fn renew_early(self: &Arc<Self>, now: Moment) {
        let mut state = self.renewal_state();
        let Some(current) = self.current.load_full() else {
            return;
        };
        if current.is_fresh(now) {
            return;
        }
        // Until this renewal has finished, nothing is due before the end: other callers stay on
        // the hot path.
        current.renew_before_the_end(Duration::ZERO);
        if state.under_way().is_some() {
            return;
        }
        match state.backoff.last().map(|failure| failure.left(now)) {
            // Only a log-in helps; the token is good until it ends.
            Some(None) => {}
            Some(Some(left)) if !left.is_zero() => current.renew_after(now, left),
            _ => {
                let _ = self.start(&mut state, Reason::Expiring);
            }
        }
    }

    fn start(
        self: &Arc<Self>,
        state: &mut RenewalState<R::Error>,
        reason: Reason,
    ) -> Admission<R::Error> {
        let (done, renewal) = watch::channel(None);
        // This token, and not whatever is there when the task begins: what another session has
        // saved meanwhile must count as its renewal.
        let known = state.token.clone();
        let task = renewal::run(Arc::clone(self), reason, known, state.epoch, done);
        match background::spawn(task) {
            Ok(_) => {
                state.renewal = Some(renewal.clone());
                self.announce(state);
                Admission::Wait(renewal)
            }
            Err(error) => {
                let error = R::Error::from(error);
                self.note_failure(state, &error);
                Admission::Failed(error)
            }
        }
    }

    /// The vendor rejected `headers`: the next caller renews. A report about older ones changes
    /// nothing.
    pub(super) fn invalidate(&self, headers: &AuthHeaders) {
        let mut state = self.renewal_state();
        let current = self.current.load_full().map(AuthHeaders);
        if !current.is_some_and(|current| current.is_the_same_as(headers)) {
            return;
        }
        self.current.store(None);
        state.is_rejected = true;
        let now = self.clock.now();
        let installed_at = state.installed_at.monotonic();
        let age = now.monotonic().saturating_sub(installed_at);
        state.backoff.rejected(age, now);
        self.announce(&state);
    }
}
