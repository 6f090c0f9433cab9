//! What holds for the session of every vendor.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use auth_core::{AuthError as _, ErrorKind, HttpClientBuilder, MemoryStore, RequestBuilder, State};
use auth_core::{Token, TokenStore as _};
use auth_sandbox::{Fault, Sandbox};
use tokio::runtime::{Builder, Runtime};

use crate::{Session, Sessions, Vendor, answering, response, sandbox};

/// The tests of this module, for a vendor.
#[macro_export]
macro_rules! session {
    ($vendor:ty) => {
        $crate::tests! { $vendor, session:
            #[tokio::test]
            async fn a_log_out_forgets_the_token_here_and_in_the_store();
            #[tokio::test]
            async fn a_session_authorizes_requests_of_any_http_client_to_the_vendor_alone();
            #[tokio::test]
            async fn a_401_with_a_page_is_no_refusal_and_one_without_a_body_is();
            #[test]
            fn a_client_is_used_from_two_runtimes_one_after_the_other();
        }
    };
}

/// The access token that the callers of a session get, after checking the headers.
pub async fn access<V: Sessions>(session: &Session<V>) -> String {
    let headers = session.headers().await.unwrap();
    V::access_in(&headers).to_owned()
}

/// The token of a new log-in of the sandbox's user.
pub(crate) async fn log_in<V: Vendor>(sandbox: &Sandbox) -> Token {
    V::log_in(sandbox).await.into()
}

/// So many renewals were sent, and nothing else.
#[track_caller]
pub fn assert_renewals<V: Vendor>(sandbox: &Sandbox, renewals: usize) {
    sandbox.log().assert_count(V::RENEWAL, renewals);
    assert_eq!(sandbox.log().entries().len(), renewals);
}

/// All that can go wrong with a renewal and is over some time. After a log-in that was answered
/// without a token, a person has to ask for the next one: see [`odd_answers`].
pub fn passing_faults<V: Vendor>() -> Vec<Fault> {
    let outages = [
        Fault::status(500),
        Fault::status(503),
        Fault::status(429),
        Fault::retry_after(429, Duration::from_secs(3_600)),
        Fault::retry_after(503, Duration::from_secs(9_999_999_999)),
        Fault::cut(),
        Fault::lost_answer(),
        Fault::truncated_body(),
    ];
    let mut faults = outages.map(|fault| fault.on(V::RENEWAL).always()).to_vec();
    if !V::RENEWS_BY_LOG_IN {
        let strange = [Fault::html(), Fault::huge_body()];
        faults.extend(strange.map(|fault| fault.on(V::RENEWAL).always()));
        faults.extend(odd_answers(V::RENEWAL));
    }
    faults
}

/// Answers of `operation` that are neither a token, nor an outage, nor a refusal that is documented.
pub fn odd_answers(operation: &str) -> [Fault; 2] {
    [
        Fault::garbage_json(),
        Fault::redirect("http://127.0.0.1:9/"),
    ]
    .map(|fault| fault.on(operation).always())
}

/// A runtime of one thread.
pub fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

pub async fn a_log_out_forgets_the_token_here_and_in_the_store<V: Sessions>() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let session = V::session_in_store(&sandbox, store.clone());
    session
        .set_token(log_in::<V>(&sandbox).await)
        .await
        .unwrap();
    let token = access::<V>(&session).await;
    assert!(store.load(&V::key(&sandbox)).await.unwrap().is_some());

    sandbox.log().clear();
    session.log_out().await.unwrap();
    assert!(store.load(&V::key(&sandbox)).await.unwrap().is_none());
    let error = session.headers().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InteractionRequired);
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    V::assert_logged_out(&sandbox, &token);
}

pub async fn a_session_authorizes_requests_of_any_http_client_to_the_vendor_alone<V: Sessions>() {
    let sandbox = sandbox();
    let session = V::session(&sandbox);
    let http = HttpClientBuilder::new().no_proxy().build().unwrap();
    let request = |sandbox: &Sandbox| {
        let request = V::request(sandbox).try_into().unwrap();
        RequestBuilder::from_parts(http.clone(), request)
    };
    let authorized = session.authorize(request(&sandbox)).await.unwrap();
    let answer = authorized.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.unwrap();
    assert!(text.contains(V::email(&sandbox)), "{text}");

    let stranger = Sandbox::start().unwrap();
    let error = session.authorize(request(&stranger)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert_eq!(stranger.log().entries().len(), 0);
}

pub async fn a_401_with_a_page_is_no_refusal_and_one_without_a_body_is<V: Vendor>() {
    let sandbox = sandbox();
    // With the features of every crate here, reqwest has no cryptography of its own.
    auth_core::http::install_crypto_provider();
    let http = HttpClientBuilder::new().no_proxy().build().unwrap();
    for (body, is_refusal) in [
        (
            "<html><body>Sign in to the guest network</body></html>",
            false,
        ),
        ("\u{feff} <!doctype html>", false),
        ("Access denied by the proxy", false),
        ("", true),
        (" \n", true),
        (r#"{"message":"Unauthorized"}"#, true),
        (r#"{"error":"invalid_token","error_descr"#, true),
    ] {
        let sent = Arc::<AtomicUsize>::default();
        let url = answering({
            let sent = Arc::clone(&sent);
            move |_| {
                sent.fetch_add(1, Ordering::SeqCst);
                response(401, "", body.as_bytes())
            }
        });
        let host = format!("127.0.0.1:{}", url.port().unwrap());
        let builder = V::with_allowed_host(V::builder(&sandbox), &host);
        let client = V::build(builder).unwrap();
        let token = V::log_in(&sandbox).await;
        let session = V::session_with_token(&client, token).unwrap();
        let before = session.auth_headers().await.unwrap();
        let outcome = session.send(http.get(url)).await;
        // A session that has nothing to renew by says so.
        let was_renewed = session.try_headers() != Some(before.headers());
        let was_sent_again = sent.load(Ordering::SeqCst) == 2;
        let was_refused = outcome.is_err() || was_sent_again;
        assert_eq!(was_refused, is_refusal, "{body:?}");
        if !is_refusal {
            assert!(!was_renewed, "{body:?}");
            assert_eq!(outcome.unwrap().bytes().await.unwrap(), body);
        }
    }
}

pub fn a_client_is_used_from_two_runtimes_one_after_the_other<V: Sessions>() {
    let sandbox = sandbox();
    let client = V::client(&sandbox);
    let first = runtime();
    let token = first.block_on(V::log_in(&sandbox));
    let auth_headers = V::auth_headers(&token).unwrap();
    first.block_on(V::check(&client, &auth_headers)).unwrap();
    runtime()
        .block_on(V::check(&client, &auth_headers))
        .unwrap();
    drop(first);
    runtime()
        .block_on(V::check(&client, &auth_headers))
        .unwrap();
}
