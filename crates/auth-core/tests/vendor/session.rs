//! What holds for the session of every vendor: a module of each vendor crate's
//! `tests/it/session.rs`, which supplies
//!
//! - `FIRST`: the operation by which a session gets its first token, where it does so by itself;
//! - `RENEWAL`: the operation by which it renews;
//! - `NOT_YET_DUE`, `DUE`: at which age of its token it surely does not renew yet, and surely
//!   does, while its callers go on with the present one;
//! - `RENEWS_AT`: at which age its callers get a new token: after its end, or when it is due where
//!   one that has ended cannot be renewed;
//! - `NEXT_TRY`: how long after a renewal that failed, with an hour to wait, it surely tries again;
//! - `access(&session)`: the access token in its headers, which are checked;
//! - `accepts(&sandbox, access)`: whether the vendor accepts that;
//! - `check(&client, &credential)`: a call that the vendor refuses if the token is dead;
//! - `request(&sandbox, &http)`: such a call, still without its headers;
//! - `strict_sandbox()`: the vendor at its strictest (one whose refresh tokens work once, say);
//! - `session_with_one_way(&sandbox)`: a session that can renew by `RENEWAL` alone;
//! - `session_builder(&sandbox)`: a session of the user, without a token;
//! - `assert_logged_out(&sandbox, access)`: what the vendor knows of a log-out, and the log shows.

use std::sync::Arc;
use std::time::Duration;

use auth_core::{Clock as _, ErrorKind, Expiry, MemoryStore, State, StoreKey, TokenStore as _};
use auth_sandbox::{Fault, Sandbox};
use tokio::runtime::{Builder, Runtime};

use super::{
    DUE, FIRST, NEXT_TRY, NOT_YET_DUE, RENEWAL, RENEWS_AT, Session, accepts, access,
    assert_logged_out, check, request, session_builder, session_with_one_way, strict_sandbox,
};
use crate::set_up::{LIFETIME, base_url, client, email, log_in, sandbox, session, settled};

/// A session that has got its token, and that token; of all that nothing is in the log.
pub(super) async fn begun(sandbox: &Sandbox) -> (Session, String) {
    let session = session(sandbox);
    let token = access(&session).await;
    sandbox.log().clear();
    (session, token)
}

/// So many renewals were sent, and nothing else.
#[track_caller]
pub(super) fn assert_renewals(sandbox: &Sandbox, renewals: usize) {
    sandbox.log().assert_count(RENEWAL, renewals);
    assert_eq!(sandbox.log().entries().len(), renewals);
}

pub(super) fn stored(sandbox: &Sandbox, store: &MemoryStore) -> (Session, StoreKey) {
    let key = client(sandbox).store_key(email(sandbox));
    let session = session_builder(sandbox)
        .store(Arc::new(store.clone()), key.clone())
        .build()
        .unwrap();
    (session, key)
}

/// All that can go wrong with a renewal and is over some time.
pub(super) fn passing_faults() -> [Fault; 11] {
    [
        Fault::status(500),
        Fault::status(503),
        Fault::status(429),
        Fault::retry_after(429, Duration::from_secs(3_600)),
        Fault::cut(),
        Fault::lost_answer(),
        Fault::truncated_body(),
        Fault::garbage_json(),
        Fault::html(),
        Fault::huge_body(),
        Fault::redirect("http://127.0.0.1:9/"),
    ]
    .map(|fault| fault.on(RENEWAL).always())
}

/// The life of the token that `operation` gives is counted from the moment the request was sent,
/// not from that of the answer.
pub(super) async fn assert_lives_from_the_sending(
    sandbox: &Sandbox,
    session: &Session,
    operation: &str,
) {
    let (fault, gate) = Fault::hold_answer();
    sandbox.fault(fault.on(operation));
    let caller = tokio::spawn({
        let session = session.clone();
        async move { session.renew().await.unwrap() }
    });
    gate.reached().await;
    let sent = sandbox.clock().now().wall();
    sandbox.clock().advance(Duration::from_secs(3));
    gate.release();
    let credential = caller.await.unwrap();
    assert_eq!(credential.token().issued_at(), sent, "{operation}");
    assert_eq!(
        credential.expiry(),
        Expiry::At(sent + LIFETIME),
        "{operation}"
    );
    sandbox.clock().advance(RENEWS_AT);
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end_while_callers_go_on_with_it() {
    let sandbox = strict_sandbox();
    let (session, old) = begun(&sandbox).await;
    sandbox.clock().advance(NOT_YET_DUE);
    assert_eq!(access(&session).await, old);
    assert_eq!(session.state(), State::Fresh);
    assert_renewals(&sandbox, 0);

    let (fault, gate) = Fault::hold();
    sandbox.fault(fault.on(RENEWAL));
    let rest = DUE.checked_sub(NOT_YET_DUE).unwrap();
    sandbox.clock().advance(rest);
    for _ in 0..10 {
        assert_eq!(access(&session).await, old);
    }
    gate.reached().await;
    assert_eq!(session.state(), State::Renewing);
    assert_eq!(access(&session).await, old);
    gate.release();
    assert_eq!(settled(&session).await, State::Fresh);
    let new = access(&session).await;
    assert!(new != old && accepts(&sandbox, &new));
    assert_renewals(&sandbox, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_renewed_once_for_a_thousand_callers() {
    let sandbox = strict_sandbox();
    let (session, old) = begun(&sandbox).await;
    sandbox.clock().advance(RENEWS_AT);
    let (fault, gate) = Fault::hold();
    sandbox.fault(fault.on(RENEWAL));
    let callers: Vec<_> = (0..1_000)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move { access(&session).await })
        })
        .collect();
    gate.reached().await;
    gate.release();
    for caller in callers {
        assert!(accepts(&sandbox, &caller.await.unwrap()));
    }
    assert_eq!(settled(&session).await, State::Fresh);
    assert_ne!(access(&session).await, old);
    assert_renewals(&sandbox, 1);
}

#[tokio::test]
async fn a_session_that_is_kept_fresh_renews_without_callers() {
    let sandbox = strict_sandbox();
    let session = session(&sandbox);
    let guard = session.keep_fresh().unwrap();
    if let Some(operation) = FIRST {
        sandbox.log().until_count(operation, 1).await;
        assert_eq!(settled(&session).await, State::Fresh);
        sandbox.log().assert_count(operation, 1);
    }
    sandbox.log().clear();
    for renewals in 1..=3 {
        assert_eq!(settled(&session).await, State::Fresh);
        sandbox.clock().until_sleeping(1).await;
        sandbox.clock().advance(DUE);
        sandbox.log().until_count(RENEWAL, renewals).await;
    }
    assert_eq!(settled(&session).await, State::Fresh);
    drop(guard);
    assert!(accepts(&sandbox, &access(&session).await));
    assert_renewals(&sandbox, 3);
}

#[tokio::test]
async fn an_early_renewal_that_fails_leaves_the_token_in_use_and_is_made_up_for() {
    for fault in passing_faults() {
        let sandbox = sandbox();
        let session = session_with_one_way(&sandbox).await;
        let old = access(&session).await;
        sandbox.log().clear();
        sandbox.clock().advance(DUE);
        sandbox.fault(fault.clone());
        assert_eq!(access(&session).await, old);
        assert_eq!(settled(&session).await, State::Stale, "{fault:?}");
        let sent = sandbox.log().count(RENEWAL);
        assert_eq!(access(&session).await, old);
        assert_eq!(session.state(), State::Stale, "{fault:?}");
        assert_renewals(&sandbox, sent);

        sandbox.clear_faults();
        sandbox.clock().advance(NEXT_TRY);
        session.headers().await.unwrap();
        assert_eq!(settled(&session).await, State::Fresh, "{fault:?}");
        assert_ne!(access(&session).await, old, "{fault:?}");
        assert_renewals(&sandbox, sent + 1);
    }
}

#[tokio::test]
async fn a_refusal_of_one_token_that_is_reported_often_causes_one_renewal() {
    let sandbox = sandbox();
    let (session, _) = begun(&sandbox).await;
    // A token that is asked for in the same second may be the same.
    sandbox.clock().advance(Duration::from_secs(60));
    let refused = session.credential().await.unwrap();
    for _ in 0..5 {
        session.invalidate(&refused);
        let credential = session.credential().await.unwrap();
        check(&client(&sandbox), &credential).await.unwrap();
    }
    sandbox.log().assert_count(RENEWAL, 1);
}

#[tokio::test]
async fn a_log_out_forgets_the_token_here_and_in_the_store() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let (session, key) = stored(&sandbox, &store);
    session.adopt(log_in(&sandbox).await.into()).await.unwrap();
    let token = access(&session).await;
    assert!(store.load(&key).await.unwrap().is_some());

    sandbox.log().clear();
    session.log_out().await.unwrap();
    assert!(store.load(&key).await.unwrap().is_none());
    let error = session.headers().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InteractionRequired);
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    assert_logged_out(&sandbox, &token);
}

#[tokio::test]
async fn a_session_authorizes_requests_of_any_http_client_to_the_vendor_alone() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let authorized = session.authorize(request(&sandbox, &http)).await.unwrap();
    let response = authorized.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    assert!(text.contains(email(&sandbox)), "{text}");

    let stranger = Sandbox::start().unwrap();
    let error = session
        .authorize(http.get(base_url(&stranger)))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert_eq!(stranger.log().entries().len(), 0);
}

#[test]
fn a_session_is_used_from_two_runtimes_one_after_the_other() {
    let sandbox = sandbox();
    let first = runtime();
    let (session, old) = first.block_on(begun(&sandbox));
    let renewed = async || {
        sandbox.clock().advance(RENEWS_AT);
        access(&session).await;
        settled(&session).await;
        access(&session).await
    };
    // The first runtime is alive, but nobody drives it.
    let second = runtime();
    let new = second.block_on(renewed());
    assert_ne!(new, old);
    drop(first);
    assert_ne!(runtime().block_on(renewed()), new);
    assert_renewals(&sandbox, 2);
}

#[test]
fn a_client_is_used_from_two_runtimes_one_after_the_other() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let first = runtime();
    let credential = first.block_on(log_in(&sandbox)).credential().unwrap();
    first.block_on(check(&client, &credential)).unwrap();
    runtime().block_on(check(&client, &credential)).unwrap();
    drop(first);
    runtime().block_on(check(&client, &credential)).unwrap();
}
