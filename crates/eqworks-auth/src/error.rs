//! What EQ Works refuses, and what the caller can do about it.

use std::time::Duration;

use auth_core::ErrorKind;

auth_core::vendor_error! {
    /// What went wrong. Messages hold the vendor's words without any secret that was sent.
    pub enum Error {
        /// Nobody has this address, or the user is not active (any more).
        #[error("unknown user: {message}")]
        UnknownUser {
            /// What the vendor said.
            message: String,
        },
        /// The user may not use this product.
        #[error("the product is not allowed: {message}")]
        ProductDenied {
            /// What the vendor said.
            message: String,
        },
        /// The user's access has ended; only the vendor's administrator can give it back.
        #[error("the access has ended: {message}")]
        AccessEnded {
            /// What the vendor said.
            message: String,
        },
        /// What was entered holds no passcode, so nothing was sent.
        #[error("not a passcode: {reason}")]
        NotAPasscode {
            /// What is wrong with it.
            reason: String,
        },
        /// The magic link is of another user or product than the log-in that waits, so nothing was
        /// sent.
        #[error("the link belongs to another log-in: {reason}")]
        OtherLogin {
            /// What differs.
            reason: String,
        },
        /// The passcode is wrong. The right one still works.
        #[error("the passcode was refused: {message}")]
        WrongPasscode {
            /// What the vendor said.
            message: String,
        },
        /// The passcode has been used, has expired, or was never sent: request another one.
        #[error("the passcode cannot be used any more: {message}")]
        PasscodeSpent {
            /// What the vendor said.
            message: String,
        },
        /// The token is of another product than the client's.
        #[error("the token is of another product: {message}")]
        OtherProduct {
            /// What the vendor said.
            message: String,
        },
        /// A refresh that revokes older tokens was sent twice, since the first response was lost, and
        /// then refused: the first one has revoked the token, it seems.
        #[error("the refresh may have happened, and its response was lost")]
        RefreshLost,
        /// Too many calls.
        #[error("too many calls to eq works")]
        RateLimited {
            /// How long the vendor asked to wait, where it said so.
            retry_after: Option<Duration>,
        },
    }

    kind {
        Self::UnknownUser { .. } => ErrorKind::NotFound,
        Self::ProductDenied { .. } | Self::AccessEnded { .. } => ErrorKind::Denied,
        Self::NotAPasscode { .. } | Self::OtherLogin { .. } | Self::WrongPasscode { .. } => {
            ErrorKind::InvalidCredentials
        }
        // Asking the user for the same passcode again helps nobody: a new mail does.
        Self::PasscodeSpent { .. } => ErrorKind::InteractionRequired,
        // A log-in for the client's product is what mends it.
        Self::OtherProduct { .. } => ErrorKind::TokenRejected,
        Self::RefreshLost => ErrorKind::OutcomeUnknown,
        Self::RateLimited { retry_after } => ErrorKind::RateLimited {
            retry_after: *retry_after,
        },
    }
}
