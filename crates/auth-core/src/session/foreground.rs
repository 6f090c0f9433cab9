//! Renewing before the headers are returned, for programs that exit soon.

use std::sync::Arc;

use super::Shared;
use super::state::{Renewing, wait};
use crate::auth_headers::AuthHeaders;
use crate::renew::Renew;

impl<R: Renew> Shared<R> {
    /// The headers, after the renewal that is necessary, or that is due in a session which renews in
    /// the foreground.
    pub(super) async fn acquire(self: &Arc<Self>) -> Result<AuthHeaders, R::Error> {
        if let Some(renewal) = self.due_renewal() {
            // Its failure is told by an event, and in the state. The valid token follows.
            if let Ok(renewed) = wait(renewal).await {
                return Ok(renewed);
            }
        }
        self.join_or_start().wait().await
    }

    /// The renewal of a valid token to wait for, which starts here if it is due.
    fn due_renewal(self: &Arc<Self>) -> Option<Renewing<R::Error>> {
        // The renewal itself may ask for the valid headers.
        if !self.renews_in_foreground || self.is_renewing_here() {
            return None;
        }
        let now = self.clock.now();
        self.valid(now)?;
        self.renew_early(now);
        self.lock().under_way()
    }
}
