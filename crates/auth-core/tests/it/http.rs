//! The one policy for every call.

use std::time::Duration;

use auth_core::{
    AuthError as _, Error, ErrorKind, Http, HttpBuilder, Idempotency, Operation, Request, Response,
    RetryPolicy, operation,
};
use httpmock::prelude::*;

use crate::vendor::gzip;

const READ: Operation = operation!("test.read");

fn builder(server: &MockServer) -> HttpBuilder {
    let policy = RetryPolicy::default().pauses(Duration::from_millis(1), Duration::from_millis(1));
    HttpBuilder::new(server.base_url(), "test/1").retry(policy)
}

fn http(server: &MockServer) -> Http {
    builder(server).build().unwrap()
}

async fn get(http: &Http) -> Result<Response, Error> {
    http.send(Request::get(READ, "/thing")).await
}

#[tokio::test]
async fn an_answer_of_a_mebibyte_is_read_and_a_larger_one_is_not() {
    let server = MockServer::start_async().await;
    for (size, encoding, fits) in [
        (auth_core::BODY_LIMIT, "identity", true),
        (auth_core::BODY_LIMIT + 1, "identity", false),
        (auth_core::BODY_LIMIT, "gzip", true),
        (auth_core::BODY_LIMIT + 1, "gzip", false),
    ] {
        let text = format!("\"{}\"", "x".repeat(size - 2)).into_bytes();
        let body = if encoding == "gzip" {
            gzip(&text)
        } else {
            text
        };
        let mock = server
            .mock_async(|when, then| {
                when.path("/thing");
                then.status(200)
                    .header("content-encoding", encoding)
                    .body(body);
            })
            .await;
        match get(&builder(&server)
            .retry(RetryPolicy::never())
            .build()
            .unwrap())
        .await
        {
            Ok(response) => {
                assert!(fits);
                assert_eq!(response.json::<String>().unwrap().len(), size - 2);
            }
            Err(error) => {
                assert!(!fits && error.kind() == ErrorKind::Protocol, "{error:?}");
                let message = "the response is larger than 1048576 bytes";
                assert!(error.to_string().ends_with(message), "{error}");
            }
        }
        mock.delete_async().await;
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let server = MockServer::start_async().await;
    let other_host = MockServer::start_async().await;
    let followed = other_host.mock_async(|when, then| {
        when.any_request();
        then.status(200);
    });
    let followed = followed.await;
    server
        .mock_async(|when, then| {
            when.path("/thing");
            then.status(302).header("location", other_host.base_url());
        })
        .await;
    let response = get(&http(&server)).await.unwrap();
    assert_eq!(response.status(), 302);
    assert_eq!(response.error(None).kind(), ErrorKind::Protocol);
    assert_eq!(followed.calls_async().await, 0);
}

#[tokio::test]
async fn a_callers_builder_cannot_weaken_the_policy() {
    let server = MockServer::start_async().await;
    let redirect = server
        .mock_async(|when, then| {
            when.path("/thing").header("user-agent", "test/1");
            then.status(307).header("location", "/elsewhere");
        })
        .await;
    let http = builder(&server)
        .customize(|builder| {
            builder
                .redirect(reqwest::redirect::Policy::limited(5))
                .timeout(Duration::from_secs(3_600))
                .connection_verbose(true)
                .user_agent("weak/1")
                .proxy(reqwest::Proxy::all("http://127.0.0.1:9").unwrap())
        })
        .build()
        .unwrap();
    // Neither through the proxy nor to the other place.
    assert_eq!(get(&http).await.unwrap().status(), 307);
    assert_eq!(redirect.calls_async().await, 1);
}

#[cfg(any(feature = "ring", feature = "aws-lc-rs", feature = "native-tls"))]
#[tokio::test]
async fn https_stays_https_whatever_the_builder_says() {
    let base = "https://localhost:1";
    let http = HttpBuilder::new(base, "test")
        .retry(RetryPolicy::never())
        .customize(|builder| builder.https_only(false))
        .build()
        .unwrap();
    let error = get(&http).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

async fn calls_with_status(
    idempotency: Idempotency,
    status: u16,
    retry_after: Option<&str>,
) -> (usize, Response) {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.path("/thing");
            let then = then.status(status);
            if let Some(value) = retry_after {
                then.header("retry-after", value);
            }
        })
        .await;
    let request = Request::post(READ, "thing").idempotency(idempotency);
    let response = http(&server).send(request).await.unwrap();
    (mock.calls_async().await, response)
}

#[tokio::test]
async fn what_is_repeated_after_an_answer_follows_the_table() {
    use Idempotency::{No, OnceMore, Yes};
    for (idempotency, status, retry_after, calls) in [
        (Yes, 500, None, 3),
        (OnceMore, 500, None, 2),
        (No, 500, None, 1),
        (Yes, 503, None, 3),
        (No, 503, None, 1),
        (No, 503, Some("0"), 3),
        (No, 429, Some("0"), 3),
        (Yes, 429, Some("0"), 3),
        (Yes, 429, None, 1),
        (Yes, 429, Some("3600"), 1),
        (Yes, 401, None, 1),
        (Yes, 403, Some("0"), 1),
        (Yes, 404, None, 1),
        (Yes, 200, None, 1),
    ] {
        let (seen, response) = calls_with_status(idempotency, status, retry_after).await;
        assert_eq!(seen, calls, "{idempotency:?} {status} {retry_after:?}");
        assert_eq!(response.status(), status);
    }
}

#[tokio::test]
async fn an_absurd_retry_after_is_told_and_not_obeyed() {
    let year_9999 = "Fri, 31 Dec 9999 23:59:59 GMT";
    for (retry_after, at_least) in [
        ("301", 301),
        ("9999999999", 9_999_999_999),
        ("99999999999999999999999", u64::MAX),
        (year_9999, 200_000_000_000),
    ] {
        for status in [429, 500, 503] {
            let server = MockServer::start_async().await;
            let mock = server
                .mock_async(|when, then| {
                    when.path("/thing");
                    then.status(status).header("retry-after", retry_after);
                })
                .await;
            // A policy that never gives up, whatever it waits for.
            let http = HttpBuilder::new(server.base_url(), "test/1")
                .retry(RetryPolicy::default().total(Duration::MAX));
            let request = Request::post(READ, "thing");
            let response = http.build().unwrap().send(request).await.unwrap();
            assert_eq!(mock.calls_async().await, 1, "{status} {retry_after}");
            let told = response.error(None).retry_after().unwrap();
            assert!(
                told.as_secs() >= at_least,
                "{status} {retry_after}: {told:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_is_never_the_callers_fault() {
    use Idempotency::{No, Yes};
    let page = "<html><body>Sign in to the guest network</body></html>";
    for (body, is_foreign) in [
        (page, true),
        (" \n<!doctype html>", true),
        ("\u{feff}<html>", true),
        ("Forbidden", true),
        ("not allowed", true),
        (
            "upstream connect error or disconnect/reset before headers",
            true,
        ),
        ("", false),
        (" \n", false),
        ("null", false),
        ("\"Not Authorized\"", false),
        ("\u{feff}{\"error\":\"no\"}", false),
        ("{\"error\":\"cut he", false),
        ("[", false),
    ] {
        for (idempotency, status, otherwise) in [
            (Yes, 400, ErrorKind::Denied),
            (Yes, 401, ErrorKind::TokenRejected),
            (Yes, 403, ErrorKind::Denied),
            (No, 403, ErrorKind::Denied),
            (Yes, 404, ErrorKind::NotFound),
        ] {
            let (calls, response) = answered(idempotency, status, "application/json", body).await;
            let error = response.error(Some(body));
            assert_eq!(response.is_foreign(), is_foreign, "{body}");
            let kind = if is_foreign {
                ErrorKind::Unavailable
            } else {
                otherwise
            };
            assert_eq!((calls, error.kind()), (1, kind), "{status} {body}");
            assert_eq!(
                error.to_string().contains("a proxy or gateway"),
                is_foreign,
                "{error}"
            );
            assert!(!error.to_string().contains("guest"), "{error}");
        }
        for (idempotency, kind) in [
            (Yes, ErrorKind::Unavailable),
            (No, ErrorKind::OutcomeUnknown),
        ] {
            let (_, response) = answered(idempotency, 200, "text/html", body).await;
            if is_foreign {
                assert_eq!(
                    response.json::<Wanted>().unwrap_err().kind(),
                    kind,
                    "{body}"
                );
            }
        }
    }
    let (_, limited) = answered(Yes, 429, "text/html", page).await;
    assert!(matches!(
        limited.error(None).kind(),
        ErrorKind::RateLimited { .. }
    ));
}

/// What a server gives that answers with `status` and `body`, and how often it was asked.
async fn answered(
    idempotency: Idempotency,
    status: u16,
    content_type: &str,
    body: &str,
) -> (usize, Response) {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.path("/thing");
            then.status(status)
                .header("content-type", content_type)
                .body(body);
        })
        .await;
    let request = Request::get(READ, "thing").idempotency(idempotency);
    let response = http(&server).send(request).await.unwrap();
    (mock.calls_async().await, response)
}

#[tokio::test]
async fn a_compressed_body_that_was_not_asked_for_is_read_if_it_is_whole_gzip() {
    use ErrorKind::{Denied, OutcomeUnknown, TokenRejected, Unavailable};
    use Idempotency::{No, OnceMore, Yes};
    const DAMAGED: &str = "a body compressed by gzip that is damaged or cut off";
    let server = MockServer::start_async().await;
    let json = b"{\"expires_in\":5}";
    let whole = gzip(json);
    let cut = whole[..whole.len() - 9].to_vec();
    let page = gzip(b"<html>");
    for (idempotency, status, encoding, body, kind, told) in [
        (Yes, 200, "gzip", &whole, None, ""),
        (No, 200, "X-Gzip", &whole, None, ""),
        (Yes, 200, "identity", &json.to_vec(), None, ""),
        (Yes, 200, "gzip", &cut, Some(Unavailable), DAMAGED),
        // A success: it may have spent what it was sent with.
        (OnceMore, 200, "gzip", &cut, Some(OutcomeUnknown), DAMAGED),
        (No, 200, "gzip", &cut, Some(OutcomeUnknown), DAMAGED),
        (
            Yes,
            200,
            "br",
            &whole,
            Some(Unavailable),
            "compressed by br,",
        ),
        (OnceMore, 200, "br", &whole, Some(OutcomeUnknown), "by br,"),
        (No, 200, "d90fa7de", &whole, Some(OutcomeUnknown), "unknown"),
        (Yes, 200, "gzip", &page, Some(Unavailable), "a proxy"),
        // A refusal, whatever became of its text.
        (Yes, 401, "gzip", &whole, Some(TokenRejected), ""),
        (Yes, 401, "br", &whole, Some(TokenRejected), ""),
        (Yes, 403, "gzip", &cut, Some(Denied), ""),
        (Yes, 403, "gzip", &page, Some(Unavailable), "a proxy"),
    ] {
        let mock = server
            .mock_async(|when, then| {
                when.path("/thing").header_missing("accept-encoding");
                then.status(status)
                    .header("content-encoding", encoding)
                    .body(body);
            })
            .await;
        let request = Request::get(READ, "thing").idempotency(idempotency);
        let response = http(&server).send(request).await.unwrap();
        let error = if status == 200 {
            response.json::<Wanted>().err()
        } else {
            Some(response.error(None))
        };
        assert_eq!(error.as_ref().map(Error::kind), kind, "{status} {encoding}");
        let text = error.map(|it| it.to_string()).unwrap_or_default();
        assert!(text.contains(told), "{status} {encoding}: {text}");
        assert!(!text.contains("d90fa7de"), "{text}");
        assert_eq!(mock.calls_async().await, 1);
        mock.delete_async().await;
    }
}

#[tokio::test]
async fn each_status_means_something_to_the_caller() {
    for (idempotency, status, kind) in [
        (Idempotency::Yes, 401, ErrorKind::TokenRejected),
        (Idempotency::Yes, 403, ErrorKind::Denied),
        (Idempotency::Yes, 404, ErrorKind::NotFound),
        (Idempotency::Yes, 408, ErrorKind::Unavailable),
        (Idempotency::Yes, 412, ErrorKind::Denied),
        (Idempotency::Yes, 500, ErrorKind::Unavailable),
        (Idempotency::No, 500, ErrorKind::OutcomeUnknown),
        (Idempotency::Yes, 302, ErrorKind::Protocol),
        (
            Idempotency::Yes,
            429,
            ErrorKind::RateLimited { retry_after: None },
        ),
    ] {
        let (_, response) = calls_with_status(idempotency, status, None).await;
        assert_eq!(response.error(None).kind(), kind, "{status}");
    }
}

#[tokio::test]
async fn what_was_never_sent_is_tried_again_and_then_unavailable() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let base = format!("http://127.0.0.1:{port}");
    let tried = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let http = HttpBuilder::new(base, "test")
        .retry(RetryPolicy::default().pauses(Duration::ZERO, Duration::ZERO))
        .gate({
            let tried = tried.clone();
            move || {
                tried.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                Box::pin(std::future::ready(()))
            }
        })
        .build()
        .unwrap();
    let error = http.send(Request::post(READ, "thing")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(
        error.to_string(),
        "no connection could be made: connection refused"
    );
    assert_eq!(tried.load(std::sync::atomic::Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_request_that_cannot_be_built_is_not_sent() {
    let server = MockServer::start_async().await;
    let request = Request::get(READ, "thing").header(http::header::ACCEPT, "line\nbreak");
    let error = http(&server).send(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
}

#[derive(Debug, serde::Deserialize)]
struct Wanted {
    expires_in: u64,
}

#[tokio::test]
async fn json_that_is_not_as_documented_is_told_without_being_quoted() {
    let server = MockServer::start_async().await;
    let leaked = "d90fa7de-534c-4652-ad8f-c4f6f70461ac";
    server
        .mock_async(|when, then| {
            when.path("/thing");
            then.status(200)
                .body(format!("{{\"expires_in\":\"{leaked}\"}}"));
        })
        .await;
    let error = get(&http(&server))
        .await
        .unwrap()
        .json::<Wanted>()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().ends_with("in `expires_in`"), "{error}");
    assert!(!format!("{error} {error:?}").contains(leaked), "{error:?}");
}

#[tokio::test]
async fn a_byte_order_mark_before_the_json_is_skipped() {
    let server = MockServer::start_async().await;
    server
        .mock_async(|when, then| {
            when.path("/thing");
            then.status(200).body("\u{feff}{\"expires_in\":5}");
        })
        .await;
    let response = get(&http(&server)).await.unwrap();
    assert_eq!(response.json::<Wanted>().unwrap().expires_in, 5);
}

#[tokio::test]
async fn a_segment_that_a_caller_chose_stays_one_segment() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.path("/reset/..%2Fme");
            then.status(200);
        })
        .await;
    let request = Request::get(READ, "reset").segment("../me");
    assert_eq!(http(&server).send(request).await.unwrap().status(), 200);
    assert_eq!(mock.calls_async().await, 1);
}

#[tokio::test]
async fn a_query_arrives_as_it_was_given_and_is_never_shown() {
    let server = MockServer::start_async().await;
    let value = "a+b c&d=e#f?g/%41\u{e9}'\"";
    let mock = server
        .mock_async(|when, then| {
            when.path("/thing")
                .query_param("user", value)
                .query_param("light", "1");
            then.status(500);
        })
        .await;
    let request = |path| Request::get(READ, path).query(&[("user", value), ("light", "1")]);
    assert!(!format!("{:?}", request("thing")).contains("a+b"));
    let response = http(&server).send(request("thing")).await.unwrap();
    assert_eq!(mock.calls_async().await, 3);
    let error = response.error(None);
    assert!(!format!("{error} {error:?} {response:?}").contains("light"));

    let unreachable = HttpBuilder::new("http://127.0.0.1:9", "test/1")
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    let error = unreachable.send(request("thing")).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("light"), "{error:?}");
}

#[tokio::test]
async fn dates_are_read_by_the_vendors_clock() {
    use std::time::SystemTime;
    let server = MockServer::start_async().await;
    let ahead = Duration::from_secs(3_600);
    let theirs = SystemTime::now() + ahead;
    let until = theirs + Duration::from_secs(120);
    server
        .mock_async(|when, then| {
            when.path("/thing");
            then.status(404)
                .header("date", httpdate::fmt_http_date(theirs))
                .header("retry-after", httpdate::fmt_http_date(until));
        })
        .await;
    let response = get(&http(&server)).await.unwrap();
    assert_eq!(response.retry_after(), Some(Duration::from_secs(120)));
    let local = response.local(until);
    let wanted = until - ahead;
    let apart = local
        .duration_since(wanted)
        .unwrap_or_else(|error| error.duration());
    assert!(apart < Duration::from_secs(5), "{apart:?}");
}

#[tokio::test]
async fn a_segment_that_would_change_the_path_is_not_sent() {
    let server = MockServer::start_async().await;
    let any = server
        .mock_async(|when, then| {
            when.any_request();
            then.status(200);
        })
        .await;
    for segment in ["", ".", "..", ".\t.", "a\nb"] {
        let request = Request::get(READ, "user/reset").segment(segment);
        let error = http(&server).send(request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{segment:?}");
    }
    assert_eq!(any.calls_async().await, 0);
}
