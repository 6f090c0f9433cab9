//! The accept loop, and the way of a request: log, faults, vendor, answer.

use std::fmt;

use auth_core::Clock;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderValue, Request, Response, StatusCode, header, request::Parts};
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::answer::{self, Content, HINT_HEADER, Refusal};
use crate::body;
use crate::clock::SandboxClock;
use crate::fault::queue::Queue;
use crate::fault::{Outcome, RetryAfter, Wait};
use crate::log::{self, Message, RequestLog};
use crate::operation;
use crate::vendor::{Recognized, RunningVendor};
use crate::vendor_clock::VendorClock;

/// Larger requests are cut off: no call of a vendor comes near it.
const LARGEST_REQUEST: usize = 16 * 1024 * 1024;

/// The text of an error that a fault asked for.
const TOLD: &str = "The sandbox was told to answer like this.";

/// What all vendors of one sandbox share.
pub(crate) struct Exchange {
    pub(crate) clock: SandboxClock,
    pub(crate) vendor_clock: VendorClock,
    pub(crate) log: RequestLog,
    pub(crate) faults: Queue,
    pub(crate) vendors: Vec<RunningVendor>,
}

/// Makes hyper close the connection without an answer.
#[derive(Debug)]
pub(crate) struct Cut;

/// An answer, or none.
pub(crate) type Answered = Result<Response<Body>, Cut>;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sandbox was told to cut this connection")
    }
}

impl std::error::Error for Cut {}

/// Accepts connections for ever. `axum::serve` cannot cut a connection, hence hyper.
///
/// `answer` takes a request that was read completely, and the number of its connection.
pub(crate) async fn serve<A, F>(listener: TcpListener, answer: A)
where
    A: Fn(Parts, Bytes, u64) -> F + Clone + Send + 'static,
    F: Future<Output = Answered> + Send + 'static,
{
    let mut connections = 0;
    loop {
        // Out of file descriptors, or a client that has gone already: the next one may succeed.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        connections += 1;
        tokio::spawn(serve_connection(stream, answer.clone(), connections));
    }
}

async fn serve_connection<A, F>(stream: TcpStream, answer: A, connection: u64)
where
    A: Fn(Parts, Bytes, u64) -> F + Clone + Send + 'static,
    F: Future<Output = Answered> + Send + 'static,
{
    // Without it, answers in two pieces wait for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let answer = answer.clone();
        async move {
            let (parts, body) = Request::<Incoming>::into_parts(request);
            let body = to_bytes(Body::new(body), LARGEST_REQUEST)
                .await
                .map_err(|_| Cut)?;
            // A task of its own: hyper drops this future when the client goes away, but a vendor
            // that has read a request finishes it.
            let answer = tokio::spawn(answer(parts, body, connection));
            answer.await.unwrap_or(Err(Cut))
        }
    });
    // An error here is a connection that was cut: by a fault or by the client.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Exchange {
    pub(crate) async fn answer(&self, parts: Parts, body: Bytes, connection: u64) -> Answered {
        let vendor = self.vendor_at(parts.uri.path());
        let recognized = vendor.and_then(|vendor| (vendor.recognize)(&parts, &body));
        let recognized = recognized.unwrap_or_else(|| Recognized {
            operation: operation::UNKNOWN,
            // An unknown path may hold a secret.
            shown_path: "…".to_owned(),
        });
        let fault = self.faults.take(recognized.operation);
        let now = self.clock.now();
        let id = self.log.arrived(recognized, &parts, &body, now, connection);
        if let Some(fault) = &fault {
            self.log.faulted(id, fault.label());
            self.wait(fault.before()).await;
        }
        let outcome = fault
            .as_ref()
            .map_or(&Outcome::Answer, |fault| fault.outcome());
        let mut result = self.produce(outcome, parts, body).await;
        if let Some(fault) = &fault {
            self.wait(fault.after()).await;
        }
        if let Ok(response) = &mut result {
            let date = httpdate::fmt_http_date(self.vendor_clock.wall());
            if let Ok(date) = HeaderValue::try_from(date) {
                response.headers_mut().insert(header::DATE, date);
            }
        }
        match result {
            Ok(response) => {
                let hint = response.headers().get(HINT_HEADER);
                let hint = hint.and_then(|hint| hint.to_str().ok()).map(str::to_owned);
                let status = response.status().as_u16();
                let (response, answer) = self.copied(response).await;
                self.log
                    .finished(id, log::Outcome::Answered(status), hint, answer);
                Ok(response)
            }
            Err(Cut) => {
                self.log.finished(id, log::Outcome::Cut, None, None);
                Err(Cut)
            }
        }
    }

    /// The answer, and a copy for a log that keeps answers. A body of unknown length stays as it is.
    async fn copied(&self, response: Response<Body>) -> (Response<Body>, Option<Message>) {
        if !self.log.keeps_answers() {
            return (response, None);
        }
        let (parts, body) = response.into_parts();
        let (body, copy) = match body.size_hint().exact() {
            Some(_) => {
                let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
                (Body::from(whole.clone()), whole)
            }
            None => (
                body,
                Bytes::from_static("(a body of unknown length)".as_bytes()),
            ),
        };
        let copy = self.log.message(&parts.headers, &copy);
        (Response::from_parts(parts, body), Some(copy))
    }

    async fn produce(&self, outcome: &Outcome, parts: Parts, body: Bytes) -> Answered {
        Ok(match outcome {
            Outcome::Answer => self.vendor(parts, body).await,
            Outcome::Cut => return Err(Cut),
            Outcome::LostAnswer => {
                self.vendor(parts, body).await;
                return Err(Cut);
            }
            Outcome::TruncatedBody => truncate(self.vendor(parts, body).await).await?,
            Outcome::ByteOrderMark => {
                let marked = |whole: &[u8]| [b"\xef\xbb\xbf", whole].concat();
                rewrite(self.vendor(parts, body).await, marked).await?
            }
            Outcome::Gzip => {
                let mut response = rewrite(self.vendor(parts, body).await, body::gzip).await?;
                let encoding = HeaderValue::from_static("gzip");
                response
                    .headers_mut()
                    .insert(header::CONTENT_ENCODING, encoding);
                response
            }
            Outcome::Status(status, retry_after) => {
                let mut response = answer::json(*status, &self.error(&parts, *status, TOLD));
                if let Some(value) = retry_after.and_then(|wait| self.retry_after(wait)) {
                    response.headers_mut().insert(header::RETRY_AFTER, value);
                }
                response
            }
            Outcome::Echo(status) => {
                answer::json(*status, &self.error(&parts, *status, &echo(&parts, &body)))
            }
            Outcome::SuccessFalse => {
                let mut error = self.error(&parts, StatusCode::OK, TOLD);
                error["success"] = json!(false);
                answer::json(StatusCode::OK, &error)
            }
            Outcome::ErrorPage(status) => {
                let page = "<html><head><title>Blocked</title></head><body>Blocked.</body></html>";
                answer::text(*status, "text/html", page)
            }
            Outcome::GarbageJson => text("application/json", r#"{"success":true,"data":{"acc"#),
            Outcome::Html => text("text/html", "<!doctype html><title>Welcome</title>"),
            Outcome::HugeBody => {
                let mut response = text("application/json", "");
                *response.body_mut() = body::huge();
                response
            }
            Outcome::Redirect(to) => {
                let mut response = text("text/plain", "");
                *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
                match HeaderValue::from_str(to) {
                    Ok(to) => _ = response.headers_mut().insert(header::LOCATION, to),
                    Err(_) => answer::set_hint(&mut response, "the fault's URL fits no header"),
                }
                response
            }
        })
    }

    async fn vendor(&self, parts: Parts, body: Bytes) -> Response<Body> {
        let request = Request::from_parts(parts, Body::from(body));
        let Some(vendor) = self.vendor_at(request.uri().path()) else {
            let prefixes: Vec<_> = self.vendors.iter().map(|vendor| vendor.prefix).collect();
            let prefixes = prefixes.join(", ");
            let refusal = Refusal {
                status: StatusCode::NOT_FOUND,
                body: Content::Json(json!({ "error": "Not found." })),
                hint: format!("no such path; the vendors are below {prefixes}"),
            };
            return refusal.into_response();
        };
        let router = TowerToHyperService::new(vendor.router.clone());
        match router.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    fn vendor_at(&self, path: &str) -> Option<&RunningVendor> {
        let mut vendors = self.vendors.iter();
        vendors.find(|vendor| path.starts_with(vendor.prefix))
    }

    /// An error in the shape of the vendor that the request is for.
    fn error(&self, request: &Parts, status: StatusCode, text: &str) -> Value {
        let vendor = self.vendor_at(request.uri.path());
        let body = vendor.map(|vendor| (vendor.error_body)(status, text));
        body.unwrap_or_else(|| json!({ "error": text }))
    }

    async fn wait(&self, waits: &[Wait]) {
        for wait in waits {
            match wait {
                Wait::Delay(wait) => self.clock.sleep(*wait).await,
                Wait::Gate(gate) => gate.wait().await,
            }
        }
    }

    fn retry_after(&self, wait: RetryAfter) -> Option<HeaderValue> {
        let text = match wait {
            RetryAfter::Seconds(seconds) => seconds.to_string(),
            RetryAfter::Date(wait) => httpdate::fmt_http_date(self.vendor_clock.wall_after(wait)),
        };
        HeaderValue::try_from(text).ok()
    }
}

/// The answer with another body.
async fn rewrite(response: Response<Body>, with: impl FnOnce(&[u8]) -> Vec<u8>) -> Answered {
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, usize::MAX).await.map_err(|_| Cut)?;
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(parts, Body::from(with(&whole))))
}

async fn truncate(response: Response<Body>) -> Answered {
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, usize::MAX).await.map_err(|_| Cut)?;
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let half = whole.slice(..whole.len() / 2);
    Ok(Response::from_parts(parts, body::broken_after(half)))
}

fn echo(parts: &Parts, body: &[u8]) -> String {
    let authorization = parts.headers.get(header::AUTHORIZATION);
    let authorization = authorization
        .and_then(|value| value.to_str().ok())
        .unwrap_or("no one");
    let encoded = authorization.rsplit(' ').next().unwrap_or_default();
    let decoded = STANDARD.decode(encoded).unwrap_or_default();
    let (decoded, body) = (
        String::from_utf8_lossy(&decoded),
        String::from_utf8_lossy(body),
    );
    let target = parts.uri.to_string();
    // In both forms: a secret in a path or a query is sent encoded.
    let plain = percent_decode_str(&target).decode_utf8_lossy();
    let others = parts
        .headers
        .iter()
        .filter(|(name, _)| *name != header::AUTHORIZATION)
        .filter_map(|(name, value)| Some(format!("{name}={}", value.to_str().ok()?)));
    let others = others.collect::<Vec<_>>().join(", ");
    format!(
        "Cannot do this for {authorization} ({decoded}): {body}; sent to {target} ({plain}) with \
         {others}"
    )
}

fn text(content_type: &'static str, text: &'static str) -> Response<Body> {
    answer::text(StatusCode::OK, content_type, text)
}
