//! What goes over the wire, quirks included.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_core::__tracing::debug;
use auth_core::{Expiry, Response, lenient, parse_date_time, serialize_secret};
use http::{HeaderName, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
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
    /// What the vendor said.
    said: Option<String>,
}

impl Refusal<'_> {
    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Whether the vendor said this, in lower case.
    pub(crate) fn says(&self, text: &str) -> bool {
        let said = self.said.as_deref().unwrap_or_default();
        said.to_ascii_lowercase().contains(text)
    }

    /// Whether the vendor said anything.
    pub(crate) fn says_something(&self) -> bool {
        self.said.is_some()
    }

    /// One of the variants that hold what the vendor said.
    pub(crate) fn error(&self, variant: fn(String, Option<u16>) -> Error) -> Error {
        variant(self.message(), Some(self.status()))
    }

    /// Whether a password or a token was refused: by the status, or by the text.
    pub(crate) fn is_not_authorized(&self) -> bool {
        match self.status() {
            401 | 403 => true,
            408 => false,
            200..=299 | 400..=499 => self.response.find(NOT_AUTHORIZED).is_some(),
            _ => false,
        }
    }

    /// What the vendor said, redacted, or the status in its place.
    pub(crate) fn message(&self) -> String {
        let said = self.said.as_deref().map(|said| self.response.redact(said));
        let said = said.filter(|said| !said.is_empty());
        said.unwrap_or_else(|| format!("status {}", self.response.status()))
    }
}

/// No such user, a wrong password, or either: each has a status of its own. A refusal with 200 says so in
/// a message, or by `success: false`.
pub(crate) fn credentials_refused(refusal: &Refusal<'_>) -> Option<Error> {
    let is_meant = match refusal.status() {
        404 => refusal.says("not found") || refusal.is_not_authorized(),
        200..=299 => refusal.says_something() || refusal.is_not_authorized(),
        _ => refusal.is_not_authorized(),
    };
    is_meant.then(|| {
        refusal.error(|message, http_status| Error::InvalidCredentials {
            message,
            http_status,
        })
    })
}

/// For calls that want nothing but success; `refused` makes this call's own errors of a refusal.
/// For what it leaves, the status decides.
pub(crate) fn done(
    response: &Response,
    refused: impl FnOnce(&Refusal<'_>) -> Option<Error>,
) -> Result<(), Error> {
    // No document describes the body, but a web page comes from a proxy, and one that says it failed is a refusal.
    if response.status().is_success() && !response.is_page() && !says_failure(response) {
        return Ok(());
    }
    Err(refusal(response, refused))
}

/// Whether `success` is false, or there is a text in `error`, whatever the status.
fn says_failure(response: &Response) -> bool {
    let fields = response.json::<Fields<'_>>().unwrap_or_default();
    let field = |name| fields.get(name).map_or("", |it| it.get());
    field("success") == "false" || (field("error").starts_with('"') && field("error") != "\"\"")
}

/// The user who logged in, with the token that was `asked` for until then.
pub(crate) fn authenticated(
    response: &Response,
    asked: Option<SystemTime>,
    refused: impl FnOnce(&Refusal<'_>) -> Option<Error>,
) -> Result<Authenticated, Error> {
    // A refusal with status 200 may repeat the user, and has no token.
    let (user, refused) = user_or(response, refused)?;
    let Some(access) = user.session_token.clone() else {
        let refusal = Refusal {
            response,
            said: said(response),
        };
        let error = refused(&refusal).filter(|_| refusal.says_something());
        return Err(error.unwrap_or_else(|| response.error(Some("no session_token")).into()));
    };
    let sent_at = response.sent_at();
    let expiry = match (user.session_expires_at, asked) {
        (Some(end), asked) => {
            let life = asked.and_then(|asked| asked.duration_since(sent_at).ok());
            // Decision: where nothing was asked for, the documented life stands in for the clock that the
            // response does not have.
            response.expiry(Expiry::At(end), Some(life.unwrap_or(Lifetime::DEFAULT)))
        }
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
    user_or(response, refused).map(|(user, _)| user)
}

/// The user, and what was not needed for it.
fn user_or<F: FnOnce(&Refusal<'_>) -> Option<Error>>(
    response: &Response,
    refused: F,
) -> Result<(User, F), Error> {
    if !response.status().is_success() {
        return Err(refusal(response, refused));
    }
    let mut fields = match response.json::<Fields<'_>>() {
        Ok(fields) if KNOWN.iter().any(|name| fields.contains_key(*name)) => fields,
        // The vendor's scripts look at the text alone, so it may come with any status.
        Ok(_) => return Err(refusal(response, refused)),
        Err(_) if response.find(NOT_AUTHORIZED).is_some() => {
            return Err(refusal(response, refused));
        }
        Err(error) => return Err(error.into()),
    };
    let user = User {
        id: take(&mut fields, "_id").or_else(|| take(&mut fields, "id")),
        email: take(&mut fields, "email"),
        first_name: take(&mut fields, "first_name"),
        last_name: take(&mut fields, "last_name"),
        company_id: take(&mut fields, "company_id"),
        company_ids: take(&mut fields, "company_ids").unwrap_or_default(),
        user_type_id: take(&mut fields, "user_type_id"),
        user_type: take(&mut fields, "user_type"),
        role: take(&mut fields, "role"),
        api_token: take_secret(&mut fields, "api_token").map(ApiToken::new),
        session_token: take_secret(&mut fields, "session_token"),
        session_expires_at: fields
            .get("session_expires_at")
            .and_then(|value| moment(value)),
        other: fields
            .into_iter()
            .map(|(name, value)| (name, value.get().into()))
            .collect(),
    };
    Ok((user, refused))
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
    let may_be_text = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
        && response.find(NOT_AUTHORIZED).is_some();
    if status.is_client_error() && response.is_foreign() && !may_be_text {
        return response.error(None).into();
    }
    let refusal = Refusal {
        response,
        said: said(response),
    };
    let by_status = || response.error(refusal.said.as_deref()).into();
    refused(&refusal).unwrap_or_else(by_status)
}

/// What the vendor said in a field that is a message. No other text is shown: a user's fields may stand
/// in a refusal. The one documented refusal may be plain text.
fn said(response: &Response) -> Option<String> {
    let text = |value: &RawValue| serde_json::from_str::<String>(value.get()).ok();
    let fields = response.json::<Fields<'_>>().unwrap_or_default();
    let messages = fields.get("messages").and_then(|it| {
        let messages: Vec<&RawValue> = serde_json::from_str(it.get()).ok()?;
        let messages: Vec<_> = messages.into_iter().filter_map(text).collect();
        Some(messages.join("; "))
    });
    let others = ["message", "error"];
    let others = others.map(|name| fields.get(name).and_then(|it| text(it)));
    let said = [messages].into_iter().chain(others).flatten();
    let said = said.map(|text| text.trim().trim_end_matches('.').to_owned());
    let said = { said }.find(|text| !text.is_empty());
    said.or_else(|| response.find(NOT_AUTHORIZED).map(str::to_owned))
}

/// The moment that a field names: RFC 3339 in either case, with a space in the place of the `T` or an
/// offset without its colon, or the seconds or milliseconds since 1970. Only RFC 3339 was seen.
fn moment(value: &RawValue) -> Option<SystemTime> {
    let mut number = serde_json::Deserializer::from_str(value.get());
    let moment = if let Ok(number) = lenient::optional_integer::<_, u64>(&mut number) {
        number.filter(|number| *number > 0).and_then(|number| {
            let life = if number < FIRST_MILLISECONDS {
                Duration::from_secs(number)
            } else {
                Duration::from_millis(number)
            };
            UNIX_EPOCH.checked_add(life)
        })
    } else {
        let text: String = serde_json::from_str(value.get()).ok()?;
        parse_date_time(&rfc3339(text.trim()))
    };
    if moment.is_none() {
        debug!("edgeiq sent a session_expires_at that is no moment");
    }
    moment
}

/// Seconds since 1970 reach it in the year 5138, milliseconds in 1973.
const FIRST_MILLISECONDS: u64 = 100_000_000_000;

/// The text with a capital `T` and `Z`, and a colon in its offset.
fn rfc3339(text: &str) -> String {
    let mut text = text.to_ascii_uppercase();
    if text.as_bytes().get("2019-06-10".len()) == Some(&b' ') {
        text.replace_range(10..11, "T");
    }
    let colon = text.len().saturating_sub("00".len());
    let sign = colon.checked_sub("+00".len());
    let sign = sign.filter(|sign| *sign > "2019-06-10T".len());
    let sign = sign.and_then(|sign| text.as_bytes().get(sign));
    if sign.is_some_and(|sign| b"+-".contains(sign)) && text.is_char_boundary(colon) {
        text.insert(colon, ':');
    }
    text
}

/// Whether a body says *not authorized*, in any case.
pub(crate) fn says_not_authorized(body: &[u8]) -> bool {
    let mut parts = body.windows(NOT_AUTHORIZED.len());
    parts.any(|part| part.eq_ignore_ascii_case(NOT_AUTHORIZED.as_bytes()))
}
