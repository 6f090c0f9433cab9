//! What IdentityX refuses, and what the caller can do about it.

use std::time::Duration;

use auth_core::ErrorKind;

auth_core::vendor_error! {
    /// What went wrong. Messages hold the vendor's words without any secret that was sent.
    pub enum Error {
        /// Nobody has this address, or this id.
        #[error("unknown user: {message}")]
        UnknownUser {
            /// What the vendor said.
            message: String,
        },
        /// What was pasted holds no login link of the kind that is wanted, so nothing was sent.
        #[error("not the login link that is wanted: {reason}")]
        NotALoginLink {
            /// What is wrong with it.
            reason: String,
        },
        /// The login link has expired, or the vendor does not know it: request another one.
        #[error("the login link was refused: {message}")]
        LinkRefused {
            /// What the vendor said.
            message: String,
        },
        /// The login link is of another application than the one that is logged in to.
        #[error("the login link is of another application: {message}")]
        OtherApplication {
            /// What the vendor said.
            message: String,
        },
        /// The application id is missing or unknown.
        #[error("unknown application: {message}")]
        UnknownApplication {
            /// What the vendor said.
            message: String,
        },
        /// The application may not be used any more.
        #[error("the application is not allowed: {message}")]
        ApplicationDenied {
            /// What the vendor said.
            message: String,
        },
        /// The call wants another identity: an app user where an administrator was sent, say, or a
        /// session where an API token was.
        #[error("the wrong identity: {message}")]
        WrongIdentity {
            /// What the vendor said, or what the token's claims say; nothing was sent then.
            message: String,
        },
        /// The user may not do this.
        #[error("not permitted: {message}")]
        PermissionDenied {
            /// What the vendor said.
            message: String,
        },
        /// The vendor does not understand the operation or its variables: generate it again from the
        /// vendor's present schema.
        #[error("the operation was refused: {message}")]
        InvalidOperation {
            /// What the vendor said.
            message: String,
        },
        /// Too many calls.
        #[error("too many calls to identityx")]
        RateLimited {
            /// How long the vendor asked to wait, where it said so.
            retry_after: Option<Duration>,
        },
    }

    kind {
        Self::UnknownUser { .. } => ErrorKind::NotFound,
        Self::NotALoginLink { .. } | Self::OtherApplication { .. } => {
            ErrorKind::InvalidCredentials
        }
        // The same link again helps nobody: a new mail does.
        Self::LinkRefused { .. } => ErrorKind::InteractionRequired,
        Self::UnknownApplication { .. }
        | Self::WrongIdentity { .. }
        | Self::InvalidOperation { .. } => ErrorKind::InvalidConfig,
        Self::ApplicationDenied { .. } | Self::PermissionDenied { .. } => ErrorKind::Denied,
        Self::RateLimited { retry_after } => ErrorKind::RateLimited {
            retry_after: *retry_after,
        },
    }
}

impl Error {
    /// Also where the status alone says so.
    pub(crate) fn is_refused_token(&self) -> bool {
        self.kind() == ErrorKind::TokenRejected
    }
}
