//! What goes over the wire, quirks included.

mod envelope;

use std::time::{Duration, UNIX_EPOCH};

use auth_core::__tracing::debug;
use auth_core::{Expiry, Response, lenient, serialize_secret};
use http::HeaderName;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use self::envelope::LinkPayload;
use crate::{Error, Profile, ResetLink, Token};

pub(crate) use self::envelope::{Refusal, by_status, data};

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

/// Both specifications name the field `inviteHash`, the page of prose names it `resetHash`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ValidateReset<'a> {
    #[serde(serialize_with = "serialize_secret")]
    pub(crate) invite_hash: &'a SecretString,
    #[serde(serialize_with = "serialize_secret")]
    pub(crate) reset_hash: &'a SecretString,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetPassword<'a> {
    pub(crate) email: &'a str,
    #[serde(serialize_with = "serialize_secret")]
    pub(crate) password: &'a SecretString,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) invite_hash: Option<Secret<'a>>,
}

/// A secret where there may be none.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Secret<'a>(
    #[serde(serialize_with = "serialize_secret")] pub(crate) &'a SecretString,
);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangePassword<'a> {
    #[serde(serialize_with = "serialize_secret")]
    pub(crate) old_password: &'a SecretString,
    #[serde(serialize_with = "serialize_secret")]
    pub(crate) new_password: &'a SecretString,
}

/// Snake case everywhere, but camel case after MFA.
#[derive(Deserialize)]
struct TokenPayload<'a> {
    #[serde(alias = "accessToken")]
    access_token: SecretString,
    #[serde(alias = "refreshToken")]
    refresh_token: Option<SecretString>,
    #[serde(alias = "tokenType")]
    token_type: Option<String>,
    /// Seconds. The prose says 24 hours and the samples 35,999: the number in the response decides.
    #[serde(
        default,
        alias = "expiresIn",
        deserialize_with = "lenient::optional_seconds"
    )]
    expires_in: Option<Duration>,
    /// Milliseconds since 1970, by the vendor's clock.
    #[serde(
        default,
        alias = "expiresAt",
        deserialize_with = "lenient::optional_integer"
    )]
    expires_at: Option<u64>,
    #[serde(default, deserialize_with = "lenient::if_readable")]
    scope: Option<String>,
    #[serde(
        default,
        rename = "owId",
        deserialize_with = "lenient::optional_integer"
    )]
    ow_id: Option<u64>,
    /// The token is not good for anything before the second factor.
    #[serde(borrow, alias = "mfaRequired")]
    mfa_required: Option<&'a RawValue>,
}

/// A token, from either form of response. `of` adds what the call knows of it.
pub(crate) fn token(
    response: &Response,
    of: impl FnOnce(Token) -> Token,
    refused: impl FnOnce(&Refusal<'_>) -> Error,
) -> Result<Token, Error> {
    let payload: TokenPayload<'_> = data(response, refused)?;
    let http_status = response.status().as_u16();
    let is_bearer = payload
        .token_type
        .as_ref()
        .is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    if !is_bearer {
        let message = "iqm issued a token of a type other than bearer";
        let error = auth_core::Error::new(auth_core::ErrorKind::Protocol, message);
        return Err(error.with_http_status(http_status).into());
    }
    let sent_at = response.sent_at();
    let expiry = expiry(&payload, response);
    let token = Token::issued(payload.access_token, payload.refresh_token, expiry, sent_at)
        .or_ow_id(payload.ow_id);
    let token = of(match payload.scope {
        Some(scope) => token.with_scope(scope),
        None => token,
    });
    let is_pending = payload.mfa_required.map(|it| it.get().trim_matches('"'));
    if is_pending.is_some_and(|it| it.eq_ignore_ascii_case("true")) {
        return Err(Error::MfaRequired {
            login: Box::new(token.into()),
            http_status: Some(http_status),
        });
    }
    Ok(token)
}

/// When the token ends: by `expires_in`, else by `expires_at`, else as in the samples.
fn expiry(payload: &TokenPayload<'_>, response: &Response) -> Expiry {
    if let Some(lifetime) = payload.expires_in {
        return Expiry::after(response.sent_at(), lifetime);
    }
    if let Some(millis) = payload.expires_at {
        debug!("iqm sent no expires_in: the token ends at expires_at");
        let end = UNIX_EPOCH.checked_add(Duration::from_millis(millis));
        return response.expiry(end.map_or(Expiry::Never, Expiry::At), Some(Token::LIFETIME));
    }
    debug!("iqm sent neither expires_in nor expires_at: the token lives as in its samples");
    Expiry::after(response.sent_at(), Token::LIFETIME)
}

/// What IQM says of a reset link. One that has expired or was used comes with status 403.
pub(crate) fn reset_link(response: &Response) -> Result<ResetLink, Error> {
    let mut inactive = None;
    let link = data::<LinkPayload>(response, |refusal| {
        let link = refusal.link();
        inactive = link.filter(|link: &LinkPayload| link.is_valid.or(link.valid) == Some(false));
        match refusal.status() {
            422 => refusal.invalid_reset_hash(),
            _ => by_status(refusal),
        }
    });
    let link = match inactive {
        Some(inactive) => inactive,
        None => link?,
    };
    let Some(is_valid) = link.is_valid.or(link.valid) else {
        return Err(response.error(Some("no isValid")).into());
    };
    Ok(ResetLink {
        email: link.reset_email,
        is_valid,
        invalid_reason: link.invalid_reason.map(|text| response.redact(&text)),
    })
}

/// The workspace id that is all of the `data`.
pub(crate) fn ow_id(response: &Response) -> Result<u64, Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct OwId(#[serde(deserialize_with = "lenient::integer")] u64);
    data(response, by_status).map(|OwId(ow_id)| ow_id)
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
