//! No secret in an error, a `Debug`, a span or a log, whatever the vendor repeats of it.

use std::sync::Arc;

use auth_sandbox::Sandbox;
use identityx_auth::{
    AppUser, ApplicationId, Client, CoreToken, Error, ErrorKind, Execute as _, ExposeSecret as _,
    LoginLink, MemoryStore, NewAppUser, OrgUser, OrgUserApiToken, OrganizationId,
};
use serde_json::json;
use vendor_tests::Secrets;
use vendor_tests::redaction::{
    Captured, STATUSES, assert_echo_is_cut_out, assert_hidden, assert_other_libraries_were_heard,
    assert_traced, endless, shown_session,
};

use crate::set_up::{
    IdentityX, MyAppUser, MyUser, Session, Vendor, application, client, jwt, link, new_session,
    org_link, organization, sandbox, shown,
};

vendor_tests::redaction!(IdentityX);

/// Of an application, and of an organisation.
const ID: &str = "60a1b2c3d4e5f60718293a01";

/// A token that does not look like one, so that only the knowledge of it helps.
const ODD: &str = "4cc355t0-k3n+/=0123456789";

fn application_id() -> ApplicationId {
    ApplicationId::new(ID).unwrap()
}

fn organization_id() -> OrganizationId {
    OrganizationId::new(ID).unwrap()
}

/// A token of the vendor's form, whose texts the test chooses.
fn jwt_of(subject: &str) -> String {
    jwt(&json!({ "iat": 1_767_225_600, "sub": subject, "aud": "somebody" }).to_string())
}

fn user() -> AppUser {
    AppUser::from_jwt(jwt_of("app-user-auth"), &application_id()).unwrap()
}

fn administrator() -> OrgUser {
    OrgUser::from_jwt(jwt_of("user-auth")).unwrap()
}

fn api_token() -> OrgUserApiToken {
    OrgUserApiToken::from_jwt(jwt_of("user-api-token")).unwrap()
}

fn app_link() -> LoginLink {
    LoginLink::parse(&jwt_of("app-user-login-link").into()).unwrap()
}

fn admin_link() -> LoginLink {
    let link = format!("https://a.test/authenticate/{}", jwt_of("user-login-link"));
    LoginLink::parse(&link.into()).unwrap()
}

/// As [`ODD`]: it begins in another way than tokens do.
fn odd_link() -> LoginLink {
    LoginLink::parse(&"e30.4cc355t0k3n0123456789.519n4tur30123".into()).unwrap()
}

fn odd() -> CoreToken {
    endless(ODD).with_attribute("application", ID)
}

impl Secrets for IdentityX {
    const FAILING: &'static [&'static str] = &[
        "identityx.log_in_app_user",
        "identityx.log_in_org_user",
        "identityx.active_app_user",
        "identityx.log_out_app_user",
        "identityx.active_org_user",
        "identityx.log_out_org_user",
        "identityx.create_api_token",
        "identityx.organizations",
        "identityx.applications",
        "identityx.execute",
    ];
    const PLACES: &'static [&'static str] = &["graphql"];
    const RENEWING: &'static [&'static str] = &["identityx.active_app_user"];

    fn has_words(error: &Error, _status: u16) -> bool {
        !matches!(error.kind(), ErrorKind::RateLimited { .. })
    }

    async fn failing_calls(client: &Client) -> Vec<Error> {
        let (application, organization) = (application_id(), organization_id());
        let caller = client.as_identity(&api_token()).unwrap();
        let administrator = administrator();
        vec![
            client
                .log_in_app_user(&application, &app_link())
                .await
                .unwrap_err(),
            client.log_in_org_user(&admin_link()).await.unwrap_err(),
            client.active_app_user(&user()).await.unwrap_err(),
            client.log_out_app_user(&user()).await.unwrap_err(),
            client.active_org_user(&administrator).await.unwrap_err(),
            client.log_out_org_user(&administrator).await.unwrap_err(),
            client.create_api_token(&administrator).await.unwrap_err(),
            client.organizations(&administrator).await.unwrap_err(),
            client
                .applications(&administrator, &organization)
                .await
                .unwrap_err(),
            caller.execute::<MyUser>(json!({})).await.unwrap_err(),
        ]
    }

    fn sent() -> Vec<String> {
        let mut secrets = Self::secrets_of(user());
        secrets.extend(Self::secrets_of(administrator()));
        secrets.extend(Self::secrets_of(api_token()));
        for link in [app_link(), admin_link()] {
            secrets.extend(parts(link.token().expose_secret()));
        }
        secrets
    }

    fn session_of_secrets(sandbox: &Sandbox) -> (Session, Vec<String>) {
        let session = new_session(sandbox);
        let headers = session.try_headers().unwrap();
        let secrets = parts(headers["authorization"].to_str().unwrap());
        (session, secrets)
    }

    fn secrets_of(token: impl Into<CoreToken>) -> Vec<String> {
        parts(token.into().access().expose_secret())
    }
}

/// All JWTs begin alike: these are its claims and its signature.
fn parts(jwt: &str) -> Vec<String> {
    jwt.split('.').skip(1).map(str::to_owned).collect()
}

#[tokio::test]
async fn an_echo_of_a_login_link_is_cut_out() {
    for link in [app_link(), odd_link()] {
        let secrets = parts(link.token().expose_secret());
        let operation = "identityx.log_in_app_user";
        assert_echo_is_cut_out::<IdentityX>(&STATUSES, operation, &secrets, async |client| {
            let application = application_id();
            client
                .log_in_app_user(&application, &link)
                .await
                .unwrap_err()
        })
        .await;
    }
    for link in [admin_link(), odd_link()] {
        let secrets = parts(link.token().expose_secret());
        let operation = "identityx.log_in_org_user";
        assert_echo_is_cut_out::<IdentityX>(&STATUSES, operation, &secrets, async |client| {
            client.log_in_org_user(&link).await.unwrap_err()
        })
        .await;
    }
}

#[tokio::test]
async fn an_echo_of_an_app_users_token_is_cut_out() {
    for (user, secrets) in [
        (user(), IdentityX::secrets_of(user())),
        (AppUser::from(odd()), vec![ODD.to_owned()]),
    ] {
        let operation = "identityx.active_app_user";
        assert_echo_is_cut_out::<IdentityX>(&STATUSES, operation, &secrets, async |client| {
            client.active_app_user(&user).await.unwrap_err()
        })
        .await;
        assert_echo_is_cut_out::<IdentityX>(&STATUSES, operation, &secrets, async |client| {
            let caller = client.as_identity(&user).unwrap();
            caller.execute::<MyAppUser>(json!({})).await.unwrap_err()
        })
        .await;
        let operation = "identityx.log_out_app_user";
        assert_echo_is_cut_out::<IdentityX>(&STATUSES, operation, &secrets, async |client| {
            client.log_out_app_user(&user).await.unwrap_err()
        })
        .await;
    }
}

#[tokio::test]
async fn an_echo_of_an_administrators_token_is_cut_out() {
    for (user, secrets) in [
        (administrator(), IdentityX::secrets_of(administrator())),
        (OrgUser::from(odd()), vec![ODD.to_owned()]),
    ] {
        let operation = "identityx.active_org_user";
        assert_echo_is_cut_out::<IdentityX>(&STATUSES, operation, &secrets, async |client| {
            client.active_org_user(&user).await.unwrap_err()
        })
        .await;
        let operation = "identityx.log_out_org_user";
        assert_echo_is_cut_out::<IdentityX>(&STATUSES, operation, &secrets, async |client| {
            client.log_out_org_user(&user).await.unwrap_err()
        })
        .await;
        let operation = "identityx.create_api_token";
        assert_echo_is_cut_out::<IdentityX>(&STATUSES, operation, &secrets, async |client| {
            client.create_api_token(&user).await.unwrap_err()
        })
        .await;
        let operation = "identityx.organizations";
        assert_echo_is_cut_out::<IdentityX>(&STATUSES, operation, &secrets, async |client| {
            client.organizations(&user).await.unwrap_err()
        })
        .await;
        let operation = "identityx.applications";
        assert_echo_is_cut_out::<IdentityX>(&STATUSES, operation, &secrets, async |client| {
            let organization = organization_id();
            client.applications(&user, &organization).await.unwrap_err()
        })
        .await;
    }
}

#[tokio::test]
async fn an_echo_of_an_api_token_is_cut_out() {
    for (token, secrets) in [
        (api_token(), IdentityX::secrets_of(api_token())),
        (OrgUserApiToken::from(odd()), vec![ODD.to_owned()]),
    ] {
        let operation = "identityx.active_org_user";
        assert_echo_is_cut_out::<IdentityX>(&STATUSES, operation, &secrets, async |client| {
            client.active_org_user(&token).await.unwrap_err()
        })
        .await;
    }
}

#[tokio::test]
async fn a_refusal_with_the_whole_token_in_known_words_is_cut_out() {
    let vendor = Vendor::start().await;
    let user = AppUser::from(odd());
    let administrator = OrgUser::from(odd());
    for message in [
        format!("jwt malformed: {ODD}"),
        format!("jwt malformed: {}", &ODD[..12]),
        format!("No user was found for '{ODD}'"),
        format!("request to http://inner/{ODD} failed, reason: connect ECONNREFUSED {ODD}"),
        format!("Variable \"$input\" got invalid value {{\"token\":\"{ODD}\"}}"),
        format!("The application ID \"{ODD}\" is no longer allowed."),
        format!("{} {ODD}", jwt_of("user-auth")),
    ] {
        for (status, code) in [
            (200, "UNAUTHENTICATED"),
            (200, "INTERNAL_SERVER_ERROR"),
            (200, "BAD_USER_INPUT"),
            (400, "FORBIDDEN"),
            (400, "INTERNAL_SERVER_ERROR"),
            (500, "INTERNAL_SERVER_ERROR"),
        ] {
            let error = json!({ "message": message, "extensions": { "code": code } });
            let body = json!({ "data": null, "errors": [error] }).to_string();
            vendor.response(status, &body).await;
            let client = &vendor.client;
            for error in [
                client.active_app_user(&user).await.unwrap_err(),
                client.log_out_app_user(&user).await.unwrap_err(),
                client.create_api_token(&administrator).await.unwrap_err(),
            ] {
                assert_hidden(&shown(&error), &[ODD]);
                assert_hidden(
                    &shown(&error),
                    &IdentityX::secrets_of(self::administrator()),
                );
                assert!(shown(&error).contains("[redacted]"), "{error:?}");
            }
        }
    }
}

#[tokio::test]
async fn no_debug_shows_a_secret() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let key = client.store_key::<AppUser>("sue@example.test", ID);
    let session_builder = client
        .session_builder::<AppUser>()
        .store(Arc::new(MemoryStore::new()), key)
        .token(user().into());
    let callers = format!(
        "{:#?} {:#?} {:?}",
        client.as_identity(&user()).unwrap(),
        client.as_identity(&api_token()).unwrap(),
        client.in_application(&application_id()),
    );
    let built = format!(
        "{client:#?} {:#?} {:#?} {:#?} {:?} {:?}",
        user(),
        administrator(),
        api_token(),
        app_link(),
        admin_link(),
    );
    let text = built + &callers + &shown_session(session_builder).await;
    for part in [ID, "Session", &user().fingerprint().to_string()] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    assert_hidden(&text, &IdentityX::sent());
}

#[tokio::test]
async fn no_debug_of_a_log_in_shows_a_secret_or_its_context() {
    let sandbox = sandbox();
    let (client, application) = (client(&sandbox), application(&sandbox));
    let context = json!({ "coupon": "hunter22" });
    let mail = crate::set_up::mail(&sandbox)
        .source("newsletter")
        .additional_context(context.as_object().unwrap().clone());
    let sent = client.send_app_user_login_link(&application, &mail);
    sent.await.unwrap();
    let link = crate::set_up::mailed(&sandbox);
    let login = client.log_in_app_user(&application, &link).await.unwrap();
    assert!(login.additional_context.is_some());
    let text = format!("{login:#?}");
    assert!(text.contains("newsletter"), "{text}");
    assert_hidden(&text, &["hunter22"]);
    assert_hidden(&text, &IdentityX::secrets_of(login.user));
    let login = client
        .log_in_org_user(&org_link(&client, &sandbox).await)
        .await;
    let login = login.unwrap();
    assert_hidden(&format!("{login:#?}"), &IdentityX::secrets_of(login.user));
}

#[tokio::test]
async fn no_log_or_span_of_a_call_shows_a_secret() {
    let (captured, _guard) = Captured::begin();
    let sandbox = sandbox();
    let (client, application) = (client(&sandbox), application(&sandbox));
    let (link, org_link) = (
        link(&client, &sandbox).await,
        org_link(&client, &sandbox).await,
    );
    let user = client.log_in_app_user(&application, &link).await.unwrap();
    let user = user.user;
    client.active_app_user(&user).await.unwrap();
    let caller = client.as_identity(&user).unwrap();
    caller.execute::<MyAppUser>(json!({})).await.unwrap();
    client.log_out_app_user(&user).await.unwrap();
    let new = NewAppUser::new("new@example.test");
    client.create_app_user(&application, &new).await.unwrap();
    let administrator = client.log_in_org_user(&org_link).await.unwrap().user;
    client.active_org_user(&administrator).await.unwrap();
    client.organizations(&administrator).await.unwrap();
    let organization = organization(&sandbox);
    let found = client.applications(&administrator, &organization);
    found.await.unwrap();
    let api_token = client.create_api_token(&administrator).await.unwrap();
    client.log_out_org_user(&administrator).await.unwrap();
    client.ping().await.unwrap();

    let text = captured.text();
    for operation in IdentityX::FAILING {
        assert_traced(&text, operation, 200);
    }
    for operation in [
        "identityx.send_app_user_login_link",
        "identityx.send_org_user_login_link",
        "identityx.create_app_user",
        "identityx.ping",
    ] {
        assert_traced(&text, operation, 200);
    }
    assert_other_libraries_were_heard(&text);
    let mut secrets = parts(link.token().expose_secret());
    secrets.extend(parts(org_link.token().expose_secret()));
    secrets.extend(IdentityX::secrets_of(user));
    secrets.extend(IdentityX::secrets_of(administrator));
    secrets.extend(IdentityX::secrets_of(api_token));
    assert_hidden(&text, &secrets);
}
