//! What a command ends with: an exit code that a script can act on, and two lines for a person.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use auth_core::{AuthError, ErrorKind};
use serde_json::json;

/// Why a command failed. Holds no secret.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    kind: Kind,
    what: String,
    hint: String,
    retry_after: Option<Duration>,
    http_status: Option<u16>,
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What the SDKs say.
    Auth(ErrorKind),
    /// The command line, the configuration or the input is wrong.
    Usage,
    /// Everything else, such as a file that cannot be written.
    Other,
}

impl Kind {
    /// The documented exit code.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Usage | Self::Auth(ErrorKind::InvalidConfig) => 2,
            Self::Auth(
                ErrorKind::InvalidCredentials
                | ErrorKind::TokenRejected
                | ErrorKind::InteractionRequired,
            ) => 4,
            Self::Auth(ErrorKind::RateLimited { .. } | ErrorKind::Unavailable) => 5,
            Self::Auth(ErrorKind::Denied | ErrorKind::NotFound) => 6,
            Self::Auth(ErrorKind::Store) => 7,
            Self::Auth(ErrorKind::OutcomeUnknown) => 8,
            // The enum may grow.
            Self::Other | Self::Auth(_) => 1,
        }
    }

    /// Its name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Auth(kind) => match kind {
                ErrorKind::InvalidConfig => "invalid_config",
                ErrorKind::InvalidCredentials => "invalid_credentials",
                ErrorKind::TokenRejected => "token_rejected",
                ErrorKind::InteractionRequired => "interaction_required",
                ErrorKind::Denied => "denied",
                ErrorKind::NotFound => "not_found",
                ErrorKind::RateLimited { .. } => "rate_limited",
                ErrorKind::Unavailable => "unavailable",
                ErrorKind::OutcomeUnknown => "outcome_unknown",
                ErrorKind::Protocol => "protocol",
                ErrorKind::Store => "store",
                _ => "other",
            },
            Self::Other => "other",
        }
    }

    /// What a person can do, where nothing better is known.
    fn hint(self) -> &'static str {
        match self {
            Self::Usage | Self::Auth(ErrorKind::InvalidConfig) => {
                "see `authctl help`, and the settings in `authctl profiles`"
            }
            Self::Auth(
                ErrorKind::InvalidCredentials
                | ErrorKind::TokenRejected
                | ErrorKind::InteractionRequired,
            ) => "log in again: `authctl login`",
            Self::Auth(ErrorKind::RateLimited { .. }) => "wait, then try again",
            Self::Auth(ErrorKind::Unavailable) => {
                "try again later; `authctl doctor` finds out what is in the way"
            }
            Self::Auth(ErrorKind::Denied) => "ask the vendor, or the account's administrator",
            Self::Auth(ErrorKind::NotFound) => "check the name of the account",
            Self::Auth(ErrorKind::Store) => "`authctl doctor` checks the store",
            Self::Auth(ErrorKind::OutcomeUnknown) => {
                "it may have happened: look before you repeat it"
            }
            Self::Auth(_) | Self::Other => "run it again with -vv, which says more",
        }
    }
}

impl Failure {
    /// A failure of this kind; `what` is lower case, without a final period and without a secret.
    pub(crate) fn new(kind: impl Into<Kind>, what: impl Into<String>) -> Self {
        let kind = kind.into();
        Self {
            kind,
            what: what.into(),
            hint: kind.hint().to_owned(),
            retry_after: None,
            http_status: None,
        }
    }

    /// The command line or the input is wrong.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(Kind::Usage, what)
    }

    /// A failure of the system: `what` was done, and this came of it.
    pub(crate) fn io(what: impl Into<String>, error: &std::io::Error) -> Self {
        let what = what.into();
        Self::new(Kind::Other, format!("{what}: {error}"))
    }

    /// What a vendor's crate or a store said.
    pub(crate) fn auth(error: &impl AuthError) -> Self {
        Self {
            retry_after: error.retry_after(),
            http_status: error.http_status(),
            ..Self::new(error.kind(), error.to_string())
        }
    }

    /// What a person can do.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same, with the log-in that helps, where one does.
    #[must_use]
    pub(crate) fn for_profile(self, profile: &str) -> Self {
        let kind = self.kind;
        if kind.exit_code() == 4 {
            return self.hint(format!("log in again: `authctl login --profile {profile}`"));
        }
        self
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// What a person can do.
    pub(crate) fn remedy(&self) -> &str {
        &self.hint
    }

    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// How long to wait before the next attempt, where that is known.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.kind.exit_code())
    }

    /// As two lines for a person.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("error: {}", one_line(&self.what));
        if let Some(wait) = self.retry_after {
            let wait = humantime::format_duration(Duration::from_secs(wait.as_secs().max(1)));
            let _ = write!(text, " (wait {wait})");
        }
        let _ = write!(text, "\n hint: {}", one_line(&self.hint));
        text
    }

    /// As one line of JSON.
    pub(crate) fn json(&self) -> String {
        json!({ "error": {
            "kind": self.kind.name(),
            "exit_code": self.kind.exit_code(),
            "message": self.what,
            "hint": self.hint,
            "retry_after": self.retry_after.map(|wait| wait.as_secs()),
            "http_status": self.http_status,
        }})
        .to_string()
    }
}

/// A vendor's text may hold line breaks and control characters.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control())
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

impl From<ErrorKind> for Kind {
    fn from(kind: ErrorKind) -> Self {
        Self::Auth(kind)
    }
}

impl From<auth_core::Error> for Failure {
    fn from(error: auth_core::Error) -> Self {
        Self::auth(&error)
    }
}

macro_rules! of_vendor {
    ($($vendor:ident),*) => {
        $(impl From<$vendor::Error> for Failure {
            fn from(error: $vendor::Error) -> Self {
                Self::auth(&error)
            }
        })*
    };
}

of_vendor!(edgeiq_auth, eqworks_auth, identityx_auth, iqm_auth);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_documented_exit_code() {
        for (kind, code) in [
            (ErrorKind::InvalidConfig, 2),
            (ErrorKind::InvalidCredentials, 4),
            (ErrorKind::TokenRejected, 4),
            (ErrorKind::InteractionRequired, 4),
            (ErrorKind::Denied, 6),
            (ErrorKind::NotFound, 6),
            (ErrorKind::RateLimited { retry_after: None }, 5),
            (ErrorKind::Unavailable, 5),
            (ErrorKind::OutcomeUnknown, 8),
            (ErrorKind::Protocol, 1),
            (ErrorKind::Store, 7),
        ] {
            assert_eq!(Kind::from(kind).exit_code(), code, "{kind:?}");
        }
        assert_eq!([Kind::Usage.exit_code(), Kind::Other.exit_code()], [2, 1]);
    }

    #[test]
    fn an_error_is_two_lines_whatever_a_vendor_says() {
        let failure = Failure::new(ErrorKind::Denied, "no:\r\n\tnever\x1b[31m").hint("a\nb");
        assert_eq!(failure.text(), "error: no: never [31m\n hint: a b");
    }
}
