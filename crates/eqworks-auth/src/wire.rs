//! What goes over the wire, quirks included.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_core::{Answer, Error as CoreError, ErrorKind, Expiry, UnverifiedClaims};
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
pub(crate) fn passcode_sent(answer: &Answer) -> Result<String, Error> {
    let sent: PasscodeSent = read(answer, |_| None)?;
    Ok(sent.user)
}

/// The token of a passcode.
pub(crate) fn verified(answer: &Answer) -> Result<Token, Error> {
    token(answer, |message| Some(Error::WrongPasscode { message }))
}

/// The token of a refresh.
pub(crate) fn refreshed(answer: &Answer) -> Result<Token, Error> {
    token(answer, token_refused)
}

pub(crate) fn confirmed(answer: &Answer) -> Result<Confirmation, Error> {
    let confirmed: Confirmed = read(answer, token_refused)?;
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

fn token(answer: &Answer, otherwise: Otherwise) -> Result<Token, Error> {
    let payload: TokenPayload = read(answer, otherwise)?;
    let claims = UnverifiedClaims::of(&payload.token)?;
    // `exp` is a moment on the vendor's clock.
    let expiry = match claims.expiry() {
        Expiry::At(end) => Expiry::At(answer.local(end)),
        Expiry::Never => Expiry::Never,
    };
    let (user, product) = whose(&claims);
    Ok(Token::issued(payload.token, expiry, answer.sent_at())
        .with_user(payload.user.or(user))
        .with_product(payload.product.or(product)))
}

/// The user and the product, as the claims have them.
pub(crate) fn whose(claims: &UnverifiedClaims) -> (Option<String>, Option<String>) {
    let text = |name| claims.text(name).map(str::to_owned);
    (text("email"), text(PRODUCT))
}

/// Reads a success, or tells what a refusal means.
fn read<'a, T: Deserialize<'a>>(answer: &'a Answer, otherwise: Otherwise) -> Result<T, Error> {
    if answer.status().is_success() {
        return Ok(answer.json()?);
    }
    Err(refusal(answer, otherwise))
}

fn refusal(answer: &Answer, otherwise: Otherwise) -> Error {
    let status = answer.status().as_u16();
    if status == 429 {
        return Error::RateLimited {
            retry_after: answer.retry_after(),
        };
    }
    let Ok(Refused { message: raw }) = answer.json::<Refused<'_>>() else {
        if status == 404 {
            // An unknown path is answered with a web page, an unknown user with JSON.
            let message = "the vendor does not know this call; check the base url and the stage";
            let error = CoreError::new(ErrorKind::Protocol, message);
            return error.with_status(status).into();
        }
        return answer.error(None).into();
    };
    let message = answer.redact(&raw).trim_end_matches('.').to_owned();
    match status {
        403 => forbidden(&raw, message.clone()).or_else(|| otherwise(message)),
        404 if raw.starts_with("User ") => Some(Error::UnknownUser { message }),
        _ => None,
    }
    .unwrap_or_else(|| answer.error(Some(&raw)).into())
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
            let moment = moment(&text).ok_or_else(|| D::Error::custom("no moment"))?;
            Expiry::At(moment)
        }
    };
    Ok(Some(expiry))
}

/// A moment as JavaScript writes it (`2026-01-31T23:59:59.000Z`), or a date alone, which is its
/// first moment. Before 1970 counts as 1970.
fn moment(text: &str) -> Option<SystemTime> {
    let (date, time) = match text.strip_suffix('Z') {
        Some(text) => text.split_once('T')?,
        None => (text, "0:0:0"),
    };
    let (time, _) = time.split_once('.').unwrap_or((time, ""));
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let is_one = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && year <= 9_999
        && hour < 24
        && minute < 60
        && second <= 60;
    if !is_one || year < 1970 {
        return is_one.then_some(UNIX_EPOCH);
    }
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day;
    let days = days.checked_sub(719_469)?;
    UNIX_EPOCH.checked_add(Duration::from_secs(
        days * 86_400 + hour * 3_600 + minute * 60 + second,
    ))
}

fn numbers(text: &str, separator: char) -> Option<[u64; 3]> {
    let digits = |part: &str| {
        part.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| part.parse().ok())
    };
    let numbers: Vec<u64> = text
        .split(separator)
        .map(digits)
        .map(Option::flatten)
        .collect::<Option<_>>()?;
    numbers.try_into().ok()
}

#[cfg(test)]
mod tests {
    use auth_core::ExposeSecret as _;

    use super::*;

    #[test]
    fn moments_are_read_as_javascript_writes_them() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2000-02-29T12:34:56.789Z", 951_827_696),
            ("2026-01-01T00:00:00Z", 1_767_225_600),
            ("2026-12-31T23:59:59.999Z", 1_798_761_599),
            ("2024-03-01", 1_709_251_200),
            ("9999-12-31T23:59:59.000Z", 253_402_300_799),
            ("1969-12-31T23:59:59.000Z", 0),
            ("0000-01-01", 0),
        ] {
            let expected = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(moment(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "soon",
            "2026-13-01",
            "2026-00-01",
            "2026-01-32",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00+02:00",
            "2026-01-01 00:00:00",
            "+275760-09-13T00:00:00.000Z",
            "99999999999999999999-01-01",
            "2026-01",
            "2026-01-01-01",
            "2026--01",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

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
