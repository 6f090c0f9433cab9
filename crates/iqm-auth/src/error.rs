//! What IQM refuses, and what the caller can do about it.

use std::time::Duration;

use auth_core::ErrorKind;

auth_core::vendor_error! {
    /// What went wrong. Messages hold the vendor's words without any secret that was sent.
    pub enum Error {
        /// The account's organisation is on hold; show the three texts to the user.
        #[error("the account is {status}: {reason} (contact {support_email})")]
        OnHold {
            /// The vendor's word for it: `On Hold`.
            status: String,
            /// Why: a missed payment, say.
            reason: String,
            /// Whom to write to.
            support_email: String,
        },
        /// No such user, a wrong password, no access to the workspace, or a wrong client id or
        /// secret: the vendor does not say which.
        #[error("the log-in was refused: {message}")]
        InvalidCredentials {
            /// What the vendor said.
            message: String,
        },
        /// Sign-up for somebody who has not been invited, or whose invitation has been used or has
        /// expired.
        #[error("the sign-up was refused: {message}")]
        NotInvited {
            /// What the vendor said.
            message: String,
        },
        /// A refresh was sent twice, since the first response was lost, and then refused: the first one
        /// may have used the refresh token up.
        #[error("the refresh may have happened, and its response was lost")]
        RefreshLost,
        /// The code from the authenticator or e-mail is wrong, or too old.
        #[error("the mfa code was refused: {message}")]
        InvalidMfaCode {
            /// What the vendor said.
            message: String,
        },
        /// No user belongs to this workspace id.
        #[error("no mfa code was sent: {message}")]
        UnknownMfaUser {
            /// What the vendor said.
            message: String,
        },
        /// The user has not set up a second factor.
        #[error("no mfa code was sent: {message}")]
        MfaNotConfigured {
            /// What the vendor said.
            message: String,
        },
        /// No user has this e-mail address.
        #[error("unknown e-mail address: {message}")]
        UnknownEmail {
            /// What the vendor said.
            message: String,
        },
        /// The new password was not set, since the reset is not valid (any more).
        #[error("the password was not set: {reason}")]
        ResetRefused {
            /// The vendor's reason.
            reason: String,
        },
        /// More than 20 calls in a minute.
        #[error("too many calls to iqm")]
        RateLimited {
            /// How long the vendor asked to wait, where it said so.
            retry_after: Option<Duration>,
        },
    }

    kind {
        Self::OnHold { .. }
        | Self::NotInvited { .. }
        | Self::MfaNotConfigured { .. }
        | Self::ResetRefused { .. } => ErrorKind::Denied,
        Self::InvalidCredentials { .. } | Self::InvalidMfaCode { .. } => {
            ErrorKind::InvalidCredentials
        }
        Self::RefreshLost => ErrorKind::OutcomeUnknown,
        Self::UnknownMfaUser { .. } | Self::UnknownEmail { .. } => ErrorKind::NotFound,
        Self::RateLimited { retry_after } => ErrorKind::RateLimited {
            retry_after: *retry_after,
        },
    }
}
