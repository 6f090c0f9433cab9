//! One call: to the vendor with the profile's headers, and back.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use auth_core::session::SeenBody;
use auth_core::session::tower::{AuthLayer, AuthService};
use auth_core::{Authorizer, ErrorKind};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Error as ClientError;
use tokio::time::error::Elapsed;
use tower::Layer as _;
use url::Url;

use super::access::{Access, NotAdmitted, Route, SECRET_HEADER};
use super::upstream::{IfKept, Upstream};
use crate::error::Failure;

/// A body of at most this many bytes is kept, so that it can be sent again after a refusal.
const KEPT_BODY: usize = 1024 * 1024;

/// The header on what the proxy itself answers: the kind of the error.
const ERROR_HEADER: HeaderName = HeaderName::from_static("authctl-error");

/// Whether a header belongs to one connection (RFC 9110, section 7.6.1).
fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Whether a header in a request of the proxy's caller is not for the vendor: the addresses and secrets of
/// this side, and what is answered on this side.
fn is_of_this_side(name: &HeaderName) -> bool {
    let name = name.as_str();
    matches!(
        name,
        "authorization" | "expect" | "host" | "proxy-authorization"
    ) || SECRET_HEADER == name
}

/// The body of a response: the vendor's, or the proxy's own.
pub(super) type Body = Either<SeenBody<Incoming>, Full<Bytes>>;

/// Sends calls to the vendor.
pub(super) struct Forwarder {
    access: Access,
    authorizer: Arc<dyn Authorizer>,
    vendor: AuthService<Upstream, IfKept>,
}

impl Forwarder {
    pub(super) fn new(access: Access, authorizer: Arc<dyn Authorizer>, upstream: Upstream) -> Self {
        Self {
            access,
            vendor: AuthLayer::copying(Arc::clone(&authorizer)).layer(upstream),
            authorizer,
        }
    }

    /// Answers one request. Dropping the future ends the vendor's as well.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let method = request.method().clone();
        let response = self.admit(request).await;
        // Not the address: its path or query may hold a secret.
        tracing::debug!(%method, status = response.status().as_u16(), "answered");
        response
    }

    async fn admit(&self, request: Request<Incoming>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let route = match self.access.route(&head) {
            Ok(route) => route,
            Err(NotAdmitted::Stranger) => return stranger(),
            Err(NotAdmitted::NoAddress) => {
                let what = "the path after `/@` does not begin with a host name";
                return own(StatusCode::BAD_REQUEST, &Failure::usage(what));
            }
        };
        if let Some(what) = unsupported(&head) {
            return own(StatusCode::NOT_IMPLEMENTED, &Failure::usage(what));
        }
        match self.forward(head, body, &route).await {
            Ok(response) => self.returned(response, &route),
            Err(answer) => answer,
        }
    }

    /// The vendor's response, or the proxy's own in its place.
    async fn forward(
        &self,
        mut head: http::request::Parts,
        body: Incoming,
        route: &Route<'_>,
    ) -> Result<Response<SeenBody<Incoming>>, Response<Body>> {
        head.uri = route.target.clone();
        head.version = http::Version::HTTP_11;
        remove(&mut head.headers, |name| {
            is_hop_by_hop(name) || is_of_this_side(name)
        });
        let accept = head.headers.entry(header::ACCEPT);
        accept.or_insert(HeaderValue::from_static("*/*"));
        let is_short = body.size_hint().lower() <= KEPT_BODY as u64;
        let mut body = SeenBody::new(body);
        let mut kept = None;
        if is_short {
            let seen = body.see(KEPT_BODY + 1).await.map_err(|_| broken_off())?;
            kept = (seen.len() <= KEPT_BODY).then_some(seen);
        }
        let body = match kept {
            Some(kept) => Either::Left(Full::from(kept)),
            None => Either::Right(body),
        };
        let request = Request::from_parts(head, body);
        let sent = self.vendor.send(request).await;
        sent.map_err(|error| failed(&*error))
    }

    /// The vendor's response, as the caller gets it.
    fn returned(
        &self,
        response: Response<SeenBody<Incoming>>,
        route: &Route<'_>,
    ) -> Response<Body> {
        let mut response = response.map(Either::Left);
        remove(response.headers_mut(), is_hop_by_hop);
        if let Some(address) = self.redirected(response.headers(), route) {
            response.headers_mut().insert(header::LOCATION, address);
        }
        response
    }

    /// A redirect to one of the vendor's hosts leads through the proxy again.
    fn redirected(&self, headers: &HeaderMap, route: &Route<'_>) -> Option<HeaderValue> {
        let location = headers.get(header::LOCATION)?.to_str().ok()?;
        let target = Url::parse(&route.target.to_string())
            .ok()?
            .join(location)
            .ok()?;
        self.authorizer.check(target.as_str()).ok()?;
        let fragment = target
            .fragment()
            .map_or_else(String::new, |it| format!("#{it}"));
        let address = self.access.address_of(&target, route.prefix);
        let address = address.trim_end_matches(&fragment);
        HeaderValue::try_from(format!("{address}{fragment}")).ok()
    }
}

/// What the proxy cannot forward, in words.
fn unsupported(head: &http::request::Parts) -> Option<&'static str> {
    let upgrade = head.headers.get(header::UPGRADE);
    // A server may ignore an offer of HTTP/2, and this one does.
    if upgrade.is_some_and(|protocol| !protocol.as_bytes().eq_ignore_ascii_case(b"h2c")) {
        return Some("`authctl proxy` forwards no upgraded connections, such as WebSocket");
    }
    match head.method {
        Method::CONNECT => Some("`authctl proxy` is no tunnel: use its address as the base URL"),
        // The response would repeat the token.
        Method::TRACE => Some("`authctl proxy` does not forward TRACE"),
        _ => None,
    }
}

/// Removes the headers for which `is_kept_back` says so, and those that `Connection` names.
fn remove(headers: &mut HeaderMap, is_kept_back: impl Fn(&HeaderName) -> bool) {
    let named = headers.get_all(header::CONNECTION).iter();
    let named = named.filter_map(|value| value.to_str().ok());
    let named = named.flat_map(|value| value.split(','));
    // No allocation where there are none, as in most heads.
    let named: Vec<HeaderName> = named.filter_map(|name| name.trim().parse().ok()).collect();
    for name in named {
        headers.remove(name);
    }
    while let Some(name) = headers.keys().find(|&name| is_kept_back(name)).cloned() {
        headers.remove(name);
    }
}

/// All that a caller without the secret gets, whatever the request.
fn stranger() -> Response<Body> {
    let mut response = Response::new(Either::Right(Full::default()));
    *response.status_mut() = StatusCode::FORBIDDEN;
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

/// A response of the proxy's own. Never a 401: the caller has nothing to log in with.
fn own(status: StatusCode, failure: &Failure) -> Response<Body> {
    let mut response = Response::new(Either::Right(Full::from(failure.json())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    let kind = HeaderValue::from_static(failure.kind().name());
    headers.insert(ERROR_HEADER, kind);
    if let Some(wait) = failure.retry_after() {
        let wait = HeaderValue::from(wait.max(Duration::from_secs(1)).as_secs());
        headers.insert(header::RETRY_AFTER, wait);
    }
    response
}

fn failed(error: &(dyn StdError + Send + Sync + 'static)) -> Response<Body> {
    if let Some(error) = error.downcast_ref::<auth_core::Error>() {
        let status = match error.kind() {
            ErrorKind::InvalidConfig => StatusCode::FORBIDDEN,
            ErrorKind::Unavailable | ErrorKind::RateLimited { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            _ => StatusCode::BAD_GATEWAY,
        };
        return not_forwarded(status, &Failure::auth(error));
    }
    // Not the error's own text: it may hold the address.
    let is_connect = error.downcast_ref().is_some_and(ClientError::is_connect);
    let mut causes = std::iter::successors(Some(error as &dyn StdError), |&it| it.source());
    let (status, what) = if causes.any(is_timeout) {
        (StatusCode::GATEWAY_TIMEOUT, "the vendor took too long")
    } else if is_connect {
        let what = "no connection to the vendor could be made";
        (StatusCode::BAD_GATEWAY, what)
    } else {
        let what = "the connection to the vendor broke";
        (StatusCode::BAD_GATEWAY, what)
    };
    not_forwarded(status, &Failure::new(ErrorKind::Unavailable, what))
}

fn is_timeout(error: &(dyn StdError + 'static)) -> bool {
    let io = error.downcast_ref::<io::Error>();
    error.is::<Elapsed>() || io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
}

fn broken_off() -> Response<Body> {
    let what = "the request's body did not arrive whole";
    let failure = Failure::new(ErrorKind::Unavailable, what);
    not_forwarded(StatusCode::BAD_REQUEST, &failure)
}

fn not_forwarded(status: StatusCode, failure: &Failure) -> Response<Body> {
    tracing::warn!(
        kind = failure.kind().name(),
        "not forwarded: {}",
        failure.what()
    );
    own(status, failure)
}
