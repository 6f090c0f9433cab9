//! A session's whole life against the vendor.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use auth_core::Clock as _;
use auth_sandbox::{Fault, Sandbox};
use edgeiq_auth::clock::BoxFuture;
use edgeiq_auth::store::{self, MemoryStore, TokenStore as _};
use edgeiq_auth::{
    ApiToken, AuthHeaders, Client, Error, ErrorKind, Expiry, ExposeSecret as _, Lifetime, Login,
    SecretString, Session, State,
};
use http::{HeaderMap, Request};
use vendor_tests::renewed_session::assert_lives_from_the_sending;
use vendor_tests::{PasswordLogin as _, Renewals, Sessions, Vendor as _, assert_refused};

use crate::set_up::{
    EdgeIq, LIFETIME, always, base_url, builder, client, email, log_in, password, sandbox, session,
};

vendor_tests::session!(EdgeIq);
vendor_tests::renewed_session!(EdgeIq);
vendor_tests::password_session!(EdgeIq);

impl Sessions for EdgeIq {
    fn access_in(headers: &HeaderMap) -> &str {
        assert_eq!(headers.len(), 1);
        headers["authorization"].to_str().unwrap()
    }

    async fn check(client: &Client, auth_headers: &AuthHeaders) -> Result<(), Error> {
        client.me(auth_headers).await.map(drop)
    }

    fn request(sandbox: &Sandbox) -> Request<String> {
        Request::get(base_url(sandbox).join("me").unwrap().as_str())
            .header("accept", "application/json")
            .header("content-type", "application/json")
            .body(String::new())
            .unwrap()
    }

    /// The vendor documents no call that would end a token.
    fn assert_logged_out(sandbox: &Sandbox, access: &str) {
        assert_eq!(sandbox.log().entries().len(), 0);
        assert!(Self::accepts(sandbox, access));
    }

    fn accepts(sandbox: &Sandbox, access: &str) -> bool {
        sandbox.edgeiq().accepts(access)
    }
}

impl Renewals for EdgeIq {
    const LIFETIME: Duration = LIFETIME;
    const FIRST: Option<&'static str> = Some(Self::LOG_IN);
    /// A tenth of the life, which is when a renewal is due, and a quarter of that for the jitter.
    const NOT_YET_DUE: Duration = Duration::from_secs(12_500);
    const DUE: Duration = Duration::from_secs(13_500);
    const NEXT_TRY: Duration = Duration::from_secs(3_600);

    fn end_reported_token(sandbox: &Sandbox) {
        sandbox.edgeiq().revoke_sessions(email(sandbox));
    }
}

async fn access(session: &Session) -> String {
    vendor_tests::session::access::<EdgeIq>(session).await
}

fn assert_log_ins(sandbox: &Sandbox, log_ins: usize) {
    sandbox.log().assert_count("edgeiq.authenticate", log_ins);
    assert_eq!(sandbox.log().entries().len(), log_ins);
}

#[tokio::test]
async fn a_session_logs_in_exactly_once_for_each_lifetime() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    assert_log_ins(&sandbox, 0);
    for lifetime in 1..=5 {
        for _ in 0..3 {
            assert!(sandbox.edgeiq().accepts(&access(&session).await));
        }
        assert_eq!(session.state(), State::Fresh);
        assert_log_ins(&sandbox, lifetime);
        sandbox.clock().advance(LIFETIME);
    }
}

#[tokio::test]
async fn a_session_asks_for_the_same_lifetime_each_time() {
    let sandbox = sandbox();
    let day = Duration::from_secs(86_400);
    let client = builder(&sandbox).session_lifetime(day).build().unwrap();
    let password = sandbox.edgeiq().user().password;
    let session = EdgeIq::session_with_password(&client, email(&sandbox), password);
    for log_ins in 1..=3 {
        assert!(sandbox.edgeiq().accepts(&access(&session).await));
        let end = sandbox.clock().now().wall() + day;
        assert_eq!(session.expiry(), Some(Expiry::At(end)));
        assert_log_ins(&sandbox, log_ins);
        sandbox.clock().advance(day);
    }
    let sent: Vec<_> = sandbox
        .log()
        .entries_of("edgeiq.authenticate")
        .iter()
        .map(|entry| entry.field("token_expiry").unwrap())
        .collect();
    assert!(sent[0] < sent[1] && sent[1] < sent[2], "{sent:?}");
}

#[tokio::test]
async fn without_a_lifetime_a_session_asks_for_none() {
    let sandbox = sandbox();
    access(&session(&sandbox)).await;
    let sent = sandbox.log().last("edgeiq.authenticate").unwrap();
    assert_eq!(sent.field("token_expiry"), None);
}

/// A session that asks for its password, and how often it has asked. `tell` gets the number of the
/// question.
fn asking(
    sandbox: &Sandbox,
    tell: impl Fn(usize) -> Result<SecretString, Error> + Send + Sync + 'static,
) -> (Session, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let provider = move || -> BoxFuture<'static, _> {
        let told = tell(counter.fetch_add(1, Ordering::SeqCst) + 1);
        Box::pin(async move {
            // A provider may wait.
            tokio::task::yield_now().await;
            told
        })
    };
    let login = Login::password_from(email(sandbox), provider);
    (client(sandbox).session(login).build().unwrap(), asked)
}

#[tokio::test]
async fn a_provider_is_asked_for_the_password_of_each_log_in() {
    let sandbox = sandbox();
    let held = password(&sandbox);
    let (session, asked) = asking(&sandbox, move |_| Ok(held.clone()));
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    for time in 1..=3 {
        assert!(sandbox.edgeiq().accepts(&access(&session).await));
        access(&session).await;
        assert_eq!(asked.load(Ordering::SeqCst), time);
        sandbox.clock().advance(LIFETIME);
    }
    assert_log_ins(&sandbox, 3);
}

#[tokio::test]
async fn a_provider_that_gives_up_is_not_asked_again_until_the_program_wants_it() {
    let sandbox = sandbox();
    let held = password(&sandbox);
    let (session, asked) = asking(&sandbox, move |time| match time {
        1 => Err(Error::LoginRequired {
            reason: "the prompt was closed".to_owned(),
        }),
        _ => Ok(held.clone()),
    });
    for _ in 0..3 {
        let error = session.headers().await.unwrap_err();
        assert_refused(
            &error,
            ErrorKind::InteractionRequired,
            "the prompt was closed",
        );
        sandbox.clock().advance(LIFETIME);
    }
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_log_ins(&sandbox, 0);

    session.renew().await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert_log_ins(&sandbox, 1);
}

#[tokio::test]
async fn a_provider_that_fails_for_a_moment_is_asked_again_after_a_pause() {
    let sandbox = sandbox();
    let held = password(&sandbox);
    let (session, asked) = asking(&sandbox, move |time| match time {
        1 => Err(store::Error::new(ErrorKind::Unavailable, "the vault is closed").into()),
        _ => Ok(held.clone()),
    });
    for _ in 0..2 {
        let error = session.headers().await.unwrap_err();
        assert_refused(&error, ErrorKind::Unavailable, "the vault is closed");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    sandbox.clock().advance(Duration::from_secs(2));
    access(&session).await;
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_provider_with_a_wrong_password_is_not_asked_again() {
    let sandbox = sandbox();
    let (session, asked) = asking(&sandbox, |_| Ok("not the password".into()));
    for _ in 0..3 {
        let error = session.headers().await.unwrap_err();
        assert_refused(&error, ErrorKind::InvalidCredentials, "Invalid [redacted]");
        sandbox.clock().advance(LIFETIME);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_log_ins(&sandbox, 1);
}

#[tokio::test]
async fn a_session_without_a_password_needs_a_person_when_its_token_has_ended() {
    let sandbox = sandbox();
    let token = log_in(&sandbox).await;
    let session = client(&sandbox).session(token).build().unwrap();
    access(&session).await;
    sandbox.log().clear();
    for _ in 0..2 {
        sandbox.clock().advance(LIFETIME);
        let error = session.headers().await.unwrap_err();
        assert_refused(
            &error,
            ErrorKind::InteractionRequired,
            "no password is held",
        );
        assert_eq!(session.try_headers(), None);
    }
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    assert_eq!(sandbox.log().entries().len(), 0);

    session.set_token(log_in(&sandbox).await).await.unwrap();
    assert!(sandbox.edgeiq().accepts(&access(&session).await));
    assert_eq!(session.state(), State::Fresh);
}

#[tokio::test]
async fn a_session_with_a_permanent_token_never_renews() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let token = ApiToken::new(sandbox.edgeiq().api_token(email(&sandbox)).unwrap());
    let session = client.session(token.clone()).build().unwrap();
    assert_eq!(session.expiry(), Some(Expiry::Never));
    for _ in 0..3 {
        assert_eq!(access(&session).await, token.secret().expose_secret());
        sandbox.clock().advance(Lifetime::LONGEST * 100);
    }
    assert_eq!(session.state(), State::Fresh);
    assert_eq!(sandbox.log().entries().len(), 0);
    client
        .me(&session.auth_headers().await.unwrap())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_permanent_token_that_is_refused_needs_a_person() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let old = ApiToken::new(sandbox.edgeiq().api_token(email(&sandbox)).unwrap());
    let session = client.session(old).build().unwrap();
    let new = client
        .reset_api_token(email(&sandbox), &password(&sandbox))
        .await
        .unwrap();
    let dead = session.auth_headers().await.unwrap();
    let error = client.me(&dead).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TokenRejected);
    session.invalidate(&dead);
    let error = session.headers().await.unwrap_err();
    assert_refused(
        &error,
        ErrorKind::InteractionRequired,
        "no password is held",
    );

    session.set_token(new).await.unwrap();
    client
        .me(&session.auth_headers().await.unwrap())
        .await
        .unwrap();
    sandbox.log().assert_count("edgeiq.authenticate", 0);
}

#[tokio::test]
async fn a_stored_login_needs_a_store_and_continues_with_its_token() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let stored = || client(&sandbox).session(Login::stored(email(&sandbox)));
    let error = stored().build().unwrap_err();
    assert_refused(&error, ErrorKind::InvalidConfig, "needs a store");

    let first = EdgeIq::session_in_store(&sandbox, store.clone());
    let token = access(&first).await;
    let second = stored().store(store).build().unwrap();
    assert_eq!(access(&second).await, token);
    assert_log_ins(&sandbox, 1);
}

#[tokio::test]
async fn a_token_that_a_session_starts_with_is_saved_under_its_account() {
    let sandbox = sandbox();
    let permanent = ApiToken::new(sandbox.edgeiq().api_token(email(&sandbox)).unwrap());
    let unnamed = client(&sandbox).session(permanent.clone());
    let error = unnamed.store(MemoryStore::new()).build().unwrap_err();
    assert_refused(&error, ErrorKind::InvalidConfig, "names no account");

    let named = permanent.with_account(format!(" {}\n", email(&sandbox)));
    for login in [Login::from(named), log_in(&sandbox).await.into()] {
        let store = MemoryStore::new();
        let builder = client(&sandbox).session(login).store(store.clone());
        let session = builder.build().unwrap();
        let saved = loop {
            match store.load(&EdgeIq::key(&sandbox)).await.unwrap() {
                Some(saved) => break saved,
                None => tokio::task::yield_now().await,
            }
        };
        assert_eq!(saved.access().expose_secret(), access(&session).await);
    }
}

#[tokio::test]
async fn a_token_of_another_account_is_refused_at_once() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    let theirs = log_in(&sandbox).await.with_account("olga@edgeiq.example");
    let permanent = ApiToken::new("a-token").with_account("olga@edgeiq.example");
    for token in [store::Token::from(theirs), permanent.into()] {
        let error = session.set_token(token).await.unwrap_err();
        assert_refused(&error, ErrorKind::InvalidConfig, "another account");
    }
    let token = log_in(&sandbox).await;
    session.set_token(token.clone()).await.unwrap();
    assert_eq!(access(&session).await, token.access_token().expose_secret());
}

#[test]
fn users_and_test_systems_have_places_of_their_own_in_a_store() {
    let live = Client::builder().build().unwrap();
    let staging = Client::builder()
        .base_url("https://staging.edgeiq.io/")
        .build()
        .unwrap();
    let keys = [
        live.store_key(" a@example.com\n"),
        live.store_key("b@example.com"),
        staging.store_key("a@example.com"),
    ];
    assert!(keys.iter().all(|key| key.vendor == "edgeiq"));
    assert_eq!(keys[0], live.store_key("a@example.com"));
    assert_eq!(keys[0].base_url, "https://api.edgeiq.io/api/v1/platform/");
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
}

#[tokio::test]
async fn a_tokens_life_without_a_named_end_is_counted_from_the_moment_its_request_was_sent() {
    let sandbox = crate::set_up::sandbox_with(|builder| {
        builder.edgeiq_session_expires_at(auth_sandbox::EdgeIqSessionExpiresAt::Missing)
    });
    let session = session(&sandbox);
    for _ in 0..2 {
        assert_lives_from_the_sending::<EdgeIq>(&sandbox, &session, EdgeIq::LOG_IN).await;
    }
    assert_log_ins(&sandbox, 2);
}

#[tokio::test]
async fn a_token_that_is_valid_is_not_thrown_away_when_it_is_reported() {
    let sandbox = sandbox();
    let permanent = ApiToken::new(sandbox.edgeiq().api_token(email(&sandbox)).unwrap());
    for session in [
        session(&sandbox),
        client(&sandbox).session(permanent).build().unwrap(),
    ] {
        let token = access(&session).await;
        sandbox.log().clear();
        // The user lacks a right, and the program takes the 403 for a dead token.
        for times in 1..=3 {
            session.invalidate(&session.auth_headers().await.unwrap());
            assert_eq!(access(&session).await, token);
            assert_eq!(session.state(), State::Fresh);
            sandbox.log().assert_count("edgeiq.me", times);
            sandbox.clock().advance(Duration::from_secs(60));
        }
        sandbox.log().assert_count("edgeiq.authenticate", 0);
    }
}

#[tokio::test]
async fn an_outage_during_the_look_at_a_reported_token_ends_no_session() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    let token = access(&session).await;
    sandbox.fault(Fault::status(503).on("edgeiq.me").always());
    session.invalidate(&session.auth_headers().await.unwrap());
    let error = session.headers().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    sandbox.clear_faults();
    sandbox.clock().advance(Duration::from_secs(3_600));
    assert_eq!(access(&session).await, token);
    sandbox.log().assert_count("edgeiq.authenticate", 1);
}

#[tokio::test]
async fn a_403_of_a_data_call_is_looked_into_before_the_token_is_renewed() {
    let sandbox = sandbox();
    // With the first client there is cryptography, which this one wants.
    client(&sandbox);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for (status, body, looks) in [
        (403, "you are not authorized to perform this action", 1),
        (403, "the quota is used up", 0),
        (404, "not authorized", 0),
    ] {
        let data = always(|then| then.status(status).body(body)).await;
        let client = builder(&sandbox).allow_host(data.address().to_string());
        let login = Login::password(email(&sandbox), password(&sandbox));
        let session = client.build().unwrap().session(login).build().unwrap();
        access(&session).await;
        sandbox.log().clear();
        let response = session.send(http.get(data.base_url())).await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        sandbox.log().assert_count("edgeiq.me", looks);
        assert_eq!(sandbox.log().entries().len(), looks);
        assert_eq!(session.state(), State::Fresh);
    }
}

#[tokio::test]
async fn a_password_that_is_refused_with_status_200_is_sent_once() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    sandbox.fault(Fault::success_false().on(EdgeIq::LOG_IN).always());
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
    assert_log_ins(&sandbox, 1);
}
