//! What IdentityX refuses, and what the caller can do about it.

use std::time::Duration;

use auth_core::ErrorKind;

/// What went wrong. Messages hold the vendor's text without any secret that was sent.
///
/// Most failures come with HTTP status 200: the vendor's text, code and number decide.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No user has this address, or this id.
    #[error("unknown user: {message}")]
    UnknownUser {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// What was pasted holds no login link of the kind that is wanted.
    #[error("not the login link that is wanted: {reason}")]
    NotALoginLink {
        /// What is wrong with it.
        reason: String,
        /// The HTTP status; `None` if nothing was sent.
        http_status: Option<u16>,
    },
    /// The login link has expired, or the vendor does not know it: request another one.
    #[error("the login link was refused: {message}")]
    LinkRefused {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// The login link is of another application than the one that is logged in to.
    #[error("the login link is of another application: {message}")]
    OtherApplication {
        /// What the vendor said, or what the link says.
        message: String,
        /// The HTTP status; `None` if nothing was sent.
        http_status: Option<u16>,
    },
    /// The application id is missing, or the vendor lists it and its database lacks it. An id with a
    /// wrong digit is [`Error::ApplicationDenied`].
    #[error("unknown application: {message}")]
    UnknownApplication {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// The organisation id is missing, or no organisation has it.
    #[error("unknown organization: {message}")]
    UnknownOrganization {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// The application may not be used any more, its organisation is switched off, or the
    /// application id is wrong by a digit: the vendor does not tell these apart. Nothing was done.
    #[error("the application is not allowed: {message}")]
    ApplicationDenied {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// The call or the session is for another identity: for an app user and not an administrator,
    /// for a session and not an API token, for a user of another application.
    #[error("the wrong identity: {message}")]
    WrongIdentity {
        /// What the vendor said, or what is known of the token.
        message: String,
        /// The HTTP status; `None` if nothing was sent.
        http_status: Option<u16>,
    },
    /// The user may not do this.
    #[error("not permitted: {message}")]
    PermissionDenied {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// The vendor does not understand the operation or its variables: generate it again from the
    /// vendor's present schema.
    #[error("the operation was refused: {message}")]
    InvalidOperation {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// The token was refused: it is wrong, has ended, or was revoked.
    #[error("the token was refused: {message}")]
    TokenRejected {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// The session has ended: a person must log in.
    #[error("a person must log in: {reason}")]
    LoginRequired {
        /// Why.
        reason: String,
    },
    /// Too many calls.
    #[error("too many calls to identityx")]
    RateLimited {
        /// How long the vendor asked to wait, where it said so.
        retry_after: Option<Duration>,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// Everything that is not peculiar to IdentityX: the connection, the configuration, the token
    /// store, a response that no document describes.
    #[error(transparent)]
    Core(#[from] auth_core::Error),
}

auth_core::vendor_error!(Error, RateLimited);

impl Error {
    /// What the caller can do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownUser { .. } => ErrorKind::NotFound,
            Self::NotALoginLink { .. } | Self::OtherApplication { .. } => {
                ErrorKind::InvalidCredentials
            }
            // The same link will be refused again: a person needs a new mail.
            Self::LinkRefused { .. } | Self::LoginRequired { .. } => ErrorKind::InteractionRequired,
            Self::UnknownApplication { .. }
            | Self::UnknownOrganization { .. }
            | Self::WrongIdentity { .. }
            | Self::InvalidOperation { .. } => ErrorKind::InvalidConfig,
            Self::ApplicationDenied { .. } | Self::PermissionDenied { .. } => ErrorKind::Denied,
            Self::TokenRejected { .. } => ErrorKind::TokenRejected,
            Self::RateLimited { retry_after, .. } => ErrorKind::RateLimited {
                retry_after: *retry_after,
            },
            Self::Core(error) => error.kind(),
        }
    }

    /// The HTTP status of the response that told of the failure, where there was one.
    pub fn http_status(&self) -> Option<u16> {
        match self {
            Self::UnknownUser { http_status, .. }
            | Self::NotALoginLink { http_status, .. }
            | Self::LinkRefused { http_status, .. }
            | Self::OtherApplication { http_status, .. }
            | Self::UnknownApplication { http_status, .. }
            | Self::UnknownOrganization { http_status, .. }
            | Self::ApplicationDenied { http_status, .. }
            | Self::WrongIdentity { http_status, .. }
            | Self::PermissionDenied { http_status, .. }
            | Self::InvalidOperation { http_status, .. }
            | Self::TokenRejected { http_status, .. }
            | Self::RateLimited { http_status, .. } => *http_status,
            Self::LoginRequired { .. } => None,
            Self::Core(error) => error.http_status(),
        }
    }

    /// Decided before anything was sent.
    pub(crate) fn wrong_identity(message: impl Into<String>) -> Self {
        Self::WrongIdentity {
            message: message.into(),
            http_status: None,
        }
    }

    /// Decided before anything was sent.
    pub(crate) fn not_a_login_link(reason: impl Into<String>) -> Self {
        Self::NotALoginLink {
            reason: reason.into(),
            http_status: None,
        }
    }

    /// Also where the status alone says so.
    pub(crate) fn is_refused_token(&self) -> bool {
        self.kind() == ErrorKind::TokenRejected
    }
}
