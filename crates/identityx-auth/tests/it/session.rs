//! A session's whole life against the vendor.

use std::time::Duration;

use auth_core::Clock as _;
use auth_sandbox::{Fault, Sandbox};
use http::{HeaderMap, Request};
use identityx_auth::graphql::Execute as _;
use identityx_auth::identity::Identity;
use identityx_auth::session::{Authorizer as _, Refusal};
use identityx_auth::store::{MemoryStore, SaveOutcome, Token, TokenStore as _};
use identityx_auth::{
    AppUser, ApplicationId, AuthHeaders, Client, Error, ErrorKind, Expiry, ExposeSecret as _,
    Login, LoginLink, OrgUser, OrgUserApiToken, State,
};
use serde_json::json;
use vendor_tests::login_session::login_required;
use vendor_tests::session::runtime;
use vendor_tests::{Sessions, Vendor as _};

use crate::set_up::{
    HOUR, IdentityX, MyAppUser, MyMemberships, MyUser, Session, YEAR, api_token, app_user,
    application, assert_refused, client, email, headers, log_in, new_session, only, org_email,
    org_link, org_user, organization, sandbox, settled, stored,
};

vendor_tests::session!(IdentityX);
vendor_tests::login_session!(IdentityX);

const RENEWAL: &str = IdentityX::RENEWAL;
const ORG_RENEWAL: &str = "identityx.active_org_user";

/// Longer than the vendor may be given to repair what it has just issued.
const MINUTE: Duration = Duration::from_secs(60);

const LOGIN_REQUIRED: &str = "a person must log in";

/// Longer than any back-off.
const NEXT_TRY: Duration = Duration::from_secs(2 * 60);

impl Sessions for IdentityX {
    fn access_in(headers: &HeaderMap) -> &str {
        assert_eq!(headers.len(), 2);
        assert!(headers.contains_key("x-app-id"));
        assert!(headers["authorization"].is_sensitive());
        let value = headers["authorization"].to_str().unwrap();
        value.strip_prefix("AppUser ").unwrap()
    }

    async fn check(client: &Client, headers: &AuthHeaders) -> Result<(), Error> {
        client.active_app_user(headers).await.map(drop)
    }

    fn request(sandbox: &Sandbox) -> Request<String> {
        let query = json!({ "query": "{ activeAppUser { email } }" });
        Request::post(sandbox.identityx().endpoint().as_str())
            .header("content-type", "application/json")
            .body(query.to_string())
            .unwrap()
    }

    /// The token is a part of the call, and no header.
    fn assert_logged_out(sandbox: &Sandbox, access: &str) {
        let sent = only(sandbox, "identityx.log_out_app_user");
        assert_eq!(sent.header("authorization"), None);
        assert_eq!(sandbox.log().entries().len(), 1);
        assert!(!accepts(sandbox, access));
    }

    fn accepts(sandbox: &Sandbox, access: &str) -> bool {
        sandbox.identityx().accepts(access)
    }
}

async fn access(session: &Session) -> String {
    vendor_tests::session::access::<IdentityX>(session).await
}

fn accepts(sandbox: &Sandbox, access: &str) -> bool {
    IdentityX::accepts(sandbox, access)
}

#[track_caller]
fn assert_renewals(sandbox: &Sandbox, renewals: usize) {
    vendor_tests::session::assert_renewals::<IdentityX>(sandbox, renewals);
}

#[tokio::test]
async fn a_session_does_not_end_by_the_clock_and_sends_nothing_by_itself() {
    let sandbox = sandbox();
    let session = new_session(&sandbox);
    let guard = session.refresh_in_background().unwrap();
    let old = access(&session).await;
    for _ in 0..10 {
        sandbox.clock().advance(YEAR);
        assert_eq!(access(&session).await, old);
        assert_eq!(session.expiry(), Some(Expiry::Never));
        assert_eq!(settled(&session).await, State::Fresh);
        assert!(session.try_headers().is_some());
    }
    drop(guard);
    assert!(accepts(&sandbox, &old));
    assert_renewals(&sandbox, 0);
}

#[tokio::test]
async fn a_session_that_is_told_to_renew_asks_the_vendor_and_goes_on_with_the_same_token() {
    let sandbox = sandbox();
    let session = new_session(&sandbox);
    let old = access(&session).await;
    for renewals in 1..=3 {
        session.renew().await.unwrap();
        assert_eq!(access(&session).await, old);
        assert_eq!(session.state(), State::Fresh);
        assert_renewals(&sandbox, renewals);
    }
    let sent = sandbox.log().last(RENEWAL).unwrap();
    assert_eq!(
        sent.header("authorization"),
        Some(&*format!("AppUser {old}"))
    );
    assert_eq!(
        sent.header("x-app-id"),
        Some(application(&sandbox).as_str())
    );
}

#[tokio::test]
async fn a_report_about_a_token_that_is_good_is_healed_by_asking_the_vendor_once() {
    let sandbox = sandbox();
    let (client, session) = (client(&sandbox), new_session(&sandbox));
    let old = access(&session).await;
    let refused = session.auth_headers().await.unwrap();
    let mut healed = None;
    for _ in 0..5 {
        session.invalidate(&refused);
        let headers = session.auth_headers().await.unwrap();
        assert_eq!(access(&session).await, old);
        assert_eq!(session.state(), State::Fresh);
        healed = Some(headers);
    }
    assert_renewals(&sandbox, 1);
    let now = healed.unwrap();
    IdentityX::check(&client, &now).await.unwrap();
    // And again, years later.
    sandbox.clock().advance(YEAR);
    session.invalidate(&now);
    assert_eq!(access(&session).await, old);
    assert_renewals(&sandbox, 3);
}

#[tokio::test]
async fn a_vendor_that_refuses_what_it_calls_good_is_asked_ever_more_slowly() {
    let sandbox = sandbox();
    let session = new_session(&sandbox);
    for _ in 0..20 {
        if let Ok(auth_headers) = session.auth_headers().await {
            session.invalidate(&auth_headers);
        }
    }
    assert!(matches!(session.state(), State::Failing { .. }));
    let error = session.headers().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_renewals(&sandbox, 1);
    sandbox.clock().advance(NEXT_TRY);
    access(&session).await;
    assert_renewals(&sandbox, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_vendor_is_asked_once_for_a_thousand_callers() {
    let sandbox = sandbox();
    let session = new_session(&sandbox);
    let old = access(&session).await;
    session.invalidate(&session.auth_headers().await.unwrap());
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
        assert_eq!(caller.await.unwrap(), old);
    }
    assert_renewals(&sandbox, 1);
}

#[tokio::test]
async fn a_session_that_the_vendor_has_ended_needs_a_log_in_and_goes_on_after_one() {
    let sandbox = sandbox();
    let (client, session) = (client(&sandbox), new_session(&sandbox));
    let dead = session.auth_headers().await.unwrap();
    sandbox.identityx().end_session(&access(&session).await);
    // No call has noticed yet.
    assert_eq!(session.state(), State::Fresh);
    let error = IdentityX::check(&client, &dead).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TokenRejected);
    sandbox.log().clear();
    for _ in 0..5 {
        session.invalidate(&dead);
        let error = session.headers().await.unwrap_err();
        assert_refused(&error, ErrorKind::InteractionRequired, LOGIN_REQUIRED);
        assert_eq!(session.try_headers(), None);
        sandbox.clock().advance(YEAR);
    }
    let (kind, reason) = login_required(&session);
    assert_eq!(kind, ErrorKind::InteractionRequired);
    assert!(reason.contains("No token was found"), "{reason}");
    // The second look as well.
    assert_renewals(&sandbox, 2);

    session.set_token(log_in(&sandbox).await).await.unwrap();
    assert!(accepts(&sandbox, &access(&session).await));
    assert_eq!(session.state(), State::Fresh);
}

#[tokio::test]
async fn an_administrators_session_and_an_api_token_end_when_the_vendor_says_so() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let administrator = org_user(&sandbox);
    let text = administrator.access_token().expose_secret().to_owned();
    let token = api_token(&sandbox);
    let org_session = client.session(administrator).build().unwrap();
    let api_session = client.session(token).build().unwrap();
    org_session.renew().await.unwrap();
    api_session.renew().await.unwrap();
    sandbox.identityx().end_session(&text);
    let error = org_session.renew().await.unwrap_err();
    assert_refused(&error, ErrorKind::InteractionRequired, LOGIN_REQUIRED);
    let (_, reason) = login_required(&org_session);
    assert!(reason.contains("No token was found"), "{reason}");

    // The API token does not end with the session.
    sandbox.clock().advance(YEAR);
    api_session.renew().await.unwrap();
    sandbox.identityx().revoke_api_token(org_email(&sandbox));
    let error = api_session.renew().await.unwrap_err();
    assert_refused(&error, ErrorKind::InteractionRequired, LOGIN_REQUIRED);
    // Each refusal came twice.
    sandbox.log().assert_count(ORG_RENEWAL, 7);

    api_session.set_token(api_token(&sandbox)).await.unwrap();
    org_session.set_token(org_user(&sandbox)).await.unwrap();
    assert_eq!(api_session.state(), State::Fresh);
    assert_eq!(org_session.state(), State::Fresh);
}

/// Through an outage of a part of the vendor's, which looks like a refusal of the token.
async fn assert_survives_an_outage<I: Identity>(sandbox: &Sandbox, identity: I) {
    let session = client(sandbox).session(identity).build().unwrap();
    let old = session.headers().await.unwrap();
    sandbox.identityx().inner_service_down(true);
    // The token stays in use.
    for _ in 0..3 {
        let error = session.renew().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert_eq!(session.headers().await.unwrap(), old);
        assert!(matches!(session.state(), State::Failing { .. }));
    }
    // Even if a caller has reported it.
    session.invalidate(&session.auth_headers().await.unwrap());
    for _ in 0..10 {
        let error = session.headers().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(matches!(session.state(), State::Failing { .. }));
        sandbox.clock().advance(YEAR);
    }
    sandbox.identityx().inner_service_down(false);
    assert_eq!(session.headers().await.unwrap(), old);
    assert_eq!(session.state(), State::Fresh);
}

#[tokio::test]
async fn an_outage_that_looks_like_a_refusal_ends_no_session() {
    let sandbox = sandbox();
    assert_survives_an_outage(&sandbox, app_user(&sandbox)).await;
    assert_survives_an_outage(&sandbox, org_user(&sandbox)).await;
    assert_survives_an_outage(&sandbox, api_token(&sandbox)).await;
}

#[tokio::test]
async fn whatever_goes_wrong_when_the_vendor_is_asked_ends_no_session() {
    for fault in vendor_tests::session::passing_faults::<IdentityX>() {
        let sandbox = sandbox();
        let session = new_session(&sandbox);
        let old = access(&session).await;
        sandbox.fault(fault.clone());
        let error = session.renew().await.unwrap_err();
        assert!(error.kind().is_transient(), "{fault:?}: {error:?}");
        assert_eq!(access(&session).await, old, "{fault:?}");
        session.invalidate(&session.auth_headers().await.unwrap());
        let error = session.headers().await.unwrap_err();
        assert!(error.kind().is_transient(), "{fault:?}: {error:?}");
        assert!(
            matches!(session.state(), State::Failing { .. }),
            "{fault:?}"
        );

        sandbox.clear_faults();
        sandbox.clock().advance(HOUR + NEXT_TRY);
        assert_eq!(access(&session).await, old, "{fault:?}");
        assert_eq!(session.state(), State::Fresh, "{fault:?}");
    }
}

#[tokio::test]
async fn a_refusal_by_the_status_alone_needs_a_log_in() {
    let sandbox = sandbox();
    let session = new_session(&sandbox);
    sandbox.fault(Fault::status(401).on(RENEWAL).times(2));
    let error = session.renew().await.unwrap_err();
    assert_refused(&error, ErrorKind::InteractionRequired, LOGIN_REQUIRED);
    assert!(login_required(&session).1.contains("status 401"));
    assert_renewals(&sandbox, 2);
}

#[tokio::test]
async fn a_token_that_was_kept_as_text_is_taken_up_where_it_was() {
    let sandbox = sandbox();
    let text = log_in(&sandbox).await;
    let text = text.access_token().expose_secret().to_owned();
    sandbox.log().clear();
    // The program ends and starts again, twice.
    for _ in 0..2 {
        sandbox.clock().advance(YEAR);
        let user = AppUser::from_jwt(format!("{text}\n"), &application(&sandbox)).unwrap();
        let session = client(&sandbox).session(user).build().unwrap();
        assert_eq!(access(&session).await, text);
    }
    assert_renewals(&sandbox, 0);
}

#[tokio::test]
async fn a_log_in_of_one_session_is_taken_over_by_another_with_the_same_store() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let first = IdentityX::session_in_store(&sandbox, store.clone());
    first.set_token(log_in(&sandbox).await).await.unwrap();
    let second = IdentityX::session_in_store(&sandbox, store.clone());
    let old = access(&second).await;
    sandbox.identityx().end_session(&old);
    let dead = second.auth_headers().await.unwrap();
    sandbox.clock().advance(MINUTE);
    first.set_token(log_in(&sandbox).await).await.unwrap();
    sandbox.log().clear();
    second.invalidate(&dead);
    let new = access(&second).await;
    assert!(new != old && accepts(&sandbox, &new));
    assert_eq!(access(&first).await, new);
    assert_renewals(&sandbox, 0);
}

#[tokio::test]
async fn a_stored_token_of_another_kind_is_not_used() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let mine = IdentityX::key(&sandbox);
    let theirs = Token::from(org_user(&sandbox)).with_generation(1);
    assert_eq!(
        store.save(&mine, &theirs).await.unwrap(),
        SaveOutcome::Saved
    );
    let session = IdentityX::session_in_store(&sandbox, store.clone());
    let error = session.headers().await.unwrap_err();
    assert_refused(&error, ErrorKind::InvalidConfig, "the wrong identity");
    let error = session.renew().await.unwrap_err();
    assert_refused(&error, ErrorKind::InvalidConfig, "the wrong identity");
    assert_eq!(sandbox.log().entries().len(), 0);
}

#[test]
fn users_identities_scopes_and_test_systems_have_keys_of_their_own() {
    let sandbox = sandbox();
    let (here, live) = (client(&sandbox), Client::builder().build().unwrap());
    let (daily, weekly) = (application(&sandbox), weekly(&sandbox));
    let organization = organization(&sandbox);
    let (sue, admin) = ("sue@example.test", Login::<OrgUser>::stored);
    let keys = [
        here.store_key(&Login::<AppUser>::stored(sue, &daily)),
        here.store_key(&Login::<AppUser>::stored(sue, &weekly)),
        here.store_key(&Login::<AppUser>::stored("eve@example.test", &daily)),
        here.store_key(&admin(sue).in_organization(&organization)),
        here.store_key(&admin(sue)),
        here.store_key(&Login::<OrgUserApiToken>::stored(sue)),
        live.store_key(&Login::<OrgUserApiToken>::stored(sue)),
    ]
    .map(Option::unwrap);
    for (at, key) in keys.iter().enumerate() {
        assert_eq!(key.vendor, "identityx");
        assert!(!keys[..at].contains(key), "{key:?}");
    }
    assert_eq!(keys[6].base_url, "https://identity-x.parameter1.com/");
    // As the vendor writes an address.
    let again = here.store_key(&Login::<AppUser>::stored(" Sue@Example.TEST\n", &daily));
    assert_eq!(again.as_ref(), Some(&keys[0]));
}

#[tokio::test]
async fn what_a_log_in_returns_has_the_key_of_the_stored_login() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let user = log_in(&sandbox).await;
    assert_eq!(user.account(), Some(email(&sandbox)));
    let key = client.store_key(&user.into());
    assert_eq!(key, client.store_key(&stored(&sandbox)));

    let link = org_link(&client, &sandbox).await;
    let user = client.log_in_org_user(&link).await.unwrap().user;
    let token = client.create_api_token(&headers(&user)).await.unwrap();
    let of_token = client.store_key(&Login::<OrgUserApiToken>::stored(org_email(&sandbox)));
    assert_eq!(client.store_key(&token.into()), of_token);
    let login = || Login::<OrgUser>::stored(org_email(&sandbox));
    let key = client.store_key(&user.clone().into());
    assert_eq!(key, client.store_key(&login()));
    let organization = organization(&sandbox);
    let inside = client.store_key(&user.clone().in_organization(&organization).into());
    assert_eq!(
        inside,
        client.store_key(&login().in_organization(&organization))
    );
    let login = Login::identity(user).in_organization(&organization);
    assert_eq!(inside, client.store_key(&login));
    // Both parts of the login say the same.
    let sent = client.session(login).build().unwrap().headers().await;
    assert_eq!(sent.unwrap()["x-org-id"], organization.as_str());
    // Without an account there is no key, and so no place in a store.
    let nameless = client.session(app_user(&sandbox)).store(MemoryStore::new());
    assert_refused(
        &nameless.build().unwrap_err(),
        ErrorKind::InvalidConfig,
        "names no account",
    );
}

#[tokio::test]
async fn a_stored_login_needs_a_store_and_resumes_from_what_a_log_in_has_left_there() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let client = client(&sandbox);
    let error = client.session(stored(&sandbox)).build().unwrap_err();
    assert_refused(&error, ErrorKind::InvalidConfig, "needs a store");

    let user = log_in(&sandbox).await;
    let first = client.session(user.clone()).store(store.clone());
    let first = first.build().unwrap();
    let kept = loop {
        match store.load(&IdentityX::key(&sandbox)).await.unwrap() {
            Some(kept) => break kept,
            None => tokio::task::yield_now().await,
        }
    };
    assert_eq!(kept.fingerprint(), user.fingerprint());
    let resumed = client.session(stored(&sandbox)).store(store);
    let resumed = resumed.build().unwrap();
    assert_eq!(access(&resumed).await, access(&first).await);
}

#[tokio::test]
async fn a_token_of_another_account_application_organization_or_identity_is_refused_at_once() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let user = log_in(&sandbox).await;
    let session = client.session(user.clone()).build().unwrap();
    let weekly = AppUser::from_jwt(user.access_token().clone(), &weekly(&sandbox)).unwrap();
    for (token, text) in [
        (
            Token::from(user.with_account("eve@example.test")),
            "another account",
        ),
        (weekly.into(), "another application"),
        (
            org_user(&sandbox).into(),
            "is of an OrgUser, not of an AppUser",
        ),
        (
            api_token(&sandbox).into(),
            "is of an OrgUserApiToken, not of an AppUser",
        ),
    ] {
        let error = session.set_token(token).await.unwrap_err();
        assert_refused(&error, ErrorKind::InvalidConfig, text);
        assert_eq!(error.http_status(), None);
    }

    let organization = organization(&sandbox);
    let inside = org_user(&sandbox).in_organization(&organization);
    let session = client.session(org_user(&sandbox)).build().unwrap();
    let error = session.set_token(inside.clone()).await.unwrap_err();
    assert_refused(&error, ErrorKind::InvalidConfig, "another organization");
    let session = client.session(inside).build().unwrap();
    let error = session.set_token(org_user(&sandbox)).await.unwrap_err();
    assert_refused(&error, ErrorKind::InvalidConfig, "another organization");
    let builder = client.session(org_user(&sandbox)).token(app_user(&sandbox));
    let error = builder.build().unwrap_err();
    assert_refused(&error, ErrorKind::InvalidConfig, "the wrong identity");
}

fn weekly(sandbox: &Sandbox) -> ApplicationId {
    ApplicationId::new(sandbox.identityx().other_application_id()).unwrap()
}

#[tokio::test]
async fn an_administrators_log_out_ends_the_session_and_an_api_token_is_only_forgotten() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let (administrator, token) = (org_user(&sandbox), api_token(&sandbox));
    let org_session = client.session(administrator.clone()).build().unwrap();
    let api_session = client.session(token.clone()).build().unwrap();
    org_session.log_out().await.unwrap();
    let text = |secret: &identityx_auth::SecretString| secret.expose_secret().to_owned();
    assert!(!accepts(&sandbox, &text(administrator.access_token())));
    assert!(accepts(&sandbox, &text(token.access_token())));
    only(&sandbox, "identityx.log_out_org_user");

    sandbox.log().clear();
    api_session.log_out().await.unwrap();
    assert_eq!(sandbox.log().entries().len(), 0);
    assert!(accepts(&sandbox, &text(token.access_token())));
    let error = api_session.headers().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InteractionRequired);
}

#[tokio::test]
async fn a_log_out_of_a_session_that_has_ended_already_succeeds() {
    let sandbox = sandbox();
    let session = new_session(&sandbox);
    sandbox.identityx().end_session(&access(&session).await);
    session.log_out().await.unwrap();
    only(&sandbox, "identityx.log_out_app_user");

    let administrator = org_user(&sandbox);
    let text = administrator.access_token().expose_secret().to_owned();
    let session = client(&sandbox).session(administrator).build().unwrap();
    sandbox.identityx().end_session(&text);
    session.log_out().await.unwrap();
    only(&sandbox, "identityx.log_out_org_user");
}

#[tokio::test]
async fn a_log_out_that_the_vendor_did_not_hear_of_is_told_and_the_token_is_forgotten_here() {
    let sandbox = sandbox();
    let session = new_session(&sandbox);
    let token = access(&session).await;
    sandbox.identityx().inner_service_down(true);
    let error = session.log_out().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    let error = session.headers().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InteractionRequired);
    assert!(accepts(&sandbox, &token));
}

#[tokio::test]
async fn an_operation_of_a_programs_own_is_sent_with_the_sessions_headers() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let data = new_session(&sandbox);
    let data = data.execute::<MyAppUser>(json!({})).await.unwrap();
    assert_eq!(data["activeAppUser"]["email"], email(&sandbox));
    let sent = only(&sandbox, RENEWAL);
    assert_eq!(
        sent.header("x-app-id"),
        Some(application(&sandbox).as_str())
    );

    let organization = organization(&sandbox);
    let user = org_user(&sandbox).in_organization(&organization);
    let authorization = format!("OrgUser {}", user.access_token().expose_secret());
    let session = client.session(user).build().unwrap();
    let data = session.execute::<MyMemberships>(json!({})).await.unwrap();
    assert_eq!(data["userOrganizations"][0]["role"], "Owner");
    let sent = only(&sandbox, "identityx.organizations");
    assert_eq!(sent.header("authorization"), Some(&*authorization));
    assert_eq!(sent.header("x-org-id"), Some(organization.as_str()));

    let session = client.session(api_token(&sandbox)).build().unwrap();
    let data = session.execute::<MyUser>(json!({})).await.unwrap();
    assert_eq!(data["activeUser"]["email"], org_email(&sandbox));
    sandbox.log().assert_no_hints();
}

#[tokio::test]
async fn a_refusal_of_an_operation_is_noted_by_the_session() {
    for partial in [false, true] {
        let sandbox = sandbox();
        let session = new_session(&sandbox);
        let old = access(&session).await;
        sandbox.identityx().end_session(&old);
        if partial {
            let response = session.execute_partial::<MyAppUser>(json!({})).await;
            let error = response.unwrap().errors.remove(0).error;
            assert_refused(&error, ErrorKind::TokenRejected, "the token was refused");
        } else {
            let error = session.execute::<MyAppUser>(json!({})).await.unwrap_err();
            assert_refused(&error, ErrorKind::TokenRejected, "the token was refused");
        }
        assert_eq!(session.state(), State::Absent);
        // The next caller asks, and after that nothing is sent.
        for _ in 0..3 {
            let error = session.execute::<MyAppUser>(json!({})).await.unwrap_err();
            assert_refused(&error, ErrorKind::InteractionRequired, LOGIN_REQUIRED);
        }
        assert_renewals(&sandbox, 3);
    }
}

#[tokio::test]
async fn a_refusal_of_an_operation_by_the_status_alone_is_noted_too() {
    let sandbox = sandbox();
    let session = new_session(&sandbox);
    sandbox.fault(Fault::status(401).on(RENEWAL));
    let error = session.execute::<MyAppUser>(json!({})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TokenRejected, "{error:?}");
    assert_eq!(session.state(), State::Absent);
    // It is good, as the vendor says when it is asked.
    session.execute::<MyAppUser>(json!({})).await.unwrap();
    assert_renewals(&sandbox, 3);
}

#[tokio::test]
async fn other_failures_of_an_operation_leave_the_session_as_it_is() {
    let sandbox = sandbox();
    let session = new_session(&sandbox);
    let old = access(&session).await;
    let error = session.execute::<MyUser>(json!({})).await.unwrap_err();
    assert_refused(&error, ErrorKind::InvalidConfig, "the wrong identity");
    sandbox.identityx().inner_service_down(true);
    let error = session.execute::<MyAppUser>(json!({})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    sandbox.identityx().inner_service_down(false);
    let application = application(&sandbox);
    let identityx = sandbox.identityx();
    identityx.block_application(application.as_str(), true);
    let error = session.execute::<MyAppUser>(json!({})).await.unwrap_err();
    assert_refused(&error, ErrorKind::Denied, "the application is not allowed");
    identityx.block_application(application.as_str(), false);
    assert_eq!(session.state(), State::Fresh);
    assert_eq!(access(&session).await, old);
    session.execute::<MyAppUser>(json!({})).await.unwrap();
    sandbox.log().assert_count(RENEWAL, 3);
}

#[tokio::test]
async fn two_uses_of_one_link_make_two_sessions_that_end_one_by_one() {
    let sandbox = sandbox();
    let (client, application) = (client(&sandbox), application(&sandbox));
    let link: LoginLink = crate::set_up::link(&client, &sandbox).await;
    let mut sessions = Vec::new();
    for _ in 0..2 {
        let login = client.log_in_app_user(&application, &link).await.unwrap();
        sessions.push(client.session(login.user).build().unwrap());
    }
    let [first, second] = &*sessions else {
        panic!("{sessions:?}")
    };
    assert_ne!(access(first).await, access(second).await);
    first.log_out().await.unwrap();
    second.renew().await.unwrap();
    assert_eq!(second.state(), State::Fresh);
}

#[test]
fn a_session_is_used_from_two_runtimes_one_after_the_other() {
    let sandbox = sandbox();
    let session = new_session(&sandbox);
    let first = runtime();
    let old = first.block_on(access(&session));
    let asked = async || {
        sandbox.clock().advance(MINUTE);
        session.invalidate(&session.auth_headers().await.unwrap());
        access(&session).await
    };
    // The first runtime is alive, but does not run.
    let second = runtime();
    assert_eq!(second.block_on(asked()), old);
    drop(first);
    assert_eq!(runtime().block_on(asked()), old);
    assert_renewals(&sandbox, 2);
}

#[tokio::test]
async fn a_token_that_says_when_it_ends_is_believed() {
    let sandbox = sandbox();
    let now = sandbox.clock().now().wall();
    let seconds = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    // None of the vendor's does, at present.
    let claims = json!({ "sub": "app-user-auth", "exp": seconds + 3_600 });
    let jwt = sandbox.identityx().sign(&claims);
    let user = AppUser::from_jwt(jwt, &application(&sandbox)).unwrap();
    let session = client(&sandbox).session(user).build().unwrap();
    assert_eq!(session.expiry(), Some(Expiry::At(now + HOUR)));
    sandbox.clock().advance(HOUR);
    let error = session.headers().await.unwrap_err();
    assert_refused(&error, ErrorKind::InteractionRequired, LOGIN_REQUIRED);
    assert!(login_required(&session).1.contains("jwt expired"));
    assert_renewals(&sandbox, 2);
}

#[tokio::test]
async fn of_the_answers_to_a_call_only_the_vendors_own_refusals_of_the_token_count() {
    let sandbox = sandbox();
    let session = new_session(&sandbox);
    let url = sandbox.identityx().endpoint();
    let error = |code: &str, message: &str| {
        json!({ "data": null, "errors": [{ "message": message, "extensions": { "code": code } }] })
            .to_string()
    };
    let ok = http::StatusCode::OK;
    assert_eq!(session.refusal(&url, ok, None), Refusal::Unclear);
    for (body, refusal) in [
        (error("UNAUTHENTICATED", "jwt expired"), Refusal::Yes),
        (error("UNAUTHENTICATED", "invalid signature"), Refusal::Yes),
        // A fault in the vendor while it looked for the identity.
        (
            error("UNAUTHENTICATED", "request to http://account:4000 failed"),
            Refusal::No,
        ),
        (error("FORBIDDEN", "jwt expired"), Refusal::No),
        (
            json!({ "data": { "note": "jwt expired" } }).to_string(),
            Refusal::No,
        ),
        (String::new(), Refusal::No),
    ] {
        assert_eq!(
            session.refusal(&url, ok, Some(body.as_bytes())),
            refusal,
            "{body}"
        );
    }
    let unauthorized = http::StatusCode::UNAUTHORIZED;
    let refusal = |body| session.refusal(&url, unauthorized, body);
    assert_eq!(refusal(None), Refusal::Unclear);
    assert_eq!(refusal(Some(b"")), Refusal::Yes);
    assert_eq!(refusal(Some(b"<html>")), Refusal::No);
}
