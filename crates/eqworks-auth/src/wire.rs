//! What goes over the wire, quirks included.

use std::borrow::Cow;
use std::time::Duration;

use auth_core::{
    Error as CoreError, ErrorKind, Expiry, Response, UnverifiedClaims, parse_date_time,
};
use http::HeaderName;
use secrecy::SecretString;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::{Confirmation, Error, Product, Token};

// Required, and raw: with `Bearer ` in front it is refused, and `Authorization` is ignored.
pub(crate) const EQ_API_JWT: HeaderName = HeaderName::from_static("eq-api-jwt");
// Recommended.
pub(crate) const EQ_API_USER: HeaderName = HeaderName::from_static("eq-api-user");

/// Names of the query, and of what is kept beside a token.
pub(crate) const USER: &str = "user";
pub(crate) const PRODUCT: &str = "product";
pub(crate) const OTP: &str = "otp";

/// Switches of the query: any value will do that JavaScript takes for true.
pub(crate) const ON: &str = "1";

/// An address as the vendor compares it: trimmed and in lower case.
pub(crate) fn user(user: &str) -> String {
    user.trim().to_lowercase()
}

/// A passcode in the vendor's own spelling: six hexadecimal characters. It takes small letters and
/// blanks around them as well.
pub(crate) fn passcode(text: &str) -> Option<SecretString> {
    let text = text.trim();
    let is_one = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_one.then(|| text.to_ascii_uppercase().into())
}

#[derive(Deserialize)]
struct PasscodeSent {
    user: String,
}

#[derive(Deserialize)]
struct TokenPayload {
    token: SecretString,
    user: Option<String>,
    // The seed's sample ends before it.
    product: Option<String>,
}

#[derive(Deserialize)]
struct Confirmed {
    user: String,
    product: String,
    #[serde(default)]
    light: bool,
    ttl: Option<Ttl>,
    // Missing after a light confirmation, null where the access does not end.
    #[serde(default, deserialize_with = "access_expiry")]
    access_expired_at: Option<Expiry>,
    access: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Ttl {
    // A JavaScript number: an absurd `exp` makes an absurd one.
    millis: Option<f64>,
}

/// `{"message": …, "statusCode": …, "logLevel": …}`; the status line says the status.
#[derive(Deserialize)]
struct Refused<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
}

/// What a 403 whose words nobody knows means for one call.
type Otherwise = fn(message: String) -> Option<Error>;

/// To whom the passcode was sent, as the vendor writes it.
pub(crate) fn passcode_sent(response: &Response) -> Result<String, Error> {
    let sent: PasscodeSent = read(response, |_| None)?;
    Ok(sent.user)
}

/// The token of a passcode.
pub(crate) fn verified(response: &Response) -> Result<Token, Error> {
    token(response, |message| Some(Error::WrongPasscode { message }))
}

/// The token of a refresh.
pub(crate) fn refreshed(response: &Response) -> Result<Token, Error> {
    token(response, token_refused)
}

pub(crate) fn confirmed(response: &Response) -> Result<Confirmation, Error> {
    let confirmed: Confirmed = read(response, token_refused)?;
    let millis = confirmed.ttl.and_then(|ttl| ttl.millis);
    Ok(Confirmation {
        user: confirmed.user,
        product: Product::from(confirmed.product),
        is_light: confirmed.light,
        time_left: millis
            .and_then(|millis| Duration::try_from_secs_f64((millis / 1_000.0).max(0.0)).ok()),
        access_expiry: confirmed.access_expired_at,
        access: confirmed.access,
    })
}

#[allow(clippy::unnecessary_wraps, reason = "the signature of all of these")]
fn token_refused(message: String) -> Option<Error> {
    Some(Error::TokenRejected { message })
}

fn token(response: &Response, otherwise: Otherwise) -> Result<Token, Error> {
    let payload: TokenPayload = read(response, otherwise)?;
    let claims = UnverifiedClaims::of(&payload.token)?;
    // `exp` is a moment on the vendor's clock.
    let expiry = match claims.expiry() {
        Expiry::At(end) => Expiry::At(response.local(end)),
        Expiry::Never => Expiry::Never,
    };
    let (user, product) = whose(&claims);
    Ok(Token::from(auth_core::Token::new(
        payload.token,
        expiry,
        response.sent_at(),
    ))
    .with_user(payload.user.or(user))
    .with_product(payload.product.or(product)))
}

/// The user and the product, as the claims have them.
pub(crate) fn whose(claims: &UnverifiedClaims) -> (Option<String>, Option<String>) {
    let text = |name| claims.text(name).map(str::to_owned);
    (text("email"), text(PRODUCT))
}

/// Reads a success, or tells what a refusal means.
fn read<'a, T: Deserialize<'a>>(response: &'a Response, otherwise: Otherwise) -> Result<T, Error> {
    if response.status().is_success() {
        return Ok(response.json()?);
    }
    Err(refusal(response, otherwise))
}

fn refusal(response: &Response, otherwise: Otherwise) -> Error {
    let status = response.status().as_u16();
    if status == 429 {
        return Error::RateLimited {
            retry_after: response.retry_after(),
        };
    }
    let Ok(Refused { message: raw }) = response.json::<Refused<'_>>() else {
        if status == 404 {
            // An unknown path is answered with a web page, an unknown user with JSON.
            let message = "the vendor does not know this call; check the base url and the stage";
            let error = CoreError::new(ErrorKind::Protocol, message);
            return error.with_http_status(status).into();
        }
        return response.error(None).into();
    };
    let message = response.redact(&raw).trim_end_matches('.').to_owned();
    match status {
        403 => forbidden(&raw, message.clone()).or_else(|| otherwise(message)),
        404 if raw.starts_with("User ") => Some(Error::UnknownUser { message }),
        _ => None,
    }
    .unwrap_or_else(|| response.error(Some(&raw)).into())
}

/// The vendor tells its refusals apart by their words alone.
fn forbidden(raw: &str, message: String) -> Option<Error> {
    let begins_with = |beginnings: &[&str]| beginnings.iter().any(|it| raw.starts_with(it));
    let error = if begins_with(&["Access for "]) {
        Error::AccessEnded { message }
    } else if begins_with(&["User "]) && raw.contains(" does not have access to ") {
        Error::ProductDenied { message }
    } else if begins_with(&["Invalid OTP"]) {
        Error::WrongPasscode { message }
    } else if begins_with(&["No OTP to redeem"]) {
        Error::PasscodeSpent { message }
    } else if begins_with(&["JWT not valid for this resource"]) {
        Error::OtherProduct { message }
    } else if begins_with(&["Invalid JWT", "JWT missing required fields", "Invalid UUID"]) {
        Error::TokenRejected { message }
    } else {
        return None;
    };
    Some(error)
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
    use auth_core::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_passcode_is_six_hexadecimal_characters_however_it_is_typed() {
        for text in ["FDEA9F", "fdea9f", " fDeA9f \n", "\tFDEA9F"] {
            let passcode = passcode(text).unwrap();
            assert_eq!(passcode.expose_secret(), "FDEA9F");
        }
        for text in ["", "FDEA9", "FDEA9F0", "FDEA9G", "FDE A9F", "ＦＤ", "fdeé9"] {
            assert!(passcode(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_user_is_written_as_the_vendor_compares_it() {
        assert_eq!(user(" Sue.S@Acme.Test\n"), "sue.s@acme.test");
    }
}
