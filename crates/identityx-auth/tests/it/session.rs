//! A session's whole life against the vendor.

use std::time::Duration;

use auth_core::Clock as _;
use auth_sandbox::{Fault, Sandbox};
use http::{HeaderMap, Request};
use identityx_auth::{
    AppUser, AuthHeaders, Client, CoreToken, Error, ErrorKind, Execute as _, Expiry,
    ExposeSecret as _, Identity, LoginLink, MemoryStore, OrgUser, OrgUserApiToken, SaveOutcome,
    State, TokenStore as _,
};
use serde_json::json;
use vendor_tests::login_session::login_required;
use vendor_tests::session::runtime;
use vendor_tests::{Sessions, Vendor as _};

use crate::set_up::{
    HOUR, IdentityX, MyAppUser, MyMemberships, MyUser, Session, YEAR, api_token, app_user,
    application, client, email, log_in, new_session, only, org_email, org_user, organization,
    sandbox, settled,
};

vendor_tests::session!(IdentityX);
vendor_tests::login_session!(IdentityX);

const RENEWAL: &str = IdentityX::RENEWAL;
const ORG_RENEWAL: &str = "identityx.active_org_user";

/// Longer than the vendor may be given to repair what it has just issued.
const MINUTE: Duration = Duration::from_secs(60);

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

    async fn check(client: &Client, auth_headers: &AuthHeaders) -> Result<(), Error> {
        let user = AppUser::from(auth_headers.token().clone());
        client.active_app_user(&user).await.map(drop)
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
        let auth_headers = session.auth_headers().await.unwrap();
        assert_eq!(access(&session).await, old);
        assert_eq!(session.state(), State::Fresh);
        healed = Some(auth_headers);
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
        assert!(matches!(error, Error::LoginRequired { .. }), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::InteractionRequired);
        assert_eq!(session.try_headers(), None);
        sandbox.clock().advance(YEAR);
    }
    let (kind, reason) = login_required(&session);
    assert_eq!(kind, ErrorKind::InteractionRequired);
    assert!(reason.contains("No token was found"), "{reason}");
    assert_renewals(&sandbox, 1);

    session
        .set_token(log_in(&sandbox).await.into())
        .await
        .unwrap();
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
    let org_session = client.session(administrator).unwrap();
    let api_session = client.session(token).unwrap();
    org_session.renew().await.unwrap();
    api_session.renew().await.unwrap();
    sandbox.identityx().end_session(&text);
    let error = org_session.renew().await.unwrap_err();
    assert!(matches!(error, Error::LoginRequired { .. }), "{error:?}");
    let (_, reason) = login_required(&org_session);
    assert!(reason.contains("No token was found"), "{reason}");

    // It is a auth_headers of its own.
    sandbox.clock().advance(YEAR);
    api_session.renew().await.unwrap();
    sandbox.identityx().revoke_api_token(org_email(&sandbox));
    let error = api_session.renew().await.unwrap_err();
    assert!(matches!(error, Error::LoginRequired { .. }), "{error:?}");
    sandbox.log().assert_count(ORG_RENEWAL, 5);

    api_session.set_token(api_token_of(&sandbox)).await.unwrap();
    org_session
        .set_token(org_user(&sandbox).into())
        .await
        .unwrap();
    assert_eq!(api_session.state(), State::Fresh);
    assert_eq!(org_session.state(), State::Fresh);
}

fn api_token_of(sandbox: &Sandbox) -> CoreToken {
    api_token(sandbox).into()
}

/// Through an outage of a part of the vendor's, which looks like a refusal of the token.
async fn assert_survives_an_outage<I: Identity>(sandbox: &Sandbox, identity: I) {
    let session = client(sandbox).session(identity).unwrap();
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
    sandbox.fault(Fault::status(401).on(RENEWAL));
    let error = session.renew().await.unwrap_err();
    assert!(matches!(error, Error::LoginRequired { .. }), "{error:?}");
    assert!(login_required(&session).1.contains("status 401"));
    assert_renewals(&sandbox, 1);
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
        let session = client(&sandbox).session(user).unwrap();
        assert_eq!(access(&session).await, text);
    }
    assert_renewals(&sandbox, 0);
}

#[tokio::test]
async fn a_log_in_of_one_session_is_taken_over_by_another_with_the_same_store() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let first = IdentityX::session_in_store(&sandbox, store.clone());
    first
        .set_token(log_in(&sandbox).await.into())
        .await
        .unwrap();
    let second = IdentityX::session_in_store(&sandbox, store.clone());
    let old = access(&second).await;
    sandbox.identityx().end_session(&old);
    let dead = second.auth_headers().await.unwrap();
    sandbox.clock().advance(MINUTE);
    first
        .set_token(log_in(&sandbox).await.into())
        .await
        .unwrap();
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
    let theirs = CoreToken::from(org_user(&sandbox)).with_generation(1);
    assert_eq!(
        store.save(&mine, &theirs).await.unwrap(),
        SaveOutcome::Saved
    );
    let session = IdentityX::session_in_store(&sandbox, store.clone());
    let error = session.headers().await.unwrap_err();
    assert!(matches!(error, Error::WrongIdentity { .. }), "{error:?}");
    let error = session.renew().await.unwrap_err();
    assert!(matches!(error, Error::WrongIdentity { .. }), "{error:?}");
    assert_eq!(sandbox.log().entries().len(), 0);
}

#[test]
fn users_identities_applications_and_test_systems_have_places_of_their_own_in_a_store() {
    let sandbox = sandbox();
    let (here, live) = (client(&sandbox), Client::builder().build().unwrap());
    let (daily, weekly) = (
        sandbox.identityx().application_id(),
        sandbox.identityx().other_application_id(),
    );
    let keys = [
        here.store_key::<AppUser>("sue@example.test", daily),
        here.store_key::<AppUser>("sue@example.test", weekly),
        here.store_key::<AppUser>("eve@example.test", daily),
        here.store_key::<OrgUser>("sue@example.test", daily),
        here.store_key::<OrgUser>("sue@example.test", ""),
        here.store_key::<OrgUserApiToken>("sue@example.test", ""),
        live.store_key::<OrgUserApiToken>("sue@example.test", ""),
    ];
    for (at, key) in keys.iter().enumerate() {
        assert_eq!(key.vendor, "identityx");
        assert!(!keys[..at].contains(key), "{key:?}");
    }
    assert_eq!(keys[6].base_url, "https://identity-x.parameter1.com/");
    assert_eq!(
        keys[0],
        here.store_key::<AppUser>("sue@example.test", daily)
    );
}

#[tokio::test]
async fn an_administrators_log_out_ends_the_session_and_an_api_token_is_only_forgotten() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let (administrator, token) = (org_user(&sandbox), api_token(&sandbox));
    let org_session = client.session(administrator.clone()).unwrap();
    let api_session = client.session(token.clone()).unwrap();
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
    let session = client(&sandbox).session(administrator).unwrap();
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
    let session = client.session(user).unwrap();
    let data = session.execute::<MyMemberships>(json!({})).await.unwrap();
    assert_eq!(data["userOrganizations"][0]["role"], "Owner");
    let sent = only(&sandbox, "identityx.organizations");
    assert_eq!(sent.header("authorization"), Some(&*authorization));
    assert_eq!(sent.header("x-org-id"), Some(organization.as_str()));

    let session = client.session(api_token(&sandbox)).unwrap();
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
            let error = response.unwrap().errors.remove(0);
            assert!(matches!(error, Error::TokenRejected { .. }), "{error:?}");
        } else {
            let error = session.execute::<MyAppUser>(json!({})).await.unwrap_err();
            assert!(matches!(error, Error::TokenRejected { .. }), "{error:?}");
        }
        assert_eq!(session.state(), State::Absent);
        // The next caller asks, and after that nothing is sent.
        for _ in 0..3 {
            let error = session.execute::<MyAppUser>(json!({})).await.unwrap_err();
            assert!(matches!(error, Error::LoginRequired { .. }), "{error:?}");
        }
        assert_renewals(&sandbox, 2);
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
    assert!(matches!(error, Error::WrongIdentity { .. }), "{error:?}");
    sandbox.identityx().inner_service_down(true);
    let error = session.execute::<MyAppUser>(json!({})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    sandbox.identityx().inner_service_down(false);
    let application = application(&sandbox);
    let identityx = sandbox.identityx();
    identityx.block_application(application.as_str(), true);
    let error = session.execute::<MyAppUser>(json!({})).await.unwrap_err();
    assert!(
        matches!(error, Error::ApplicationDenied { .. }),
        "{error:?}"
    );
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
        sessions.push(client.session(login.user).unwrap());
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
    let session = client(&sandbox).session(user).unwrap();
    assert_eq!(session.expiry(), Some(Expiry::At(now + HOUR)));
    sandbox.clock().advance(HOUR);
    let error = session.headers().await.unwrap_err();
    assert!(matches!(error, Error::LoginRequired { .. }), "{error:?}");
    assert!(login_required(&session).1.contains("jwt expired"));
    assert_renewals(&sandbox, 1);
}
