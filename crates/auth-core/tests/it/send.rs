//! One call: the request goes out with the headers, and once more if the token was refused.

use std::future::ready;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use auth_core::session::middleware::AuthMiddleware;
use auth_core::session::tower::AuthLayer;
use auth_core::{
    AllowedHosts, BaseUrl, Error, ErrorKind, HttpBuilder, HttpResponse, RequestBuilder, Session,
};
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use httpmock::prelude::*;
use httpmock::{Mock, Then};
use tower::{Layer as _, Service, ServiceExt as _};

use crate::second_look::Warnings;
use crate::vendor::{Vendor, gzip};

/// The ways to send; the same holds for each.
#[derive(Clone, Copy, Debug)]
enum Via {
    Session,
    Middleware,
    Tower,
    /// As by `Tower`, without a clone of the service.
    TowerShared,
}

const WAYS: [Via; 4] = [Via::Session, Via::Middleware, Via::Tower, Via::TowerShared];

struct SetUp {
    via: Via,
    server: MockServer,
    vendor: Vendor,
    session: Session<Vendor>,
    http: reqwest::Client,
}

impl SetUp {
    async fn new(via: Via) -> Self {
        let server = MockServer::start_async().await;
        let base = BaseUrl::parse(&server.base_url()).unwrap();
        // Chooses a TLS provider for the process, as any vendor crate's client does.
        HttpBuilder::new(base.clone(), "test").build().unwrap();
        let (vendor, _, _) = Vendor::with_session();
        let session = vendor.session().allowed_hosts(AllowedHosts::of(&base));
        Self {
            via,
            session: session.build().unwrap(),
            http: reqwest::Client::new(),
            server,
            vendor,
        }
    }

    /// What the server answers to calls with that token.
    async fn answer(&self, token: usize, then: impl FnOnce(Then)) -> Mock<'_> {
        let answer = |when: httpmock::When, reply: Then| {
            when.header("authorization", format!("Bearer token-{token}"));
            then(reply);
        };
        self.server.mock_async(answer).await
    }

    fn post(&self) -> RequestBuilder {
        self.http.post(self.server.url("/things?a=b")).body("thing")
    }

    async fn send(&self, request: RequestBuilder) -> Result<HttpResponse, Error> {
        match self.via {
            Via::Session => self.session.send(request).await,
            Via::Middleware => {
                let client = reqwest_middleware::ClientBuilder::new(self.http.clone())
                    .with(AuthMiddleware::new(self.session.clone()))
                    .build();
                client
                    .execute(request.build().unwrap())
                    .await
                    .map_err(|error| match error {
                        reqwest_middleware::Error::Middleware(error) => error.downcast().unwrap(),
                        reqwest_middleware::Error::Reqwest(error) => panic!("{error}"),
                    })
            }
            Via::Tower | Via::TowerShared => {
                let is_shared = matches!(self.via, Via::TowerShared);
                let request = request.build().unwrap();
                let response = if request.body().is_none_or(|body| body.as_bytes().is_some()) {
                    let request = http::Request::<reqwest::Body>::try_from(request).unwrap();
                    let request = request.map(|body| body.as_bytes().unwrap_or_default().to_vec());
                    let layer = AuthLayer::resending(self.session.clone());
                    let service = layer.layer(service(&self.http));
                    if is_shared {
                        service.send(request).await
                    } else {
                        service.oneshot(request).await
                    }
                } else {
                    let request = http::Request::<reqwest::Body>::try_from(request).unwrap();
                    let layer = AuthLayer::new(self.session.clone());
                    let service = layer.layer(service(&self.http));
                    if is_shared {
                        service.send(request).await
                    } else {
                        service.oneshot(request).await
                    }
                };
                match response {
                    Ok(response) => Ok(response.map(reqwest::Body::wrap).into()),
                    Err(error) => Err(*error.downcast().unwrap()),
                }
            }
        }
    }
}

/// A client for bodies of any type, as hyper-util's is.
fn service<B: Into<reqwest::Body> + Send + 'static>(
    http: &reqwest::Client,
) -> impl Service<
    http::Request<B>,
    Response = http::Response<reqwest::Body>,
    Error = reqwest::Error,
    Future: Send,
> + Clone
+ Send
+ 'static {
    let http = http.clone();
    tower::service_fn(move |request: http::Request<B>| {
        let sent = http.execute(request.try_into().unwrap());
        async { sent.await.map(http::Response::from) }
    })
}

#[tokio::test]
async fn a_refused_token_is_renewed_and_the_request_is_sent_once_more_whole() {
    for via in WAYS {
        let set_up = SetUp::new(via).await;
        let refused = set_up.answer(1, |then| drop(then.status(401))).await;
        let accepted = set_up.server.mock_async(|when, then| {
            when.method(POST)
                .path("/things")
                .query_param("a", "b")
                .header("authorization", "Bearer token-2")
                .header("x-mine", "1")
                .body("thing");
            then.status(201).body("made");
        });
        let accepted = accepted.await;
        let request = set_up.post().header("x-mine", "1");
        let response = set_up.send(request).await.unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.text().await.unwrap(), "made");
        assert_eq!(refused.calls_async().await, 1);
        assert_eq!(accepted.calls_async().await, 1);
        assert_eq!(set_up.vendor.calls(), 2);
    }
}

#[tokio::test]
async fn twenty_refusals_at_once_cause_one_renewal_and_one_more_request_each() {
    for via in WAYS {
        let set_up = SetUp::new(via).await;
        let refused = set_up.answer(1, |then| drop(then.status(401))).await;
        let accepted = set_up.answer(2, |then| drop(then.status(200))).await;
        set_up.session.headers().await.unwrap();
        let calls = (0..20).map(|_| set_up.send(set_up.post()));
        for response in join_all(calls).await {
            assert_eq!(response.unwrap().status(), 200);
        }
        assert_eq!(set_up.vendor.calls(), 2);
        assert_eq!(accepted.calls_async().await, 20);
        assert!(refused.calls_async().await <= 20);
    }
}

#[tokio::test]
async fn a_refusal_of_the_new_token_too_is_the_callers() {
    for via in WAYS {
        let set_up = SetUp::new(via).await;
        let refusals = set_up.server.mock_async(|when, then| {
            when.any_request();
            then.status(401).body("no");
        });
        let refusals = refusals.await;
        let response = set_up.send(set_up.post()).await.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(response.text().await.unwrap(), "no");
        assert_eq!(refusals.calls_async().await, 2);
        assert_eq!(set_up.vendor.calls(), 2);
    }
}

#[tokio::test]
async fn what_cannot_or_must_not_be_sent_again_is_not_and_its_token_is_renewed_next_time() {
    let streams = WAYS.map(|via| (via, true));
    for (via, stream) in streams.into_iter().chain([(Via::Session, false)]) {
        let set_up = SetUp::new(via).await;
        let refused = set_up.answer(1, |then| drop(then.status(401))).await;
        let accepted = set_up.answer(2, |then| drop(then.status(200))).await;
        let response = if stream {
            let body = reqwest::Body::wrap(http_body_util::Full::new(Bytes::from("thing")));
            set_up.send(set_up.post().body(body)).await
        } else {
            set_up.session.send_once(set_up.post()).await
        };
        assert_eq!(response.unwrap().status(), 401, "{via:?} {stream}");
        assert_eq!(refused.calls_async().await, 1);
        let next = set_up.session.send(set_up.post()).await.unwrap();
        assert_eq!(next.status(), 200);
        assert_eq!(accepted.calls_async().await, 1);
        assert_eq!(set_up.vendor.calls(), 2);
    }
}

#[tokio::test]
async fn other_failures_are_returned_and_renew_nothing() {
    for via in WAYS {
        let set_up = SetUp::new(via).await;
        for status in [400, 403, 404, 429, 500, 503] {
            let mock = set_up.answer(1, |then| drop(then.status(status))).await;
            let response = set_up.send(set_up.post()).await.unwrap();
            assert_eq!(response.status().as_u16(), status);
            assert_eq!(mock.calls_async().await, 1, "{status}");
            mock.delete_async().await;
        }
        assert_eq!(set_up.vendor.calls(), 1);
    }
}

#[tokio::test]
async fn a_refusal_in_the_body_is_read_and_the_caller_gets_the_whole_body() {
    for via in WAYS {
        let large = "x".repeat(300_000);
        for (first, rest, encoding, sent) in [
            ("refused", "", "identity", 2),
            ("refused", &*large, "identity", 2),
            ("fine", "", "identity", 1),
            ("fine", &*large, "identity", 1),
            // The caller gets it as it came.
            ("refused", "", "gzip", 2),
            ("refused", &*large, "gzip", 2),
            ("fine", &*large, "gzip", 1),
            ("refused", "", "br", 1),
        ] {
            let set_up = SetUp::new(via).await;
            let text = format!("{first}{rest}").into_bytes();
            let body = if encoding == "gzip" {
                gzip(&text)
            } else {
                text
            };
            let mocks = set_up.server.mock_async(|when, then| {
                when.any_request();
                then.status(200)
                    .header("content-encoding", encoding)
                    .body(&body);
            });
            let mocks = mocks.await;
            let response = set_up.send(set_up.post()).await.unwrap();
            if !matches!(via, Via::Tower | Via::TowerShared) {
                assert_eq!(response.url().path(), "/things");
            }
            let which = format!("{first} {} {encoding}", rest.len());
            assert_eq!(mocks.calls_async().await, sent, "{which}");
            assert_eq!(response.headers()["content-encoding"], encoding);
            assert!(response.bytes().await.unwrap() == body, "{which}");
        }
    }
}

/// As much of a body as is looked at.
static FIRST: [u8; 64 * 1024] = [b'x'; 64 * 1024];

#[tokio::test]
async fn no_more_than_64_kib_of_a_body_are_waited_for_and_the_caller_gets_all() {
    let set_up = SetUp::new(Via::Tower).await;
    let (release, released) = tokio::sync::oneshot::channel();
    let frame = |text: &'static [u8]| {
        let frame = http_body::Frame::data(Bytes::from_static(text));
        Ok::<_, std::convert::Infallible>(frame)
    };
    let first = stream::iter([frame(&FIRST)]);
    // It comes when the caller has the response, and not before.
    let rest = stream::once(async move { released.await.map(|()| frame(b"refused")).unwrap() });
    let body = http_body_util::StreamBody::new(Box::pin(first.chain(rest)));
    let body = Arc::new(Mutex::new(Some(body)));
    let service = tower::service_fn(move |_: http::Request<String>| {
        let body = body.lock().unwrap().take().expect("it is sent once");
        ready(Ok::<_, Error>(http::Response::new(body)))
    });
    let layer = AuthLayer::resending(set_up.session.clone());
    let url = set_up.server.url("/things");
    let request = http::Request::get(url).body(String::new()).unwrap();
    let response = layer.layer(service).oneshot(request).await.unwrap();
    release.send(()).unwrap();
    let body = http_body_util::BodyExt::collect(response.into_body())
        .await
        .unwrap();
    assert_eq!(body.to_bytes().len(), 64 * 1024 + 7);
    assert_eq!(set_up.vendor.calls(), 1);
}

#[tokio::test]
async fn where_a_refusal_is_unclear_the_vendor_is_asked() {
    for via in WAYS {
        let set_up = SetUp::new(via).await;
        let denied = set_up
            .answer(1, |then| drop(then.status(403).body("denied")))
            .await;
        let accepted = set_up.answer(2, |then| drop(then.status(200))).await;
        let response = set_up.send(set_up.post()).await.unwrap();
        assert_eq!(response.text().await.unwrap(), "denied");
        assert_eq!((denied.calls_async().await, set_up.vendor.calls()), (1, 1));
        set_up.vendor.forget("token-1");
        let response = set_up.send(set_up.post()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(accepted.calls_async().await, 1);
    }
}

#[tokio::test]
async fn a_request_with_an_authorization_of_its_own_keeps_it_and_a_warning_says_so() {
    for via in WAYS {
        let warnings = Arc::<AtomicUsize>::default();
        let _subscriber = tracing::subscriber::set_default(Warnings(Arc::clone(&warnings)));
        let set_up = SetUp::new(via).await;
        let theirs = set_up.server.mock_async(|when, then| {
            when.header("authorization", "Basic eDp5")
                .header_missing("x-account");
            then.status(401);
        });
        let theirs = theirs.await;
        let request = set_up.post().header("authorization", "Basic eDp5");
        let response = set_up.send(request).await.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(warnings.load(Ordering::SeqCst), 1, "{via:?}");
        assert_eq!(theirs.calls_async().await, 1);
        assert_eq!(set_up.vendor.calls(), 0);
    }
}

#[tokio::test]
async fn a_foreign_host_gets_nothing() {
    for via in WAYS {
        let set_up = SetUp::new(via).await;
        let other = MockServer::start_async().await;
        let reached = other.mock_async(|when, then| {
            when.any_request();
            then.status(200);
        });
        let reached = reached.await;
        for request in [
            set_up.http.get(other.url("/")),
            set_up
                .http
                .get(other.url("/"))
                .header("authorization", "Basic eDp5"),
        ] {
            let error = set_up.send(request).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        }
        assert_eq!(reached.calls_async().await, 0);
        assert_eq!(set_up.vendor.calls(), 0);
    }
}

#[tokio::test]
async fn a_lost_response_says_whether_the_request_may_have_had_an_effect() {
    let set_up = SetUp::new(Via::Session).await;
    let slow = set_up.server.mock_async(|when, then| {
        when.any_request();
        then.status(200).delay(std::time::Duration::from_secs(60));
    });
    slow.await;
    let limit = std::time::Duration::from_millis(100);
    let url = set_up.server.url("/things?key=hunter22");
    for (request, kind) in [
        (set_up.http.get(&url), ErrorKind::Unavailable),
        (set_up.http.post(&url), ErrorKind::OutcomeUnknown),
    ] {
        let error = set_up
            .session
            .send(request.timeout(limit))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(!format!("{error:?}").contains("hunter22"), "{error:?}");
    }
}
