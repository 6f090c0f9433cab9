//! A renewal of a session with a token store, from the lease to the saved token.

use super::Shared;
use super::events::tell;
use super::renewal::{Ready, overtaken};
use super::store::{Mark, Persistence, StoreFailures, is_newer, later, superseded};
use super::tokens::Prepared;
use crate::renew::{Reason, Renew};
use crate::store::{Lease, SaveOutcome};
use crate::{AuthError, Error, ErrorKind, Token, progress};

/// A renewal of a session with a token store.
pub(super) struct Leased<'a, R: Renew> {
    pub(super) shared: &'a Shared<R>,
    pub(super) persistence: &'a Persistence,
    pub(super) reason: Reason,
    pub(super) epoch: u64,
}

/// What a step of a renewal came to.
enum Step {
    /// Another session's token, which spares this renewal.
    Theirs(Prepared),
    /// The vendor issued this one.
    Issued(Token),
}

impl<R: Renew> Leased<'_, R> {
    /// For a session that only a log-in can help: another process may have logged in. If so, the
    /// failure is forgotten, and the token that was refused. Any other one is better, of an earlier
    /// generation too: they are counted anew after a log-out.
    ///
    /// # Errors
    ///
    /// If the store holds no other token.
    pub(super) async fn look(&self, known: Option<&Token>) -> Result<(), Error> {
        let is_other = |stored: &Token| {
            is_newer(stored, known) || known.is_some_and(|known| !known.has_same_access(stored))
        };
        let stored = self.load().await?.filter(is_other);
        let mut state = self.shared.lock();
        if state.epoch != self.epoch || stored.is_none() {
            return Err(Error::new(ErrorKind::Store, "no other token is stored"));
        }
        state.backoff.reset();
        state.token = None;
        state.may_have_newer = true;
        let now = state.now;
        state.backoff.began(now);
        Ok(())
    }

    /// Gets the next token: another session's from the store where there is a newer one, else a
    /// new one from the vendor, saved before callers get it.
    pub(super) async fn run(&self, known: Option<Token>) -> Result<Ready, R::Error> {
        self.until_deleted().await;
        if let Some(theirs) = self.stored_without_lease(known.as_ref()).await? {
            return Ok(theirs.into());
        }
        let persistence = self.persistence;
        match self.lease().await {
            Ok(lease) => {
                let mut mark = Mark::AsItWas;
                let ready = self.run_with(Ok(&*lease), known, &mut mark).await;
                if let (Mark::AsItWas, Err(error)) = (&mark, &ready) {
                    mark = after_failure(error.kind());
                }
                mark.leave_on(lease, &persistence.identity).await;
                ready
            }
            Err(error) if self.works_without_store() => {
                let identity = &self.shared.identity;
                tell!(
                    warn,
                    identity,
                    "renewing without the lease",
                    cause = identity.shown(&error).as_str()
                );
                self.run_with(Err(error), known, &mut Mark::AsItWas).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// After a log-out, the store may hold what that has still to delete.
    async fn until_deleted(&self) {
        let deletion = self.shared.lock().deletion(self.epoch);
        if let Some(mut deletion) = deletion {
            let _ = deletion.changed().await;
        }
    }

    /// A token that is still valid is not renewed by a session that may not be the only one.
    fn works_without_store(&self) -> bool {
        self.persistence.renew_without_lease && self.reason != Reason::Expiring
    }

    /// What the store may hold from before this session: a token that is valid needs no lease.
    async fn stored_without_lease(&self, known: Option<&Token>) -> Result<Option<Prepared>, Error> {
        if !self.shared.lock().may_have_newer {
            return Ok(None);
        }
        let stored = self.load().await?;
        let newer = stored.filter(|stored| is_newer(stored, known));
        let theirs = newer.and_then(|newer| self.enough(&newer));
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
        mark: &mut Mark,
    ) -> Result<Ready, R::Error> {
        let token = match self.next_token(&lease, known).await? {
            Step::Theirs(theirs) => return Ok(theirs.into()),
            Step::Issued(token) => token,
        };
        *mark = Mark::Left;
        self.keep(token, lease.err(), mark).await
    }

    /// Reads the store once more, now that no other session renews, and asks the vendor if it holds
    /// nothing newer.
    async fn next_token(
        &self,
        lease: &Result<&dyn Lease, Error>,
        known: Option<Token>,
    ) -> Result<Step, R::Error> {
        let stored = self.load().await?;
        self.check_wanted()?;
        self.shared.lock().may_have_newer = false;
        let generations = [&stored, &known].into_iter().flatten();
        let after = generations.map(Token::generation).max().unwrap_or_default();
        let newest = match stored.filter(|stored| is_newer(stored, known.as_ref())) {
            Some(theirs) => match self.enough(&theirs) {
                Some(theirs) => return Ok(Step::Theirs(theirs)),
                None => self.take_note(theirs, known),
            },
            None => known,
        };
        match self.shared.ask(newest.as_ref(), self.reason).await {
            Ok(token) => Ok(self.issued(lease, token, newest.as_ref(), after)),
            Err(error) if error.kind().is_transient() => Err(error),
            Err(error) => {
                self.after_refusal(lease, error, newest.as_ref(), after)
                    .await
            }
        }
    }

    /// Fails if a log-in or log-out came: what the store holds may be that log-in's, whose refresh
    /// token must not be spent for a token that will be dropped.
    fn check_wanted(&self) -> Result<(), Error> {
        if self.shared.lock().epoch == self.epoch {
            Ok(())
        } else {
            Err(overtaken())
        }
    }

    /// A newer token that is no use as it is: its refresh token gets the next one. It counts as
    /// known, so that a refusal of it is not asked for twice. One that cannot be put into headers
    /// is no better than what the session has.
    fn take_note(&self, theirs: Token, known: Option<Token>) -> Option<Token> {
        if known.is_some() && !self.shared.has_headers(&theirs) {
            return known;
        }
        self.shared.lock().remember(&theirs, self.epoch);
        Some(theirs)
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
        let stored = self.persistence.load().await.ok().flatten();
        self.check_wanted()?;
        let Some(theirs) = stored.filter(|theirs| is_newer(theirs, newest)) else {
            return Err(self.explained(error, lease));
        };
        let after = after.max(theirs.generation());
        if let Some(theirs) = self.enough(&theirs) {
            return Ok(Step::Theirs(theirs));
        }
        let newest = self.take_note(theirs, None);
        let token = self.shared.ask(newest.as_ref(), self.reason).await?;
        Ok(self.issued(lease, token, newest.as_ref(), after))
    }

    /// Counts the vendor's token: after what the store held, and after the one from which it was
    /// renewed, which a save may have counted meanwhile. In memory first: whatever happens to the
    /// store, the rotated token is not lost.
    fn issued(
        &self,
        lease: &Result<&dyn Lease, Error>,
        token: Token,
        known: Option<&Token>,
        after: u64,
    ) -> Step {
        let fence = lease.as_ref().map_or(0, |lease| lease.fence());
        let mut state = self.shared.lock();
        let after = after.max(known.map_or(0, |known| state.generation_of(known)));
        let token = token.with_generation(later(after).max(fence));
        state.remember(&token, self.epoch);
        Step::Issued(token)
    }

    /// A refusal whose true reason may be that a process died in the middle of a renewal, or could
    /// not save what it got.
    fn explained(&self, error: R::Error, lease: &Result<&dyn Lease, Error>) -> R::Error {
        let is_abandoned = lease.as_ref().is_ok_and(|lease| lease.was_abandoned());
        match error.kind() {
            ErrorKind::TokenRejected | ErrorKind::InteractionRequired
                if is_abandoned && self.shared.lock().backoff.doubts() =>
            {
                let message = format!(
                    "the process that renewed before broke off, or could not save its token, and \
                     may have spent the refresh token: {error}"
                );
                Error::new(ErrorKind::OutcomeUnknown, message).into()
            }
            _ => error,
        }
    }

    /// Saves the token, unless a log-in or log-out has made it pointless.
    async fn keep(
        &self,
        token: Token,
        lease: Option<Error>,
        mark: &mut Mark,
    ) -> Result<Ready, R::Error> {
        let mut failures = StoreFailures {
            lease,
            ..StoreFailures::default()
        };
        let saving = self.persistence.saves.lock().await;
        if self.check_wanted().is_ok() {
            match self.persistence.save(&token).await {
                Ok(SaveOutcome::Saved) => *mark = Mark::Cleared,
                Ok(SaveOutcome::Superseded) => {
                    *mark = Mark::Cleared;
                    // A log-in came in between, or a renewal without the lease. All sessions
                    // should have the same token.
                    let theirs = self.persistence.load().await.ok().flatten();
                    if let Some(theirs) = theirs.and_then(|theirs| self.enough(&theirs)) {
                        return Ok(theirs.into());
                    }
                    failures.save = Some(superseded());
                }
                Err(error) => {
                    failures.left_mark = failures.lease.is_none();
                    failures.save = Some(error);
                }
            }
        } else {
            *mark = Mark::Cleared;
        }
        drop(saving);
        let prepared = self.shared.prepare_renewed(&token, self.epoch)?;
        Ok(Ready {
            prepared,
            failures,
            is_theirs: false,
        })
    }

    async fn lease(&self) -> Result<Box<dyn Lease>, Error> {
        let lease = self.persistence.lease().await;
        lease.inspect_err(|_| progress::began("store.lease", None))
    }

    async fn load(&self) -> Result<Option<Token>, Error> {
        let needed = !self.works_without_store();
        let stored = self.persistence.load_if_needed(needed).await;
        let stored = stored.inspect_err(|_| progress::began("store.load", None))?;
        // Two accounts may share a key that a program has chosen.
        if let Some(stored) = &stored {
            self.shared.check_account(stored)?;
        }
        Ok(stored)
    }

    /// A token from the store, if it spares this renewal.
    fn enough(&self, token: &Token) -> Option<Prepared> {
        let may_spare = self.reason != Reason::Requested;
        may_spare
            .then(|| self.shared.prepare_stored(token).ok())
            .flatten()
    }
}

/// What becomes of the mark when there is no new token.
fn after_failure(kind: ErrorKind) -> Mark {
    match kind {
        // The refresh token may be spent.
        ErrorKind::OutcomeUnknown => Mark::Left,
        // Believed by now.
        ErrorKind::TokenRejected | ErrorKind::InteractionRequired => Mark::Cleared,
        _ => Mark::AsItWas,
    }
}
