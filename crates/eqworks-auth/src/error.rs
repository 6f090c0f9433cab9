//! What EQ Works refuses, and what the caller can do about it.

use std::time::Duration;

use auth_core::ErrorKind;

/// What went wrong. Messages hold the vendor's text without any secret that was sent.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No user has this address, or the user is not active (any more): also after
    /// [`Error::AccessEnded`], with which the vendor switches the user off.
    #[error("unknown user: {message}")]
    UnknownUser {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// The user may not use this product.
    #[error("the product is not allowed: {message}")]
    ProductDenied {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// The user's access has ended; only the vendor's administrator can give it back.
    ///
    /// The vendor says so once, and switches the user off: from then on it answers as to
    /// [`Error::UnknownUser`]. A session shows the first answer. The end of a token that had to end
    /// with the access ([`Token::ends_with_access`](crate::Token::ends_with_access)) is told so as
    /// well, without asking the vendor.
    #[error("the access has ended: {message}")]
    AccessEnded {
        /// What the vendor said, or what is known of the token.
        message: String,
        /// The HTTP status, where the vendor was asked.
        http_status: Option<u16>,
    },
    /// What was entered holds no passcode, so nothing was sent.
    #[error("not a passcode: {reason}")]
    NotAPasscode {
        /// What is wrong with it.
        reason: String,
    },
    /// The magic link is of another user or product than the pending log-in, so nothing was sent.
    #[error("the link belongs to another log-in: {reason}")]
    OtherLogin {
        /// What differs.
        reason: String,
    },
    /// The passcode is wrong. The right one still works.
    #[error("the passcode is wrong: {message}")]
    WrongPasscode {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// The passcode was refused, and the response does not say whether it is wrong or spent: ask the
    /// user once more, then request another one.
    #[error("the passcode was refused: {message}")]
    PasscodeRefused {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// The passcode has been used, has expired, or was never sent: request another one.
    #[error("the passcode cannot be used any more: {message}")]
    PasscodeSpent {
        /// What the vendor said.
        message: String,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// The token is of another product than the client's.
    #[error("the token is of another product: {message}")]
    OtherProduct {
        /// What the vendor said, or which product the session is for.
        message: String,
        /// The HTTP status, where the vendor was asked.
        http_status: Option<u16>,
    },
    /// A refresh that revokes older tokens was sent twice, since the first response was lost, and
    /// then refused: the first one has probably revoked the token.
    #[error("the refresh may have happened, and its response was lost")]
    RefreshLost {
        /// From a session: the time that is left until it tries again.
        retry_after: Option<Duration>,
        /// The HTTP status of the second response.
        http_status: Option<u16>,
    },
    /// The token was refused: it is wrong, has ended, or was revoked.
    #[error("the token was refused: {message}")]
    TokenRejected {
        /// What the vendor said, or what is wrong with it.
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
    /// Too many calls.
    #[error("too many calls to eq works")]
    RateLimited {
        /// How long the vendor asked to wait, where it said so.
        retry_after: Option<Duration>,
        /// The HTTP status.
        http_status: Option<u16>,
    },
    /// Everything that is not peculiar to EQ Works: the connection, the configuration, the token
    /// store, a response that no document describes.
    #[error(transparent)]
    Core(#[from] auth_core::Error),
}

auth_core::vendor_error!(Error, RateLimited, RefreshLost);

impl Error {
    /// What the caller can do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownUser { .. } => ErrorKind::NotFound,
            Self::ProductDenied { .. } | Self::AccessEnded { .. } => ErrorKind::Denied,
            Self::NotAPasscode { .. }
            | Self::OtherLogin { .. }
            | Self::WrongPasscode { .. }
            | Self::PasscodeRefused { .. } => ErrorKind::InvalidCredentials,
            // To ask the user for the same passcode again is no help: a new e-mail is.
            Self::PasscodeSpent { .. } | Self::LoginRequired { .. } => {
                ErrorKind::InteractionRequired
            }
            // A log-in for the client's product gives the right token.
            Self::OtherProduct { .. } | Self::TokenRejected { .. } => ErrorKind::TokenRejected,
            Self::RefreshLost { .. } => ErrorKind::OutcomeUnknown,
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
            | Self::ProductDenied { http_status, .. }
            | Self::AccessEnded { http_status, .. }
            | Self::WrongPasscode { http_status, .. }
            | Self::PasscodeRefused { http_status, .. }
            | Self::PasscodeSpent { http_status, .. }
            | Self::OtherProduct { http_status, .. }
            | Self::RefreshLost { http_status, .. }
            | Self::TokenRejected { http_status, .. }
            | Self::RateLimited { http_status, .. } => *http_status,
            Self::NotAPasscode { .. } | Self::OtherLogin { .. } | Self::LoginRequired { .. } => {
                None
            }
            Self::Core(error) => error.http_status(),
        }
    }
}
