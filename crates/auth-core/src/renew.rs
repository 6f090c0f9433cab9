//! What a vendor crate implements for its sessions.

use std::future::{Future, ready};
use std::time::Duration;

use http::StatusCode;
use url::Url;

use crate::{AuthError, AuthHeaders, Header, Token, lenient};

/// Why a session wants a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// There is none yet.
    Missing,
    /// The present one ends soon, and is still valid.
    Expiring,
    /// The present one has ended.
    Expired,
    /// The vendor refused the present one before its end.
    Rejected,
    /// The program asked for a new one.
    Requested,
}

impl Reason {
    /// The reason in one word that stays the same from release to release, for events and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Requested => "requested",
        }
    }
}

/// Whether a response refuses the token that its request carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// It does not: whatever else is wrong, a new token would not help.
    No,
    /// It does: the token is to be renewed.
    Yes,
    /// Its body tells, or where that is known already, only the vendor can.
    Unclear,
}

impl Refusal {
    /// A 401 refuses the token, if its body is empty or JSON. A web page or another text comes from a proxy or a gateway,
    /// which knows nothing of the token.
    pub fn of(status: StatusCode, body: Option<&[u8]>) -> Self {
        match body {
            _ if status != StatusCode::UNAUTHORIZED => Self::No,
            None => Self::Unclear,
            Some(body) if lenient::is_foreign(body) => Self::No,
            Some(_) => Self::Yes,
        }
    }
}

/// How one vendor's sessions renew their token.
///
/// A session calls [`renew`](Renew::renew) once at a time, on a thread of its own with a Tokio
/// runtime, and lets it finish whatever becomes of the callers. It must not block the thread.
pub trait Renew: Send + Sync + 'static {
    /// The vendor crate's error.
    type Error: AuthError;

    /// Gets the next token, given the newest one known (valid or not).
    ///
    /// An error whose kind is transient is tried again after a pause; a permanent one is
    /// remembered until a log-in. Where `current` was refused ([`TokenRejected`],
    /// [`InteractionRequired`], [`Denied`] or [`NotFound`]) and no password was used, the session
    /// calls once more after a second, and believes the second answer. A renewal that has taken
    /// the password from a [`PasswordSource`] is a log-in: if it was answered without a token, the
    /// session does not repeat it by itself.
    ///
    /// [`TokenRejected`]: crate::ErrorKind::TokenRejected
    /// [`InteractionRequired`]: crate::ErrorKind::InteractionRequired
    /// [`Denied`]: crate::ErrorKind::Denied
    /// [`NotFound`]: crate::ErrorKind::NotFound
    /// [`PasswordSource`]: crate::PasswordSource
    fn renew(
        &self,
        current: Option<&Token>,
        reason: Reason,
    ) -> impl Future<Output = Result<Token, Self::Error>> + Send;

    /// The vendor in one word, as events and metrics name it: `iqm`.
    fn vendor(&self) -> &'static str {
        "unknown"
    }

    /// The headers that the vendor wants on authorised calls.
    ///
    /// # Errors
    ///
    /// Where the token cannot be put into headers; the token is not adopted then.
    fn headers(&self, token: &Token) -> Result<Vec<Header>, Self::Error>;

    /// How long before its end a token of this lifetime is renewed; a tenth of it by default.
    ///
    /// The session takes between three and five quarters of this, so that a fleet does not renew
    /// all at once, and never more than half the lifetime.
    fn window(&self, lifetime: Duration) -> Duration {
        lifetime / 10
    }

    /// Whether a response from `url` refuses the token: by default a 401 that is no web page or other text in the
    /// place of JSON.
    ///
    /// First asked without the body. After [`Refusal::Unclear`] asked again with the body, or with
    /// its first 64 KiB; if it is still unclear, [`confirm_refusal`](Renew::confirm_refusal)
    /// decides.
    fn refusal(&self, url: &Url, status: StatusCode, body: Option<&[u8]>) -> Refusal {
        let _ = url;
        Refusal::of(status, body)
    }

    /// Asks the vendor whether it refuses the token, after a response that left this open; `true`
    /// by default.
    fn confirm_refusal(&self, auth_headers: &AuthHeaders) -> impl Future<Output = bool> + Send {
        let _ = auth_headers;
        ready(true)
    }

    /// Tells the vendor that the token will not be used any more; nothing by default.
    fn revoke(
        &self,
        auth_headers: &AuthHeaders,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        let _ = auth_headers;
        ready(Ok(()))
    }
}
