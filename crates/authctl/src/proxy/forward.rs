//! One call: to the vendor with the profile's headers, and back.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use auth_core::session::SeenBody;
use auth_core::session::tower::{Again, AuthLayer, AuthService, BoxError};
use auth_core::{Authorizer, BoxFuture, ErrorKind};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use tower_layer::Layer as _;
use tower_service::Service;
use url::Url;

use super::access::{Access, NotAdmitted, Route, SECRET_HEADER};
use crate::error::{Failure, Kind};

/// A body of at most this many bytes is kept, so that it can be sent again after a refusal.
const KEPT_BODY: usize = 1024 * 1024;

/// The header on what the proxy itself answers: the kind of the error.
const ERROR_HEADER: HeaderName = HeaderName::from_static("authctl-error");

/// Headers that belong to one connection (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What is in a request of the proxy's caller and not for the vendor: the addresses and secrets of
/// this side, and what is answered on this side.
const NOT_FORWARDED: [HeaderName; 5] = [
    header::AUTHORIZATION,
    header::HOST,
    header::PROXY_AUTHORIZATION,
    header::EXPECT,
    SECRET_HEADER,
];

/// The body of a response: the vendor's, or the proxy's own.
pub(super) type Body = Either<SeenBody<reqwest::Body>, Full<Bytes>>;

/// Sends calls to the vendor.
pub(super) struct Forwarder {
    access: Access,
    authorizer: Arc<dyn Authorizer>,
    /// For bodies that were kept.
    resending: AuthService<Upstream, Again>,
    /// For bodies that are passed through as they come.
    streaming: AuthService<Upstream>,
}

impl Forwarder {
    pub(super) fn new(
        access: Access,
        authorizer: Arc<dyn Authorizer>,
        client: reqwest::Client,
    ) -> Self {
        let upstream = Upstream(client);
        Self {
            access,
            resending: AuthLayer::resending(Arc::clone(&authorizer)).layer(upstream.clone()),
            streaming: AuthLayer::new(Arc::clone(&authorizer)).layer(upstream),
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
            Err(error) => failed(&*error),
        }
    }

    async fn forward(
        &self,
        mut head: http::request::Parts,
        body: Incoming,
        route: &Route,
    ) -> Result<Response<SeenBody<reqwest::Body>>, BoxError> {
        head.uri = route.target.clone();
        head.version = http::Version::HTTP_11;
        remove_hop_by_hop(&mut head.headers);
        for name in NOT_FORWARDED {
            head.headers.remove(name);
        }
        let is_long = body.size_hint().lower() > KEPT_BODY as u64;
        let mut body = SeenBody::new(body);
        if !is_long {
            let seen = body.see(KEPT_BODY + 1).await?;
            if seen.len() <= KEPT_BODY {
                let request = Request::from_parts(head, Bytes::from(seen));
                return self.resending.clone().call(request).await;
            }
        }
        let request = Request::from_parts(head, reqwest::Body::wrap(body));
        self.streaming.clone().call(request).await
    }

    /// The vendor's response, as the caller gets it.
    fn returned(
        &self,
        response: Response<SeenBody<reqwest::Body>>,
        route: &Route,
    ) -> Response<Body> {
        let mut response = response.map(Either::Left);
        remove_hop_by_hop(response.headers_mut());
        if let Some(address) = self.redirected(response.headers(), route) {
            response.headers_mut().insert(header::LOCATION, address);
        }
        response
    }

    /// A redirect to one of the vendor's hosts leads through the proxy again.
    fn redirected(&self, headers: &HeaderMap, route: &Route) -> Option<HeaderValue> {
        let location = headers.get(header::LOCATION)?.to_str().ok()?;
        let target = Url::parse(&route.target.to_string())
            .ok()?
            .join(location)
            .ok()?;
        self.authorizer.check(target.as_str()).ok()?;
        let fragment = target
            .fragment()
            .map_or_else(String::new, |it| format!("#{it}"));
        let address = self.access.address_of(&target, &route.prefix);
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

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.into_iter().chain(HOP_BY_HOP) {
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

fn failed(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Response<Body> {
    let (status, failure) = if let Some(error) = error.downcast_ref::<auth_core::Error>() {
        let status = match error.kind() {
            ErrorKind::InvalidConfig => StatusCode::FORBIDDEN,
            ErrorKind::Unavailable | ErrorKind::RateLimited { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            _ => StatusCode::BAD_GATEWAY,
        };
        (status, Failure::auth(error))
    } else {
        // Not the error's own text: it may hold the address.
        let error = error.downcast_ref::<reqwest::Error>();
        let (status, what) = match error {
            Some(error) if error.is_timeout() => {
                (StatusCode::GATEWAY_TIMEOUT, "the vendor took too long")
            }
            Some(error) if error.is_connect() => (
                StatusCode::BAD_GATEWAY,
                "no connection to the vendor could be made",
            ),
            Some(_) => (
                StatusCode::BAD_GATEWAY,
                "the connection to the vendor broke",
            ),
            None => (
                StatusCode::BAD_REQUEST,
                "the request's body did not arrive whole",
            ),
        };
        (status, Failure::new(ErrorKind::Unavailable, what))
    };
    tracing::warn!(
        kind = failure.kind().name(),
        "not forwarded: {}",
        failure.what()
    );
    own(status, &failure)
}

/// The client for the vendor's hosts, under the rules of the SDKs' own: no redirect is followed and
/// no call is repeated here, and what leaves the machine is encrypted.
pub(super) fn client(base: &Url) -> Result<reqwest::Client, Failure> {
    auth_core::http::install_crypto_provider();
    let plain = base.scheme() == "http";
    let builder = reqwest::Client::builder()
        .https_only(!plain)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(auth_core::DEFAULT_CONNECT_TIMEOUT)
        // Below what servers commonly keep, so that few requests meet a closing connection.
        .pool_idle_timeout(Duration::from_secs(4));
    let builder = if plain {
        builder.no_proxy().tls_certs_only([])
    } else {
        builder
    };
    builder
        .build()
        .map_err(|_| Failure::new(Kind::Other, "the HTTP client could not be built"))
}

/// The HTTP library as a service.
#[derive(Clone)]
struct Upstream(reqwest::Client);

impl<B: Into<reqwest::Body>> Service<Request<B>> for Upstream {
    type Response = Response<reqwest::Body>;
    type Error = reqwest::Error;
    type Future = BoxFuture<'static, Result<Self::Response, reqwest::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), reqwest::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let sent = request.try_into().map(|request| self.0.execute(request));
        Box::pin(async move { Ok(sent?.await?.into()) })
    }
}
