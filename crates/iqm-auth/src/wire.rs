//! What goes over the wire, quirks included.

use std::time::Duration;

use auth_core::{Expiry, Response, serialize_secret};
use http::HeaderName;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Error, Profile, Token};

pub(crate) const X_IAA_HOST: HeaderName = HeaderName::from_static("x-iaa-host");

#[derive(Serialize)]
pub(crate) struct SignUp<'a> {
    pub(crate) email: &'a str,
    #[serde(serialize_with = "serialize_secret")]
    pub(crate) password: &'a SecretString,
}

/// Here the grant is `grantType`, in the OAuth form it is `grant_type`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogIn<'a> {
    pub(crate) grant_type: &'static str,
    pub(crate) email: &'a str,
    #[serde(serialize_with = "serialize_secret")]
    pub(crate) password: &'a SecretString,
}

/// The older JSON form of the refresh, as IQM's "Sign Up and Authenticate" has it.
#[derive(Serialize)]
pub(crate) struct Refresh<'a> {
    pub(crate) grant_type: &'static str,
    #[serde(serialize_with = "serialize_secret")]
    pub(crate) refresh_token: &'a SecretString,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SendMfaCode {
    pub(crate) ow_id: u64,
}

#[derive(Serialize)]
pub(crate) struct VerifyMfaCode<'a> {
    #[serde(serialize_with = "serialize_secret")]
    pub(crate) otp: &'a SecretString,
}

#[derive(Serialize)]
pub(crate) struct RequestReset<'a> {
    pub(crate) email: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ValidateReset<'a> {
    #[serde(serialize_with = "serialize_secret")]
    pub(crate) reset_hash: &'a SecretString,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangePassword<'a> {
    #[serde(serialize_with = "serialize_secret")]
    pub(crate) old_password: &'a SecretString,
    #[serde(serialize_with = "serialize_secret")]
    pub(crate) new_password: &'a SecretString,
}

/// `{"success": …, "data": …, "errorObjects": […]}`. `data` stays unread, so that no copy of a
/// token is made on the way.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    success: Option<bool>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    error_objects: Option<Vec<ErrorObject>>,
}

#[derive(Deserialize)]
struct ErrorObject {
    error: Option<String>,
    reason: Option<String>,
    field: Option<String>,
}

/// `data` of the log-in's 400.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OnHold {
    status: String,
    reason: String,
    support_email: String,
}

/// Snake case everywhere, but camel case after MFA.
#[derive(Deserialize)]
struct TokenPayload {
    #[serde(alias = "accessToken")]
    access_token: SecretString,
    #[serde(alias = "refreshToken")]
    refresh_token: Option<SecretString>,
    #[serde(alias = "tokenType")]
    token_type: Option<String>,
    /// Seconds. The prose says 24 hours and the samples 35,999: the number in the response decides.
    #[serde(alias = "expiresIn")]
    expires_in: u64,
    scope: Option<String>,
    #[serde(rename = "owId")]
    ow_id: Option<u64>,
}

/// A refusal, with the vendor's text redacted.
pub(crate) struct Refusal<'a> {
    response: &'a Response,
    /// The vendor's errors with their reasons, if it named any.
    text: Option<String>,
    data: Option<&'a RawValue>,
}

impl Refusal<'_> {
    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// The vendor's text, or the status in its place.
    pub(crate) fn message(&self) -> String {
        let status = || format!("status {}", self.response.status());
        self.text.clone().unwrap_or_else(status)
    }

    /// One of the variants that hold what the vendor said.
    pub(crate) fn error(&self, variant: fn(String, Option<u16>) -> Error) -> Error {
        variant(self.message(), Some(self.status()))
    }

    /// The log-in's 400 that says that the account is on hold.
    pub(crate) fn on_hold(&self) -> Option<Error> {
        let on_hold: OnHold = serde_json::from_str(self.data?.get()).ok()?;
        Some(Error::OnHold {
            status: self.response.redact(&on_hold.status),
            reason: self.response.redact(&on_hold.reason),
            support_email: self.response.redact(&on_hold.support_email),
            http_status: Some(self.status()),
        })
    }

    /// The reason that stands in `data` of a refused reset.
    pub(crate) fn invalid_reason(&self) -> Option<String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Invalid {
            invalid_reason: String,
        }
        let invalid: Invalid = serde_json::from_str(self.data?.get()).ok()?;
        Some(self.response.redact(&invalid.invalid_reason))
    }
}

/// What a refusal means by its status, where the call says nothing else.
pub(crate) fn by_status(refusal: &Refusal<'_>) -> Error {
    match refusal.status() {
        401 => refusal.error(|message, http_status| Error::TokenRejected {
            message,
            http_status,
        }),
        _ => Error::Core(refusal.response.error(refusal.text.as_deref())),
    }
}

/// Reads the `data` of a success. `refused` says what a refusal means for this call.
///
/// The status decides first (`success: true` comes with 403, too), then `success`. A response
/// without an envelope is its own data.
pub(crate) fn data<'a, T: Deserialize<'a>>(
    response: &'a Response,
    refused: impl FnOnce(&Refusal<'_>) -> Error,
) -> Result<T, Error> {
    let envelope = response.json::<Envelope<'_>>();
    let has_failed = match &envelope {
        _ if !response.status().is_success() => true,
        Ok(envelope) => envelope.success == Some(false),
        Err(_) => false,
    };
    if has_failed {
        return Err(refusal(response, envelope.ok(), refused));
    }
    let is_bare = matches!(
        &envelope,
        Ok(Envelope {
            success: None,
            data: None,
            ..
        })
    );
    match envelope {
        Ok(Envelope {
            data: Some(data), ..
        }) => Ok(response.json_part(data.get())?),
        // `{"success": true}` alone where no data is wanted.
        Ok(_) if !is_bare => Ok(response.json_part("null")?),
        _ => Ok(response.json()?),
    }
}

fn refusal(
    response: &Response,
    envelope: Option<Envelope<'_>>,
    refused: impl FnOnce(&Refusal<'_>) -> Error,
) -> Error {
    let refusal = Refusal {
        response,
        data: envelope.as_ref().and_then(|envelope| envelope.data),
        text: envelope
            .and_then(|envelope| envelope.error_objects)
            .and_then(|errors| text(&errors, response)),
    };
    // For every call: a 429 is a rate limit, and a server error no refusal.
    match refusal.status() {
        429 => Error::RateLimited {
            retry_after: response.retry_after(),
            http_status: Some(429),
        },
        500.. => by_status(&refusal),
        _ => refused(&refusal),
    }
}

/// What the vendor said, redacted, if it said anything.
fn text(errors: &[ErrorObject], response: &Response) -> Option<String> {
    let texts: Vec<&str> = errors
        .iter()
        .flat_map(|it| [&it.error, &it.reason, &it.field])
        .flatten()
        .map(|text| text.trim().trim_end_matches('.'))
        .filter(|text| !text.is_empty())
        .collect();
    // Redacted as one, which bounds it: there may be any number of errors.
    (!texts.is_empty()).then(|| response.redact(&texts.join(": ")))
}

/// A token, from either form of response.
pub(crate) fn token(
    response: &Response,
    refused: impl FnOnce(&Refusal<'_>) -> Error,
) -> Result<Token, Error> {
    let payload: TokenPayload = data(response, refused)?;
    let is_bearer = payload
        .token_type
        .as_ref()
        .is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    if !is_bearer {
        let message = "iqm issued a token of a type other than bearer";
        let error = auth_core::Error::new(auth_core::ErrorKind::Protocol, message);
        return Err(error.with_http_status(response.status().as_u16()).into());
    }
    let expiry = Expiry::after(response.sent_at(), Duration::from_secs(payload.expires_in));
    Ok(Token::issued(
        payload.access_token,
        payload.refresh_token,
        expiry,
        response.sent_at(),
    )
    .with_ow_id(payload.ow_id)
    .with_scope(payload.scope))
}

/// The profile, with the fields that no document describes kept aside.
pub(crate) fn profile(
    response: &Response,
    refused: impl FnOnce(&Refusal<'_>) -> Error,
) -> Result<Profile, Error> {
    let text: &RawValue = data(response, refused)?;
    let mut profile: Profile = response.json_part(text.get())?;
    profile.other = response.json_part(text.get())?;
    Ok(profile)
}
