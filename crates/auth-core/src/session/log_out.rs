//! The end of a session.

use std::sync::Arc;

use tokio::sync::watch;
use tracing::Instrument as _;

use super::events::session_span;
use super::state::{LogOut, Renewing, wait};
use super::{Session, Shared, renewal};
use crate::auth_headers::AuthHeaders;
use crate::renew::Renew;
use crate::{Error, ErrorKind, Token};

/// What a log-out has still to end.
struct Forgotten<E> {
    /// Of the forgotten token, if it was valid.
    headers: Option<AuthHeaders>,
    /// The one under way.
    renewal: Option<Renewing<E>>,
    /// The log-out's own.
    epoch: u64,
    /// Closed once nothing of before is in the store.
    is_stored: watch::Sender<()>,
}

impl<R: Renew> Session<R> {
    /// Ends the session: forgets the token here and in the store, and tells the vendor. Waits for
    /// a renewal under way, so that nothing comes back afterwards.
    ///
    /// Callers get [`ErrorKind::InteractionRequired`] until [`Session::set_token`] or
    /// [`Session::renew`]. One of these that comes during the log-out counts, and starts from nothing of
    /// before.
    ///
    /// # Errors
    ///
    /// What the vendor or the store said; the token is forgotten here all the same.
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::{Error, Renew, Session};
    /// # async fn example(session: &Session<impl Renew<Error = Error>>) -> Result<(), Error> {
    /// session.log_out().await?;
    /// # Ok(()) }
    /// ```
    pub async fn log_out(&self) -> Result<(), R::Error> {
        if self.shared.is_renewing_here() {
            return Err(renewal::waits_for_itself().into());
        }
        // At once, whatever becomes of the rest.
        let span = session_span!(self.shared.identity, "log_out");
        let forgotten = self.shared.forget();
        let shared = Arc::clone(&self.shared);
        let task = async move { shared.end(forgotten).await };
        self.shared.run(task.instrument(span)).await?
    }
}

impl<R: Renew> Shared<R> {
    /// Forgets the token here.
    fn forget(&self) -> Forgotten<R::Error> {
        let mut state = self.lock();
        let headers = self.valid(state.now);
        state.start_over();
        state.token = None;
        state.is_logged_out = true;
        let error = Error::new(ErrorKind::InteractionRequired, "the session was logged out");
        state.backoff.failed_for_good(error.into());
        self.current.store(None);
        let (is_stored, deletion) = watch::channel(());
        state.log_out = Some(LogOut {
            epoch: state.epoch,
            deletion,
        });
        Forgotten {
            headers,
            renewal: state.under_way(),
            epoch: state.epoch,
            is_stored,
        }
    }

    /// Deletes the forgotten token from the store, and tells the vendor.
    async fn end(
        &self,
        Forgotten {
            headers,
            renewal,
            epoch,
            is_stored,
        }: Forgotten<R::Error>,
    ) -> Result<(), R::Error> {
        if let Some(renewal) = renewal {
            let _ = wait(renewal).await;
        }
        // The store first: the vendor may take its time.
        let deleted = match &self.persistence {
            Some(persistence) => {
                // A log-in may have come, and been saved, while the log-out waited.
                let log_in = || self.newest_since(epoch);
                persistence.delete_all_but(log_in).await
            }
            None => Ok(()),
        };
        let left_over = self.lock().left_over.take();
        drop(is_stored);
        let mut revoked = Ok(());
        for headers in headers.iter().chain(&left_over) {
            revoked = self.renewer.revoke(headers).await.and(revoked);
        }
        deleted?;
        revoked
    }

    /// The newest token, if a log-in came after `epoch`.
    fn newest_since(&self, epoch: u64) -> Option<Token> {
        let (token, newest) = self.newest();
        token.filter(|_| newest != epoch)
    }
}
