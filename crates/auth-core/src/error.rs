//! What went wrong, told by what the caller can do about it.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What the *caller* can do about a failure; the same for every vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The program is wrong (a bad address, an impossible setting): fix the code.
    InvalidConfig,
    /// The user name, password or client secret was refused: ask the user again.
    InvalidCredentials,
    /// The token was refused: renew it, or log in again.
    TokenRejected,
    /// Only a person (with a mailbox, for example) can log in now.
    InteractionRequired,
    /// Not allowed, whatever the credentials.
    Denied,
    /// No such user or thing.
    NotFound,
    /// Too many calls: wait.
    RateLimited {
        /// How long the vendor asked to wait, where it said so.
        retry_after: Option<Duration>,
    },
    /// The vendor, or the way there, is down: try later.
    Unavailable,
    /// The call may have had its effect; the response was lost.
    OutcomeUnknown,
    /// The vendor answered something that no document describes.
    Protocol,
    /// The token store failed.
    Store,
}

impl ErrorKind {
    /// Whether the same call may succeed later without anyone's help.
    ///
    /// A session waits and tries again after a transient failure; a permanent one it remembers
    /// until a log-in.
    pub fn is_transient(self) -> bool {
        match self {
            Self::RateLimited { .. }
            | Self::Unavailable
            | Self::OutcomeUnknown
            | Self::Protocol
            | Self::Store => true,
            Self::InvalidConfig
            | Self::InvalidCredentials
            | Self::TokenRejected
            | Self::InteractionRequired
            | Self::Denied
            | Self::NotFound => false,
        }
    }
}

impl ErrorKind {
    /// The kind in one word that stays the same from release to release, for events and metrics:
    /// `rate_limited`.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidConfig => "invalid_config",
            Self::InvalidCredentials => "invalid_credentials",
            Self::TokenRejected => "token_rejected",
            Self::InteractionRequired => "interaction_required",
            Self::Denied => "denied",
            Self::NotFound => "not_found",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Protocol => "protocol",
            Self::Store => "store",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidConfig => "invalid configuration",
            Self::InvalidCredentials => "credentials refused",
            Self::TokenRejected => "token refused",
            Self::InteractionRequired => "a person must log in",
            Self::Denied => "not allowed",
            Self::NotFound => "not found",
            Self::RateLimited { .. } => "too many calls",
            Self::Unavailable => "unavailable",
            Self::OutcomeUnknown => "outcome unknown",
            Self::Protocol => "undocumented response",
            Self::Store => "token store failed",
        })
    }
}

/// What every vendor crate's error can do, so that a session can act on it.
///
/// `Clone`, because all callers that waited for one failed renewal get its error.
pub trait AuthError: StdError + Clone + From<Error> + Send + Sync + 'static {
    /// What the caller can do.
    fn kind(&self) -> ErrorKind;

    /// How long to wait before the next call: what the vendor asked for, where it said so, or what
    /// is left of a session's pause after a failure.
    fn retry_after(&self) -> Option<Duration> {
        match self.kind() {
            ErrorKind::RateLimited { retry_after } => retry_after,
            _ => None,
        }
    }

    /// The same error for a caller that asks while it still counts: after `left`, a session tries
    /// again. [`retry_after`](Self::retry_after) then returns that, where the type has a place for
    /// it. Unchanged by default.
    #[must_use]
    fn retrying_in(self, left: Duration) -> Self {
        let _ = left;
        self
    }

    /// The HTTP status of the response that told of the failure, where there was one.
    fn http_status(&self) -> Option<u16> {
        None
    }

    /// Whether the vendor answered, with something that no document describes. A session does not
    /// repeat a log-in with a password that was answered so. A refresh that was is best followed by
    /// a log-in, where the password is held.
    fn is_odd_answer(&self) -> bool {
        self.kind() == ErrorKind::Protocol && self.http_status().is_some()
    }
}

/// A failure of what the vendor crates share: transport, time, configuration, the token store.
///
/// The message never holds a secret, a URL's query or a whole response. Cheap to clone.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    retry_after: Option<Duration>,
    status: Option<u16>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`; `message` is lower case, without a final period and without a secret.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            retry_after: match kind {
                ErrorKind::RateLimited { retry_after } => retry_after,
                _ => None,
            },
            status: None,
            source: None,
        }))
    }

    /// Adds the cause. Its text is shown by error reporters, so it must not hold a secret either.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync + 'static>>,
    ) -> Self {
        Arc::make_mut(&mut self.0).source = Some(Arc::from(source.into()));
        self
    }

    /// Adds how long to wait before the next call.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        let inner = Arc::make_mut(&mut self.0);
        inner.retry_after = wait;
        if let ErrorKind::RateLimited { retry_after } = &mut inner.kind {
            *retry_after = wait;
        }
        self
    }

    /// Adds the HTTP status of the response that told of the failure.
    #[must_use]
    pub fn with_http_status(mut self, status: u16) -> Self {
        Arc::make_mut(&mut self.0).status = Some(status);
        self
    }

    /// What the caller can do.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The HTTP status of the response that told of the failure, where there was one.
    pub fn http_status(&self) -> Option<u16> {
        self.0.status
    }
}

impl AuthError for Error {
    fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    fn retrying_in(self, left: Duration) -> Self {
        self.with_retry_after(Some(left))
    }

    fn http_status(&self) -> Option<u16> {
        self.0.status
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.0.kind)
            .field("message", &self.0.message);
        if let Some(status) = self.0.status {
            out.field("status", &status);
        }
        // All causes: the outermost of the HTTP library's says little.
        let causes: Vec<String> =
            std::iter::successors(StdError::source(self), |cause| (*cause).source())
                .map(ToString::to_string)
                .collect();
        if !causes.is_empty() {
            out.field("causes", &causes);
        }
        out.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_must_fix_is_not_transient() {
        for kind in [
            ErrorKind::InvalidCredentials,
            ErrorKind::TokenRejected,
            ErrorKind::InteractionRequired,
            ErrorKind::Denied,
            ErrorKind::NotFound,
            ErrorKind::InvalidConfig,
        ] {
            assert!(!kind.is_transient(), "{kind:?}");
        }
        assert!(ErrorKind::Unavailable.is_transient());
        assert!(ErrorKind::RateLimited { retry_after: None }.is_transient());
    }

    #[test]
    fn the_cause_is_reachable_and_shown_in_debug() {
        let error = Error::new(ErrorKind::Unavailable, "no response")
            .with_source(fmt::Error)
            .with_http_status(502);
        assert!(StdError::source(&error).is_some());
        assert!(format!("{error:?}").contains("502"), "{error:?}");
        // What is added to a clone leaves the other as it is.
        let clone = error.clone().retrying_in(Duration::from_secs(7));
        assert_eq!(
            (clone.http_status(), error.retry_after()),
            (Some(502), None)
        );
        assert!(clone.retry_after().is_some() && StdError::source(&clone).is_some());
    }
}
