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
use crate::store::{StoreKey, TokenStore};
use crate::{Error, Token};

/// How often a new token is offered to a store that fails.
const SAVE_ATTEMPTS: u32 = 3;

/// The bound of the first pause between two offers; the next are longer.
const SAVE_PAUSE: Duration = Duration::from_millis(50);

/// Lands the renewal however it ends: those who wait must hear of it even if it panics.
struct Landing<R: Renew> {
    shared: Arc<Shared<R>>,
    epoch: u64,
    done: Option<watch::Sender<Landed<R::Error>>>,
}

impl<R: Renew> Landing<R> {
    fn land(&mut self, outcome: Result<(Token, Option<Error>), R::Error>) {
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

/// The task of one renewal. It holds the session's parts, so it ends well even if every handle is
/// dropped.
pub(super) async fn fly<R: Renew>(
    shared: Arc<Shared<R>>,
    reason: Reason,
    epoch: u64,
    done: watch::Sender<Landed<R::Error>>,
) {
    // Not before the task runs: a task that is never begun is dropped under the lock.
    let mut landing = Landing {
        shared,
        epoch,
        done: Some(done),
    };
    let outcome = renew(&landing.shared, reason, epoch).await;
    landing.land(outcome);
}

/// Gets the next token: somebody else's from the store where there is a newer one, else a new one
/// from the vendor, saved before it is handed out.
async fn renew<R: Renew>(
    shared: &Shared<R>,
    reason: Reason,
    epoch: u64,
) -> Result<(Token, Option<Error>), R::Error> {
    let (known, unread) = {
        let control = shared.control();
        (control.token.clone(), control.unread)
    };
    let Some((store, key)) = &shared.store else {
        let token = shared.renewer.renew(known.as_ref(), reason).await?;
        return Ok((token, None));
    };
    if unread {
        // A valid token needs no lease.
        let theirs = newer(store.load(key).await?, known.as_ref());
        if let Some(theirs) = theirs.filter(|theirs| is_usable(theirs, shared, reason)) {
            shared.control().unread = false;
            return Ok((theirs, None));
        }
    }
    let lease = store.lease(key).await?;
    let stored = newer(store.load(key).await?, known.as_ref());
    shared.control().unread = false;
    if let Some(theirs) = stored
        .as_ref()
        .filter(|theirs| is_usable(theirs, shared, reason))
    {
        tracing::debug!(token = %theirs.fingerprint(), "somebody else has renewed");
        return Ok((theirs.clone(), None));
    }
    let newest = stored.or(known);
    let token = shared.renewer.renew(newest.as_ref(), reason).await?;
    let is_wanted = {
        // In memory first: whatever happens to the store, the rotated token is not lost.
        let mut control = shared.control();
        let is_wanted = control.epoch == epoch;
        if is_wanted {
            control.token = Some(token.clone());
        }
        is_wanted
    };
    let unsaved = if is_wanted {
        save(&*shared.clock, &**store, key, &token).await.err()
    } else {
        None
    };
    drop(lease);
    Ok((token, unsaved))
}

/// What the store holds, if it is newer than what we know.
fn newer(stored: Option<Token>, known: Option<&Token>) -> Option<Token> {
    stored.filter(|stored| {
        known.is_none_or(|known| {
            !stored.has_same_access(known) && stored.issued_at() >= known.issued_at()
        })
    })
}

/// Whether a token from the store spares us a renewal.
fn is_usable<R: Renew>(token: &Token, shared: &Shared<R>, reason: Reason) -> bool {
    reason != Reason::Requested && !token.expiry().has_passed(shared.clock.now().wall())
}

/// Saves `token`, trying a few times.
pub(super) async fn save(
    clock: &dyn Clock,
    store: &dyn TokenStore,
    key: &StoreKey,
    token: &Token,
) -> Result<(), Error> {
    let policy = RetryPolicy::default().pauses(SAVE_PAUSE, SAVE_PAUSE * 8);
    let mut attempt = 1;
    loop {
        match store.save(key, token).await {
            Ok(()) => return Ok(()),
            Err(error) if attempt == SAVE_ATTEMPTS => {
                tracing::error!(%error, "renewed but not saved");
                return Err(error);
            }
            Err(_) => clock.sleep(policy.pause(attempt)).await,
        }
        attempt += 1;
    }
}
