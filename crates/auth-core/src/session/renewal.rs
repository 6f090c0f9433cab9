//! The task of one renewal, and how it finishes.

use std::sync::Arc;

use tokio::sync::watch;

use super::Shared;
use super::admission::Plan;
use super::leased::Leased;
use super::locked::{Event, Locked};
use super::settle::Unfinished;
use super::state::Outcome;
use super::store::StoreFailures;
use super::tokens::Prepared;
use crate::auth_headers::AuthHeaders;
use crate::renew::Renew;
use crate::state::StateReason;
use crate::{AuthError, Error, ErrorKind, Token};
use crate::{background, password};

/// Early renewals that fail are at least this part of the renewal window apart: a 90-day token
/// with a window of 30 days is tried once a day, a 10-hour token with one of an hour every 2
/// minutes.
const EARLY_ATTEMPTS: u32 = 30;

tokio::task_local! {
    /// Which session the task renews.
    static RENEWING: usize;
}

/// Finishes the renewal however it ends: those who wait must hear of it even if it panics, or if
/// its task never runs.
pub(super) struct Finish<R: Renew> {
    shared: Arc<Shared<R>>,
    epoch: u64,
    done: Option<watch::Sender<Outcome<R::Error>>>,
    unfinished: Option<Unfinished>,
}

impl<R: Renew> Finish<R> {
    pub(super) fn new(
        shared: Arc<Shared<R>>,
        epoch: u64,
        done: watch::Sender<Outcome<R::Error>>,
    ) -> Self {
        let done = Some(done);
        let unfinished = Some(shared.unfinished());
        Self {
            shared,
            epoch,
            done,
            unfinished,
        }
    }

    pub(super) fn with(&mut self, result: Result<Ready, R::Error>, used_password: bool) {
        if let Some(done) = self.done.take() {
            let outcome = self.shared.finish(self.epoch, result, used_password);
            // Before callers hear of it: one that exits then has nothing to wait for.
            self.unfinished = None;
            done.send_replace(Some(outcome));
        }
    }
}

impl<R: Renew> Drop for Finish<R> {
    fn drop(&mut self) {
        if self.done.is_some() {
            self.with(Err(background::lost().into()), false);
        }
    }
}

/// A renewal's token, ready to become the present one, and what could not be done for it.
pub(super) struct Ready {
    pub(super) prepared: Prepared,
    pub(super) failures: StoreFailures,
}

impl From<Prepared> for Ready {
    fn from(prepared: Prepared) -> Self {
        let failures = StoreFailures::default();
        Self { prepared, failures }
    }
}

/// The task of one renewal. It holds the session's parts, so it ends well even if every handle is
/// dropped.
pub(super) async fn run<R: Renew>(mut finish: Finish<R>, plan: Plan) {
    let shared = Arc::clone(&finish.shared);
    let epoch = finish.epoch;
    let renewing = async {
        if let Some(persistence) = &shared.persistence {
            let renewal = Leased {
                shared: &shared,
                persistence,
                reason: plan.reason,
                epoch,
            };
            if plan.only_if_newer {
                renewal.look(plan.known.as_ref()).await?;
                return renewal.run(None).await;
            }
            return renewal.run(plan.known).await;
        }
        let token = shared.ask(plan.known.as_ref(), plan.reason).await?;
        Ok(shared.prepare_renewed(token, epoch)?.into())
    };
    let renewing = RENEWING.scope(shared.address(), renewing);
    let (result, used_password) = password::noting_use(renewing).await;
    finish.with(result, used_password);
}

/// For a renewal that asks its own session to renew or to end.
pub(super) fn waits_for_itself() -> Error {
    let message = "the session was asked for a token by the renewal that is to get it";
    Error::new(ErrorKind::InvalidConfig, message)
}

impl<R: Renew> Shared<R> {
    /// Whether the calling task is a renewal of this session.
    pub(super) fn is_renewing_here(&self) -> bool {
        let is_this = |session: &usize| *session == self.address();
        RENEWING.try_with(is_this).unwrap_or_default()
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// A renewal's token. It is remembered even if it cannot be used: its refresh token gets the
    /// next one.
    pub(super) fn prepare_renewed(&self, token: Token, epoch: u64) -> Result<Prepared, R::Error> {
        let prepared = self.prepare(&token).map_err(|error| {
            if token.is_sendable() {
                return error;
            }
            // Not the program's fault, as it is with a token that was given.
            let message = "the vendor issued a token that no header can carry";
            Error::new(ErrorKind::Protocol, message).into()
        });
        if prepared.is_err() {
            self.lock().remember(&token, epoch);
        }
        prepared
    }

    /// Ends a renewal: its token becomes the present one, or its failure is remembered.
    fn finish(
        &self,
        epoch: u64,
        result: Result<Ready, R::Error>,
        used_password: bool,
    ) -> Result<AuthHeaders, R::Error> {
        let mut state = self.lock();
        state.renewal = None;
        if state.epoch != epoch || result.is_err() && state.backoff.is_final() {
            // A look into the store that found nothing leaves the failure as it was.
            self.look_later(&state, state.now);
            return self.overtaken(&mut state, epoch, result);
        }
        let ready = match result {
            Ok(ready) => ready,
            Err(error) => {
                self.note_failure(&mut state, &error, used_password);
                return Err(error);
            }
        };
        if state.supersedes(ready.prepared.token()) {
            // Another session's token came while the lease was given back. That one counts.
            return match self.valid(state.now) {
                Some(headers) => Ok(headers),
                None => Err(overtaken().into()),
            };
        }
        state.store_failures = ready.failures;
        Ok(self.install(&mut state, ready.prepared))
    }

    /// What callers get of a renewal during which a log-in or log-out came, which is what counts.
    fn overtaken(
        &self,
        state: &mut Locked<'_, R>,
        epoch: u64,
        result: Result<Ready, R::Error>,
    ) -> Result<AuthHeaders, R::Error> {
        let headers = self.valid(state.now);
        if let Ok(ready) = &result
            && state.was_logged_out_since(epoch)
        {
            // The vendor has to forget this one as well.
            state.left_over = Some(ready.prepared.headers());
        }
        if let Some(headers) = headers {
            return Ok(headers);
        }
        if let Some(error) = state.backoff.blocking(state.now) {
            return Err(error);
        }
        result.and_then(|_| Err(overtaken().into()))
    }

    /// Remembers a failed renewal. A valid token stays.
    fn note_failure(&self, state: &mut Locked<'_, R>, error: &R::Error, used_password: bool) {
        let now = state.now;
        state.tell(Event::RenewalFailed(StateReason::of(error)));
        if is_final(error, used_password) {
            state.backoff.failed_for_good(error.clone());
            state.looked_at = now;
            self.look_later(state, now);
            return;
        }
        let pause = state.backoff.failed(error, now);
        if let Some(current) = self.present() {
            current.renew_after(now, pause.max(state.window / EARLY_ATTEMPTS));
        }
    }
}

/// Whether the session must not try again by itself. A log-in that was answered and gave no token
/// was refused in a way that is not documented: accounts get locked.
fn is_final<E: AuthError>(error: &E, used_password: bool) -> bool {
    !error.kind().is_transient() || used_password && error.is_odd_answer()
}

pub(super) fn overtaken() -> Error {
    let message = "the renewal was overtaken by a log-in or a log-out";
    Error::new(ErrorKind::Unavailable, message)
}
