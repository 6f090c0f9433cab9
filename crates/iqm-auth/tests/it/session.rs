//! A session's whole life against the vendor.

use std::sync::Arc;
use std::time::Duration;

use auth_core::Clock as _;
use auth_sandbox::{Fault, Sandbox, SandboxClock};
use httpmock::prelude::*;
use iqm_auth::{
    Client, Error, ErrorKind, Expiry, ExposeSecret as _, MemoryStore, Session, State, StoreKey,
    Token, TokenStore as _,
};
use tokio::runtime::{Builder, Runtime};

use crate::set_up::{LIFETIME, client, log_in, password, sandbox, sandbox_with, session, settled};

/// The access token that callers get, after checking the headers.
async fn access(session: &Session) -> String {
    let headers = session.headers().await.unwrap();
    assert_eq!(headers.len(), 2);
    assert_eq!(headers["x-iaa-ow-id"], "200001");
    let value = headers["authorization"].to_str().unwrap();
    value.strip_prefix("Bearer ").unwrap().to_owned()
}

fn session_with_token(sandbox: &Sandbox, token: Token) -> Session {
    client(sandbox).session(token).unwrap()
}

fn assert_calls(sandbox: &Sandbox, log_ins: usize, refreshes: usize) {
    sandbox.log().assert_count("iqm.log_in", log_ins);
    sandbox.log().assert_count("iqm.refresh", refreshes);
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[tokio::test]
async fn a_session_logs_in_once_and_refreshes_once_for_each_lifetime() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    assert_calls(&sandbox, 0, 0);
    for lifetime in 0..5 {
        for _ in 0..3 {
            assert!(sandbox.iqm().accepts(&access(&session).await));
        }
        assert_eq!(session.state(), State::Fresh);
        assert_calls(&sandbox, 1, lifetime);
        sandbox.clock().advance(LIFETIME);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_token_is_refreshed_once_for_a_thousand_callers() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    session.headers().await.unwrap();
    sandbox.clock().advance(LIFETIME);
    let (fault, gate) = Fault::hold();
    sandbox.fault(fault.on("iqm.refresh"));
    let callers: Vec<_> = (0..1_000)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move { access(&session).await })
        })
        .collect();
    gate.reached().await;
    gate.release();
    for caller in callers {
        assert!(sandbox.iqm().accepts(&caller.await.unwrap()));
    }
    assert_calls(&sandbox, 1, 1);
}

#[tokio::test]
async fn a_session_with_rotating_refresh_tokens_never_uses_one_twice() {
    let sandbox = sandbox_with(|builder| builder.rotate_refresh_tokens(true));
    let session = session(&sandbox);
    for _ in 0..6 {
        let credential = session.credential().await.unwrap();
        client(&sandbox).profile(&credential).await.unwrap();
        sandbox.clock().advance(LIFETIME);
    }
    assert_eq!(sandbox.iqm().reuse_detected(), 0);
    assert_calls(&sandbox, 1, 5);
}

#[tokio::test]
async fn a_session_that_holds_the_password_logs_in_again_when_the_refresh_is_refused() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    access(&session).await;
    sandbox.iqm().revoke_all(sandbox.iqm().user().email);
    sandbox.clock().advance(LIFETIME);
    assert!(sandbox.iqm().accepts(&access(&session).await));
    assert_calls(&sandbox, 2, 1);
}

#[tokio::test]
async fn a_session_without_a_password_remembers_that_the_refresh_was_refused() {
    let sandbox = sandbox();
    let session = session_with_token(&sandbox, log_in(&sandbox).await);
    sandbox.iqm().revoke_all(sandbox.iqm().user().email);
    for _ in 0..3 {
        sandbox.clock().advance(LIFETIME);
        let error = session.headers().await.unwrap_err();
        assert!(matches!(error, Error::TokenRejected { .. }), "{error:?}");
        assert_eq!(session.try_headers(), None);
    }
    let State::LoginRequired { reason } = session.state() else {
        panic!("{session:?}")
    };
    assert_eq!(reason.kind(), ErrorKind::TokenRejected);
    assert_calls(&sandbox, 1, 1);

    session.adopt(log_in(&sandbox).await.into()).await.unwrap();
    assert!(sandbox.iqm().accepts(&access(&session).await));
    assert_eq!(session.state(), State::Fresh);
}

#[tokio::test]
async fn a_wrong_password_is_sent_once_by_a_session() {
    let sandbox = sandbox();
    let session = client(&sandbox)
        .session_with_password(sandbox.iqm().user().email, "not the password")
        .unwrap();
    for _ in 0..3 {
        let error = session.headers().await.unwrap_err();
        assert!(
            matches!(error, Error::InvalidCredentials { .. }),
            "{error:?}"
        );
        sandbox.clock().advance(LIFETIME);
    }
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    assert_calls(&sandbox, 1, 0);
}

#[tokio::test]
async fn an_account_on_hold_is_remembered_with_its_texts() {
    let sandbox = sandbox();
    let user = sandbox.iqm().on_hold_user();
    let session = client(&sandbox)
        .session_with_password(user.email, user.password)
        .unwrap();
    for _ in 0..2 {
        let error = session.headers().await.unwrap_err();
        assert!(
            matches!(&error, Error::OnHold { support_email, .. } if support_email == "support@iqm.com"),
            "{error:?}"
        );
    }
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    assert_calls(&sandbox, 1, 0);
}

#[tokio::test]
async fn a_session_from_an_mfa_code_needs_a_person_when_its_token_has_ended() {
    let sandbox = sandbox();
    let (client, user) = (client(&sandbox), sandbox.iqm().mfa_user());
    client.send_mfa_code(user.ow_id).await.unwrap();
    let code = sandbox.iqm().mfa_code(user.email).unwrap();
    let token = client.verify_mfa_code(&code.into()).await.unwrap();
    let session = client.session(token).unwrap();
    let credential = session.credential().await.unwrap();
    assert_eq!(client.profile(&credential).await.unwrap().email, user.email);

    sandbox.log().clear();
    sandbox.clock().advance(LIFETIME);
    for _ in 0..2 {
        let error = session.headers().await.unwrap_err();
        assert!(matches!(error, Error::LoginRequired { .. }), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::InteractionRequired);
    }
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    assert_eq!(sandbox.log().entries().len(), 0);
}

#[tokio::test]
async fn a_401_that_is_reported_causes_one_renewal() {
    let sandbox = sandbox();
    let (client, session) = (client(&sandbox), session(&sandbox));
    let dead = session.credential().await.unwrap();
    sandbox
        .iqm()
        .revoke_access_tokens(sandbox.iqm().user().email);
    let error = client.profile(&dead).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TokenRejected);
    for _ in 0..5 {
        session.invalidate(&dead);
        let credential = session.credential().await.unwrap();
        client.profile(&credential).await.unwrap();
    }
    assert_calls(&sandbox, 1, 1);
}

/// A vendor whose refresh gives back the access token that it replaces, as the published sample.
async fn with_the_same_token_again() -> (MockServer, Client, Token) {
    let server = MockServer::start_async().await;
    server
        .mock_async(|when, then| {
            when.path("/api/v3/ua/oauth/token");
            then.status(200).body(
                r#"{
"access_token": "106adb25-37b0-4cab-8381-d682fe7cc3c8",
"refresh_token": "eac4c1f6-781e-4b04-baff-9c2e415d1f64",
"scope": "read write",
"token_type": "bearer",
"expires_in": 35999
}"#,
            );
        })
        .await;
    let client = Client::builder("id", "secret")
        .base_url(server.base_url())
        .clock(SandboxClock::frozen())
        .build()
        .unwrap();
    let token = client.log_in_oauth("user1@iqm.com", &"123456".into()).await;
    (server, client, token.unwrap())
}

#[tokio::test]
async fn after_a_401_a_refresh_that_gives_the_same_token_again_falls_back_to_the_password() {
    let (server, client, token) = with_the_same_token_again().await;
    let log_in = server
        .mock_async(|when, then| {
            when.path("/api/v3/ua/login");
            then.status(200)
                .body(r#"{"success":true,"data":{"access_token":"other","expires_in":35999}}"#);
        })
        .await;
    let session = client
        .session_builder_with_password("user1@iqm.com", "123456")
        .token(token.into())
        .build()
        .unwrap();
    let dead = session.credential().await.unwrap();
    session.invalidate(&dead);
    let headers = session.headers().await.unwrap();
    assert_eq!(headers["authorization"], "Bearer other");
    assert_eq!(log_in.calls_async().await, 1);
}

#[tokio::test]
async fn after_a_401_the_same_token_again_without_a_password_needs_a_log_in() {
    let (_server, client, token) = with_the_same_token_again().await;
    let session = client.session(token).unwrap();
    let dead = session.credential().await.unwrap();
    session.invalidate(&dead);
    let error = session.headers().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TokenRejected);
    assert!(matches!(session.state(), State::LoginRequired { .. }));
}

#[tokio::test]
async fn at_its_end_a_token_may_be_prolonged_by_itself() {
    let (_server, client, token) = with_the_same_token_again().await;
    let session = client.session(token.clone()).unwrap();
    let renewed = session.renew().await.unwrap();
    assert_eq!(renewed.fingerprint(), token.fingerprint());
    assert_eq!(session.state(), State::Fresh);
}

fn stored(sandbox: &Sandbox, store: &MemoryStore) -> (Session, StoreKey) {
    let (client, email) = (client(sandbox), sandbox.iqm().user().email);
    let key = client.store_key(email);
    let session = client
        .session_builder_with_password(email, password(sandbox))
        .store(Arc::new(store.clone()), key.clone())
        .build()
        .unwrap();
    (session, key)
}

#[tokio::test]
async fn a_second_session_uses_the_first_ones_token_from_the_store_without_a_request() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let (first, _) = stored(&sandbox, &store);
    let token = access(&first).await;
    drop(first);
    let (second, _) = stored(&sandbox, &store);
    assert_eq!(access(&second).await, token);
    assert_calls(&sandbox, 1, 0);

    sandbox.clock().advance(LIFETIME);
    let (third, _) = stored(&sandbox, &store);
    let renewed = access(&third).await;
    assert_ne!(renewed, token);
    assert_eq!(access(&second).await, renewed);
    assert_calls(&sandbox, 1, 1);
}

#[tokio::test]
async fn workspaces_and_test_systems_have_places_of_their_own_in_a_store() {
    let sandbox = sandbox();
    let other = crate::set_up::builder(&sandbox)
        .workspace_host("agency.example.com")
        .build()
        .unwrap();
    let live = Client::builder("id", "secret").build().unwrap();
    let keys = [&client(&sandbox), &other, &live].map(|client| client.store_key("a@example.com"));
    assert!(
        keys.iter()
            .all(|key| key.vendor == "iqm" && key.account == "a@example.com")
    );
    assert_eq!(keys[2].base_url, "https://api.iqm.com/");
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
}

#[tokio::test]
async fn a_log_out_revokes_at_the_vendor_and_deletes_from_the_store() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let (session, key) = stored(&sandbox, &store);
    let token = access(&session).await;
    assert!(store.load(&key).await.unwrap().is_some());

    session.log_out().await.unwrap();
    assert!(!sandbox.iqm().accepts(&token));
    assert!(store.load(&key).await.unwrap().is_none());
    sandbox.log().assert_count("iqm.log_out", 1);
    let error = session.headers().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InteractionRequired);
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    assert_calls(&sandbox, 1, 0);

    session.renew().await.unwrap();
    assert!(sandbox.iqm().accepts(&access(&session).await));
    assert_calls(&sandbox, 2, 0);
}

#[tokio::test]
async fn a_log_out_with_a_token_that_is_dead_already_succeeds() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    access(&session).await;
    sandbox.iqm().revoke_all(sandbox.iqm().user().email);
    session.log_out().await.unwrap();
    sandbox.log().assert_count("iqm.log_out", 1);
}

#[tokio::test]
async fn a_tokens_life_is_counted_from_the_moment_its_request_was_sent() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    for operation in ["iqm.log_in", "iqm.refresh"] {
        let (fault, gate) = Fault::hold();
        sandbox.fault(fault.on(operation));
        let caller = tokio::spawn({
            let session = session.clone();
            async move { session.credential().await.unwrap() }
        });
        gate.reached().await;
        let sent = sandbox.clock().now().wall();
        sandbox.clock().advance(Duration::from_secs(600));
        gate.release();
        let credential = caller.await.unwrap();
        assert_eq!(
            credential.expiry(),
            Expiry::At(sent + LIFETIME),
            "{operation}"
        );
        sandbox.clock().advance(LIFETIME);
    }
}

#[tokio::test]
async fn a_session_authorizes_requests_of_any_http_client_to_the_vendor_alone() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}api/v3/ua/profile", sandbox.iqm().base_url());
    let request = session.authorize(http.get(url)).await.unwrap();
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(
        response
            .text()
            .await
            .unwrap()
            .contains(sandbox.iqm().user().email)
    );

    let stranger = Sandbox::start().unwrap();
    let error = session
        .authorize(http.get(stranger.iqm().base_url()))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert_eq!(stranger.log().entries().len(), 0);
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end_while_callers_go_on_with_it() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    let old = access(&session).await;
    let (fault, gate) = Fault::hold();
    sandbox.fault(fault.on("iqm.refresh"));
    sandbox.clock().advance(LIFETIME.mul_f64(0.95));
    for _ in 0..10 {
        assert_eq!(access(&session).await, old);
    }
    gate.reached().await;
    assert_eq!(session.state(), State::Renewing);
    assert_eq!(access(&session).await, old);
    gate.release();
    assert_eq!(settled(&session).await, State::Fresh);
    assert_ne!(access(&session).await, old);
    assert_calls(&sandbox, 1, 1);
}

#[tokio::test]
async fn a_session_that_is_kept_fresh_renews_without_callers() {
    let sandbox = sandbox_with(|builder| builder.rotate_refresh_tokens(true));
    let session = session(&sandbox);
    let guard = session.keep_fresh().unwrap();
    sandbox.log().until_count("iqm.log_in", 1).await;
    for lifetime in 1..=3 {
        assert_eq!(settled(&session).await, State::Fresh);
        sandbox.clock().until_sleeping(1).await;
        sandbox.clock().advance(LIFETIME.mul_f64(0.95));
        sandbox.log().until_count("iqm.refresh", lifetime).await;
    }
    assert_eq!(settled(&session).await, State::Fresh);
    drop(guard);
    assert!(sandbox.iqm().accepts(&access(&session).await));
    assert_eq!(sandbox.iqm().reuse_detected(), 0);
    assert_calls(&sandbox, 1, 3);
}

#[tokio::test]
async fn a_failed_early_renewal_leaves_the_token_in_use() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    let old = access(&session).await;
    sandbox.fault(Fault::status(500).on("iqm.refresh").times(2));
    sandbox.clock().advance(LIFETIME.mul_f64(0.95));
    assert_eq!(access(&session).await, old);
    assert_eq!(settled(&session).await, State::Stale);
    assert_eq!(access(&session).await, old);
    assert_calls(&sandbox, 1, 2);
    sandbox.clock().advance(LIFETIME.mul_f64(0.05));
    assert_ne!(access(&session).await, old);
    assert_calls(&sandbox, 1, 3);
}

#[test]
fn a_session_is_used_from_two_runtimes_one_after_the_other() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    let first = runtime();
    let old = first.block_on(access(&session));
    sandbox.clock().advance(LIFETIME);
    // The first runtime is alive, but nobody drives it.
    let new = runtime().block_on(access(&session));
    assert_ne!(new, old);
    drop(first);
    sandbox.clock().advance(LIFETIME);
    assert_ne!(runtime().block_on(access(&session)), new);
    assert_calls(&sandbox, 1, 2);
}

#[test]
fn a_client_is_used_from_two_runtimes_one_after_the_other() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let (email, password) = (sandbox.iqm().user().email, password(&sandbox));
    let first = runtime();
    let token = first.block_on(client.log_in(email, &password)).unwrap();
    let token = runtime().block_on(client.refresh(&token)).unwrap();
    drop(first);
    let credential = token.credential().unwrap();
    runtime().block_on(client.profile(&credential)).unwrap();
    assert!(sandbox.iqm().accepts(token.access_token().expose_secret()));
}
