//! The end of a session.

use std::sync::Arc;

use tracing::Instrument as _;

use super::events::session_span;
use super::{Session, renewal};
use crate::renew::Renew;

impl<R: Renew> Session<R> {
    /// Ends the session: forgets the token here and in the store, and tells the vendor. Waits for
    /// a renewal under way, so that nothing comes back afterwards.
    ///
    /// Callers get [`ErrorKind::InteractionRequired`](crate::ErrorKind::InteractionRequired) until [`Session::set_token`] or
    /// [`Session::renew`].
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
        let task = async move { shared.log_out(forgotten).await };
        self.shared.run(task.instrument(span)).await?
    }
}
