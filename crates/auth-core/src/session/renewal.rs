//! The task of one renewal, and how it finishes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::Instrument as _;

use super::Shared;
use super::admission::Plan;
use super::events::{Event, Outcome as Came, Renewal, session_span};
use super::leased::Leased;
use super::locked::Locked;
use super::settle::Unfinished;
use super::state::Outcome;
use super::store::StoreFailures;
use super::tokens::Prepared;
use crate::auth_headers::AuthHeaders;
use crate::clock::Moment;
use crate::progress::{self, Progress};
use crate::renew::{Reason, Renew};
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

/// What is known of a renewal when it begins.
#[derive(Clone, Copy)]
pub(super) struct Begun {
    pub(super) epoch: u64,
    pub(super) reason: Reason,
    pub(super) at: Moment,
}

/// What a renewal did on its way.
#[derive(Default)]
pub(super) struct Course {
    used_password: bool,
    progress: Progress,
}

/// Finishes the renewal however it ends: those who wait must hear of it even if it panics, or if
/// its task never runs.
pub(super) struct Finish<R: Renew> {
    shared: Arc<Shared<R>>,
    begun: Begun,
    done: Option<watch::Sender<Outcome<R::Error>>>,
    unfinished: Option<Unfinished>,
}

impl<R: Renew> Finish<R> {
    pub(super) fn new(
        shared: Arc<Shared<R>>,
        begun: Begun,
        done: watch::Sender<Outcome<R::Error>>,
    ) -> Self {
        let done = Some(done);
        let unfinished = Some(shared.unfinished());
        Self {
            shared,
            begun,
            done,
            unfinished,
        }
    }

    pub(super) fn with(&mut self, result: Result<Ready, R::Error>, course: Course) {
        if let Some(done) = self.done.take() {
            let outcome = self.shared.finish(self.begun, result, course);
            // Before callers hear of it: one that exits then has nothing to wait for.
            self.unfinished = None;
            done.send_replace(Some(outcome));
        }
    }
}

impl<R: Renew> Drop for Finish<R> {
    fn drop(&mut self) {
        if self.done.is_some() {
            self.with(Err(background::lost().into()), Course::default());
        }
    }
}

/// A renewal's token, ready to become the present one, and what could not be done for it.
pub(super) struct Ready {
    pub(super) prepared: Prepared,
    pub(super) failures: StoreFailures,
    /// Whether another session got it.
    pub(super) is_theirs: bool,
}

/// Another session's token.
impl From<Prepared> for Ready {
    fn from(prepared: Prepared) -> Self {
        Self {
            prepared,
            failures: StoreFailures::default(),
            is_theirs: true,
        }
    }
}

/// The task of one renewal. It holds the session's parts, so it ends well even if every handle is
/// dropped.
pub(super) async fn run<R: Renew>(mut finish: Finish<R>, plan: Plan) {
    let shared = Arc::clone(&finish.shared);
    let epoch = finish.begun.epoch;
    // Boxed, and that with a store by itself: what is wrapped around it would move it again and again.
    let renewing = Box::pin(async {
        if let Some(persistence) = &shared.persistence {
            let renewal = Leased {
                shared: &shared,
                persistence,
                reason: plan.reason,
                epoch,
            };
            let renewing = async {
                if plan.only_if_newer {
                    renewal.look(plan.known.as_ref()).await?;
                    return renewal.run(None).await;
                }
                renewal.run(plan.known).await
            };
            return Box::pin(renewing).await;
        }
        let token = shared.ask(plan.known.as_ref(), plan.reason).await?;
        Ok(Ready {
            prepared: shared.prepare_renewed(&token, epoch)?,
            failures: StoreFailures::default(),
            is_theirs: false,
        })
    });
    let span = session_span!(shared.identity, "renewal", reason = plan.reason.name());
    let renewing = RENEWING.scope(shared.address(), renewing);
    let renewing = progress::noting(password::noting_use(renewing));
    let ((result, used_password), progress) = renewing.instrument(span.clone()).await;
    let course = Course {
        used_password,
        progress,
    };
    span.in_scope(|| finish.with(result, course));
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
    pub(super) fn prepare_renewed(&self, token: &Token, epoch: u64) -> Result<Prepared, R::Error> {
        let prepared = self.prepare(token).map_err(|error| {
            if token.is_sendable() {
                return error;
            }
            // Not the program's fault, as it is with a token that was given.
            let message = "the vendor issued a token that no header can carry";
            Error::new(ErrorKind::Protocol, message).into()
        });
        if prepared.is_err() {
            self.lock().remember(token, epoch);
        }
        prepared
    }

    /// Ends a renewal: its token becomes the present one, or its failure is remembered.
    fn finish(
        &self,
        begun: Begun,
        result: Result<Ready, R::Error>,
        course: Course,
    ) -> Result<AuthHeaders, R::Error> {
        let mut state = self.lock();
        state.renewal = None;
        let took = state.now.monotonic().saturating_sub(begun.at.monotonic());
        let Course {
            used_password,
            progress,
        } = course;
        let ended = |outcome| {
            Event::Ended(Renewal {
                reason: begun.reason,
                took,
                progress,
                outcome,
            })
        };
        if state.epoch != begun.epoch || result.is_err() && state.backoff.is_final() {
            if state.epoch != begun.epoch {
                state.tell(ended(Came::Overtaken));
            }
            // A look into the store that found nothing leaves the failure as it was.
            self.look_later(&state, state.now);
            return self.overtaken(&mut state, begun.epoch, result);
        }
        let ready = match result {
            Ok(ready) => ready,
            Err(error) => {
                let next = self.note_failure(&mut state, &error, used_password);
                let why = StateReason::of(&error);
                state.tell(ended(Came::Failed { why, next }));
                return Err(error);
            }
        };
        let is_superseded = state.supersedes(ready.prepared.token());
        if ready.is_theirs || is_superseded {
            state.tell(ended(Came::TakenOver));
        } else {
            let expiry = ready.prepared.token().expiry();
            let lasts = expiry.left(state.now.wall());
            state.tell(ended(Came::Renewed { lasts }));
        }
        if let Some(error) = &ready.failures.save {
            state.tell(Event::NotSaved(StateReason::of(error)));
        }
        if is_superseded {
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

    /// Remembers a failed renewal, and returns the pause before the next. A valid token stays.
    fn note_failure(
        &self,
        state: &mut Locked<'_, R>,
        error: &R::Error,
        used_password: bool,
    ) -> Option<Duration> {
        let now = state.now;
        if is_final(error, used_password) {
            state.backoff.failed_for_good(error.clone());
            state.looked_at = now;
            self.look_later(state, now);
            return None;
        }
        let mut pause = state.backoff.failed(error, now);
        if let Some(current) = self.present() {
            pause = pause.max(state.window / EARLY_ATTEMPTS);
            current.renew_after(now, pause);
        }
        Some(pause)
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
