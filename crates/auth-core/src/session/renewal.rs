//! One renewal, from the lease to the saved token.

use std::sync::Arc;

use tokio::sync::watch;

use super::Shared;
use super::state::{Outcome, RenewalState};
use super::store::{Persistence, StoreFailures, is_newer, later, superseded};
use crate::auth_headers::AuthHeaders;
use crate::background;
use crate::renew::{Reason, Renew};
use crate::store::{Lease, SaveOutcome};
use crate::{AuthError, Error, ErrorKind, Token};

/// Early renewals that fail are at least this part of the renewal window apart: a 90-day token
/// with a window of 30 days is tried once a day, a 10-hour token with one of an hour every 2
/// minutes.
const EARLY_ATTEMPTS: u32 = 30;

/// A renewal's token, and what could not be done for it.
pub(super) struct Renewed {
    token: Token,
    failures: StoreFailures,
}

impl From<Token> for Renewed {
    fn from(token: Token) -> Self {
        Self {
            token,
            failures: StoreFailures::default(),
        }
    }
}

/// Finishes the renewal however it ends: those who wait must hear of it even if it panics.
struct Finish<R: Renew> {
    shared: Arc<Shared<R>>,
    epoch: u64,
    done: Option<watch::Sender<Outcome<R::Error>>>,
}

impl<R: Renew> Finish<R> {
    fn with(&mut self, result: Result<Renewed, R::Error>) {
        if let Some(done) = self.done.take() {
            let outcome = self.shared.finish(self.epoch, result);
            done.send_replace(Some(outcome));
        }
    }
}

impl<R: Renew> Drop for Finish<R> {
    fn drop(&mut self) {
        if self.done.is_some() {
            self.with(Err(background::lost().into()));
        }
    }
}

/// The task of one renewal, of the token that is `known` when it is decided. It holds the session's
/// parts, so it ends well even if every handle is dropped.
pub(super) async fn run<R: Renew>(
    shared: Arc<Shared<R>>,
    reason: Reason,
    known: Option<Token>,
    epoch: u64,
    done: watch::Sender<Outcome<R::Error>>,
) {
    // Not before the task runs: a task that never starts is dropped under the lock.
    let mut finish = Finish {
        shared,
        epoch,
        done: Some(done),
    };
    let shared = Arc::clone(&finish.shared);
    let result = if let Some(persistence) = &shared.persistence {
        let renewal = Renewal {
            shared: &shared,
            persistence,
            reason,
            epoch,
        };
        renewal.run(known).await
    } else {
        let renewed = shared.renewer.renew(known.as_ref(), reason).await;
        renewed.map(Renewed::from)
    };
    finish.with(result);
}

/// A renewal of a session with a token store.
struct Renewal<'a, R: Renew> {
    shared: &'a Shared<R>,
    persistence: &'a Persistence,
    reason: Reason,
    epoch: u64,
}

/// What a step of a renewal came to.
enum Step {
    /// Another session's token, which spares this renewal.
    Theirs(Token),
    /// The vendor issued this one; the latest generation before it is `after`.
    Issued { token: Token, after: u64 },
}

impl<R: Renew> Renewal<'_, R> {
    /// Gets the next token: another session's from the store where there is a newer one, else a
    /// new one from the vendor, saved before callers get it.
    async fn run(&self, known: Option<Token>) -> Result<Renewed, R::Error> {
        if let Some(theirs) = self.stored_without_lease(known.as_ref()).await? {
            return Ok(theirs.into());
        }
        let persistence = self.persistence;
        match persistence.store.lease(&persistence.key).await {
            Ok(lease) => {
                let renewed = self.run_with(Ok(&*lease), known).await;
                if let Err(error) = lease.release().await {
                    tracing::warn!(%error, "the lease was not given back and has to run out");
                }
                renewed
            }
            Err(error) if self.works_without_store() => {
                tracing::warn!(%error, "renewing without the lease");
                self.run_with(Err(error), known).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A token that is still valid is not renewed by a session that may not be the only one.
    fn works_without_store(&self) -> bool {
        self.persistence.renew_without_lease && self.reason != Reason::Expiring
    }

    /// What the store may hold from before this session: a token that is valid needs no lease.
    async fn stored_without_lease(&self, known: Option<&Token>) -> Result<Option<Token>, Error> {
        if !self.shared.renewal_state().may_have_newer {
            return Ok(None);
        }
        let stored = self.load().await?;
        let theirs = stored.filter(|stored| is_newer(stored, known) && self.is_enough(stored));
        if theirs.is_some() {
            self.shared.renewal_state().may_have_newer = false;
        }
        Ok(theirs)
    }

    /// Renews under the lease, or because the store gives none, and that is allowed.
    async fn run_with(
        &self,
        lease: Result<&dyn Lease, Error>,
        known: Option<Token>,
    ) -> Result<Renewed, R::Error> {
        let (token, after) = match self.next_token(&lease, known).await? {
            Step::Theirs(theirs) => {
                tracing::debug!(token = %theirs.fingerprint(), "another session has renewed");
                return Ok(theirs.into());
            }
            Step::Issued { token, after } => (token, after),
        };
        let fence = lease.as_ref().map_or(0, |lease| lease.fence());
        let token = token.with_generation(later(after).max(fence));
        self.keep(token, lease.err()).await
    }

    /// Reads the store once more, now that no other session renews, and asks the vendor if it holds
    /// nothing newer.
    async fn next_token(
        &self,
        lease: &Result<&dyn Lease, Error>,
        known: Option<Token>,
    ) -> Result<Step, R::Error> {
        let stored = self.load().await?;
        self.shared.renewal_state().may_have_newer = false;
        let generations = [&stored, &known].into_iter().flatten();
        let after = generations.map(Token::generation).max().unwrap_or_default();
        let newest = match stored.filter(|stored| is_newer(stored, known.as_ref())) {
            Some(theirs) if self.is_enough(&theirs) => return Ok(Step::Theirs(theirs)),
            Some(theirs) => Some(theirs),
            None => known,
        };
        let renewed = self
            .shared
            .renewer
            .renew(newest.as_ref(), self.reason)
            .await;
        match renewed {
            Ok(token) => Ok(Step::Issued { token, after }),
            Err(error) if error.kind().is_transient() => Err(error),
            Err(error) => {
                self.after_refusal(lease, error, newest.as_ref(), after)
                    .await
            }
        }
    }

    /// Before a person is told to log in: another process may have logged in, or renewed beside
    /// this one.
    async fn after_refusal(
        &self,
        lease: &Result<&dyn Lease, Error>,
        error: R::Error,
        newest: Option<&Token>,
        after: u64,
    ) -> Result<Step, R::Error> {
        match self.persistence.load().await {
            Ok(Some(theirs)) if is_newer(&theirs, newest) => {
                if self.is_enough(&theirs) {
                    return Ok(Step::Theirs(theirs));
                }
                let after = after.max(theirs.generation());
                let token = self
                    .shared
                    .renewer
                    .renew(Some(&theirs), self.reason)
                    .await?;
                Ok(Step::Issued { token, after })
            }
            _ => Err(explained(error, lease)),
        }
    }

    /// Saves the token, unless a log-in or log-out has made it pointless.
    async fn keep(&self, token: Token, lease: Option<Error>) -> Result<Renewed, R::Error> {
        let mut failures = StoreFailures { lease, save: None };
        let is_wanted = {
            // In memory first: whatever happens to the store, the rotated token is not lost.
            let mut state = self.shared.renewal_state();
            let is_wanted = state.epoch == self.epoch;
            if is_wanted {
                state.token = Some(token.clone());
            }
            is_wanted
        };
        if is_wanted {
            match self.persistence.save(&*self.shared.clock, &token).await {
                Ok(SaveOutcome::Saved) => {}
                Ok(SaveOutcome::Superseded) => {
                    // A log-in came in between, or a renewal without the lease. All sessions
                    // should have the same token.
                    let theirs = self.persistence.load().await.ok().flatten();
                    if let Some(theirs) = theirs.filter(|theirs| self.is_enough(theirs)) {
                        return Ok(theirs.into());
                    }
                    failures.save = Some(superseded());
                }
                Err(error) => failures.save = Some(error),
            }
        }
        Ok(Renewed { token, failures })
    }

    async fn load(&self) -> Result<Option<Token>, Error> {
        self.persistence
            .load_if_needed(!self.works_without_store())
            .await
    }

    /// Whether a token from the store spares this renewal.
    fn is_enough(&self, token: &Token) -> bool {
        self.reason != Reason::Requested
            && !token.expiry().has_passed(self.shared.clock.now().wall())
    }
}

/// A refusal whose true reason may be that a process died in the middle of a renewal.
fn explained<E: AuthError>(error: E, lease: &Result<&dyn Lease, Error>) -> E {
    let is_abandoned = lease.as_ref().is_ok_and(|lease| lease.was_abandoned());
    match error.kind() {
        ErrorKind::TokenRejected | ErrorKind::InteractionRequired if is_abandoned => {
            let message = format!(
                "the process that renewed before broke off and may have spent the refresh token: \
                 {error}"
            );
            Error::new(ErrorKind::OutcomeUnknown, message).into()
        }
        _ => error,
    }
}

impl<R: Renew> Shared<R> {
    /// Ends a renewal: its token becomes the present one, or its failure is remembered.
    fn finish(
        &self,
        epoch: u64,
        result: Result<Renewed, R::Error>,
    ) -> Result<AuthHeaders, R::Error> {
        let mut state = self.renewal_state();
        state.renewal = None;
        let outcome = if state.epoch == epoch {
            let outcome = result.and_then(|renewed| {
                // Even if it cannot be used: its refresh token gets the next one.
                state.token = Some(renewed.token.clone());
                let headers = self.install(&mut state, renewed.token)?;
                state.store_failures = renewed.failures;
                Ok(headers)
            });
            if let Err(error) = &outcome {
                self.note_failure(&mut state, error);
            }
            outcome
        } else {
            self.overtaken(&state, result)
        };
        self.announce(&state);
        outcome
    }

    /// What callers get of a renewal during which a log-in or log-out came, which is what counts.
    fn overtaken(
        &self,
        state: &RenewalState<R::Error>,
        result: Result<Renewed, R::Error>,
    ) -> Result<AuthHeaders, R::Error> {
        if let Some(headers) = self.valid(self.clock.now()) {
            return Ok(headers);
        }
        if let Some(failure) = state.backoff.last() {
            return Err(failure.error.clone());
        }
        result.and_then(|_| {
            let message = "the renewal was overtaken by another log-in";
            Err(Error::new(ErrorKind::Unavailable, message).into())
        })
    }

    /// Remembers a failed renewal. A valid token stays.
    pub(super) fn note_failure(&self, state: &mut RenewalState<R::Error>, error: &R::Error) {
        let now = self.clock.now();
        let pause = state.backoff.failed(error, now);
        tracing::warn!(kind = %error.kind(), %error, "renewal failed");
        if let (Some(current), Some(pause)) = (self.current.load_full(), pause) {
            current.renew_after(now, pause.max(state.window / EARLY_ATTEMPTS));
        }
    }
}
