//! What goes over the wire, quirks included.

mod document;
mod profiles;

use std::borrow::Cow;

use auth_core::{Error as CoreError, ErrorKind, Response, lenient};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use serde_json::value::RawValue;

pub(crate) use self::document::changes_nothing;
use crate::Error;
use crate::graphql::{self, FieldError};

/// So many errors of one response are kept: a person reads no more of them.
const MOST_ERRORS: usize = 20;

/// What a refusal is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A login link is traded: its token is what is refused, and not a session's.
    LogIn,
    /// A call that must not happen twice.
    Once,
    /// Any other call.
    Any,
}

/// A response in the form of GraphQL; `extensions` beside these is left alone.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    errors: Option<Vec<GraphQlError<'a>>>,
}

#[derive(Deserialize)]
struct GraphQlError<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
    // Of any type at all: an error that cannot be read must not hide what it says.
    #[serde(default)]
    extensions: Value,
    #[serde(default)]
    path: Value,
}

impl GraphQlError<'_> {
    fn code(&self) -> &str {
        self.extensions["code"].as_str().unwrap_or_default()
    }

    /// The names of fields and the places in lists, from the outside: none of them is a value.
    fn path(&self) -> Option<String> {
        let steps = self.path.as_array()?.iter().map(|step| match step {
            Value::String(name) => name.clone(),
            place => place.to_string(),
        });
        Some(steps.collect::<Vec<_>>().join("."))
    }

    /// The useful number, where it is present: a resolver's error comes with HTTP status 200.
    fn status(&self) -> Option<u64> {
        let status = &self.extensions["exception"]["statusCode"];
        lenient::optional_integer(status).ok().flatten()
    }
}

/// Reads a response: the data, and what the vendor says is wrong.
pub(crate) fn read<T: DeserializeOwned>(
    response: &Response,
    purpose: Purpose,
) -> Result<graphql::Response<T>, Error> {
    let status = response.status();
    let envelope = response.json::<Envelope<'_>>();
    if status.as_u16() == 429 {
        let retry_after = response.retry_after();
        return Err(Error::RateLimited {
            retry_after,
            http_status: Some(429),
        });
    }
    let (data, errors) = match envelope {
        Ok(envelope) => (envelope.data, envelope.errors.unwrap_or_default()),
        Err(error) if status.is_success() => {
            let is_list = response.json::<Vec<IgnoredAny>>().is_ok();
            if is_list && purpose == Purpose::Once {
                let message = "identityx answered with a list; the call may have had its effect";
                return Err(core(
                    response,
                    ErrorKind::OutcomeUnknown,
                    message.to_owned(),
                ));
            }
            return Err(error.into());
        }
        // A web page or a plain text.
        Err(_) => return Err(response.error(None).into()),
    };
    if status.is_server_error() {
        return Err(match errors.first() {
            // A refusal may come with this status.
            Some(error) => match meaning(response, error, purpose) {
                Error::Core(_) => response.error(Some(&error.message)).into(),
                refusal => refusal,
            },
            None => response.error(None).into(),
        });
    }
    if errors.is_empty() && !status.is_success() {
        return Err(response.error(None).into());
    }
    let data = match data.map(|data| response.json_part(data.get())) {
        Some(Ok(data)) => Some(data),
        // What must not be null is null beside an error.
        _ if !errors.is_empty() => None,
        // It was answered, and gave no token.
        _ if purpose == Purpose::LogIn && is_null(data) => {
            return Err(Error::LinkRefused {
                message: "identityx answered without a token".to_owned(),
                http_status: Some(status.as_u16()),
            });
        }
        Some(Err(error)) => return Err(error.into()),
        None => return Err(graphql::Response::<T>::neither()),
    };
    let errors = errors.iter().take(MOST_ERRORS).map(|error| FieldError {
        error: meaning(response, error, purpose),
        path: error.path().map(|path| response.redact(&path)),
    });
    Ok(graphql::Response::new(data, errors.collect()))
}

/// Whether there are no data, or none but null.
fn is_null(data: Option<&RawValue>) -> bool {
    data.is_none_or(|data| {
        let fields = serde_json::from_str::<Value>(data.get()).unwrap_or_default();
        fields.is_null()
            || fields
                .as_object()
                .is_some_and(|it| it.values().all(Value::is_null))
    })
}

/// A log-out: that the session is gone already is fine if that was this call's first attempt.
pub(crate) fn ended<T: DeserializeOwned>(response: &Response) -> Result<(), Error> {
    match read::<T>(response, Purpose::Any)?.complete() {
        Err(error) if error.is_refused_token() && response.follows_a_lost_attempt() => Ok(()),
        ended => ended.map(drop),
    }
}

/// For `activeAppUser`, whose user may be null by the schema.
pub(crate) fn no_user() -> Error {
    let message = "identityx answered without a user and without an error";
    CoreError::new(ErrorKind::Protocol, message).into()
}

/// The beginnings of the texts with which the vendor refuses a token: all that there are. Whatever
/// else comes as UNAUTHENTICATED is a fault in the vendor while it looked for the identity.
const TOKEN_REFUSED: [&str; 7] = [
    "jwt malformed",
    "jwt expired",
    "jwt signature is required",
    "invalid signature",
    "invalid token",
    "invalid algorithm",
    "No token was found",
];

/// As above: of an identity that is missing, or another than the operation is for.
const IDENTITY_REFUSED: [&str; 3] = [
    "The wrong user authorization type",
    "No user authentication",
    "Invalid authorization type",
];

/// The beginnings of the texts of a fault between the vendor's services, whatever stands beside.
const OUTAGES: [&str; 4] = [
    "request to http",
    "invalid json response body at http",
    "no connection available",
    "upstream connect error",
];

/// Whether the body of a response, or its beginning, says that the token was refused.
pub(crate) fn refuses_token(body: &[u8]) -> bool {
    let envelope = serde_json::from_slice::<Envelope<'_>>(body).ok();
    let errors = envelope.and_then(|it| it.errors).unwrap_or_default();
    errors.iter().any(|error| {
        let is_refusal = TOKEN_REFUSED.iter().any(|it| error.message.starts_with(it));
        is_refusal && error.code() == "UNAUTHENTICATED"
    })
}

/// What one error means: by its text where that is known, then by its status, then by its code.
fn meaning(response: &Response, error: &GraphQlError<'_>, purpose: Purpose) -> Error {
    let raw = &*error.message;
    let message = response.redact(raw).trim_end_matches('.').to_owned();
    let http_status = Some(response.status().as_u16());
    let has = |text: &str| raw.contains(text);
    let starts = |texts: &[&str]| texts.iter().any(|it| raw.starts_with(it));
    // A function cannot: the variants have named fields.
    macro_rules! refused {
        ($variant:ident) => {
            Error::$variant {
                message,
                http_status,
            }
        };
    }
    if has("is disabled and must") {
        return refused!(ApplicationDenied);
    }
    if starts(&OUTAGES) {
        return outage(response, &message, purpose);
    }
    if starts(&IDENTITY_REFUSED) {
        return refused!(WrongIdentity);
    }
    let is_unauthenticated = error.code() == "UNAUTHENTICATED";
    if raw.starts_with("The token subject does not match") {
        return match purpose {
            Purpose::LogIn => Error::NotALoginLink {
                reason: message,
                http_status,
            },
            _ if is_unauthenticated => refused!(TokenRejected),
            _ => refused!(WrongIdentity),
        };
    }
    // The claims of a damaged link are no JSON.
    let is_damaged_link = purpose == Purpose::LogIn
        && (raw.starts_with("Unexpected token") || error.status() == Some(401));
    if starts(&TOKEN_REFUSED) || (is_damaged_link && !is_unauthenticated) {
        return match purpose {
            Purpose::LogIn => refused!(LinkRefused),
            Purpose::Once | Purpose::Any => refused!(TokenRejected),
        };
    }
    if is_unauthenticated || response.status().is_server_error() {
        return trouble(response, format!("identityx failed: {message}"), purpose);
    }
    match error.status() {
        Some(404) if has("No user was found") => return refused!(UnknownUser),
        Some(400) if has("application ID does not match") => return refused!(OtherApplication),
        Some(403) => return refused!(PermissionDenied),
        Some(429) => {
            return Error::RateLimited {
                retry_after: None,
                http_status,
            };
        }
        Some(404) => return core(response, ErrorKind::NotFound, message),
        // It is no refusal of this call's token, which has texts of its own.
        Some(401) => {}
        Some(400..=499) => return core(response, ErrorKind::Denied, message),
        _ => {}
    }
    match error.code() {
        "FORBIDDEN" if has("application") => refused!(ApplicationDenied),
        "FORBIDDEN" | "UNAUTHORIZED" => refused!(PermissionDenied),
        "BAD_USER_INPUT" if has("Unable to find an application") => refused!(UnknownApplication),
        "BAD_USER_INPUT" if has("Unable to find an organi") => refused!(UnknownOrganization),
        "BAD_USER_INPUT" | "GRAPHQL_PARSE_FAILED" | "GRAPHQL_VALIDATION_FAILED" => {
            refused!(InvalidOperation)
        }
        _ if raw.starts_with("Variable \"$") => refused!(InvalidOperation),
        // A refusal does not pass, whatever it is about.
        _ if response.status().is_client_error() => response.error(Some(raw)).into(),
        _ => trouble(response, format!("identityx failed: {message}"), purpose),
    }
}

/// An inner service of the vendor is down, and the vendor's text has its address.
fn outage(response: &Response, message: &str, purpose: Purpose) -> Error {
    let reason = message
        .split_once("reason:")
        .map_or("no answer", |(_, it)| it.trim());
    let text = format!("an inner service of identityx is down: {reason}");
    // Where no connection was made, nothing happened.
    let never_arrived = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"];
    if never_arrived.iter().any(|it| reason.contains(it)) {
        return core(response, ErrorKind::Unavailable, text);
    }
    trouble(response, text, purpose)
}

/// The vendor failed at some point of the call.
fn trouble(response: &Response, message: String, purpose: Purpose) -> Error {
    if purpose == Purpose::Once {
        let message = format!("{message}; it may have had its effect");
        return core(response, ErrorKind::OutcomeUnknown, message);
    }
    core(response, ErrorKind::Unavailable, message)
}

fn core(response: &Response, kind: ErrorKind, message: String) -> Error {
    let error = CoreError::new(kind, message);
    error.with_http_status(response.status().as_u16()).into()
}
