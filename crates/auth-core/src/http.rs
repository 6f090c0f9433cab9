//! How the SDKs speak HTTP: what a program can choose, and what it cannot.
//!
//! A program that uses a vendor crate meets four of these: [`HttpBuilder`] (time limits, a proxy,
//! root certificates), [`RetryPolicy`], and [`AllowedHosts`] with [`BaseUrl`] (where a token may
//! go). The rest is for vendor crates, which send every call through [`Http`].

// With the files below `http/` and `session/{authorize,send}.rs` the only place that names `reqwest`.
mod builder;
pub(crate) mod encoding;
mod json;
mod policy;
mod request;
mod response;
mod transport;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tracing::{Instrument as _, Span};

pub use self::builder::{DEFAULT_CONNECT_TIMEOUT, DEFAULT_TIMEOUT, HttpBuilder};
use self::encoding::Unreadable;
pub use self::request::{Operation, Request};
pub use self::response::Response;
use crate::clock::{Clock, Moment};
pub use crate::hosts::{AllowedHosts, BaseUrl};
pub use crate::retry::{Idempotency, RetryPolicy};
use crate::{Error, ErrorKind, background, progress};

/// The builder of the HTTP library, as [`HttpBuilder::customize`] hands it out.
pub use reqwest::ClientBuilder as HttpClientBuilder;
/// A request of the HTTP library, as [`Session::authorize`](crate::Session::authorize) takes it.
pub use reqwest::RequestBuilder;
/// A response of the HTTP library, as [`Session::send`](crate::Session::send) returns it.
pub use reqwest::Response as HttpResponse;

/// Gives the process a cryptography provider for rustls, if it has none: that of the feature `ring` or `aws-lc-rs`.
///
/// Every [`HttpBuilder`] does this, so few programs need to: those that use reqwest *without* a TLS feature of their own,
/// or `rustls::ClientConfig::builder()`, *before* they make their first client here. Cargo joins the features of all
/// crates of a program: with `ring`, reqwest has rustls and no provider, and its `Client::new()` panics until the process
/// has one; with two providers in the program, rustls chooses none. Call this first in `main`, or install a provider
/// of your own, which stays. With `native-tls` or `aws-lc-rs` reqwest needs no such call.
///
/// # Example
///
/// ```
/// auth_core::http::install_crypto_provider();
/// ```
pub fn install_crypto_provider() {
    policy::install_crypto_provider();
}

/// The largest response that is read, in bytes.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// The longest `Retry-After` after which a call is sent again, however long its policy lets it take. After a longer
/// one the caller gets the response, with the number that the vendor named.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Sends requests under one policy: https only but for a loopback host, no redirects, connect and
/// total time limits, answers of at most 1 MiB (of what gzip holds, too), no hidden repeats, no secret in an error or span.
///
/// A cheap clone.
#[derive(Clone)]
pub struct Http(Arc<Parts>);

struct Parts {
    client: reqwest::Client,
    base: BaseUrl,
    /// The host of the service, as events name it.
    place: Arc<str>,
    allowed_hosts: AllowedHosts,
    retry: RetryPolicy,
    clock: Arc<dyn Clock>,
    gate: Option<builder::Gate>,
}

/// What became of one attempt.
enum Attempt {
    /// A response with any status.
    Answered(Response),
    /// Nothing was sent.
    NotSent(Error),
    /// Something may have arrived; the response did not.
    Lost(Error),
}

impl Http {
    /// The address of the service.
    pub fn base(&self) -> &BaseUrl {
        &self.0.base
    }

    /// The hosts to which a token may go.
    pub fn allowed_hosts(&self) -> &AllowedHosts {
        &self.0.allowed_hosts
    }

    /// The clock by which moments are read and pauses made.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// Sends `request`, again where its [`Idempotency`] allows that, and gives the response whatever its
    /// status. Dropping the future ends the call.
    ///
    /// Runs on the thread of renewals, so it needs no runtime, and a paused Tokio clock does not end its time limits.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if no response arrived, [`ErrorKind::OutcomeUnknown`] if none did
    /// and the call may have had its effect, [`ErrorKind::Protocol`] if the response is larger than
    /// 1 MiB, [`ErrorKind::InvalidConfig`] if the request could not be built.
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        progress::began(request.operation().name(), Some(&self.0.place));
        let span = request.operation().span();
        let (http, recorded) = (self.clone(), span.clone());
        // Boxed: it is large, and would be part of the caller's future several times.
        let attempts = Box::pin(async move { http.attempts(&request, &recorded).await });
        // Not on the caller's runtime: there may be none, or one without timers or with a paused clock.
        let outcome = background::run_while_awaited(attempts.instrument(span.clone())).await;
        let outcome = outcome.and_then(|outcome| outcome);
        if let Err(error) = &outcome {
            span.record("error", error.to_string());
        }
        outcome
    }

    async fn attempts(&self, request: &Request, span: &Span) -> Result<Response, Error> {
        let started = self.0.clock.now();
        let mut lost_before = false;
        for attempt in 1.. {
            if let Some(gate) = &self.0.gate {
                gate().await;
            }
            let prepared = request.prepare(&self.0.base)?;
            let sent_at = self.0.clock.now();
            progress::sent();
            let outcome = self.once(request, prepared, sent_at).await;
            let took = since(sent_at, self.0.clock.now());
            span.record("attempt", attempt);
            let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            span.record("duration_ms", duration_ms);
            let (pause, status) = match &outcome {
                Attempt::Answered(response) => {
                    let status = response.status();
                    span.record("status", status.as_u16());
                    (
                        self.pause_after(request, response, attempt, lost_before),
                        status.as_u16(),
                    )
                }
                Attempt::NotSent(_) => (Some(self.0.retry.pause(attempt)), 0),
                Attempt::Lost(_) if may_repeat(request.idempotency, lost_before) => {
                    (Some(self.0.retry.pause(attempt)), 0)
                }
                Attempt::Lost(_) => (None, 0),
            };
            lost_before |= was_lost(&outcome);
            tracing::debug!(attempt, status, duration_ms, "attempt");
            let pause = pause.filter(|&pause| {
                attempt < self.0.retry.attempts
                    && since(started, self.0.clock.now()).saturating_add(pause) < self.0.retry.total
            });
            if let Some(pause) = pause {
                self.0.clock.sleep(pause).await;
                continue;
            }
            return match outcome {
                Attempt::Answered(response) => Ok(response.after_loss(lost_before)),
                Attempt::Lost(error) | Attempt::NotSent(error) => {
                    Err(outcome_of(error, request.idempotency, lost_before))
                }
            };
        }
        // `1..` on a u32 would overflow before it ended.
        Err(Error::new(ErrorKind::Unavailable, "too many attempts"))
    }

    /// How long to wait before the same request is sent again after `response`; `None` if it must
    /// not be.
    fn pause_after(
        &self,
        request: &Request,
        response: &Response,
        attempt: u32,
        lost_before: bool,
    ) -> Option<Duration> {
        let status = response.status();
        let waits = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        match response.retry_after() {
            Some(pause) if waits => Some(pause).filter(|&pause| pause <= LONGEST_WAIT),
            _ if status.is_server_error() && may_repeat(request.idempotency, lost_before) => {
                Some(self.0.retry.pause(attempt))
            }
            _ => None,
        }
    }

    async fn once(
        &self,
        request: &Request,
        prepared: reqwest::Request,
        sent_at: Moment,
    ) -> Attempt {
        let mut response = match self.0.client.execute(prepared).await {
            Ok(response) => response,
            Err(error) if error.is_connect() => {
                return Attempt::NotSent(transport::error_of(error));
            }
            Err(error) => return Attempt::Lost(transport::error_of(error)),
        };
        let status = response.status();
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > BODY_LIMIT => {
                    return too_large(status);
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                // A refusal is a refusal, whatever became of its text.
                Err(_) if status.is_client_error() => {
                    body.clear();
                    break;
                }
                Err(error) => {
                    return Attempt::Lost(
                        transport::error_of(error).with_http_status(status.as_u16()),
                    );
                }
            }
        }
        let headers = std::mem::take(response.headers_mut());
        let body = encoding::decode(&headers, body, BODY_LIMIT);
        if body.unreadable == Some(Unreadable::TooLarge) {
            return too_large(status);
        }
        let received_at = self.0.clock.now();
        Attempt::Answered(Response::new(
            status,
            headers,
            body,
            request,
            sent_at,
            received_at,
        ))
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("base", &self.0.base)
            .field("retry", &self.0.retry)
            .finish_non_exhaustive()
    }
}

fn too_large(status: StatusCode) -> Attempt {
    let message = format!("the response is larger than {BODY_LIMIT} bytes");
    let error = Error::new(ErrorKind::Protocol, message);
    Attempt::Lost(error.with_http_status(status.as_u16()))
}

fn may_repeat(idempotency: Idempotency, lost_before: bool) -> bool {
    match idempotency {
        Idempotency::Yes => true,
        Idempotency::OnceMore => !lost_before,
        Idempotency::No => false,
    }
}

/// Whether the attempt may have had an effect that the caller did not learn of.
fn was_lost(attempt: &Attempt) -> bool {
    match attempt {
        Attempt::Answered(response) => response.status().is_server_error(),
        Attempt::Lost(_) => true,
        Attempt::NotSent(_) => false,
    }
}

/// What the last error means for the whole call.
fn outcome_of(error: Error, idempotency: Idempotency, lost: bool) -> Error {
    // A read that did not happen is simply unavailable, and so is what was never sent.
    if !lost || idempotency == Idempotency::Yes {
        return error;
    }
    let message = format!("{error}; it may have had its effect");
    let unknown = Error::new(ErrorKind::OutcomeUnknown, message);
    let unknown = match error.http_status() {
        Some(status) => unknown.with_http_status(status),
        None => unknown,
    };
    unknown.with_source(error)
}

/// A request of the program's own that got no response.
pub(crate) fn lost(error: reqwest::Error, idempotency: Idempotency) -> Error {
    let sent = !error.is_connect() && !error.is_builder();
    outcome_of(transport::error_of(error), idempotency, sent)
}

/// The host of the service, and its port where that is not the scheme's.
fn place(base: &BaseUrl) -> String {
    let url = base.as_url();
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn since(earlier: Moment, later: Moment) -> Duration {
    later.monotonic().saturating_sub(earlier.monotonic())
}
