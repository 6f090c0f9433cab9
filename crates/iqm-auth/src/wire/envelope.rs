//! The envelope around a response, and what is in it when IQM refuses.

use auth_core::{Response, lenient};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::Error;

/// `{"success": …, "data": …, "errorObjects": […]}`, and what stands there in its place. All of it
/// stays unread at first: no copy of a token is made on the way, and a field of another form than
/// documented spoils no other.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    success: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow, rename = "errorObjects")]
    error_objects: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    /// RFC 6749 §5.2 and RFC 6750 §3, bare.
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    error_description: Option<&'a RawValue>,
    access_token: Option<IgnoredAny>,
}

/// A success as documented, which is read at once.
#[derive(Deserialize)]
struct Granted<T> {
    #[serde(rename = "success")]
    _success: True,
    data: T,
}

/// Nothing but `true`.
#[derive(Deserialize)]
#[serde(try_from = "bool")]
struct True;

impl TryFrom<bool> for True {
    type Error = &'static str;

    fn try_from(value: bool) -> Result<Self, Self::Error> {
        value.then_some(Self).ok_or("no success")
    }
}

#[derive(Deserialize)]
struct ErrorObject {
    #[serde(default, deserialize_with = "lenient::if_readable")]
    error: Option<String>,
    #[serde(default, deserialize_with = "lenient::if_readable")]
    reason: Option<String>,
    #[serde(default, deserialize_with = "lenient::if_readable")]
    field: Option<String>,
}

/// `data` of the log-in's 400. IQM's newer specification requires none of the three.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OnHold {
    status: String,
    #[serde(default, deserialize_with = "lenient::if_readable")]
    reason: Option<String>,
    #[serde(default, deserialize_with = "lenient::if_readable")]
    support_email: Option<String>,
}

/// `data` about a reset link: one specification names the field `isValid`, the other one `valid`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LinkPayload {
    #[serde(default, deserialize_with = "lenient::if_readable")]
    pub(super) reset_email: Option<String>,
    #[serde(default, deserialize_with = "lenient::if_readable")]
    pub(super) is_valid: Option<bool>,
    #[serde(default, deserialize_with = "lenient::if_readable")]
    pub(super) valid: Option<bool>,
    #[serde(default, deserialize_with = "lenient::if_readable")]
    pub(super) invalid_reason: Option<String>,
}

/// A refusal, with the vendor's text redacted.
pub(crate) struct Refusal<'a> {
    response: &'a Response,
    /// What the vendor said, for a look at it.
    said: Vec<String>,
    pub(super) data: Option<&'a RawValue>,
}

impl Refusal<'_> {
    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Whether the vendor said this, in lower case.
    pub(crate) fn says(&self, text: &str) -> bool {
        let mut said = self.said.iter();
        said.any(|it| it.to_ascii_lowercase().contains(text))
    }

    /// What the vendor said, redacted, if it said anything.
    fn text(&self) -> Option<String> {
        let said = self.said.iter();
        let said = said.map(|text| text.trim().trim_end_matches('.'));
        let said: Vec<_> = said.filter(|text| !text.is_empty()).collect();
        // Redacted as one, which bounds it: there may be any number of errors.
        (!said.is_empty()).then(|| self.response.redact(&said.join(": ")))
    }

    /// The vendor's text, or the status in its place.
    pub(crate) fn message(&self) -> String {
        let status = || format!("status {}", self.response.status());
        self.text().unwrap_or_else(status)
    }

    /// One of the variants that hold what the vendor said.
    pub(crate) fn error(&self, variant: fn(String, Option<u16>) -> Error) -> Error {
        variant(self.message(), Some(self.status()))
    }

    pub(crate) fn invalid_reset_hash(&self) -> Error {
        self.error(|message, http_status| Error::InvalidResetHash {
            message,
            http_status,
        })
    }

    /// The log-in's 400 that says that the account is on hold.
    pub(crate) fn on_hold(&self) -> Option<Error> {
        let on_hold: OnHold = object(self.data?)?;
        let letters = on_hold.status.chars().filter(char::is_ascii_alphabetic);
        let status: String = letters.collect();
        let has_both = on_hold.reason.is_some() && on_hold.support_email.is_some();
        if !status.eq_ignore_ascii_case("onhold") && !has_both {
            return None;
        }
        let redacted = |text: Option<String>| text.map(|text| self.response.redact(&text));
        Some(Error::OnHold {
            status: self.response.redact(&on_hold.status),
            reason: redacted(on_hold.reason),
            support_email: redacted(on_hold.support_email),
            http_status: Some(self.status()),
        })
    }

    /// What `data` says of a reset link.
    pub(super) fn link(&self) -> Option<LinkPayload> {
        object(self.data?)
    }

    /// The reason that stands in `data` of a refused reset.
    pub(crate) fn invalid_reason(&self) -> Option<String> {
        let reason = self.link()?.invalid_reason?;
        Some(self.response.redact(&reason))
    }
}

/// What a refusal means by its status, where the call says nothing else.
pub(crate) fn by_status(refusal: &Refusal<'_>) -> Error {
    match refusal.status() {
        401 => refusal.error(|message, http_status| Error::TokenRejected {
            message,
            http_status,
        }),
        _ => Error::Core(refusal.response.error(refusal.text().as_deref())),
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
    if response.status().is_success()
        && let Some(Granted { data, .. }) = response.object()
    {
        return Ok(data);
    }
    let envelope = response.object::<Envelope<'_>>();
    let says_no = envelope.as_ref().is_some_and(Envelope::is_a_refusal);
    if says_no || !response.status().is_success() {
        return Err(refusal(response, envelope, refused));
    }
    let is_bare = matches!(
        &envelope,
        Some(Envelope {
            success: None,
            data: None,
            ..
        })
    );
    match envelope {
        Some(Envelope {
            data: Some(data), ..
        }) => Ok(response.json_part(data.get())?),
        // `{"success": true}` alone where no data is wanted.
        Some(_) if !is_bare => Ok(response.json_part("null")?),
        _ => Ok(response.json()?),
    }
}

impl Envelope<'_> {
    /// Whether a response with status 200 says `success: false`, or is an `error` and nothing else.
    fn is_a_refusal(&self) -> bool {
        let success = self.success.map(|it| it.get().trim_matches('"'));
        let has_nothing_else = self.data.is_none() && self.access_token.is_none();
        success.is_some_and(|it| it.eq_ignore_ascii_case("false"))
            || has_nothing_else && text(self.error).is_some()
    }

    fn said(&self) -> Vec<String> {
        let objects = self.error_objects.map(|it| serde_json::from_str(it.get()));
        let objects: Vec<&RawValue> = objects.and_then(Result::ok).unwrap_or_default();
        let objects = objects
            .into_iter()
            .filter_map(object::<ErrorObject>)
            .flat_map(|it| [it.error, it.reason, it.field])
            .flatten();
        let others = [self.message, self.error, self.error_description];
        objects.chain(others.into_iter().filter_map(text)).collect()
    }
}

/// An object. Serde would read the items of a list as the fields of one, and none of them is a message.
fn object<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Option<T> {
    let is_object = value.get().starts_with('{');
    is_object.then(|| serde_json::from_str(value.get()).ok())?
}

/// A text that is not empty.
fn text(value: Option<&RawValue>) -> Option<String> {
    let text: String = serde_json::from_str(value?.get()).ok()?;
    (!text.is_empty()).then_some(text)
}

fn refusal(
    response: &Response,
    envelope: Option<Envelope<'_>>,
    refused: impl FnOnce(&Refusal<'_>) -> Error,
) -> Error {
    let refusal = Refusal {
        response,
        data: envelope.as_ref().and_then(|envelope| envelope.data),
        said: envelope.map(|it| it.said()).unwrap_or_default(),
    };
    // For every call: a 429 is a rate limit, a server error no refusal, and a web page not the vendor's.
    match refusal.status() {
        429 => Error::RateLimited {
            retry_after: response.retry_after(),
            http_status: Some(429),
        },
        500.. => by_status(&refusal),
        _ if response.is_foreign() => Error::Core(response.error(None)),
        _ => refused(&refusal),
    }
}
