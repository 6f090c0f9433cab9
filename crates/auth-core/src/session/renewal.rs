//! One renewal, from the lease to the saved token.

use std::sync::Arc;

use tokio::sync::watch;

use super::Shared;
use super::locked::{Event, Locked};
use super::state::Outcome;
use super::store::{Persistence, StoreFailures, is_newer, later, superseded};
use super::tokens::Prepared;
use crate::auth_headers::AuthHeaders;
use crate::background;
use crate::renew::{Reason, Renew};
use crate::state::StateReason;
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
}

impl<R: Renew> Finish<R> {
    pub(super) fn new(
        shared: Arc<Shared<R>>,
        epoch: u64,
        done: watch::Sender<Outcome<R::Error>>,
    ) -> Self {
        let done = Some(done);
        Self {
            shared,
            epoch,
            done,
        }
    }

    pub(super) fn with(&mut self, result: Result<Ready, R::Error>) {
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

/// A renewal's token, ready to become the present one, and what could not be done for it.
pub(super) struct Ready {
    prepared: Prepared,
    failures: StoreFailures,
}

/// The task of one renewal, of the token that was `known` when it was decided. It holds the
/// session's parts, so it ends well even if every handle is dropped.
pub(super) async fn run<R: Renew>(mut finish: Finish<R>, reason: Reason, known: Option<Token>) {
    let shared = Arc::clone(&finish.shared);
    let epoch = finish.epoch;
    let renewing = async {
        let renewed = if let Some(persistence) = &shared.persistence {
            let renewal = Renewal {
                shared: &shared,
                persistence,
                reason,
                epoch,
            };
            renewal.run(known).await?
        } else {
            let token = shared.renewer.renew(known.as_ref(), reason).await?;
            Renewed::from(token)
        };
        Ok(Ready {
            prepared: shared.prepare_renewed(renewed.token, epoch)?,
            failures: renewed.failures,
        })
    };
    let result = RENEWING.scope(shared.address(), renewing).await;
    finish.with(result);
}

/// For a renewal that asks its own session to renew or to end.
pub(super) fn waits_for_itself() -> Error {
    let message = "the session was asked for a token by the renewal that is to get it";
    Error::new(ErrorKind::InvalidConfig, message)
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
        if !self.shared.lock().may_have_newer {
            return Ok(None);
        }
        let stored = self.load().await?;
        let theirs = stored.filter(|stored| is_newer(stored, known) && self.is_enough(stored));
        if theirs.is_some() {
            self.shared.lock().may_have_newer = false;
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
        self.shared.lock().may_have_newer = false;
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
            let mut state = self.shared.lock();
            let is_wanted = state.epoch == self.epoch;
            if is_wanted && !state.supersedes(&token) {
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
        let needed = !self.works_without_store();
        let stored = self.persistence.load_if_needed(needed).await?;
        // Two accounts may share a key that a program has chosen.
        if let Some(stored) = &stored {
            self.shared.check_account(stored)?;
        }
        Ok(stored)
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
    fn prepare_renewed(&self, token: Token, epoch: u64) -> Result<Prepared, R::Error> {
        let prepared = self.prepare(&token);
        if prepared.is_err() {
            let mut state = self.lock();
            if state.epoch == epoch && !state.supersedes(&token) {
                state.token = Some(token);
            }
        }
        prepared
    }

    /// Ends a renewal: its token becomes the present one, or its failure is remembered.
    fn finish(&self, epoch: u64, result: Result<Ready, R::Error>) -> Result<AuthHeaders, R::Error> {
        let mut state = self.lock();
        state.renewal = None;
        if state.epoch != epoch {
            return self.overtaken(&mut state, result);
        }
        let ready = match result {
            Ok(ready) => ready,
            Err(error) => {
                self.note_failure(&mut state, &error);
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
        result: Result<Ready, R::Error>,
    ) -> Result<AuthHeaders, R::Error> {
        let headers = self.valid(state.now);
        if state.is_logged_out {
            // The vendor has to forget this one as well.
            state.left_over = result.as_ref().ok().map(|ready| ready.prepared.headers());
        }
        if let Some(headers) = headers {
            return Ok(headers);
        }
        if let Some(failure) = state.backoff.last() {
            return Err(failure.error.clone());
        }
        result.and_then(|_| Err(overtaken().into()))
    }

    /// Remembers a failed renewal. A valid token stays.
    fn note_failure(&self, state: &mut Locked<'_, R>, error: &R::Error) {
        let now = state.now;
        let pause = state.backoff.failed(error, now);
        state.tell(Event::RenewalFailed(StateReason::of(error)));
        if let (Some(current), Some(pause)) = (self.present(), pause) {
            current.renew_after(now, pause.max(state.window / EARLY_ATTEMPTS));
        }
    }
}

fn overtaken() -> Error {
    let message = "the renewal was overtaken by another log-in";
    Error::new(ErrorKind::Unavailable, message)
}
