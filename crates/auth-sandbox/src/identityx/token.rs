//! The JWTs: login links, sessions and the permanent API token.

use std::time::SystemTime;

use serde_json::{Map, Value};

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    OrgLink,
    AppLink,
    OrgSession,
    AppSession,
    ApiToken,
}

impl Kind {
    /// The claim `sub`.
    pub(super) fn subject(self) -> &'static str {
        match self {
            Self::OrgLink => "user-login-link",
            Self::AppLink => "app-user-login-link",
            Self::OrgSession => "user-auth",
            Self::AppSession => "app-user-auth",
            Self::ApiToken => "user-api-token",
        }
    }

    /// What the program calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OrgLink => "org_link",
            Self::AppLink => "app_link",
            Self::OrgSession => "org_session",
            Self::AppSession => "app_session",
            Self::ApiToken => "api_token",
        }
    }

    pub(super) fn is_link(self) -> bool {
        matches!(self, Self::OrgLink | Self::AppLink)
    }
}

/// A token that the vendor knows, under the id that is its claim `jti`.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) kind: Kind,
    /// The id of the app user or the administrator.
    pub(super) owner: String,
    /// The application of an app user's token.
    pub(super) application: Option<String>,
    /// What the request for a login link said: its context, and its source beside it.
    pub(super) data: Option<Map<String, Value>>,
    /// Its `iat` and `exp`, and the token itself, from when it is made.
    pub(super) begins: u64,
    pub(super) ends: Option<u64>,
    pub(super) value: String,
    /// Whether it counts as expired, whatever it says.
    pub(super) expired: bool,
}

impl Record {
    pub(super) fn new(kind: Kind, owner: &str, application: Option<&str>) -> Self {
        Self {
            kind,
            owner: owner.to_owned(),
            application: application.map(str::to_owned),
            data: None,
            begins: 0,
            ends: None,
            value: String::new(),
            expired: false,
        }
    }

    /// Where the request for a login link said that it came from.
    pub(super) fn source(&self) -> Option<&str> {
        self.data.as_ref()?.get("source")?.as_str()
    }
}

/// A new token.
pub(super) struct Minted {
    pub(super) id: String,
    pub(super) value: String,
    /// `None`: it never expires by the clock.
    pub(super) ends: Option<SystemTime>,
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadToken {
    Malformed,
    Invalid,
    Json,
    Unsigned,
    Algorithm,
    Signature,
    Expired,
    Subject,
    Unknown,
}

impl BadToken {
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Malformed => "jwt malformed",
            Self::Invalid => "invalid token",
            // Decision: the character and the place.
            Self::Json => "Unexpected token \u{fffd} in JSON at position 0",
            Self::Unsigned => "jwt signature is required",
            Self::Algorithm => "invalid algorithm",
            Self::Signature => "invalid signature",
            Self::Expired => "jwt expired",
            Self::Subject => "The token subject does not match.",
            Self::Unknown => "No token was found for the provided token identifier.",
        }
    }

    pub(super) fn status(self) -> u16 {
        match self {
            Self::Malformed => 422,
            Self::Json => 500,
            Self::Invalid | Self::Unsigned | Self::Algorithm | Self::Signature | Self::Subject => {
                400
            }
            Self::Expired => 401,
            Self::Unknown => 404,
        }
    }

    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Malformed | Self::Invalid | Self::Json => "the token is not a JWT",
            Self::Unsigned => "the token has no signature",
            Self::Algorithm => "the token's algorithm is not HS256",
            Self::Signature => "the token's signature is wrong, or another sandbox's",
            Self::Expired => "the token has expired by the sandbox's clock",
            Self::Subject => "the token is of another kind than the call takes (its sub)",
            Self::Unknown => {
                "the token was never issued by this sandbox, was logged out or revoked"
            }
        }
    }
}
