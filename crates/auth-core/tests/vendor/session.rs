//! What holds for the session of every vendor: a module of each vendor crate's
//! `tests/it/session.rs`, which supplies
//!
//! - `RENEWAL`: the operation by which a session renews, or asks whether its token is good;
//! - `access(&session)`: the access token in its headers, which are checked;
//! - `check(&client, &auth_headers)`: a call that the vendor refuses if the token is dead;
//! - `request(&sandbox, &http)`: such a call, still without its headers;
//! - `session_builder(&sandbox)`: a session of the user, without a token;
//! - `key(&sandbox)`: where a store keeps the user's token;
//! - `assert_logged_out(&sandbox, access)`: what the vendor knows of a log-out, and the log shows.

use std::sync::Arc;
use std::time::Duration;

use auth_core::{ErrorKind, MemoryStore, State, StoreKey, TokenStore as _};
use auth_sandbox::{Fault, Sandbox};
use tokio::runtime::{Builder, Runtime};

use super::{RENEWAL, Session, access, assert_logged_out, check, key, request, session_builder};
use crate::set_up::{base_url, client, email, log_in, sandbox, session};

/// So many renewals were sent, and nothing else.
#[track_caller]
pub(super) fn assert_renewals(sandbox: &Sandbox, renewals: usize) {
    sandbox.log().assert_count(RENEWAL, renewals);
    assert_eq!(sandbox.log().entries().len(), renewals);
}

pub(super) fn stored(sandbox: &Sandbox, store: &MemoryStore) -> (Session, StoreKey) {
    let key = key(sandbox);
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

pub(super) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[tokio::test]
async fn a_log_out_forgets_the_token_here_and_in_the_store() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let (session, key) = stored(&sandbox, &store);
    session
        .set_token(log_in(&sandbox).await.into())
        .await
        .unwrap();
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
fn a_client_is_used_from_two_runtimes_one_after_the_other() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let first = runtime();
    let auth_headers = first.block_on(log_in(&sandbox)).auth_headers().unwrap();
    first.block_on(check(&client, &auth_headers)).unwrap();
    runtime().block_on(check(&client, &auth_headers)).unwrap();
    drop(first);
    runtime().block_on(check(&client, &auth_headers)).unwrap();
}
