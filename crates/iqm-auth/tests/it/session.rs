//! A session's whole life against the vendor.

use std::time::Duration;

use auth_sandbox::{Fault, Sandbox, SandboxClock};
use http::{HeaderMap, Request};
use httpmock::prelude::*;
use iqm_auth::store::{MemoryStore, TokenStore as _};
use iqm_auth::{AuthHeaders, Client, Error, ErrorKind, Login, Session, State, Token};
use vendor_tests::renewed_session::assert_lives_from_the_sending;
use vendor_tests::{PasswordLogin as _, Renewals, Sessions, Vendor as _};

use crate::set_up::{
    Iqm, LIFETIME, assert_refused, base_url, client, email, log_in, sandbox, sandbox_with, session,
};

vendor_tests::session!(Iqm);
vendor_tests::renewed_session!(Iqm);
vendor_tests::password_session!(Iqm);

impl Sessions for Iqm {
    fn access_in(headers: &HeaderMap) -> &str {
        assert_eq!(headers.len(), 2);
        assert_eq!(headers["x-iaa-ow-id"], "200001");
        let value = headers["authorization"].to_str().unwrap();
        value.strip_prefix("Bearer ").unwrap()
    }

    async fn check(client: &Client, auth_headers: &AuthHeaders) -> Result<(), Error> {
        client.profile(auth_headers).await.map(drop)
    }

    fn request(sandbox: &Sandbox) -> Request<String> {
        let url = base_url(sandbox).join("api/v3/ua/profile").unwrap();
        Request::get(url.as_str()).body(String::new()).unwrap()
    }

    fn assert_logged_out(sandbox: &Sandbox, access: &str) {
        assert!(!sandbox.iqm().accepts(access));
        sandbox.log().assert_count("iqm.log_out", 1);
        assert_eq!(sandbox.log().entries().len(), 1);
    }

    fn accepts(sandbox: &Sandbox, access: &str) -> bool {
        sandbox.iqm().accepts(access) && sandbox.iqm().reuse_detected() == 0
    }
}

impl Renewals for Iqm {
    const LIFETIME: Duration = LIFETIME;
    const FIRST: Option<&'static str> = Some(Self::LOG_IN);
    /// A tenth of the life, which is when a renewal is due, and a quarter of that for the jitter.
    const NOT_YET_DUE: Duration = Duration::from_secs(31_000);
    const DUE: Duration = Duration::from_secs(34_000);
    const NEXT_TRY: Duration = Duration::from_secs(3_600);

    fn strict_sandbox() -> Sandbox {
        sandbox_with(|builder| builder.iqm_rotate_refresh_tokens(true))
    }

    async fn session_with_one_way(sandbox: &Sandbox) -> Session {
        session_with_token(sandbox, log_in(sandbox).await)
    }
}

async fn access(session: &Session) -> String {
    vendor_tests::session::access::<Iqm>(session).await
}

fn session_with_token(sandbox: &Sandbox, token: Token) -> Session {
    client(sandbox).session(token).build().unwrap()
}

fn assert_calls(sandbox: &Sandbox, log_ins: usize, refreshes: usize) {
    sandbox.log().assert_count("iqm.log_in", log_ins);
    sandbox.log().assert_count("iqm.refresh", refreshes);
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

#[tokio::test]
async fn a_session_with_rotating_refresh_tokens_never_uses_one_twice() {
    let sandbox = sandbox_with(|builder| builder.iqm_rotate_refresh_tokens(true));
    let session = session(&sandbox);
    for _ in 0..6 {
        let auth_headers = session.auth_headers().await.unwrap();
        client(&sandbox).profile(&auth_headers).await.unwrap();
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
        assert_refused(&error, ErrorKind::TokenRejected, "the token was refused");
        assert_eq!(session.try_headers(), None);
    }
    let State::LoginRequired { reason } = session.state() else {
        panic!("{session:?}")
    };
    assert_eq!(reason.kind(), ErrorKind::TokenRejected);
    // The second look as well.
    assert_calls(&sandbox, 1, 2);

    session.set_token(log_in(&sandbox).await).await.unwrap();
    assert!(sandbox.iqm().accepts(&access(&session).await));
    assert_eq!(session.state(), State::Fresh);
}

#[tokio::test]
async fn an_account_on_hold_is_remembered_with_its_texts() {
    let sandbox = sandbox();
    let user = sandbox.iqm().on_hold_user();
    let session = Iqm::session_with_password(&client(&sandbox), user.email, user.password);
    for _ in 0..2 {
        let error = session.headers().await.unwrap_err();
        let text = "for last 3 months. (contact support@iqm.com)";
        assert_refused(&error, ErrorKind::Denied, text);
    }
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    assert_calls(&sandbox, 1, 0);
}

#[tokio::test]
async fn a_session_from_an_mfa_code_needs_a_person_when_its_token_has_ended() {
    let sandbox = sandbox();
    let (client, user) = (client(&sandbox), sandbox.iqm().mfa_user());
    let session = Iqm::session_with_password(&client, user.email, user.password);
    let error = session.headers().await.unwrap_err();
    let Error::MfaRequired { login, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    assert_eq!(session.try_headers(), None);
    client.send_mfa_code(login).await.unwrap();
    let code = sandbox.iqm().mfa_code(user.email).unwrap();
    let token = client.verify_mfa_code(login, &code.into()).await.unwrap();
    session.set_token(token.clone()).await.unwrap();
    assert_eq!(session.state(), State::Fresh);
    let session = client.session(token).build().unwrap();
    let auth_headers = session.auth_headers().await.unwrap();
    assert_eq!(
        client.profile(&auth_headers).await.unwrap().email,
        user.email
    );

    sandbox.log().clear();
    sandbox.clock().advance(LIFETIME);
    for _ in 0..2 {
        let error = session.headers().await.unwrap_err();
        let text = "a person must log in: there is no refresh token";
        assert_refused(&error, ErrorKind::InteractionRequired, text);
    }
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    assert_eq!(sandbox.log().entries().len(), 0);
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
        .session(Login::password("user1@iqm.com", "123456"))
        .token(token)
        .build()
        .unwrap();
    let dead = session.auth_headers().await.unwrap();
    session.invalidate(&dead);
    let headers = session.headers().await.unwrap();
    assert_eq!(headers["authorization"], "Bearer other");
    assert_eq!(log_in.calls_async().await, 1);
}

#[tokio::test]
async fn after_a_401_the_same_token_again_without_a_password_needs_a_log_in() {
    let (_server, client, token) = with_the_same_token_again().await;
    let session = client.session(token).build().unwrap();
    let dead = session.auth_headers().await.unwrap();
    session.invalidate(&dead);
    let error = session.headers().await.unwrap_err();
    let text = "the refresh gave back the token that was refused";
    assert_refused(&error, ErrorKind::TokenRejected, text);
    assert_eq!(error.http_status(), None);
    assert!(matches!(session.state(), State::LoginRequired { .. }));
}

#[tokio::test]
async fn at_its_end_a_token_may_be_prolonged_by_itself() {
    let (_server, client, token) = with_the_same_token_again().await;
    let session = client.session(token.clone()).build().unwrap();
    let renewed = session.renew().await.unwrap();
    assert_eq!(renewed.fingerprint(), token.fingerprint());
    assert_eq!(session.state(), State::Fresh);
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
    for operation in [Iqm::LOG_IN, Iqm::RENEWAL] {
        assert_lives_from_the_sending::<Iqm>(&sandbox, &session, operation).await;
    }
    assert_calls(&sandbox, 1, 1);
}

#[tokio::test]
async fn a_token_of_another_account_is_refused_at_once() {
    let sandbox = sandbox();
    let token = log_in(&sandbox).await;
    sandbox.log().clear();
    let text = "another account";
    let other = || client(&sandbox).session(Login::password("ann@example.com", "correct horse"));
    let error = other().token(token.clone()).build().unwrap_err();
    assert_refused(&error, ErrorKind::InvalidConfig, text);

    let store = MemoryStore::new();
    let session = other().store(store.clone()).build().unwrap();
    let error = session.set_token(token.clone()).await.unwrap_err();
    assert_refused(&error, ErrorKind::InvalidConfig, text);
    assert_eq!(session.state(), State::Absent);
    assert_eq!(store.list().await.unwrap(), []);
    assert_eq!(sandbox.log().entries().len(), 0);

    // Only the spaces differ.
    let same = client(&sandbox).session(Login::password(" user1@iqm.com\n", "123456"));
    same.token(token).build().unwrap();
}

#[tokio::test]
async fn a_stored_login_needs_a_store_and_resumes_from_it_without_a_request() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let stored = || client(&sandbox).session(Login::stored(email(&sandbox)));
    let error = stored().build().unwrap_err();
    assert_refused(&error, ErrorKind::InvalidConfig, "needs a store");

    let token = access(&Iqm::session_in_store(&sandbox, store.clone())).await;
    sandbox.log().clear();
    let resumed = stored().store(store).build().unwrap();
    assert_eq!(access(&resumed).await, token);
    assert_calls(&sandbox, 0, 0);
    sandbox.clock().advance(LIFETIME);
    assert_ne!(access(&resumed).await, token);
    assert_calls(&sandbox, 0, 1);

    let empty = stored().store(MemoryStore::new()).build().unwrap();
    let error = empty.headers().await.unwrap_err();
    assert_refused(
        &error,
        ErrorKind::InteractionRequired,
        "no password is held",
    );
}

#[tokio::test]
async fn a_token_that_is_given_with_a_store_is_saved_under_its_account() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let token = log_in(&sandbox).await;
    let session = client(&sandbox).session(token.clone());
    let session = session.store(store.clone()).build().unwrap();
    let key = client(&sandbox).store_key(email(&sandbox));
    let saved = loop {
        match store.load(&key).await.unwrap() {
            Some(saved) => break Token::from(saved),
            None => tokio::task::yield_now().await,
        }
    };
    assert_eq!(saved.fingerprint(), token.fingerprint());
    assert_eq!(saved.account(), Some(email(&sandbox)));
    drop(session);

    // A code's token names no account, so the program does.
    let uri = "https://example.com/";
    let code = sandbox.iqm().authorization_code(email(&sandbox), uri);
    let token = client(&sandbox)
        .exchange_code(&code.into(), uri, None)
        .await;
    let token = token.unwrap();
    let build = |token| client(&sandbox).session(token).store(store.clone()).build();
    let error = build(token.clone()).unwrap_err();
    assert_refused(
        &error,
        ErrorKind::InvalidConfig,
        "the login names no account",
    );
    build(token.with_account(email(&sandbox))).unwrap();
}

#[tokio::test]
async fn a_password_that_is_refused_with_status_200_is_sent_once() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    sandbox.fault(Fault::success_false().on(Iqm::LOG_IN).always());
    for _ in 0..3 {
        let error = session.headers().await.unwrap_err();
        assert_refused(
            &error,
            ErrorKind::InvalidCredentials,
            "the log-in was refused",
        );
        assert_eq!(error.http_status(), Some(200));
        sandbox.clock().advance(LIFETIME);
    }
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    assert_calls(&sandbox, 1, 0);
}

#[tokio::test]
async fn a_refresh_that_was_answered_and_gave_no_token_falls_back_to_the_password() {
    for fault in [Fault::success_false(), Fault::garbage_json()] {
        let sandbox = sandbox();
        let session = session(&sandbox);
        access(&session).await;
        sandbox.clock().advance(LIFETIME);
        sandbox.fault(fault.on(Iqm::RENEWAL));
        assert!(sandbox.iqm().accepts(&access(&session).await));
        assert_calls(&sandbox, 2, 1);
    }
}
