//! What a test can set before the sandbox starts.

use crate::sandbox::SandboxBuilder;

/// What the answer to `edgeiq.authenticate` says about the end of the session. See
/// [`SandboxBuilder::edgeiq_session_expires_at`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EdgeIqSessionExpiresAt {
    /// `session_expires_at` says when the session ends.
    #[default]
    Given,
    /// There is no such field.
    Missing,
    /// The field holds a text that is no date.
    Garbage,
}

/// The form in which a caller is told that it is not authorized. See
/// [`SandboxBuilder::edgeiq_refusals`].
///
/// The vendor documents a response "of `Not Authorized`" to a refused token. Its own scripts look for
/// `Not authorized` after a failed `authenticate`. Neither says whether that is JSON. Its own JavaScript
/// client knows other statuses: 404 for an unknown user, 401 for a wrong password and for a session that
/// has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EdgeIqRefusals {
    /// As the vendor's own client knows them: 404 with `not found`, 401 with `Invalid password`, 401 for a
    /// session that has ended, and 403 with `Not Authorized` as plain text for any other token.
    #[default]
    Mixed,
    /// All with status 403, as plain text.
    Text,
    /// All with status 403, as JSON: `{"error":"Not Authorized"}`.
    Json,
}

#[derive(Clone, Copy, Default)]
pub(crate) struct Settings {
    pub(super) session_expires_at: EdgeIqSessionExpiresAt,
    pub(super) refusals: EdgeIqRefusals,
}

impl SandboxBuilder {
    /// What EdgeIQ says about the end of a session. Default: [`EdgeIqSessionExpiresAt::Given`].
    pub fn edgeiq_session_expires_at(self, form: EdgeIqSessionExpiresAt) -> Self {
        self.set(|edgeiq: &mut Settings| edgeiq.session_expires_at = form)
    }

    /// The form in which EdgeIQ says "not authorized". Default: [`EdgeIqRefusals::Mixed`].
    pub fn edgeiq_refusals(self, form: EdgeIqRefusals) -> Self {
        self.set(|edgeiq: &mut Settings| edgeiq.refusals = form)
    }
}
