//! A session's whole life against the vendor.

use std::time::Duration;

use auth_core::Clock as _;
use auth_sandbox::{EqWorksUser, Fault, Sandbox};
use eqworks_auth::ErrorKind::{Denied, InteractionRequired, InvalidConfig, TokenRejected};
use eqworks_auth::store::{MemoryStore, TokenStore as _};
use eqworks_auth::{
    AuthHeaders, Client, Error, Expiry, ExposeSecret as _, Login, Product, Session, Stage, State,
    Token,
};
use http::{HeaderMap, Request};
use serde_json::json;
use vendor_tests::login_session::login_required;
use vendor_tests::renewed_session::assert_lives_from_the_sending;
use vendor_tests::{Renewals, Sessions, Vendor as _};

use crate::set_up::{
    DAY, DUE, EqWorks, LIFETIME, assert_refused, base_url, builder_for, client, email, log_in,
    minted, sandbox, session, settled,
};

vendor_tests::session!(EqWorks);
vendor_tests::renewed_session!(EqWorks);
vendor_tests::login_session!(EqWorks);

impl Sessions for EqWorks {
    fn access_in(headers: &HeaderMap) -> &str {
        assert_eq!(headers.len(), 3);
        assert!(headers.contains_key("eq-api-user"));
        assert_eq!(headers["x-eq-product"], "atom");
        headers["eq-api-jwt"].to_str().unwrap()
    }

    async fn check(client: &Client, auth_headers: &AuthHeaders) -> Result<(), Error> {
        client.confirm(auth_headers).await.map(drop)
    }

    fn request(sandbox: &Sandbox) -> Request<String> {
        let url = base_url(sandbox).join("prod/confirm?product=atom").unwrap();
        Request::get(url.as_str()).body(String::new()).unwrap()
    }

    /// The vendor has no log-out.
    fn assert_logged_out(sandbox: &Sandbox, access: &str) {
        assert_eq!(sandbox.log().entries().len(), 0);
        assert!(Self::accepts(sandbox, access));
    }

    fn accepts(sandbox: &Sandbox, access: &str) -> bool {
        sandbox.eqworks().accepts(access)
    }
}

impl Renewals for EqWorks {
    const LIFETIME: Duration = LIFETIME;
    const FIRST: Option<&'static str> = None;
    /// As [`DUE`]: the earliest moment.
    const NOT_YET_DUE: Duration = Duration::from_secs(52 * 24 * 60 * 60);
    const DUE: Duration = DUE;
    const NEXT_TRY: Duration = Duration::from_secs(2 * 24 * 60 * 60);
}

async fn access(session: &Session) -> String {
    vendor_tests::session::access::<EqWorks>(session).await
}

fn assert_refreshes(sandbox: &Sandbox, refreshes: usize) {
    sandbox.log().assert_count("eqworks.refresh", refreshes);
}

#[tokio::test]
async fn a_session_that_is_used_now_and_then_lives_for_years() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    let mut renewed = 0;
    for _ in 0..60 {
        sandbox.clock().advance(DAY * 20);
        assert!(sandbox.eqworks().accepts(&access(&session).await));
        assert_eq!(settled(&session).await, State::Fresh);
        renewed = sandbox.log().count("eqworks.refresh");
    }
    // Every 60 or 80 days.
    assert!((14..=21).contains(&renewed), "{renewed}");
}

#[tokio::test]
async fn a_renewal_that_fails_is_tried_again_once_a_day_while_the_token_is_in_use() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    let old = access(&session).await;
    sandbox.clock().advance(DUE);
    sandbox.fault(Fault::garbage_json().on("eqworks.refresh").always());
    let hour = Duration::from_secs(3_600);
    let day = hour * 24;
    for failures in 1..=5 {
        assert_eq!(access(&session).await, old);
        assert!(matches!(settled(&session).await, State::Failing { .. }));
        assert_refreshes(&sandbox, failures);
        sandbox.clock().advance(day.checked_sub(hour).unwrap());
        for _ in 0..10 {
            assert_eq!(access(&session).await, old);
        }
        assert_refreshes(&sandbox, failures);
        sandbox.clock().advance(hour);
    }
    sandbox.clear_faults();
    access(&session).await;
    assert_eq!(settled(&session).await, State::Fresh);
    assert_ne!(access(&session).await, old);
}

#[tokio::test]
async fn a_token_that_has_ended_is_not_sent_to_be_refreshed_and_needs_a_log_in() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    sandbox.clock().advance(LIFETIME);
    for _ in 0..3 {
        let error = session.headers().await.unwrap_err();
        let text = "a person must log in: the token has expired";
        assert_refused(&error, InteractionRequired, text);
        assert_eq!(session.try_headers(), None);
        sandbox.clock().advance(LIFETIME);
    }
    let (kind, reason) = login_required(&session);
    assert_eq!(kind, InteractionRequired);
    assert!(reason.contains("expired"), "{reason}");
    assert_refreshes(&sandbox, 0);

    session.set_token(log_in(&sandbox).await).await.unwrap();
    assert!(sandbox.eqworks().accepts(&access(&session).await));
    assert_eq!(session.state(), State::Fresh);
}

#[tokio::test]
async fn a_token_that_was_revoked_needs_a_log_in_weeks_before_its_end() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    sandbox.eqworks().revoke(email(&sandbox));
    sandbox.clock().advance(DUE);
    for _ in 0..5 {
        // Until it ends, only the vendor can say that it is of no use.
        assert!(session.headers().await.is_ok());
        assert!(matches!(
            settled(&session).await,
            State::LoginRequired { .. }
        ));
        sandbox.clock().advance(DAY);
    }
    let (kind, reason) = login_required(&session);
    assert_eq!(kind, InteractionRequired);
    assert!(reason.contains("Invalid UUID"), "{reason}");
    // The second look as well.
    assert_refreshes(&sandbox, 2);

    session.set_token(log_in(&sandbox).await).await.unwrap();
    assert!(sandbox.eqworks().accepts(&access(&session).await));
    assert_eq!(session.state(), State::Fresh);
}

#[tokio::test]
async fn a_revocation_that_is_reported_needs_a_log_in_at_once() {
    let sandbox = sandbox();
    let (client, session) = (client(&sandbox), session(&sandbox));
    let dead = session.auth_headers().await.unwrap();
    sandbox.eqworks().revoke(email(&sandbox));
    let error = client.confirm(&dead).await.unwrap_err();
    assert_eq!(error.kind(), TokenRejected);
    for _ in 0..5 {
        session.invalidate(&dead);
        let error = session.headers().await.unwrap_err();
        assert_refused(&error, InteractionRequired, "a person must log in: ");
    }
    assert!(login_required(&session).1.contains("Invalid UUID"));
    assert_refreshes(&sandbox, 2);
}

#[tokio::test]
async fn an_access_that_has_ended_is_told_with_the_vendors_text() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    sandbox.eqworks().end_access(email(&sandbox));
    sandbox.clock().advance(DUE);
    session.headers().await.unwrap();
    settled(&session).await;
    let (kind, reason) = login_required(&session);
    assert_eq!(kind, Denied);
    assert!(
        reason.contains("the access has ended: Access has expired"),
        "{reason}"
    );
    assert_refreshes(&sandbox, 2);
    // From now on the vendor knows no such user. The session still tells what it was told.
    for _ in 0..3 {
        let error = session.renew().await.unwrap_err();
        assert_refused(&error, Denied, "the access has ended: Access has expired");
    }
}

#[tokio::test]
async fn a_token_that_ended_with_the_access_is_told_so_without_asking_the_vendor() {
    let (sandbox, user) = (sandbox(), "eve@acme.test");
    let ends = sandbox.clock().now().wall() + DAY * 2;
    let account = EqWorksUser::new(user).access_ends_at(ends);
    sandbox.eqworks().add_user(account);
    let token = Token::from_jwt(sandbox.eqworks().mint_token(user, "atom")).unwrap();
    assert!(token.ends_with_access() && !minted(&sandbox).ends_with_access());
    assert_eq!(token.expiry(), Expiry::At(ends));
    let session = client(&sandbox).session(token).build().unwrap();
    sandbox.clock().advance(DAY * 3);
    let error = session.headers().await.unwrap_err();
    assert!(matches!(error, Error::AccessEnded { .. }), "{error:?}");
    let (kind, reason) = login_required(&session);
    assert_eq!(kind, Denied);
    assert!(reason.contains("ended with the user's access"), "{reason}");
    assert_refreshes(&sandbox, 0);
}

#[tokio::test]
async fn the_header_with_the_product_is_for_products_other_than_locus_and_can_be_switched_off() {
    let sandbox = sandbox();
    for (product, send, expected) in [
        ("atom", true, Some("atom")),
        ("locus", true, None),
        ("atom", false, None),
    ] {
        let jwt = sandbox.eqworks().mint_token(email(&sandbox), product);
        let client = builder_for(&sandbox, product.into()).product_header(send);
        let session = client
            .build()
            .unwrap()
            .session(Token::from_jwt(jwt).unwrap());
        let headers = session.build().unwrap().headers().await.unwrap();
        let sent = headers.get("x-eq-product").map(|it| it.to_str().unwrap());
        assert_eq!(sent, expected, "{product} {send}");
    }
}

#[tokio::test]
async fn a_token_that_was_kept_as_text_continues_its_life() {
    let sandbox = sandbox();
    let text = log_in(&sandbox)
        .await
        .access_token()
        .expose_secret()
        .to_owned();
    // The program ends and starts again, twice.
    for (passed, refreshes) in [(EqWorks::NOT_YET_DUE, 0), (DAY * 16, 1)] {
        sandbox.clock().advance(passed);
        let token = Token::from_jwt(text.as_str()).unwrap();
        assert_eq!(token.account(), Some(email(&sandbox)));
        let session = client(&sandbox).session(token).build().unwrap();
        assert_eq!(access(&session).await, text);
        settled(&session).await;
        assert_refreshes(&sandbox, refreshes);
    }
    sandbox.clock().advance(LIFETIME);
    let session = client(&sandbox).session(Token::from_jwt(text).unwrap());
    let error = session.build().unwrap().headers().await.unwrap_err();
    assert_eq!(error.kind(), InteractionRequired);
}

#[tokio::test]
async fn a_token_without_an_end_is_never_renewed_by_itself() {
    let sandbox = sandbox();
    let uuid = sandbox.eqworks().jwt_uuid(email(&sandbox));
    let claims = json!({"email": email(&sandbox), "product": "atom", "jwt_uuid": uuid});
    let token = Token::from_jwt(sandbox.eqworks().sign(&claims)).unwrap();
    let session = client(&sandbox).session(token).build().unwrap();
    assert_eq!(session.expiry(), Some(Expiry::Never));
    for _ in 0..10 {
        sandbox.clock().advance(LIFETIME * 10);
        access(&session).await;
        assert_eq!(session.state(), State::Fresh);
    }
    assert_refreshes(&sandbox, 0);
    session.renew().await.unwrap();
    assert_refreshes(&sandbox, 1);
}

#[tokio::test]
async fn two_sessions_with_one_store_renew_once() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let first = EqWorks::session_in_store(&sandbox, store.clone());
    first.set_token(log_in(&sandbox).await).await.unwrap();
    let second = EqWorks::session_in_store(&sandbox, store.clone());
    let old = access(&second).await;
    sandbox.clock().advance(DUE);
    assert_eq!(access(&first).await, old);
    assert_eq!(settled(&first).await, State::Fresh);
    assert_eq!(access(&second).await, old);
    assert_eq!(settled(&second).await, State::Fresh);
    let new = access(&second).await;
    assert!(new != old && new == access(&first).await);
    assert_refreshes(&sandbox, 1);
}

#[test]
fn users_products_stages_and_test_systems_have_places_of_their_own_in_a_store() {
    let sandbox = sandbox();
    let atom = client(&sandbox);
    // The vendor compares neither users nor products by case.
    let locus = builder_for(&sandbox, Product::LOCUS).build().unwrap();
    let same = builder_for(&sandbox, "Locus".into()).build().unwrap();
    assert_eq!(
        locus.store_key("eve@acme.test"),
        same.store_key("EVE@acme.test")
    );
    let live = |stage| Client::builder(stage, Product::ATOM).build().unwrap();
    let clients = [atom.clone(), locus, live(Stage::Dev), live(Stage::Prod)];
    let keys = clients.map(|client| client.store_key("\u{feff}Sue@acme.test "));
    for (at, key) in keys.iter().enumerate() {
        assert_eq!((&*key.vendor, &*key.account), ("eqworks", "sue@acme.test"));
        assert!(!keys[..at].contains(key), "{key:?}");
    }
    assert_eq!(keys[3].base_url, "https://auth.eqworks.io/");
    assert_ne!(keys[0], atom.store_key("eve@acme.test"));
}

#[tokio::test]
async fn a_tokens_life_is_counted_from_the_moment_its_request_was_sent() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    sandbox.clock().advance(DAY);
    assert_lives_from_the_sending::<EqWorks>(&sandbox, &session, EqWorks::RENEWAL).await;
    assert_refreshes(&sandbox, 1);
}

#[tokio::test]
async fn a_session_authorizes_requests_to_the_data_host() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for host in ["api.eqworks.io", "api.locus.place"] {
        let data = http.get(format!("https://{host}/prod/thing"));
        let request = session.authorize(data).await.unwrap().build().unwrap();
        assert_eq!(request.headers()["eq-api-jwt"], access(&session).await);
    }
}

#[tokio::test]
async fn a_token_of_another_account_or_product_is_refused_at_once() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let (eqworks, email) = (sandbox.eqworks(), email(&sandbox));
    let of = |user: &str, product| {
        let jwt = eqworks.mint_token(user, product);
        Token::from_jwt(jwt).unwrap()
    };
    let session = EqWorks::session_in_store(&sandbox, store.clone());
    let other_account = "the token is of another account";
    let other_product = "the token is of another product: the session is for atom";
    for (token, kind, text) in [
        (
            of(eqworks.atom_user().email, "atom"),
            InvalidConfig,
            other_account,
        ),
        (of(email, "locus"), TokenRejected, other_product),
    ] {
        let login = client(&sandbox).session(Login::stored(email));
        let builder = login.store(MemoryStore::new()).token(token.clone());
        for error in [
            builder.build().unwrap_err(),
            session.set_token(token).await.unwrap_err(),
        ] {
            assert_refused(&error, kind, text);
            assert_eq!(error.http_status(), None);
        }
    }
    let error = client(&sandbox).session(of(email, "locus")).build();
    assert_refused(&error.unwrap_err(), TokenRejected, other_product);
    assert_eq!(session.state(), State::Absent);
    assert_eq!(store.list().await.unwrap(), []);
    assert_eq!(sandbox.log().entries().len(), 0);
}

#[tokio::test]
async fn a_token_that_may_be_of_the_same_account_and_product_is_taken() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let session = EqWorks::session_in_store(&sandbox, store.clone());
    let address = format!("\u{feff}{} ", email(&sandbox).to_uppercase());
    for product in [json!("Atom"), json!("all"), json!(null)] {
        let claims = json!({"email": address, "product": product});
        let token = Token::from_jwt(sandbox.eqworks().sign(&claims)).unwrap();
        session.set_token(token.clone()).await.unwrap();
        assert_eq!(access(&session).await, token.access_token().expose_secret());
    }
    let all = builder_for(&sandbox, "All".into()).build().unwrap();
    all.session(minted(&sandbox)).build().unwrap();
}

#[tokio::test]
async fn a_stored_login_needs_a_store() {
    let sandbox = sandbox();
    let error = client(&sandbox).session(Login::stored(email(&sandbox)));
    let error = error.build().unwrap_err();
    assert_refused(&error, InvalidConfig, "a stored login needs a store");
}

#[tokio::test]
async fn a_token_that_is_given_with_a_store_is_saved_under_its_account() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let build = |token| client(&sandbox).session(token).store(store.clone()).build();
    let token = minted(&sandbox);
    let session = build(token.clone()).unwrap();
    let saved = loop {
        match store.load(&EqWorks::key(&sandbox)).await.unwrap() {
            Some(saved) => break Token::from(saved),
            None => tokio::task::yield_now().await,
        }
    };
    assert_eq!(saved.fingerprint(), token.fingerprint());
    assert_eq!(saved.account(), Some(email(&sandbox)));
    assert_eq!(saved.product(), Some(Product::ATOM));
    drop(session);

    // Where the claims name no account, the program does.
    let token = Token::from_jwt(sandbox.eqworks().sign(&json!({}))).unwrap();
    let error = build(token.clone()).unwrap_err();
    assert_refused(&error, InvalidConfig, "the login names no account");
    build(token.with_account(email(&sandbox))).unwrap();
}
