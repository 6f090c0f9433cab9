//! A vendor's response, read as far as is safe.

use std::fmt;
use std::time::{Duration, SystemTime};

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use tracing::warn;
use zeroize::Zeroizing;

use super::encoding::{self, Decoded, Unreadable};
use super::{Request, json};
use crate::clock::Moment;
use crate::redact::Redactor;
use crate::retry::Idempotency;
use crate::{Error, ErrorKind, Expiry};

/// A `Date` header counts whole seconds and is some time on its way: below this the two clocks
/// are taken to agree.
const SKEW_NOTICED: Duration = Duration::from_secs(5);

/// What a body that is no JSON tells.
const FOREIGN: &str = "a proxy or gateway may have answered in the vendor's place";

/// A response with any status. Its text is shown only through its redactor.
pub struct Response {
    status: StatusCode,
    headers: HeaderMap,
    /// As a slice, since a vector is wiped twice.
    body: Zeroizing<Box<[u8]>>,
    sent_at: Moment,
    received_at: Moment,
    operation: &'static str,
    idempotency: Idempotency,
    redactor: Redactor,
    after_loss: bool,
    /// Why the body could not be read, and was thrown away.
    unreadable: Option<Unreadable>,
}

impl Response {
    pub(super) fn new(
        status: StatusCode,
        headers: HeaderMap,
        mut body: Decoded,
        request: &Request,
        sent_at: Moment,
        received_at: Moment,
    ) -> Self {
        if body.unreadable.is_some() {
            // A refusal is a refusal, whatever became of its text.
            body.text.clear();
        }
        Self {
            status,
            headers,
            body: Zeroizing::new(std::mem::take(&mut *body.text).into_boxed_slice()),
            sent_at,
            received_at,
            operation: request.operation().name(),
            idempotency: request.idempotency,
            redactor: request.redactor().clone(),
            after_loss: false,
            unreadable: body.unreadable,
        }
    }

    pub(super) fn after_loss(mut self, lost: bool) -> Self {
        self.after_loss = lost;
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The local wall clock when this attempt was sent: a token's life is counted from here.
    pub fn sent_at(&self) -> SystemTime {
        self.sent_at.wall()
    }

    /// Whether an earlier attempt of the same call may have had its effect: a refusal now may
    /// mean that it did, and that its result is lost.
    pub fn follows_a_lost_attempt(&self) -> bool {
        self.after_loss
    }

    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] (or [`ErrorKind::OutcomeUnknown`], where the call must not be repeated) if it is
    /// [foreign](Self::is_foreign), damaged, or compressed otherwise than by gzip, [`ErrorKind::OutcomeUnknown`] if it is
    /// such a success (but for a foreign one) of a call that may be repeated once, [`ErrorKind::Protocol`] if it is something else. The message names the field in which it went wrong, and
    /// not what stands there: that could be a token.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        self.read(json::without_byte_order_mark(&self.body))
    }

    /// The body, if it is an object and as documented.
    ///
    /// Serde would read the items of a list as the fields of an object, too.
    pub fn object<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        let text = json::without_byte_order_mark(&self.body).trim_ascii_start();
        let is_object = text.starts_with(b"{");
        is_object.then(|| serde_json::from_slice(text).ok())?
    }

    /// A part of the body as JSON, such as what stands in an envelope.
    ///
    /// # Errors
    ///
    /// As [`Response::json`].
    pub fn json_part<'a, T: Deserialize<'a>>(&self, part: &'a str) -> Result<T, Error> {
        self.read(part.as_bytes())
    }

    fn read<'a, T: Deserialize<'a>>(&self, text: &'a [u8]) -> Result<T, Error> {
        json::read(text).map_err(|what| {
            let (kind, what) = if let Some(unreadable) = self.unreadable {
                let what = match unreadable {
                    Unreadable::Encoded => format!(
                        "a body compressed by {}, which was not asked for; no proxy may change the encoding",
                        encoding::name(&self.headers)
                    ),
                    _ => "a body compressed by gzip that is damaged or cut off".to_owned(),
                };
                // The status of a success says that a refresh has spent its token.
                let kind = match (self.idempotency, self.status.is_success()) {
                    (Idempotency::OnceMore, true) => ErrorKind::OutcomeUnknown,
                    _ => self.outage(),
                };
                (kind, what)
            } else if self.is_foreign() {
                (self.outage(), format!("{what}: {FOREIGN}"))
            } else {
                (ErrorKind::Protocol, what)
            };
            let (operation, status) = (self.operation, self.status);
            let message = format!("{operation} was answered with status {status} and {what}");
            Error::new(kind, message).with_http_status(status.as_u16())
        })
    }

    /// Whether the body is a web page or another text that is no JSON: a proxy, a gateway or a captive portal
    /// between us and the vendor has answered. A body that is empty, or JSON that was cut off, is the vendor's.
    pub fn is_foreign(&self) -> bool {
        let text = json::without_byte_order_mark(&self.body).trim_ascii();
        let may_be_cut = text.first().is_none_or(|first| b"{[\"".contains(first));
        !may_be_cut && serde_json::from_slice::<serde::de::IgnoredAny>(text).is_err()
    }

    /// Whether the body is a web page, or XML: where a vendor may answer with any other text.
    pub fn is_page(&self) -> bool {
        let text = json::without_byte_order_mark(&self.body);
        text.trim_ascii_start().starts_with(b"<")
    }

    /// The kind of a failure that is not the caller's fault.
    fn outage(&self) -> ErrorKind {
        match self.idempotency {
            Idempotency::No => ErrorKind::OutcomeUnknown,
            Idempotency::Yes | Idempotency::OnceMore => ErrorKind::Unavailable,
        }
    }

    /// These words (ASCII, and not none) in the body's own spelling, if it holds them in any letter
    /// case, whatever else it holds.
    ///
    /// The body itself is not given as text: whatever stands there may be a secret.
    pub fn find(&self, words: &str) -> Option<&str> {
        let mut parts = self.body.windows(words.len().max(1));
        let found = parts.find(|part| part.eq_ignore_ascii_case(words.as_bytes()))?;
        std::str::from_utf8(found).ok()
    }

    /// Text of a field that is a message, without what this call sent as a secret, as one line of at
    /// most 300 characters. No other text of a response may be shown.
    pub fn redact(&self, text: &str) -> String {
        self.redactor.redact(text)
    }

    /// How long the vendor asks to wait, from seconds or a date; a date is compared with the
    /// vendor's own clock where the response tells it.
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if !value.is_empty() && value.bytes().all(|it| it.is_ascii_digit()) {
            // More than 64 bits hold is as absurd as what they hold.
            return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
        }
        let until = httpdate::parse_http_date(value).ok()?;
        let now = self.date().unwrap_or_else(|| self.received_at.wall());
        Some(until.duration_since(now).unwrap_or_default())
    }

    /// A moment on the vendor's clock, by the local one.
    ///
    /// Where the response has a `Date` header and the two clocks are more than 5 s apart, the
    /// difference is taken out.
    pub fn local(&self, vendor_time: SystemTime) -> SystemTime {
        let Some(date) = self.date() else {
            return vendor_time;
        };
        let local = self.received_at.wall();
        let shifted = match date.duration_since(local) {
            Ok(ahead) if ahead > SKEW_NOTICED => vendor_time.checked_sub(ahead),
            Err(behind) if behind.duration() > SKEW_NOTICED => {
                vendor_time.checked_add(behind.duration())
            }
            _ => None,
        };
        shifted.unwrap_or(vendor_time)
    }

    /// When a token ends that this response brings, by the local clock: `end` is by the vendor's.
    ///
    /// A clock that is fast makes a token dead on arrival. Where no `Date` header tells by how much, such a token
    /// lives for the whole of its `life` (where that is known) from the moment at which it was asked for, and a
    /// warning says so.
    pub fn expiry(&self, end: Expiry, life: Option<Duration>) -> Expiry {
        let Expiry::At(end) = end else {
            return Expiry::Never;
        };
        let end = Expiry::At(self.local(end));
        let is_dead = end.has_passed(self.received_at.wall());
        match life.filter(|life| is_dead && self.date().is_none() && !life.is_zero()) {
            Some(life) => {
                warn!(
                    operation = self.operation,
                    "by this machine's clock the new token has already ended: is the clock fast? the \
                     length of the token's life counts"
                );
                Expiry::after(self.sent_at(), life)
            }
            None => end,
        }
    }

    /// The error that this response means by its status alone, with `detail` (the text of a field that
    /// is a message, which is redacted here) where there is one.
    ///
    /// 401 is [`ErrorKind::TokenRejected`], 403 [`ErrorKind::Denied`], 404
    /// [`ErrorKind::NotFound`], 429 [`ErrorKind::RateLimited`], 408 [`ErrorKind::Unavailable`],
    /// any other refusal (4xx) [`ErrorKind::Denied`], since repeating it cannot help; but a refusal whose body is
    /// [foreign](Self::is_foreign) is [`ErrorKind::Unavailable`]. A server
    /// error is [`ErrorKind::Unavailable`] (or [`ErrorKind::OutcomeUnknown`], where the call must
    /// not be repeated), everything else [`ErrorKind::Protocol`].
    pub fn error(&self, detail: Option<&str>) -> Error {
        let retry_after = self.retry_after();
        let is_foreign = self.status.is_client_error() && self.is_foreign();
        let kind = match self.status {
            StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited { retry_after },
            StatusCode::REQUEST_TIMEOUT => ErrorKind::Unavailable,
            // Whether the vendor has refused anything is not known.
            _ if is_foreign => ErrorKind::Unavailable,
            StatusCode::UNAUTHORIZED => ErrorKind::TokenRejected,
            StatusCode::NOT_FOUND => ErrorKind::NotFound,
            status if status.is_client_error() => ErrorKind::Denied,
            status if status.is_success() && self.is_foreign() => self.outage(),
            status if !status.is_server_error() => ErrorKind::Protocol,
            StatusCode::SERVICE_UNAVAILABLE if retry_after.is_some() => ErrorKind::Unavailable,
            _ => self.outage(),
        };
        let mut message = format!(
            "{} was answered with status {}",
            self.operation, self.status
        );
        if is_foreign {
            message.push_str(" and no json: ");
            message.push_str(FOREIGN);
        } else if let Some(detail) = detail
            .map(|detail| self.redact(detail))
            .filter(|it| !it.is_empty())
        {
            message.push_str(": ");
            message.push_str(detail.trim_end_matches('.'));
        }
        Error::new(kind, message)
            .with_http_status(self.status.as_u16())
            .with_retry_after(retry_after)
    }

    fn date(&self) -> Option<SystemTime> {
        httpdate::parse_http_date(self.headers.get(DATE)?.to_str().ok()?).ok()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("operation", &self.operation)
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
