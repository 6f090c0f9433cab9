//! What IQM refuses, and what the caller can do about it.

use std::time::Duration;

use auth_core::ErrorKind;

use crate::PendingLogin;

/// What went wrong. Messages hold the vendor's text without any secret that was sent.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The account's organisation is on hold; show the texts to the user.
    #[error(
        "the account is {status}{}{}",
        around(": ", reason.as_deref(), ""),
        around(" (contact ", support_email.as_deref(), ")")
    )]
    OnHold {
        /// What the vendor calls it: `On Hold`.
        status: String,
        /// Why, such as a missed payment.
        reason: Option<String>,
        /// The address to write to.
        support_email: Option<String>,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// No such user, a wrong password, no access to the workspace, or a wrong client id or secret:
    /// the vendor does not say which.
    #[error("the log-in was refused: {message}")]
    InvalidCredentials {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// The password is right, and a second factor is wanted:
    /// [`Client::send_mfa_code`](crate::Client::send_mfa_code) and
    /// [`Client::verify_mfa_code`](crate::Client::verify_mfa_code) take `login`.
    #[error("a person must log in: the second factor is missing")]
    MfaRequired {
        /// The log-in, as far as it has come.
        login: Box<PendingLogin>,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// Sign-up of a user who has not been invited, or whose invitation has been used or has expired.
    #[error("the sign-up was refused: {message}")]
    NotInvited {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// A refresh was sent twice, since the first response was lost, and then refused: the first one
    /// may have used the refresh token up.
    #[error("the refresh may have happened, and its response was lost")]
    RefreshLost {
        /// From a session: the time that is left until it tries again.
        retry_after: Option<Duration>,
        /// The HTTP status of the second response.
        http_status: Option<u16>,
    },
    /// The code from the authenticator or e-mail is wrong, or too old.
    #[error("the mfa code was refused: {message}")]
    InvalidMfaCode {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// No user belongs to this workspace id.
    #[error("no mfa code was sent: {message}")]
    UnknownMfaUser {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// The user has not set up a second factor.
    #[error("no mfa code was sent: {message}")]
    MfaNotConfigured {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// No user has this e-mail address.
    #[error("unknown e-mail address: {message}")]
    UnknownEmail {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// No reset link has this hash.
    #[error("the reset link was refused: {message}")]
    InvalidResetHash {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// The old password is wrong: the password was not changed.
    #[error("the old password was refused: {message}")]
    InvalidOldPassword {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// The new password was not set: the reset is not valid, or not any more.
    #[error("the password was not set: {reason}")]
    ResetRefused {
        /// The vendor's reason.
        reason: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// The token was refused: it is wrong, has ended, or was revoked.
    #[error("the token was refused: {message}")]
    TokenRejected {
        /// What the vendor said.
        message: String,
        /// The HTTP status, where the vendor was asked.
        http_status: Option<u16>,
    },
    /// The session has nothing left to renew by: a person must log in.
    #[error("a person must log in: {reason}")]
    LoginRequired {
        /// Why.
        reason: String,
    },
    /// More than 20 calls in a minute.
    #[error("too many calls to iqm")]
    RateLimited {
        /// How long the vendor asked to wait, where it said so.
        retry_after: Option<Duration>,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// Everything that is not peculiar to IQM: the connection, the configuration, the token store,
    /// a response that no document describes.
    #[error(transparent)]
    Core(#[from] auth_core::Error),
}

auth_core::vendor_error!(Error, RateLimited, RefreshLost);

impl Error {
    /// What the caller can do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::OnHold { .. }
            | Self::NotInvited { .. }
            | Self::MfaNotConfigured { .. }
            | Self::ResetRefused { .. } => ErrorKind::Denied,
            Self::InvalidCredentials { .. }
            | Self::InvalidMfaCode { .. }
            | Self::InvalidResetHash { .. }
            | Self::InvalidOldPassword { .. } => ErrorKind::InvalidCredentials,
            Self::RefreshLost { .. } => ErrorKind::OutcomeUnknown,
            Self::UnknownMfaUser { .. } | Self::UnknownEmail { .. } => ErrorKind::NotFound,
            Self::TokenRejected { .. } => ErrorKind::TokenRejected,
            Self::MfaRequired { .. } | Self::LoginRequired { .. } => ErrorKind::InteractionRequired,
            Self::RateLimited { retry_after, .. } => ErrorKind::RateLimited {
                retry_after: *retry_after,
            },
            Self::Core(error) => error.kind(),
        }
    }

    /// The HTTP status of the response that told of the failure, where there was one.
    pub fn http_status(&self) -> Option<u16> {
        match self {
            Self::OnHold { http_status, .. }
            | Self::InvalidCredentials { http_status, .. }
            | Self::NotInvited { http_status, .. }
            | Self::RefreshLost { http_status, .. }
            | Self::InvalidMfaCode { http_status, .. }
            | Self::UnknownMfaUser { http_status, .. }
            | Self::MfaNotConfigured { http_status, .. }
            | Self::UnknownEmail { http_status, .. }
            | Self::ResetRefused { http_status, .. }
            | Self::MfaRequired { http_status, .. }
            | Self::InvalidResetHash { http_status, .. }
            | Self::InvalidOldPassword { http_status, .. }
            | Self::TokenRejected { http_status, .. }
            | Self::RateLimited { http_status, .. } => *http_status,
            Self::LoginRequired { .. } => None,
            Self::Core(error) => error.http_status(),
        }
    }
}

/// The text between two others, or nothing.
fn around(before: &str, text: Option<&str>, after: &str) -> String {
    text.map_or_else(String::new, |text| format!("{before}{text}{after}"))
}
