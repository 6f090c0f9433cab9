//! What EdgeIQ refuses, and what the caller can do about it.

use auth_core::ErrorKind;

/// What went wrong. Messages hold the vendor's words without any secret that was sent.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such user, or a wrong password: the vendor does not say which.
    #[error("the log-in was refused: {message}")]
    InvalidCredentials {
        /// What the vendor said.
        message: String,
    },
    /// The session token or the permanent token is wrong or dead.
    #[error("the token was refused: {message}")]
    TokenRejected {
        /// What the vendor said.
        message: String,
    },
    /// The session has nothing to renew by: somebody must log in.
    #[error("somebody must log in: {reason}")]
    LoginRequired {
        /// Why.
        reason: String,
    },
    /// No profile has this e-mail address.
    #[error("unknown e-mail address: {message}")]
    UnknownEmail {
        /// What the vendor said.
        message: String,
    },
    /// No e-mail was sent, since EdgeIQ's support has not whitelisted the address that it was to
    /// come from: ask them, or leave [`ResetEmail::from_address`](crate::ResetEmail::from_address)
    /// out.
    #[error("the sender {from_address} is not whitelisted: {message}")]
    SenderNotWhitelisted {
        /// The address that the e-mail was to come from.
        from_address: String,
        /// The body of the vendor's answer, or its status if that was empty.
        message: String,
    },
    /// This cannot be the token of a reset link; nothing was sent.
    #[error("no reset token: {reason}")]
    InvalidResetToken {
        /// Why not.
        reason: &'static str,
    },
    /// The new password was not set, since the reset token has expired or has been used, or the
    /// password does not please the vendor.
    #[error("the password was not set: {message}")]
    ResetRefused {
        /// What the vendor said.
        message: String,
    },
    /// Everything that is not peculiar to EdgeIQ: the way there, the configuration, the token
    /// store, an answer that nobody documented.
    #[error(transparent)]
    Core(#[from] auth_core::Error),
}

impl Error {
    /// What the caller can do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidCredentials { .. } | Self::InvalidResetToken { .. } => {
                ErrorKind::InvalidCredentials
            }
            Self::TokenRejected { .. } => ErrorKind::TokenRejected,
            Self::LoginRequired { .. } => ErrorKind::InteractionRequired,
            Self::UnknownEmail { .. } => ErrorKind::NotFound,
            Self::SenderNotWhitelisted { .. } | Self::ResetRefused { .. } => ErrorKind::Denied,
            Self::Core(error) => error.kind(),
        }
    }
}

auth_core::vendor_error!(Error);
