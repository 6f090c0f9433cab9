//! The connections to the vendor.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use auth_core::BoxFuture;
use auth_core::session::SeenBody;
use auth_core::session::tower::{BoxError, Copies};
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::{Client, Error as ClientError, ResponseFuture};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tower::util::service_fn;
use tower::{Service, ServiceExt as _};
use url::Url;

use crate::error::{Failure, Kind};

/// A body that was kept, or one that is passed through as it comes.
pub(super) type Sent = Either<Full<Bytes>, SeenBody<Incoming>>;

/// A client of the vendor's hosts. A cheap clone, because each call has one.
#[derive(Clone)]
pub(super) struct Upstream(Arc<Client<Connector, Sent>>);

impl Service<Request<Sent>> for Upstream {
    type Response = Response<Incoming>;
    type Error = ClientError;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Sent>) -> ResponseFuture {
        self.0.request(request)
    }
}

/// A request whose body was kept can be sent again.
#[derive(Clone)]
pub(super) struct IfKept;

impl Copies<Sent> for IfKept {
    fn copy(body: &Sent) -> Option<Sent> {
        match body {
            Either::Left(kept) => Some(Either::Left(kept.clone())),
            Either::Right(_) => None,
        }
    }
}

/// How long a connection may be silent before the system asks whether the other end is there.
const SILENCE: Duration = Duration::from_secs(15);

/// A client for the vendor's hosts, under the rules of the SDKs' own: no redirect is followed and no
/// call is repeated here, and what leaves the machine is encrypted. A connection is made within `limit`.
///
/// Decision: hyper's client, because reqwest's costs more than the rest of the proxy. What reqwest does
/// about certificates and about the proxies of a network is in the same libraries, which are used here.
pub(super) fn client(base: &Url, limit: Duration) -> Result<Upstream, Failure> {
    auth_core::http::install_crypto_provider();
    let encrypted = base.scheme() == "https";
    let tls = ClientConfig::builder();
    let tls = if encrypted {
        let failed = |_| Failure::new(Kind::Other, "the HTTP client could not be built");
        tls.try_with_platform_verifier().map_err(failed)?
    } else {
        // Nothing is encrypted within the machine: reading its certificates would be of no use.
        tls.with_root_certificates(RootCertStore::empty())
    };
    let mut tls = tls.with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];

    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(SILENCE));
    tcp.set_keepalive_interval(Some(SILENCE));
    tcp.set_keepalive_retries(Some(3));
    #[cfg(target_os = "linux")]
    tcp.set_tcp_user_timeout(Some(2 * SILENCE));

    let connector = Connector(Arc::new(Settings {
        tcp,
        tls: Arc::new(tls),
        // A proxy is not the loopback interface.
        proxies: encrypted.then(Matcher::from_env),
        limit,
    }));
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        // Below what servers commonly keep, so that few requests meet a closing connection.
        .pool_idle_timeout(Duration::from_secs(4))
        .build(connector);
    Ok(Upstream(Arc::new(client)))
}

/// Makes connections. A cheap clone, because the client makes several for each call.
#[derive(Clone)]
pub(super) struct Connector(Arc<Settings>);

struct Settings {
    tcp: HttpConnector,
    tls: Arc<ClientConfig>,
    /// The proxies of the network. `None` if everything stays within the machine.
    proxies: Option<Matcher>,
    limit: Duration,
}

/// A connection to the vendor, or to a proxy before it, each of them encrypted or not.
type Stream = MaybeHttpsStream<MaybeHttpsStream<TokioIo<TcpStream>>>;

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Stream, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let settings = Arc::clone(&self.0);
        Box::pin(async move { tokio::time::timeout(settings.limit, settings.connect(to)).await? })
    }
}

impl Settings {
    async fn connect(self: &Arc<Self>, to: Uri) -> Result<Stream, BoxError> {
        let settings = Arc::clone(self);
        let reach = service_fn(move |to| Arc::clone(&settings).reach(to));
        let mut connector = HttpsConnector::from((reach, Arc::clone(&self.tls)));
        if self.proxies.is_some() {
            connector.enforce_https();
        }
        connector.oneshot(to).await
    }

    /// A connection that is not encrypted yet.
    async fn reach(
        self: Arc<Self>,
        to: Uri,
    ) -> Result<MaybeHttpsStream<TokioIo<TcpStream>>, BoxError> {
        let tcp = self.tcp.clone();
        let Some(proxy) = self
            .proxies
            .as_ref()
            .and_then(|proxies| proxies.intercept(&to))
        else {
            return Ok(MaybeHttpsStream::Http(tcp.oneshot(to).await?));
        };
        let to_proxy = HttpsConnector::from((tcp, Arc::clone(&self.tls)));
        let mut tunnel = Tunnel::new(proxy.uri().clone(), to_proxy);
        if let Some(auth) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(auth.clone());
        }
        Ok(tunnel.oneshot(to).await?)
    }
}
