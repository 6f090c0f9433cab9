//! What EdgeIQ refuses, and what the caller can do about it.

use std::time::Duration;

use auth_core::ErrorKind;

/// What went wrong. Messages hold the vendor's text without any secret that was sent.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such user (status 404), a wrong password (401), or either (403): the message says which.
    #[error("the log-in was refused: {message}")]
    InvalidCredentials {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// No profile has this e-mail address.
    #[error("unknown e-mail address: {message}")]
    UnknownEmail {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// No e-mail was sent, since EdgeIQ's support has not whitelisted the address that it was to
    /// come from: ask them, or leave [`ResetEmail::from_address`](crate::ResetEmail::from_address)
    /// out.
    #[error("the sender {from_address} is not whitelisted: {message}")]
    SenderNotWhitelisted {
        /// The address that the e-mail was to come from.
        from_address: String,
        /// What the vendor said, or the status of its response.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// This cannot be the token of a reset link; nothing was sent.
    #[error("no reset token: {reason}")]
    InvalidResetToken {
        /// Why not.
        reason: &'static str,
    },
    /// The new password was not set: the reset token is wrong, has expired, or has been used.
    #[error("the reset token was refused: {message}")]
    ResetTokenRejected {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// The token is valid, and its user may not do what was asked for:
    /// [`Client::why_not_authorized`](crate::Client::why_not_authorized) found that out.
    #[error("the token is valid, and its user lacks the right")]
    NotAllowed,
    /// The new password was not set, since the reset token has expired or has been used, or the
    /// vendor does not accept the password.
    #[error("the password was not set: {message}")]
    ResetRefused {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// The token was refused: it is wrong, has ended, or was replaced.
    #[error("the token was refused: {message}")]
    TokenRejected {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// The session has nothing to renew by: a person must log in.
    #[error("a person must log in: {reason}")]
    LoginRequired {
        /// Why.
        reason: String,
    },
    /// Too many calls: the vendor documents no limit, and may set one.
    #[error("too many calls to edgeiq")]
    RateLimited {
        /// How long the vendor asked to wait, where it said so.
        retry_after: Option<Duration>,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// Everything that is not peculiar to EdgeIQ: the connection, the configuration, the token
    /// store, a response that no document describes.
    #[error(transparent)]
    Core(#[from] auth_core::Error),
}

auth_core::vendor_error!(Error, RateLimited);

impl Error {
    /// What the caller can do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidCredentials { .. }
            | Self::InvalidResetToken { .. }
            | Self::ResetTokenRejected { .. } => ErrorKind::InvalidCredentials,
            Self::UnknownEmail { .. } => ErrorKind::NotFound,
            Self::SenderNotWhitelisted { .. } | Self::ResetRefused { .. } | Self::NotAllowed => {
                ErrorKind::Denied
            }
            Self::TokenRejected { .. } => ErrorKind::TokenRejected,
            Self::LoginRequired { .. } => ErrorKind::InteractionRequired,
            Self::RateLimited { retry_after, .. } => ErrorKind::RateLimited {
                retry_after: *retry_after,
            },
            Self::Core(error) => error.kind(),
        }
    }

    /// The HTTP status of the response that told of the failure, where there was one.
    pub fn http_status(&self) -> Option<u16> {
        match self {
            Self::InvalidCredentials { http_status, .. }
            | Self::UnknownEmail { http_status, .. }
            | Self::SenderNotWhitelisted { http_status, .. }
            | Self::ResetRefused { http_status, .. }
            | Self::ResetTokenRejected { http_status, .. }
            | Self::TokenRejected { http_status, .. }
            | Self::RateLimited { http_status, .. } => *http_status,
            Self::InvalidResetToken { .. } | Self::LoginRequired { .. } | Self::NotAllowed => None,
            Self::Core(error) => error.http_status(),
        }
    }
}
