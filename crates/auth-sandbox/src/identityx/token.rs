//! The JWTs: login links, sessions and the permanent API token.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::state::{Book, State};
use crate::jwt::BadJwt;
use crate::object_id::object_id;

/// How long a login link lives, in seconds.
const LINK_LIFETIME: u64 = 3_600;

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
    fn subject(self) -> &'static str {
        match self {
            Self::OrgLink => "user-login-link",
            Self::AppLink => "app-user-login-link",
            Self::OrgSession => "user-auth",
            Self::AppSession => "app-user-auth",
            Self::ApiToken => "user-api-token",
        }
    }

    fn is_link(self) -> bool {
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
    /// What the request for a login link said.
    pub(super) source: Option<String>,
    pub(super) additional_context: Option<Map<String, Value>>,
}

impl Record {
    pub(super) fn new(kind: Kind, owner: &str, application: Option<&str>) -> Self {
        Self {
            kind,
            owner: owner.to_owned(),
            application: application.map(str::to_owned),
            source: None,
            additional_context: None,
        }
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
    Signature,
    Expired,
    Subject,
    Unknown,
}

impl BadToken {
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Malformed => "jwt malformed",
            Self::Signature => "invalid signature",
            Self::Expired => "jwt expired",
            Self::Subject => "The token subject does not match.",
            Self::Unknown => "No token was found for the provided token identifier.",
        }
    }

    pub(super) fn status(self) -> u16 {
        match self {
            Self::Malformed => 422,
            Self::Signature | Self::Subject => 400,
            Self::Expired => 401,
            Self::Unknown => 404,
        }
    }

    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Malformed => "the token is not a JWT",
            Self::Signature => "the token's signature is wrong, or another sandbox's",
            Self::Expired => "the token has expired by the sandbox's clock",
            Self::Subject => "the token is of another kind than the call takes (its sub)",
            Self::Unknown => {
                "the token was never issued by this sandbox, was logged out or revoked"
            }
        }
    }
}

impl State {
    /// Makes a token and remembers it.
    pub(super) fn mint(&self, book: &mut Book, record: Record) -> Minted {
        let (id, iat) = (object_id(), self.clock.unix_seconds());
        let mut claims = json!({
            "aud": record.owner,
            "jti": id,
            "iat": iat,
            "sub": record.kind.subject(),
        });
        // That an app user's session carries it too, as the link does, is ours.
        if let Some(application) = &record.application {
            claims["iss"] = application.as_str().into();
        }
        let mut ends = None;
        if record.kind.is_link() {
            let exp = iat + LINK_LIFETIME;
            claims["exp"] = exp.into();
            ends = Some(UNIX_EPOCH + Duration::from_secs(exp));
        } else {
            book.issued += 1;
        }
        book.tokens.insert(id.clone(), record);
        let value = self.secret.sign(&claims);
        Minted { id, value, ends }
    }

    /// The id and the record of a token of this kind.
    pub(super) fn check(
        &self,
        book: &Book,
        token: &str,
        kind: Kind,
    ) -> Result<(String, Record), BadToken> {
        let claims = self.secret.claims(token).map_err(|bad| match bad {
            BadJwt::Malformed => BadToken::Malformed,
            // That another algorithm is taken for a bad signature is ours.
            BadJwt::Algorithm | BadJwt::Signature => BadToken::Signature,
        })?;
        let exp = claims.get("exp").and_then(Value::as_u64);
        if exp.is_some_and(|exp| self.clock.unix_seconds() >= exp) {
            return Err(BadToken::Expired);
        }
        let text = |name| claims.get(name).and_then(Value::as_str);
        if text("sub") != Some(kind.subject()) {
            return Err(BadToken::Subject);
        }
        let id = text("jti").ok_or(BadToken::Unknown)?;
        let record = book.tokens.get(id).filter(|record| record.kind == kind);
        let record = record.ok_or(BadToken::Unknown)?;
        Ok((id.to_owned(), record.clone()))
    }
}
