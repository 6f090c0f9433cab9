//! Renewing before the headers are returned, for programs that exit soon.

use std::sync::Arc;

use super::Shared;
use super::state::{Renewing, wait};
use crate::auth_headers::AuthHeaders;
use crate::renew::Renew;

impl<R: Renew> Shared<R> {
    /// The headers, after the renewal that is necessary. In a session that renews in the foreground,
    /// after the one that is due, too.
    pub(super) async fn acquire(self: &Arc<Self>) -> Result<AuthHeaders, R::Error> {
        if let Some(renewed) = self.renewed_if_due().await {
            return Ok(renewed);
        }
        let headers = self.join_or_start().wait().await?;
        // They may be of a stored token that is due. A program that exits soon asks for no others.
        let now = self.clock.now();
        if headers.0.is_fresh(now) {
            return Ok(headers);
        }
        if let Some(renewed) = self.renewed_if_due().await {
            return Ok(renewed);
        }
        self.renew_early(now);
        Ok(headers)
    }

    /// The headers after the renewal that is due, where callers wait for it. If it fails, an event and
    /// the state tell that; the valid token stays in use.
    async fn renewed_if_due(self: &Arc<Self>) -> Option<AuthHeaders> {
        wait(self.due_renewal()?).await.ok()
    }

    fn due_renewal(self: &Arc<Self>) -> Option<Renewing<R::Error>> {
        // The renewal itself may ask for the valid headers.
        if !self.renews_in_foreground || self.is_renewing_here() {
            return None;
        }
        let now = self.clock.now();
        self.valid(now)?;
        self.renew_early(now)
    }
}
