//! One renewal, from the lease to the saved token.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Shared;
use super::control::Landed;
use crate::background;
use crate::clock::Clock;
use crate::renew::{Reason, Renew};
use crate::retry::RetryPolicy;
use crate::state::{State, StateReason};
use crate::store::{Lease, SaveOutcome, StoreKey, TokenStore};
use crate::{AuthError, Error, ErrorKind, Token};

/// How often a new token is offered to a store that fails.
const SAVE_ATTEMPTS: u32 = 3;

/// The bound of the first pause between two offers; the next are longer.
const SAVE_PAUSE: Duration = Duration::from_millis(50);

/// Where a session keeps its token.
pub(super) struct Place {
    pub(super) store: Arc<dyn TokenStore>,
    pub(super) key: StoreKey,
    pub(super) renew_without_lease: bool,
}

/// A renewal's token, and what could not be done for it.
pub(super) struct Renewed {
    pub(super) token: Token,
    pub(super) lacks: Lacks,
}

impl From<Token> for Renewed {
    fn from(token: Token) -> Self {
        Self {
            token,
            lacks: Lacks::default(),
        }
    }
}

/// What the token store refused to do for the present token.
#[derive(Default)]
pub(super) struct Lacks {
    pub(super) lease: Option<Error>,
    pub(super) save: Option<Error>,
}

impl Lacks {
    /// The state of a session with a valid token.
    pub(super) fn state(&self) -> State {
        match (&self.lease, &self.save) {
            (None, None) => State::Fresh,
            (None, Some(save)) => State::Unsaved {
                reason: StateReason::of(save),
            },
            (Some(lease), None) => State::RenewedWithoutLease {
                reason: StateReason::of(lease),
            },
            (Some(lease), Some(save)) => State::RenewedWithoutLease {
                reason: StateReason::of(&Error::new(
                    ErrorKind::Store,
                    format!("{lease}; the token is not saved either: {save}"),
                )),
            },
        }
    }
}

/// Lands the renewal however it ends: those who wait must hear of it even if it panics.
struct Landing<R: Renew> {
    shared: Arc<Shared<R>>,
    epoch: u64,
    done: Option<watch::Sender<Landed<R::Error>>>,
}

impl<R: Renew> Landing<R> {
    fn land(&mut self, outcome: Result<Renewed, R::Error>) {
        if let Some(done) = self.done.take() {
            let landed = self.shared.land(self.epoch, outcome);
            done.send_replace(Some(landed));
        }
    }
}

impl<R: Renew> Drop for Landing<R> {
    fn drop(&mut self) {
        if self.done.is_some() {
            self.land(Err(background::lost().into()));
        }
    }
}

/// The task of one renewal, of the token that is `known` when it is decided. It holds the session's
/// parts, so it ends well even if every handle is dropped.
pub(super) async fn fly<R: Renew>(
    shared: Arc<Shared<R>>,
    reason: Reason,
    known: Option<Token>,
    epoch: u64,
    done: watch::Sender<Landed<R::Error>>,
) {
    // Not before the task runs: a task that is never begun is dropped under the lock.
    let mut landing = Landing {
        shared,
        epoch,
        done: Some(done),
    };
    let outcome = renew(&landing.shared, reason, known, epoch).await;
    landing.land(outcome);
}

/// Gets the next token: somebody else's from the store where there is a newer one, else a new one
/// from the vendor, saved before it is handed out.
async fn renew<R: Renew>(
    shared: &Shared<R>,
    reason: Reason,
    known: Option<Token>,
    epoch: u64,
) -> Result<Renewed, R::Error> {
    let Some(place) = &shared.place else {
        let token = shared.renewer.renew(known.as_ref(), reason).await?;
        return Ok(token.into());
    };
    // A valid token does not need to be renewed by somebody who may not be alone.
    let alone_is_fine = place.renew_without_lease && reason != Reason::Expiring;
    let unread = shared.control().unread;
    if unread {
        // A token that is valid needs no lease.
        let stored = match place.store.load(&place.key).await {
            Err(_) if alone_is_fine => None,
            stored => stored?,
        };
        let theirs = stored.filter(|stored| is_newer(stored, known.as_ref()));
        if let Some(theirs) = theirs.filter(|theirs| is_usable(theirs, shared, reason)) {
            shared.control().unread = false;
            return Ok(theirs.into());
        }
    }
    match place.store.lease(&place.key).await {
        Ok(lease) => {
            let renewed = renew_under(shared, Ok(&*lease), known, reason, epoch).await;
            if let Err(error) = lease.release().await {
                tracing::warn!(%error, "the lease was not given back and has to run out");
            }
            renewed
        }
        Err(error) if alone_is_fine => {
            tracing::warn!(%error, "renewing without the lease");
            renew_under(shared, Err(error), known, reason, epoch).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Renews under the lease, or because the store gives none, and that is allowed.
async fn renew_under<R: Renew>(
    shared: &Shared<R>,
    lease: Result<&dyn Lease, Error>,
    known: Option<Token>,
    reason: Reason,
    epoch: u64,
) -> Result<Renewed, R::Error> {
    let Some(place) = &shared.place else {
        return Err(background::lost().into());
    };
    let stored = match place.store.load(&place.key).await {
        Err(_) if place.renew_without_lease && reason != Reason::Expiring => None,
        stored => stored?,
    };
    shared.control().unread = false;
    let mut generation = [&stored, &known]
        .into_iter()
        .flatten()
        .map(Token::generation)
        .max()
        .unwrap_or_default();
    let theirs = stored.filter(|stored| is_newer(stored, known.as_ref()));
    if let Some(theirs) = theirs.as_ref().filter(|it| is_usable(it, shared, reason)) {
        tracing::debug!(token = %theirs.fingerprint(), "somebody else has renewed");
        return Ok(theirs.clone().into());
    }
    let newest = theirs.or(known);
    let token = match shared.renewer.renew(newest.as_ref(), reason).await {
        Ok(token) => token,
        Err(error) if error.kind().is_transient() => return Err(error),
        // Before anybody is told to log in: perhaps somebody has, or has renewed beside us.
        Err(error) => match place.store.load(&place.key).await {
            Ok(Some(theirs)) if is_newer(&theirs, newest.as_ref()) => {
                if is_usable(&theirs, shared, reason) {
                    return Ok(theirs.into());
                }
                generation = generation.max(theirs.generation());
                shared.renewer.renew(Some(&theirs), reason).await?
            }
            _ => return Err(explained(error, &lease)),
        },
    };
    let fence = lease.as_ref().map_or(0, |lease| lease.fence());
    let token = token.with_generation((generation + 1).max(fence));
    let is_wanted = {
        // In memory first: whatever happens to the store, the rotated token is not lost.
        let mut control = shared.control();
        let is_wanted = control.epoch == epoch;
        if is_wanted {
            control.token = Some(token.clone());
        }
        is_wanted
    };
    let mut lacks = Lacks {
        lease: lease.err(),
        save: None,
    };
    if is_wanted {
        match save(&*shared.clock, place, &token).await {
            Ok(SaveOutcome::Saved) => {}
            Ok(SaveOutcome::Superseded) => {
                // Somebody logged in meanwhile, or renewed without the lease. All should have the
                // same token.
                let theirs = place.store.load(&place.key).await.ok().flatten();
                if let Some(theirs) = theirs.filter(|it| is_usable(it, shared, reason)) {
                    return Ok(theirs.into());
                }
                lacks.save = Some(superseded());
            }
            Err(error) => lacks.save = Some(error),
        }
    }
    Ok(Renewed { token, lacks })
}

/// A refusal whose true reason is that a process died in the middle of a renewal, perhaps.
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

/// Whether what the store holds is newer than what we know.
pub(super) fn is_newer(stored: &Token, known: Option<&Token>) -> bool {
    let Some(known) = known else { return true };
    if known.generation() == 0 || stored.generation() == 0 {
        // Not counted yet.
        return !stored.has_same_access(known) && stored.issued_at() >= known.issued_at();
    }
    known.is_superseded_by(stored)
}

/// Whether a token from the store spares us a renewal.
fn is_usable<R: Renew>(token: &Token, shared: &Shared<R>, reason: Reason) -> bool {
    reason != Reason::Requested && !token.expiry().has_passed(shared.clock.now().wall())
}

/// For a token in whose place the store keeps a later one.
pub(super) fn superseded() -> Error {
    let message = "the store holds a later token of this account and kept it";
    Error::new(ErrorKind::Store, message)
}

/// Saves `token`, trying a few times.
pub(super) async fn save(
    clock: &dyn Clock,
    place: &Place,
    token: &Token,
) -> Result<SaveOutcome, Error> {
    let policy = RetryPolicy::default().pauses(SAVE_PAUSE, SAVE_PAUSE * 8);
    let mut attempt = 1;
    loop {
        match place.store.save(&place.key, token).await {
            Ok(saved) => return Ok(saved),
            Err(error) if attempt == SAVE_ATTEMPTS => {
                tracing::error!(%error, "not saved");
                return Err(error);
            }
            Err(_) => clock.sleep(policy.pause(attempt)).await,
        }
        attempt += 1;
    }
}
