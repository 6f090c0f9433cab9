//! What goes over the wire, quirks included.

use std::collections::BTreeMap;
use std::time::SystemTime;

use auth_core::{Expiry, Response, parse_date_time, serialize_secret};
use http::{HeaderName, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{ApiToken, Authenticated, Error, Lifetime, ResetEmail, User};

pub(crate) const CONTENT_TYPE: HeaderName = http::header::CONTENT_TYPE;
pub(crate) const JSON: &str = "application/json";

/// How the vendor refuses a token or a password, in JSON or as plain text. Its documents write
/// `Not Authorized`, its scripts look for `Not authorized`.
const NOT_AUTHORIZED: &str = "not authorized";

/// A response with one of these is a user.
const KNOWN: [&str; 5] = ["_id", "id", "email", "session_token", "api_token"];

#[derive(Serialize)]
pub(crate) struct Authenticate<'a> {
    pub(crate) email: &'a str,
    #[serde(serialize_with = "serialize_secret")]
    pub(crate) password: &'a SecretString,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token_expiry: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct RequestReset<'a> {
    pub(crate) email: &'a str,
    pub(crate) url: &'a str,
    #[serde(flatten)]
    pub(crate) custom: &'a ResetEmail,
}

/// One password, sent twice: the vendor refuses two that differ.
#[derive(Serialize)]
pub(crate) struct SetPassword<'a> {
    #[serde(serialize_with = "serialize_secret")]
    pub(crate) password: &'a SecretString,
    #[serde(serialize_with = "serialize_secret")]
    pub(crate) password_confirmation: &'a SecretString,
}

/// A user's fields as they stand in the response: no copy of a token is made on the way.
type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// A refusal, with the vendor's text redacted.
pub(crate) struct Refusal<'a> {
    response: &'a Response,
    /// What the vendor said, or a text that stands in its place.
    message: String,
}

impl Refusal<'_> {
    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// One of the variants that hold what the vendor said.
    pub(crate) fn error(&self, variant: fn(String, Option<u16>) -> Error) -> Error {
        variant(self.message.clone(), Some(self.status()))
    }

    /// The variant for a password or a token that was refused: by the status, or by the text.
    pub(crate) fn not_authorized(
        &self,
        variant: fn(String, Option<u16>) -> Error,
    ) -> Option<Error> {
        let is_meant = match self.status() {
            401 | 403 => true,
            408 => false,
            200..=299 | 400..=499 => says_not_authorized(self.response),
            _ => false,
        };
        is_meant.then(|| self.error(variant))
    }

    /// What the vendor said, or a text that stands in its place.
    pub(crate) fn message(&self) -> String {
        self.message.clone()
    }
}

/// For calls that want nothing but success; `refused` makes this call's own errors of a refusal.
/// For what it leaves, the status decides.
pub(crate) fn done(
    response: &Response,
    refused: impl FnOnce(&Refusal<'_>) -> Option<Error>,
) -> Result<(), Error> {
    // No document describes the body, but a web page comes from a proxy.
    if response.status().is_success() && !response.is_page() {
        return Ok(());
    }
    Err(refusal(response, refused))
}

/// The user who logged in, with the token that was `asked` for until then.
pub(crate) fn authenticated(
    response: &Response,
    asked: Option<SystemTime>,
    refused: impl FnOnce(&Refusal<'_>) -> Option<Error>,
) -> Result<Authenticated, Error> {
    let user = user(response, refused)?;
    let Some(access) = user.session_token.clone() else {
        return Err(response.error(Some("no session_token")).into());
    };
    let sent_at = response.sent_at();
    let expiry = match (user.session_expires_at, asked) {
        (Some(end), _) => Expiry::At(response.local(end)),
        (None, Some(asked)) => Expiry::At(asked),
        (None, None) => Expiry::after(sent_at, Lifetime::DEFAULT),
    };
    let token = auth_core::Token::new(access, expiry, sent_at).into();
    Ok(Authenticated { token, user })
}

/// The user's new permanent token.
pub(crate) fn api_token(
    response: &Response,
    refused: impl FnOnce(&Refusal<'_>) -> Option<Error>,
) -> Result<ApiToken, Error> {
    let user = user(response, refused)?;
    user.api_token
        .ok_or_else(|| response.error(Some("no api_token")).into())
}

/// A user, with the fields that no document describes kept aside.
pub(crate) fn user(
    response: &Response,
    refused: impl FnOnce(&Refusal<'_>) -> Option<Error>,
) -> Result<User, Error> {
    if !response.status().is_success() {
        return Err(refusal(response, refused));
    }
    let mut fields = match response.json::<Fields<'_>>() {
        Ok(fields) if KNOWN.iter().any(|name| fields.contains_key(*name)) => fields,
        // The vendor's scripts look at the text alone, so it may come with any status.
        Ok(_) => return Err(refusal(response, refused)),
        Err(_) if says_not_authorized(response) => return Err(refusal(response, refused)),
        Err(error) => return Err(error.into()),
    };
    Ok(User {
        id: take(&mut fields, "_id").or_else(|| take(&mut fields, "id")),
        email: take(&mut fields, "email"),
        first_name: take(&mut fields, "first_name"),
        last_name: take(&mut fields, "last_name"),
        company_id: take(&mut fields, "company_id"),
        user_type: take(&mut fields, "user_type"),
        role: take(&mut fields, "role"),
        api_token: take_secret(&mut fields, "api_token").map(ApiToken::new),
        session_token: take_secret(&mut fields, "session_token"),
        session_expires_at: fields
            .get("session_expires_at")
            .and_then(|text| serde_json::from_str::<String>(text.get()).ok())
            .and_then(|text| parse_date_time(&text)),
        other: fields
            .into_iter()
            .map(|(name, value)| (name, value.get().into()))
            .collect(),
    })
}

/// Takes a field out, if it has the form that was expected.
fn take<T: DeserializeOwned>(fields: &mut Fields<'_>, name: &str) -> Option<T> {
    let value = serde_json::from_str(fields.get(name)?.get()).ok()?;
    fields.remove(name);
    Some(value)
}

/// The vendor sends an empty text where there is no token.
fn take_secret(fields: &mut Fields<'_>, name: &str) -> Option<SecretString> {
    take::<SecretString>(fields, name).filter(|secret| !secret.expose_secret().is_empty())
}

fn refusal(response: &Response, refused: impl FnOnce(&Refusal<'_>) -> Option<Error>) -> Error {
    let status = response.status();
    // For every call.
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Error::RateLimited {
            retry_after: response.retry_after(),
            http_status: Some(status.as_u16()),
        };
    }
    let message = message(response);
    let refusal = Refusal {
        response,
        message: message
            .clone()
            .unwrap_or_else(|| format!("status {status}")),
    };
    refused(&refusal).unwrap_or_else(|| response.error(message.as_deref()).into())
}

/// What the vendor said in a field that is a message, redacted. No other text is shown: the form of a
/// refusal is not documented, and a user's fields may stand in it. The one documented refusal may be
/// plain text.
fn message(response: &Response) -> Option<String> {
    #[derive(Deserialize)]
    struct Said {
        message: Option<String>,
        error: Option<String>,
    }
    let said = response.json::<Said>().ok();
    let said = said.and_then(|said| said.message.or(said.error));
    let text = response.redact(said.as_deref().unwrap_or_default());
    let text = match text.trim_end_matches('.') {
        "" => response.find(NOT_AUTHORIZED)?,
        text => text,
    };
    Some(text.to_owned())
}

fn says_not_authorized(response: &Response) -> bool {
    response.find(NOT_AUTHORIZED).is_some()
}
