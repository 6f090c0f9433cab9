//! The token store's side of a session: what is saved, which token counts, what failed.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use tokio::sync::Mutex;

use super::events::{Identity, tell};
use super::metrics;
use crate::clock::Clock;
use crate::retry::RetryPolicy;
use crate::state::{State, StateReason};
use crate::store::{Lease, SaveOutcome, StoreKey, TokenStore};
use crate::{Error, ErrorKind, Token};

/// How often a new token is offered to a store that fails.
const SAVE_ATTEMPTS: u32 = 3;

/// The bound of the first pause between two offers; the next are longer.
const SAVE_PAUSE: Duration = Duration::from_millis(50);

/// Where a session keeps its token.
pub(super) struct Persistence {
    pub(super) store: Arc<dyn TokenStore>,
    pub(super) key: StoreKey,
    pub(super) renew_without_lease: bool,
    /// Held by each save and by a log-out's deletion: no save of before reaches the store after a
    /// deletion or the save of a log-in. Taken after the lease by all who need both.
    pub(super) saves: Mutex<()>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) identity: Arc<Identity>,
}

/// What the token store failed to do for the present token.
#[derive(Default)]
pub(super) struct StoreFailures {
    pub(super) lease: Option<Error>,
    pub(super) save: Option<Error>,
    /// Whether the lease's mark is this session's: it says that this token is not saved.
    pub(super) left_mark: bool,
}

impl StoreFailures {
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

impl Persistence {
    pub(super) async fn load(&self) -> Result<Option<Token>, Error> {
        self.store.load(&self.key).await
    }

    pub(super) async fn lease(&self) -> Result<Box<dyn Lease>, Error> {
        let asked = self.clock.now().monotonic();
        let lease = self.store.lease(&self.key).await;
        let took = self.clock.now().monotonic().saturating_sub(asked);
        metrics::lease(self.identity.vendor, lease.is_ok(), took);
        lease
    }

    /// Loads although the store may be down, where the program allows renewals without it.
    pub(super) async fn load_if_needed(&self, needed: bool) -> Result<Option<Token>, Error> {
        match self.load().await {
            Err(_) if !needed => Ok(None),
            stored => stored,
        }
    }

    /// Saves `token`, trying a few times.
    pub(super) async fn save(&self, token: &Token) -> Result<SaveOutcome, Error> {
        let saved = self.offer(token).await;
        let outcome = match &saved {
            Ok(SaveOutcome::Saved) => "saved",
            Ok(SaveOutcome::Superseded) => "superseded",
            Err(_) => "failed",
        };
        metrics::save(self.identity.vendor, outcome);
        saved
    }

    async fn offer(&self, token: &Token) -> Result<SaveOutcome, Error> {
        let policy = RetryPolicy::default().pauses(SAVE_PAUSE, SAVE_PAUSE * 8);
        let mut attempt = 1;
        loop {
            match self.store.save(&self.key, token).await {
                Ok(saved) => return Ok(saved),
                Err(error) if attempt == SAVE_ATTEMPTS => return Err(error),
                Err(_) => self.clock.sleep(policy.pause(attempt)).await,
            }
            attempt += 1;
        }
    }

    /// Deletes the token, under the lease: another process may be about to save one that it has
    /// renewed. The token of a later log-in stays.
    pub(super) async fn delete_all_but(
        &self,
        log_in: impl Fn() -> Option<Token>,
    ) -> Result<(), Error> {
        let lease = self.lease().await;
        // Saves under way come first, and those that follow find that nothing is wanted.
        let alone = self.saves.lock().await;
        let is_kept = match log_in() {
            Some(log_in) => self.load().await.map(|stored| {
                // Nothing is there to delete; or another process may have renewed it.
                stored.is_none_or(|stored| {
                    stored.has_same_access(&log_in) || is_newer(&stored, Some(&log_in))
                })
            }),
            None => Ok(false),
        };
        let deleted = match is_kept {
            Ok(true) => Ok(()),
            Ok(false) => self.store.delete(&self.key).await,
            // The log-in's save replaces whatever is there.
            Err(error) => Err(error),
        };
        drop(alone);
        let deleted = deleted.map(|()| Mark::Cleared);
        if let Ok(lease) = lease {
            Mark::after(&deleted).leave_on(lease, &self.identity).await;
        }
        deleted.map(drop)
    }
}

/// What becomes of a lease's mark, which says that a token was renewed and is not saved.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    /// Nothing was renewed: it stays as it was found.
    AsItWas,
    /// The store holds what counts.
    Cleared,
    /// What the store holds may be spent.
    Left,
}

impl Mark {
    /// What a write says, if it did not fail.
    pub(super) fn after(write: &Result<Self, Error>) -> Self {
        write.as_ref().map_or(Self::AsItWas, |mark| *mark)
    }

    /// Ends `lease`. One that is dropped counts as abandoned.
    pub(super) async fn leave_on(self, lease: Box<dyn Lease>, identity: &Identity) {
        let is_left = match self {
            Self::AsItWas => lease.was_abandoned(),
            Self::Cleared => false,
            Self::Left => true,
        };
        if is_left {
            drop(lease);
        } else if let Err(error) = lease.release().await {
            tell!(
                warn,
                identity,
                "the lease was not given back and has to run out",
                cause = identity.shown(&error).as_str()
            );
        }
    }
}

/// Whether what the store holds is newer than what the session knows.
pub(super) fn is_newer(stored: &Token, known: Option<&Token>) -> bool {
    let Some(known) = known else { return true };
    if known.generation() == 0 || stored.generation() == 0 {
        // Not counted yet.
        return !stored.has_same_access(known) && stored.issued_at() >= known.issued_at();
    }
    known.is_superseded_by(stored)
}

/// Whether a session continues with what the store holds although it was built with `given`. That
/// one may come from a program's settings, and may have been renewed long ago.
pub(super) fn is_later_than_given(stored: &Token, given: &Token) -> bool {
    if given.generation() != 0 {
        return given.is_superseded_by(stored);
    }
    if stored.has_same_access(given) {
        // A refresh may keep the access token and change the refresh token.
        return stored.generation() != 0;
    }
    // Of a permanent token the moment of issue is not known: it was given on purpose.
    given.issued_at() != UNIX_EPOCH && stored.issued_at() > given.issued_at()
}

/// The generation after `generation`. A store is input: no number in it may overflow.
pub(super) fn later(generation: u64) -> u64 {
    generation.saturating_add(1)
}

/// For a token in whose place the store keeps a later one.
pub(super) fn superseded() -> Error {
    let message = "the store holds a later token of this account and kept it";
    Error::new(ErrorKind::Store, message)
}
