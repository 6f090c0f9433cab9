//! A vendor's response, read as far as is safe.

use std::fmt;
use std::time::{Duration, SystemTime};

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::Request;
use crate::clock::Moment;
use crate::redact::Redactor;
use crate::retry::Idempotency;
use crate::{Error, ErrorKind};

/// A `Date` header counts whole seconds and is some time on its way: below this the two clocks
/// are taken to agree.
const SKEW_NOTICED: Duration = Duration::from_secs(5);

/// A response with any status. Its text is shown only through its redactor.
pub struct Response {
    status: StatusCode,
    headers: HeaderMap,
    body: Zeroizing<Vec<u8>>,
    sent_at: Moment,
    received_at: Moment,
    operation: &'static str,
    idempotency: Idempotency,
    redactor: Redactor,
    after_loss: bool,
}

impl Response {
    pub(super) fn new(
        status: StatusCode,
        headers: HeaderMap,
        body: Vec<u8>,
        request: &Request,
        sent_at: Moment,
        received_at: Moment,
    ) -> Self {
        Self {
            status,
            headers,
            body: Zeroizing::new(body),
            sent_at,
            received_at,
            operation: request.operation().name(),
            idempotency: request.idempotency,
            redactor: request.redactor().clone(),
            after_loss: false,
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
    /// [`ErrorKind::Protocol`] if it is something else. The message says where it went wrong, not
    /// what stands there: that could be a token.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        self.read(&self.body)
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
        serde_json::from_slice(text).map_err(|error| {
            let (operation, status) = (self.operation, self.status);
            let (line, column) = (error.line(), error.column());
            let what = if error.is_data() { "other json than documented" } else { "no valid json" };
            let message = format!(
                "{operation} was answered with status {status} and {what} (line {line}, column {column})"
            );
            Error::new(ErrorKind::Protocol, message).with_http_status(status.as_u16())
        })
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

    /// Whether the body is a web page, or XML.
    pub fn is_page(&self) -> bool {
        self.body.trim_ascii_start().starts_with(b"<")
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
        if let Ok(seconds) = value.parse() {
            return Some(Duration::from_secs(seconds));
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

    /// The error that this response means by its status alone, with `detail` (the text of a field that
    /// is a message, which is redacted here) where there is one.
    ///
    /// 401 is [`ErrorKind::TokenRejected`], 403 [`ErrorKind::Denied`], 404
    /// [`ErrorKind::NotFound`], 429 [`ErrorKind::RateLimited`], 408 [`ErrorKind::Unavailable`],
    /// any other refusal (4xx) [`ErrorKind::Denied`], since repeating it cannot help. A server
    /// error is [`ErrorKind::Unavailable`] (or [`ErrorKind::OutcomeUnknown`], where the call must
    /// not be repeated), everything else [`ErrorKind::Protocol`].
    pub fn error(&self, detail: Option<&str>) -> Error {
        let retry_after = self.retry_after();
        let kind = match self.status {
            StatusCode::UNAUTHORIZED => ErrorKind::TokenRejected,
            StatusCode::NOT_FOUND => ErrorKind::NotFound,
            StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited { retry_after },
            StatusCode::REQUEST_TIMEOUT => ErrorKind::Unavailable,
            status if status.is_client_error() => ErrorKind::Denied,
            status if !status.is_server_error() => ErrorKind::Protocol,
            StatusCode::SERVICE_UNAVAILABLE if retry_after.is_some() => ErrorKind::Unavailable,
            _ if self.idempotency == Idempotency::No => ErrorKind::OutcomeUnknown,
            _ => ErrorKind::Unavailable,
        };
        let mut message = format!(
            "{} was answered with status {}",
            self.operation, self.status
        );
        if let Some(detail) = detail
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
