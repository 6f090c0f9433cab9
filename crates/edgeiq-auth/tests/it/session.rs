//! A session's whole life against the vendor.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use auth_core::Clock as _;
use auth_sandbox::{Fault, Sandbox};
use edgeiq_auth::{
    ApiToken, BoxFuture, Client, CoreError, Error, ErrorKind, Expiry, ExposeSecret as _,
    LONGEST_LIFETIME, Lifetime, MemoryStore, SecretString, Session, State, StoreKey,
    TokenStore as _,
};
use tokio::runtime::{Builder, Runtime};

use crate::set_up::{
    LIFETIME, builder, client, email, log_in, password, sandbox, session, settled,
};

/// The token that callers get, after checking the headers.
async fn access(session: &Session) -> String {
    let headers = session.headers().await.unwrap();
    assert_eq!(headers.len(), 1);
    headers["authorization"].to_str().unwrap().to_owned()
}

fn assert_log_ins(sandbox: &Sandbox, log_ins: usize) {
    sandbox.log().assert_count("edgeiq.authenticate", log_ins);
    assert_eq!(sandbox.log().entries().len(), log_ins);
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_token_is_renewed_once_for_a_thousand_callers() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    session.headers().await.unwrap();
    sandbox.clock().advance(LIFETIME);
    let (fault, gate) = Fault::hold();
    sandbox.fault(fault.on("edgeiq.authenticate"));
    let callers: Vec<_> = (0..1_000)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move { access(&session).await })
        })
        .collect();
    gate.reached().await;
    gate.release();
    for caller in callers {
        assert!(sandbox.edgeiq().accepts(&caller.await.unwrap()));
    }
    assert_log_ins(&sandbox, 2);
}

#[tokio::test]
async fn a_session_asks_for_the_same_lifetime_each_time() {
    let sandbox = sandbox();
    let day = Duration::from_secs(86_400);
    let session = builder(&sandbox)
        .session_lifetime(day)
        .build()
        .unwrap()
        .session_with_password(email(&sandbox), password(&sandbox))
        .unwrap();
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

/// Gives what it is told to, and counts how often it is asked.
fn provider(
    asked: &Arc<AtomicUsize>,
    answer: impl Fn(usize) -> Result<SecretString, Error> + Send + Sync + 'static,
) -> impl Fn() -> BoxFuture<'static, Result<SecretString, Error>> + Send + Sync + 'static {
    let asked = Arc::clone(asked);
    move || {
        let answer = answer(asked.fetch_add(1, Ordering::SeqCst) + 1);
        Box::pin(async move {
            // A provider may wait.
            tokio::task::yield_now().await;
            answer
        })
    }
}

#[tokio::test]
async fn a_provider_is_asked_for_the_password_of_each_log_in() {
    let sandbox = sandbox();
    let asked = Arc::new(AtomicUsize::new(0));
    let held = password(&sandbox);
    let session = client(&sandbox)
        .session_with_provider(email(&sandbox), provider(&asked, move |_| Ok(held.clone())))
        .unwrap();
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
async fn a_provider_that_gives_up_is_not_asked_again_until_somebody_wants_it() {
    let sandbox = sandbox();
    let asked = Arc::new(AtomicUsize::new(0));
    let held = password(&sandbox);
    let answer = move |time| match time {
        1 => Err(Error::LoginRequired {
            reason: "the prompt was closed".to_owned(),
        }),
        _ => Ok(held.clone()),
    };
    let session = client(&sandbox)
        .session_with_provider(email(&sandbox), provider(&asked, answer))
        .unwrap();
    for _ in 0..3 {
        let error = session.headers().await.unwrap_err();
        assert!(error.to_string().contains("the prompt was closed"));
        assert_eq!(error.kind(), ErrorKind::InteractionRequired);
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
    let asked = Arc::new(AtomicUsize::new(0));
    let held = password(&sandbox);
    let answer = move |time| match time {
        1 => Err(CoreError::new(ErrorKind::Unavailable, "the vault is closed").into()),
        _ => Ok(held.clone()),
    };
    let session = client(&sandbox)
        .session_with_provider(email(&sandbox), provider(&asked, answer))
        .unwrap();
    for _ in 0..2 {
        let error = session.headers().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    sandbox.clock().advance(Duration::from_secs(2));
    access(&session).await;
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_provider_with_a_wrong_password_is_not_asked_again() {
    let sandbox = sandbox();
    let asked = Arc::new(AtomicUsize::new(0));
    let session = client(&sandbox)
        .session_with_provider(
            email(&sandbox),
            provider(&asked, |_| Ok("not the password".into())),
        )
        .unwrap();
    for _ in 0..3 {
        let error = session.headers().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
        sandbox.clock().advance(LIFETIME);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_log_ins(&sandbox, 1);
}

#[tokio::test]
async fn a_wrong_password_is_sent_once_by_a_session() {
    let sandbox = sandbox();
    let session = client(&sandbox)
        .session_with_password(email(&sandbox), "not the password")
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
    assert_log_ins(&sandbox, 1);
}

#[tokio::test]
async fn a_session_without_a_password_needs_a_person_when_its_token_has_ended() {
    let sandbox = sandbox();
    let session = client(&sandbox).session(log_in(&sandbox).await).unwrap();
    access(&session).await;
    sandbox.log().clear();
    for _ in 0..2 {
        sandbox.clock().advance(LIFETIME);
        let error = session.headers().await.unwrap_err();
        assert!(matches!(error, Error::LoginRequired { .. }), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::InteractionRequired);
        assert_eq!(session.try_headers(), None);
    }
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    assert_eq!(sandbox.log().entries().len(), 0);

    session.adopt(log_in(&sandbox).await.into()).await.unwrap();
    assert!(sandbox.edgeiq().accepts(&access(&session).await));
    assert_eq!(session.state(), State::Fresh);
}

#[tokio::test]
async fn a_session_with_a_permanent_token_never_renews() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let token = ApiToken::new(sandbox.edgeiq().api_token(email(&sandbox)).unwrap());
    let session = client.session_with_api_token(token.clone()).unwrap();
    assert_eq!(session.expiry(), Some(Expiry::Never));
    for _ in 0..3 {
        assert_eq!(access(&session).await, token.secret().expose_secret());
        sandbox.clock().advance(LONGEST_LIFETIME * 100);
    }
    assert_eq!(session.state(), State::Fresh);
    assert_eq!(sandbox.log().entries().len(), 0);
    client
        .me(&session.credential().await.unwrap())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_permanent_token_that_is_refused_needs_a_person() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let old = ApiToken::new(sandbox.edgeiq().api_token(email(&sandbox)).unwrap());
    let session = client.session_with_api_token(old).unwrap();
    let new = client
        .reset_api_token(email(&sandbox), &password(&sandbox))
        .await
        .unwrap();
    let dead = session.credential().await.unwrap();
    let error = client.me(&dead).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TokenRejected);
    session.invalidate(&dead);
    let error = session.headers().await.unwrap_err();
    assert!(matches!(error, Error::LoginRequired { .. }), "{error:?}");

    session.adopt(new.into()).await.unwrap();
    client
        .me(&session.credential().await.unwrap())
        .await
        .unwrap();
    sandbox.log().assert_count("edgeiq.authenticate", 0);
}

#[tokio::test]
async fn a_403_that_is_reported_causes_one_renewal() {
    let sandbox = sandbox();
    let (client, session) = (client(&sandbox), session(&sandbox));
    let dead = session.credential().await.unwrap();
    sandbox.edgeiq().revoke_sessions(email(&sandbox));
    let error = client.me(&dead).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TokenRejected);
    for _ in 0..5 {
        session.invalidate(&dead);
        let credential = session.credential().await.unwrap();
        client.me(&credential).await.unwrap();
    }
    sandbox.log().assert_count("edgeiq.authenticate", 2);
}

fn stored(sandbox: &Sandbox, store: &MemoryStore) -> (Session, StoreKey) {
    let client = client(sandbox);
    let key = client.store_key(email(sandbox));
    let session = client
        .session_builder_with_password(email(sandbox), password(sandbox))
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
    assert_log_ins(&sandbox, 1);

    sandbox.clock().advance(LIFETIME);
    let (third, _) = stored(&sandbox, &store);
    let renewed = access(&third).await;
    assert_ne!(renewed, token);
    assert_eq!(access(&second).await, renewed);
    assert_log_ins(&sandbox, 2);
}

#[tokio::test]
async fn a_session_without_a_password_uses_the_token_in_its_store() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let (first, key) = stored(&sandbox, &store);
    let token = access(&first).await;
    let second = client(&sandbox)
        .session_builder()
        .store(Arc::new(store), key)
        .build()
        .unwrap();
    assert_eq!(access(&second).await, token);
    assert_log_ins(&sandbox, 1);
}

#[test]
fn users_and_test_systems_have_places_of_their_own_in_a_store() {
    let live = Client::builder().build().unwrap();
    let staging = Client::builder()
        .base_url("https://staging.edgeiq.io/")
        .build()
        .unwrap();
    let keys = [
        live.store_key("a@example.com"),
        live.store_key("b@example.com"),
        staging.store_key("a@example.com"),
    ];
    assert!(keys.iter().all(|key| key.vendor == "edgeiq"));
    assert_eq!(keys[0].base_url, "https://api.edgeiq.io/api/v1/platform/");
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
}

#[tokio::test]
async fn a_log_out_forgets_the_token_here_and_asks_the_vendor_nothing() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let (session, key) = stored(&sandbox, &store);
    let token = access(&session).await;
    assert!(store.load(&key).await.unwrap().is_some());

    session.log_out().await.unwrap();
    assert!(store.load(&key).await.unwrap().is_none());
    let error = session.headers().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InteractionRequired);
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    assert_log_ins(&sandbox, 1);
    // The vendor documents no call that would end it.
    assert!(sandbox.edgeiq().accepts(&token));

    session.renew().await.unwrap();
    assert_ne!(access(&session).await, token);
    assert_log_ins(&sandbox, 2);
}

#[tokio::test]
async fn a_tokens_life_without_a_named_end_is_counted_from_the_moment_its_request_was_sent() {
    let sandbox = crate::set_up::sandbox_with(|builder| {
        builder.edgeiq_session_expires_at(auth_sandbox::SessionExpiresAt::Missing)
    });
    let session = session(&sandbox);
    for _ in 0..2 {
        let (fault, gate) = Fault::hold();
        sandbox.fault(fault.on("edgeiq.authenticate"));
        let caller = tokio::spawn({
            let session = session.clone();
            async move { session.credential().await.unwrap() }
        });
        gate.reached().await;
        let sent = sandbox.clock().now().wall();
        sandbox.clock().advance(Duration::from_secs(600));
        gate.release();
        let credential = caller.await.unwrap();
        assert_eq!(credential.expiry(), Expiry::At(sent + LIFETIME));
        sandbox.clock().advance(LIFETIME);
    }
}

#[tokio::test]
async fn a_session_authorizes_requests_of_any_http_client_to_the_vendor_alone() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http
        .get(format!("{}me", sandbox.edgeiq().base_url()))
        .header("accept", "application/json")
        .header("content-type", "application/json");
    let request = session.authorize(request).await.unwrap();
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.text().await.unwrap().contains(email(&sandbox)));

    let stranger = Sandbox::start().unwrap();
    let error = session
        .authorize(http.get(stranger.edgeiq().base_url()))
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
    sandbox.fault(fault.on("edgeiq.authenticate"));
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
    assert_log_ins(&sandbox, 2);
}

#[tokio::test]
async fn a_session_that_is_kept_fresh_renews_without_callers() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    let guard = session.keep_fresh().unwrap();
    let log = sandbox.log();
    log.until_count("edgeiq.authenticate", 1).await;
    for lifetime in 2..=4 {
        assert_eq!(settled(&session).await, State::Fresh);
        sandbox.clock().until_sleeping(1).await;
        sandbox.clock().advance(LIFETIME.mul_f64(0.95));
        log.until_count("edgeiq.authenticate", lifetime).await;
    }
    assert_eq!(settled(&session).await, State::Fresh);
    drop(guard);
    assert!(sandbox.edgeiq().accepts(&access(&session).await));
    assert_log_ins(&sandbox, 4);
}

#[tokio::test]
async fn a_failed_early_renewal_leaves_the_token_in_use() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    let old = access(&session).await;
    sandbox.fault(Fault::status(500).on("edgeiq.authenticate").times(3));
    sandbox.clock().advance(LIFETIME.mul_f64(0.95));
    assert_eq!(access(&session).await, old);
    assert_eq!(settled(&session).await, State::Stale);
    assert_eq!(access(&session).await, old);
    assert_log_ins(&sandbox, 4);
    sandbox.clock().advance(LIFETIME.mul_f64(0.05));
    assert_ne!(access(&session).await, old);
    assert_log_ins(&sandbox, 5);
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
    assert_log_ins(&sandbox, 3);
}

#[test]
fn a_client_is_used_from_two_runtimes_one_after_the_other() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let password = password(&sandbox);
    let log_in = || client.authenticate(email(&sandbox), &password, Lifetime::Default);
    let first = runtime();
    first.block_on(log_in()).unwrap();
    let token = runtime().block_on(log_in()).unwrap().token;
    drop(first);
    let credential = token.credential().unwrap();
    runtime().block_on(client.me(&credential)).unwrap();
}
