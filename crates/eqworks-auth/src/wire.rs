//! What goes over the wire, quirks included.

use std::borrow::Cow;
use std::time::Duration;

use auth_core::{
    Error as CoreError, ErrorKind, Expiry, Refusal as TokenRefusal, Response, UnverifiedClaims,
    lenient, parse_date_time,
};
use secrecy::{ExposeSecret, SecretString};
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use http::StatusCode;

use crate::{Confirmation, Error, Product, Token};

/// Names of the query.
pub(crate) const USER: &str = "user";
pub(crate) const OTP: &str = "otp";

/// How the vendor's page for an unknown path begins; a proxy has pages of its own.
const UNKNOWN_PATH: [&str; 2] = ["<pre>Not Found<", "<pre>Cannot "];

/// Switches of the query: any value will do that JavaScript takes for true.
pub(crate) const ON: &str = "1";

/// A passcode as it was typed, without blanks, quotes and punctuation around it.
///
/// The vendor's own are six hexadecimal characters, which it takes in small letters as well. Those
/// of its app reviewers have any form.
pub(crate) fn passcode(text: &str) -> Option<SecretString> {
    let text = text.trim_matches(|c: char| !c.is_alphanumeric());
    let is_one =
        (4..=32).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_alphanumeric());
    is_one.then(|| text.into())
}

/// Whether a passcode has the form of the vendor's own, so that no text behind it was taken for a
/// part of it.
pub(crate) fn is_vendors_own(passcode: &SecretString) -> bool {
    let text = passcode.expose_secret();
    text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[derive(Deserialize)]
struct PasscodeSent {
    #[serde(default, deserialize_with = "lenient::if_readable")]
    user: Option<String>,
}

#[derive(Deserialize)]
struct TokenPayload {
    token: SecretString,
    #[serde(default, deserialize_with = "lenient::if_readable")]
    user: Option<String>,
    // The documented sample ends before it.
    #[serde(default, deserialize_with = "lenient::if_readable")]
    product: Option<String>,
}

#[derive(Deserialize)]
struct Confirmed {
    user: String,
    product: String,
    #[serde(default, deserialize_with = "lenient::or_default")]
    light: bool,
    #[serde(default, deserialize_with = "lenient::if_readable")]
    ttl: Option<Ttl>,
    // Missing after a light confirmation, null where the access does not end.
    #[serde(default, deserialize_with = "access_expiry")]
    access_expired_at: Option<Expiry>,
    access: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Ttl {
    // Read as seconds. A JavaScript number: an absurd `exp` makes an absurd one.
    #[serde(default, deserialize_with = "lenient::optional_seconds")]
    millis: Option<Duration>,
}

/// `{"message": …, "statusCode": …, "logLevel": …}`; the gateway writes `Message`.
#[derive(Deserialize)]
struct Refused<'a> {
    #[serde(borrow, alias = "Message")]
    message: Cow<'a, str>,
    // The status line says it as well, if it is a refusal's.
    #[serde(
        rename = "statusCode",
        default,
        deserialize_with = "lenient::if_readable"
    )]
    status: Option<u16>,
}

/// A response that has nothing where the token stands.
#[derive(Deserialize)]
struct NoToken {
    token: Option<IgnoredAny>,
}

/// One of the variants that hold what the vendor said.
type Variant = fn(message: String, http_status: Option<u16>) -> Error;

/// What a refusal is about where its text does not say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Login,
    Verify,
    /// Of a token: confirm and refresh.
    Token,
}

/// To whom the passcode was sent, as the vendor writes it, where the response says so.
pub(crate) fn passcode_sent(response: &Response) -> Result<Option<String>, Error> {
    let sent: PasscodeSent = read(response, Call::Login)?;
    Ok(sent.user)
}

/// The token of a passcode.
pub(crate) fn verified(response: &Response, user: &str, asked: &Product) -> Result<Token, Error> {
    token(response, Some(user), asked, Call::Verify)
}

/// The token of a refresh of `old`, whose account it keeps.
pub(crate) fn refreshed(response: &Response, old: &Token, asked: &Product) -> Result<Token, Error> {
    let token = token(response, None, asked, Call::Token)?;
    Ok(token.with(old.account(), None))
}

pub(crate) fn confirmed(response: &Response) -> Result<Confirmation, Error> {
    let confirmed: Confirmed = read(response, Call::Token)?;
    let millis = confirmed.ttl.and_then(|ttl| ttl.millis);
    let access = confirmed.access.as_deref().map_or("{}", RawValue::get);
    Ok(Confirmation {
        user: confirmed.user,
        product: Product::from(confirmed.product),
        is_light: confirmed.light,
        // It is -1 for a token without an end, which is no time.
        time_left: millis.map(|millis| millis / 1_000),
        access_expiry: confirmed.access_expired_at,
        // Not described, so anything may stand there.
        access: response.json_part(access).unwrap_or_default(),
    })
}

/// A token. What the response leaves out is in the claims, or known from the request.
fn token(
    response: &Response,
    user: Option<&str>,
    asked: &Product,
    call: Call,
) -> Result<Token, Error> {
    let payload: TokenPayload = read(response, call)?;
    let claims = UnverifiedClaims::of(&payload.token)?;
    // `exp` is a moment on the vendor's clock, and so is `iat`, which is now. Decision: without `iat` the token
    // has the documented life.
    let issued = claims.moment("iat").and_then(Expiry::at);
    let life = issued.and_then(|issued| claims.expiry().left(issued));
    let expiry = response.expiry(claims.expiry(), Some(life.unwrap_or(Token::LIFETIME)));
    Ok(Token::issued(payload.token, expiry, response.sent_at())
        .with(user, Some(asked.as_str()))
        .with_claims(&claims)
        .with(payload.user.as_deref(), payload.product.as_deref()))
}

/// Reads a success, or tells what a refusal means.
fn read<'a, T: Deserialize<'a>>(response: &'a Response, call: Call) -> Result<T, Error> {
    if !response.status().is_success() {
        return Err(refusal(response, call));
    }
    response.json().map_err(|error| {
        // A refusal may come with a success's status.
        let refused = response.json::<Refused<'_>>();
        let refused = refused.ok().and_then(|it| {
            let variant = documented(it.status?, &it.message)?;
            Some(told(response, variant, &it.message))
        });
        let has_no_token = || matches!(response.json(), Ok(NoToken { token: None }));
        refused.unwrap_or_else(|| match call {
            Call::Verify if has_no_token() => {
                let message = "the vendor answered without a token";
                passcode_refused(message.to_owned(), Some(response.status().as_u16()))
            }
            _ => error.into(),
        })
    })
}

fn refusal(response: &Response, call: Call) -> Error {
    let status = response.status().as_u16();
    if status == 429 {
        return Error::RateLimited {
            retry_after: response.retry_after(),
            http_status: Some(status),
        };
    }
    let Ok(Refused { message, .. }) = response.json::<Refused<'_>>() else {
        let is_foreign = response.is_foreign();
        let is_unknown_path = |text| response.find(text).is_some();
        let without_text = "the response has no text".to_owned();
        return match (status, call) {
            // The vendor answers an unknown path with this web page, and an unknown user with JSON.
            (404, _) if is_foreign && UNKNOWN_PATH.into_iter().any(is_unknown_path) => {
                let message =
                    "there is no such call at this address: its base url or its stage may be wrong";
                let error = CoreError::new(ErrorKind::Protocol, message);
                error.with_http_status(status).into()
            }
            (404, Call::Login) if !is_foreign => unknown_user(without_text, Some(status)),
            (403, Call::Verify) if !is_foreign => passcode_refused(without_text, Some(status)),
            _ => response.error(None).into(),
        };
    };
    let of_an_unknown_text = match call {
        Call::Verify if status == 403 => Some(passcode_refused as Variant),
        Call::Token if status == 403 => Some(token_rejected as Variant),
        _ => None,
    };
    match documented(status, &message).or(of_an_unknown_text) {
        Some(variant) => told(response, variant, &message),
        None => response.error(Some(&message)).into(),
    }
}

/// The error of what the vendor said.
fn told(response: &Response, variant: Variant, message: &str) -> Error {
    let message = response.redact(message).trim_end_matches('.').to_owned();
    variant(message, Some(response.status().as_u16()))
}

/// Whether the body of a response, with this status, from the auth service or another host says
/// that the token was refused.
pub(crate) fn refuses_token(status: u16, body: &[u8], is_auth_service: bool) -> bool {
    let refused = serde_json::from_slice::<Refused<'_>>(body).ok();
    let message = refused.as_ref().map_or("", |it| &*it.message);
    match status {
        401 if !is_auth_service => {
            // The data services say it as plain text.
            let is_text = body.trim_ascii().eq_ignore_ascii_case(b"invalid jwt");
            is_text || TokenRefusal::of(StatusCode::UNAUTHORIZED, Some(body)) == TokenRefusal::Yes
        }
        403 if is_auth_service => documented(status, message).is_some_and(|variant| {
            matches!(variant(String::new(), None), Error::TokenRejected { .. })
        }),
        // The gateway in front of the data services. Their own 403 is about what a user may do.
        403 => message.starts_with("User is not authorized"),
        _ => false,
    }
}

/// The vendor tells its refusals apart by their texts alone.
fn documented(status: u16, message: &str) -> Option<Variant> {
    let starts = |beginning: &str| message.starts_with(beginning);
    Some(match status {
        404 if starts("User ") => unknown_user,
        // In the last second of the access, and after it, in other words than before.
        403 if starts("Access ") && message.contains("expired") => {
            |message, http_status| Error::AccessEnded {
                message,
                http_status,
            }
        }
        403 if starts("User ") && message.contains(" does not have access to ") => {
            |message, http_status| Error::ProductDenied {
                message,
                http_status,
            }
        }
        403 if starts("No OTP to redeem") => |message, http_status| Error::PasscodeSpent {
            message,
            http_status,
        },
        403 if starts("JWT not valid for this resource") => {
            |message, http_status| Error::OtherProduct {
                message,
                http_status,
            }
        }
        403 if starts("Invalid OTP") => |message, http_status| Error::WrongPasscode {
            message,
            http_status,
        },
        403 if ["Invalid JWT", "JWT missing required fields", "Invalid UUID"]
            .into_iter()
            .any(starts) =>
        {
            token_rejected
        }
        _ => return None,
    })
}

fn unknown_user(message: String, http_status: Option<u16>) -> Error {
    Error::UnknownUser {
        message,
        http_status,
    }
}

fn passcode_refused(message: String, http_status: Option<u16>) -> Error {
    Error::PasscodeRefused {
        message,
        http_status,
    }
}

fn token_rejected(message: String, http_status: Option<u16>) -> Error {
    Error::TokenRejected {
        message,
        http_status,
    }
}

fn access_expiry<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Expiry>, D::Error> {
    let expiry = match Option::<Cow<'de, str>>::deserialize(value)? {
        None => Expiry::Never,
        Some(text) => {
            let moment = parse_date_time(&text).ok_or_else(|| D::Error::custom("no moment"))?;
            Expiry::At(moment)
        }
    };
    Ok(Some(expiry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passcode_is_4_to_32_letters_and_digits_and_is_sent_as_typed() {
        for text in ["FDEA9F", "fdea9f", "Review2026", "0000", &"x9".repeat(16)] {
            for around in ["", " ", "\t", "\u{feff}", "\"", "*", "(", "."] {
                let passcode = passcode(&format!("{around}{text}{around}\r\n")).unwrap();
                assert_eq!(passcode.expose_secret(), text);
            }
        }
        for text in [
            "",
            "FDE",
            &"x9".repeat(17),
            "FDE A9F",
            "FDE-A9F",
            "ＦＤＥＡ",
            "fdeé9",
        ] {
            assert!(passcode(text).is_none(), "{text}");
        }
    }
}
