//! What EdgeIQ refuses, and what the caller can do about it.

use auth_core::ErrorKind;

auth_core::vendor_error! {
    /// What went wrong. Messages hold the vendor's words without any secret that was sent.
    pub enum Error {
        /// No such user, or a wrong password: the vendor does not say which.
        #[error("the log-in was refused: {message}")]
        InvalidCredentials {
            /// What the vendor said.
            message: String,
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
            /// The body of the vendor's response, or its status if that was empty.
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
    }

    kind {
        Self::InvalidCredentials { .. } | Self::InvalidResetToken { .. } => {
            ErrorKind::InvalidCredentials
        }
        Self::UnknownEmail { .. } => ErrorKind::NotFound,
        Self::SenderNotWhitelisted { .. } | Self::ResetRefused { .. } => ErrorKind::Denied,
    }
}
