//! The proxy between a caller and a vendor that are made of bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use auth_core::{AuthHeaders, Authorizer, BoxFuture, Error, ErrorKind, State, StaticAuthorizer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::access::Access;
use super::forward::Forwarder;
use super::{server, upstream};

pub(super) const SECRET: &str = "0123456789abcdef";

/// A session whose token has a number that counts what was refused.
struct Fake {
    base: String,
    number: AtomicUsize,
    failure: Option<Error>,
}

impl Fake {
    fn token(&self) -> StaticAuthorizer {
        let number = self.number.load(Ordering::SeqCst);
        StaticAuthorizer::bearer(&format!("token-{number}"), &self.base).unwrap()
    }
}

impl Authorizer for Fake {
    fn headers_for<'a>(&'a self, url: &str) -> BoxFuture<'a, Result<AuthHeaders, Error>> {
        let url = url.to_owned();
        Box::pin(async move {
            match &self.failure {
                Some(failure) => Err(failure.clone()),
                None => self.token().headers_for(&url).await,
            }
        })
    }
    fn check(&self, url: &str) -> Result<(), Error> {
        self.token().check(url)
    }
    fn invalidate(&self, _: &AuthHeaders) {
        self.number.fetch_add(1, Ordering::SeqCst);
    }
    fn state(&self) -> State {
        State::Fresh
    }
}

/// A vendor on a port, and a proxy before it.
struct Scene {
    vendor: TcpListener,
    proxy: SocketAddr,
}

impl Scene {
    async fn new() -> Self {
        Self::with(None).await
    }

    async fn with(failure: Option<Error>) -> Self {
        let vendor = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1/", vendor.local_addr().unwrap());
        let fake = Fake {
            base: base.clone(),
            number: AtomicUsize::new(1),
            failure,
        };
        let proxy = proxy(Arc::new(fake), &Url::parse(&base).unwrap()).await;
        Self { vendor, proxy }
    }

    /// A caller who has sent this, `HOST` being the proxy's.
    async fn caller(&self, sent: &str) -> Peer {
        let mut caller = Peer(TcpStream::connect(self.proxy).await.unwrap());
        caller
            .send(&sent.replace("HOST", &self.proxy.to_string()))
            .await;
        caller
    }

    /// The vendor's end of the next connection.
    async fn vendor(&self) -> Peer {
        Peer(self.vendor.accept().await.unwrap().0)
    }

    /// The whole answer to a request that the vendor never sees.
    async fn refused(&self, sent: &str) -> String {
        let mut caller = self.caller(sent).await;
        let answer = caller.head().await;
        let accepted = futures_now(self.vendor.accept());
        assert!(accepted.is_none(), "the vendor was called");
        answer
    }
}

/// What `future` has at once.
fn futures_now<F: Future>(future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

/// A proxy on a free port.
pub(super) async fn proxy(authorizer: Arc<dyn Authorizer>, base: &Url) -> SocketAddr {
    proxy_within(auth_core::DEFAULT_CONNECT_TIMEOUT, authorizer, base).await
}

async fn proxy_within(limit: Duration, authorizer: Arc<dyn Authorizer>, base: &Url) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let access = Access::new(SECRET, address.port(), base);
    let upstream = upstream::client(base, limit).unwrap();
    let forwarder = Arc::new(Forwarder::new(access, authorizer, upstream));
    tokio::spawn(server::serve(listener, forwarder, std::future::pending()));
    address
}

/// One end of a connection.
struct Peer(TcpStream);

impl Peer {
    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// All that comes until it ends with `end`.
    async fn until(&mut self, end: &str) -> String {
        let mut seen = Vec::new();
        while !seen.ends_with(end.as_bytes()) {
            let byte = self.0.read_u8().await;
            let so_far = String::from_utf8_lossy(&seen);
            seen.push(byte.unwrap_or_else(|_| panic!("no {end:?} in {so_far:?}")));
        }
        String::from_utf8(seen).unwrap()
    }

    /// A head, in small letters.
    async fn head(&mut self) -> String {
        self.until("\r\n\r\n").await.to_ascii_lowercase()
    }

    /// Whether the other end is gone: no byte comes any more.
    async fn is_left(&mut self) -> bool {
        let mut byte = [0];
        matches!(self.0.read(&mut byte).await, Ok(0) | Err(_))
    }
}

#[tokio::test]
async fn the_vendor_gets_its_own_host_and_the_profiles_headers_and_nothing_of_this_side() {
    let scene = Scene::new().await;
    let mut caller = scene
        .caller(
            "GET /v1/me?a=%2Fb HTTP/1.1\r\nHost: HOST\r\nAuthctl-Secret: 0123456789abcdef\r\n\
             Authorization: Basic b2xk\r\nProxy-Authorization: Basic b2xk\r\nX-Kept: yes\r\n\
             Connection: keep-alive, X-Hop\r\nX-Hop: no\r\nKeep-Alive: 5\r\nTE: trailers\r\n\
             Upgrade: h2c\r\n\r\n",
        )
        .await;
    let mut vendor = scene.vendor().await;
    let head = vendor.head().await;
    let host = scene.vendor.local_addr().unwrap();
    let mut lines: Vec<&str> = head.trim().lines().collect();
    lines[1..].sort_unstable();
    let host = format!("host: {host}");
    let expected = [
        "get /v1/me?a=%2fb http/1.1",
        "accept: */*",
        "authorization: bearer token-1",
        &host,
        "x-kept: yes",
    ];
    assert_eq!(lines, expected);

    vendor
        .send(
            "HTTP/1.1 201 Created\r\nConnection: X-Hop\r\nX-Hop: no\r\nKeep-Alive: timeout=5\r\n\
             Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok",
        )
        .await;
    let head = caller.head().await;
    assert!(head.starts_with("http/1.1 201 created\r\n"), "{head}");
    assert!(
        head.contains("set-cookie: a=1\r\nset-cookie: b=2\r\n"),
        "{head}"
    );
    assert!(
        !head.contains("x-hop") && !head.contains("keep-alive"),
        "{head}"
    );
    caller.until("ok").await;
}

#[tokio::test]
async fn a_stranger_gets_an_empty_403_and_the_vendor_nothing() {
    let scene = Scene::new().await;
    for request in [
        "GET /v1/me HTTP/1.1\r\nHost: HOST\r\n\r\n",
        "GET /0123456789abcdee/v1/me HTTP/1.1\r\nHost: HOST\r\n\r\n",
        "GET /0123456789abcdef/v1/me HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: HOST\r\nAuthctl-Secret: x\r\nContent-Length: 2\r\n\r\nab",
        "GET / HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        "TRACE / HTTP/1.1\r\nHost: HOST\r\n\r\n",
    ] {
        let answer = scene.refused(request).await;
        let answer = answer.split("date: ").next().unwrap();
        let expected = "http/1.1 403 forbidden\r\nconnection: close\r\ncontent-length: 0\r\n";
        assert_eq!(answer, expected, "{request}");
    }
}

#[tokio::test]
async fn what_cannot_be_forwarded_is_refused_in_words() {
    let scene = Scene::new().await;
    for (request, status) in [
        (
            "TRACE /0123456789abcdef/ HTTP/1.1\r\nHost: HOST\r\n\r\n",
            "501",
        ),
        (
            "GET /0123456789abcdef/ HTTP/1.1\r\nHost: HOST\r\nUpgrade: websocket\r\n\r\n",
            "501",
        ),
        (
            "GET /0123456789abcdef/@/x HTTP/1.1\r\nHost: HOST\r\n\r\n",
            "400",
        ),
        (
            "GET /0123456789abcdef/@evil.example/x HTTP/1.1\r\nHost: HOST\r\n\r\n",
            "403",
        ),
        (
            "GET /0123456789abcdef/@127.0.0.1:9/x HTTP/1.1\r\nHost: HOST\r\n\r\n",
            "403",
        ),
    ] {
        let answer = scene.refused(request).await;
        assert!(
            answer.starts_with(&format!("http/1.1 {status} ")),
            "{request}: {answer}"
        );
        assert!(answer.contains("authctl-error: "), "{answer}");
    }
}

#[tokio::test]
async fn a_failure_of_the_session_is_never_a_401() {
    for (kind, status) in [
        (ErrorKind::InteractionRequired, "502"),
        (ErrorKind::TokenRejected, "502"),
        (ErrorKind::Store, "502"),
        (ErrorKind::Unavailable, "503"),
    ] {
        let failure = Error::new(kind, "no token").with_retry_after(Some(Duration::from_secs(7)));
        let scene = Scene::with(Some(failure)).await;
        let answer = scene
            .refused("GET /0123456789abcdef/ HTTP/1.1\r\nHost: HOST\r\n\r\n")
            .await;
        assert!(
            answer.starts_with(&format!("http/1.1 {status} ")),
            "{answer}"
        );
        assert!(answer.contains("retry-after: 7\r\n"), "{answer}");
    }
    let scene = Scene::new().await;
    let address = scene.proxy;
    drop(scene.vendor);
    let mut caller = Peer(TcpStream::connect(address).await.unwrap());
    let request = format!("GET /{SECRET}/ HTTP/1.1\r\nHost: {address}\r\n\r\n");
    caller.send(&request).await;
    let answer = caller.head().await;
    assert!(answer.starts_with("http/1.1 502 "), "{answer}");
    assert!(
        answer.contains("authctl-error: unavailable\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_vendor_that_makes_no_connection_in_time_is_a_504_and_one_that_breaks_it_a_502() {
    let vendor = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // It accepts, and says nothing where TLS would begin.
    let base = format!("https://{}/", vendor.local_addr().unwrap());
    let token = StaticAuthorizer::bearer("a-token", &base).unwrap();
    let base = Url::parse(&base).unwrap();
    let limit = Duration::from_millis(50);
    let address = proxy_within(limit, Arc::new(token), &base).await;
    let mut caller = Peer(TcpStream::connect(address).await.unwrap());
    let request = format!("GET /{SECRET}/ HTTP/1.1\r\nHost: {address}\r\n\r\n");
    caller.send(&request).await;
    let answer = caller.head().await;
    assert!(answer.starts_with("http/1.1 504 "), "{answer}");
    let kind = "authctl-error: unavailable\r\n";
    assert!(answer.contains(kind), "{answer}");

    let scene = Scene::new().await;
    let request = format!("GET /{SECRET}/ HTTP/1.1\r\nHost: HOST\r\n\r\n");
    let mut caller = scene.caller(&request).await;
    let mut vendor = scene.vendor().await;
    vendor.head().await;
    drop(vendor);
    let answer = caller.head().await;
    assert!(answer.starts_with("http/1.1 502 "), "{answer}");
    assert!(answer.contains(kind), "{answer}");

    // A request that breaks off is its caller's fault.
    let request =
        "POST /SECRET/ HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\nno length";
    let mut caller = scene.caller(&request.replace("SECRET", SECRET)).await;
    let answer = caller.head().await;
    assert!(answer.starts_with("http/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn a_refused_request_is_sent_once_more_with_its_body_of_a_mebibyte() {
    let scene = Scene::new().await;
    let body = "x".repeat(1024 * 1024);
    for framing in [
        "content-length: 1048576\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n",
    ] {
        let sent = format!("POST /{SECRET}/v1/x HTTP/1.1\r\nHost: HOST\r\n{framing}");
        let mut caller = scene.caller(&sent).await;
        if framing.starts_with('t') {
            caller.send(&format!("100000\r\n{body}\r\n0\r\n\r\n")).await;
        } else {
            caller.send(&body).await;
        }
        let mut vendor = scene.vendor().await;
        for (answer, length) in [("401 Unauthorized", 0), ("200 OK", 2)] {
            let head = vendor.head().await;
            assert!(head.contains("content-length: 1048576\r\n"), "{head}");
            let mut seen = vec![0; body.len()];
            vendor.0.read_exact(&mut seen).await.unwrap();
            assert!(seen == body.as_bytes());
            vendor
                .send(&format!(
                    "HTTP/1.1 {answer}\r\nContent-Length: {length}\r\n\r\n"
                ))
                .await;
        }
        vendor.send("ok").await;
        assert!(caller.head().await.starts_with("http/1.1 200 ok\r\n"));
    }
}

#[tokio::test]
async fn a_longer_body_is_passed_on_as_it_comes_and_a_refusal_of_it_is_told() {
    let scene = Scene::new().await;
    let half = "x".repeat(1024 * 1024);
    let head =
        format!("POST /{SECRET}/v1/x HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2097152\r\n\r\n");
    let mut caller = scene.caller(&head).await;
    let mut vendor = scene.vendor().await;
    assert!(
        vendor
            .head()
            .await
            .contains("authorization: bearer token-1\r\n")
    );
    let mut seen = vec![0; half.len()];
    for _ in 0..2 {
        // The second half is sent when the first one has arrived.
        caller.send(&half).await;
        vendor.0.read_exact(&mut seen).await.unwrap();
    }
    vendor
        .send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        .await;
    assert!(caller.head().await.starts_with("http/1.1 401 "));
    // The next request has a new token.
    let mut caller = scene
        .caller(&format!("GET /{SECRET}/ HTTP/1.1\r\nHost: HOST\r\n\r\n"))
        .await;
    assert!(
        vendor
            .head()
            .await
            .contains("authorization: bearer token-2\r\n")
    );
    vendor.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    caller.head().await;
}

#[tokio::test]
async fn a_response_is_passed_on_as_it_comes_and_ends_with_its_caller() {
    let scene = Scene::new().await;
    let request = format!("GET /{SECRET}/events HTTP/1.1\r\nHost: HOST\r\n\r\n");
    let mut caller = scene.caller(&request).await;
    let mut vendor = scene.vendor().await;
    vendor.head().await;
    vendor
        .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    caller.head().await;
    for event in ["first", "second"] {
        vendor
            .send(&format!("{:x}\r\n{event}\r\n", event.len()))
            .await;
        caller.until(event).await;
    }
    drop(caller);
    // A write tells the proxy that its caller is gone, if the closed connection has not.
    let mut left = std::pin::pin!(async {
        let (mut incoming, mut outgoing) = vendor.0.into_split();
        let writes = async { while outgoing.write_all(b"1\r\nx\r\n").await.is_ok() {} };
        let reads = async { while matches!(incoming.read(&mut [0; 8]).await, Ok(1..)) {} };
        tokio::select! { () = writes => {}, () = reads => {} }
    });
    left.as_mut().await;
}

#[tokio::test]
async fn a_caller_who_leaves_while_the_vendor_thinks_ends_the_vendors_call() {
    let scene = Scene::new().await;
    let request = format!("GET /{SECRET}/slow HTTP/1.1\r\nHost: HOST\r\n\r\n");
    let caller = scene.caller(&request).await;
    let mut vendor = scene.vendor().await;
    vendor.head().await;
    drop(caller);
    assert!(vendor.is_left().await);
}

#[tokio::test]
async fn a_response_that_breaks_off_at_the_vendor_breaks_off_at_the_caller() {
    let scene = Scene::new().await;
    let request = format!("GET /{SECRET}/ HTTP/1.1\r\nHost: HOST\r\n\r\n");
    let mut caller = scene.caller(&request).await;
    let mut vendor = scene.vendor().await;
    vendor.head().await;
    vendor
        .send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        .await;
    drop(vendor);
    assert!(caller.head().await.contains("content-length: 9\r\n"));
    caller.until("half").await;
    assert!(caller.is_left().await);
}

#[tokio::test]
async fn a_redirect_to_the_vendor_leads_through_the_proxy() {
    let scene = Scene::new().await;
    let host = scene.vendor.local_addr().unwrap();
    let request = format!("GET /{SECRET}/v1/a HTTP/1.1\r\nHost: HOST\r\n\r\n");
    let mut caller = scene.caller(&request).await;
    let mut vendor = scene.vendor().await;
    for (location, expected) in [
        (
            format!("http://{host}/v1/b?c#d"),
            "/0123456789abcdef/v1/b?c#d",
        ),
        ("/b".to_owned(), "/0123456789abcdef/b"),
        ("b".to_owned(), "/0123456789abcdef/v1/b"),
        (
            "https://elsewhere.example/b".to_owned(),
            "https://elsewhere.example/b",
        ),
    ] {
        vendor.head().await;
        let answer =
            format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        vendor.send(&answer).await;
        let head = caller.head().await;
        assert!(
            head.contains(&format!("location: {expected}\r\n")),
            "{head}"
        );
        caller
            .send(&request.replace("HOST", &scene.proxy.to_string()))
            .await;
    }
}
