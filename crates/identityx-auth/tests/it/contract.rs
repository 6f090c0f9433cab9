//! Every call that the vendor documents: what is sent, and each documented response.

use std::time::Duration;

use auth_core::{Clock as _, Expiry};
use auth_sandbox::{
    IdentityXAppUser, IdentityXApplication, IdentityXOrgUser, IdentityXOrganization, Sandbox,
};
use identityx_auth::graphql::{Execute as _, Json};
use identityx_auth::identity::NewAppUser;
use identityx_auth::organization::{OrganizationId, OrganizationRole};
use identityx_auth::store::Token;
use identityx_auth::{
    AppUser, ApplicationId, AuthHeaders, Error, ErrorKind, ExposeSecret as _, Login, LoginLink,
    LoginLinkMail, OrgUser, OrgUserApiToken, SecretString,
};
use serde_json::json;
use vendor_tests::Calls as _;

use crate::faults::Ready;
use crate::set_up::{
    AUTH_URL, IdentityX, MyAppMail, MyAppUser, MyApplications, MyMail, MyMemberships, MyPings,
    MyTypedUser, MyUser, Outdated, Unreadable, api_token, app_user, application, assert_refused,
    client, email, headers, jwt, link, mail, mailed, only, org_email, org_link, org_user,
    organization, sandbox, shown,
};

const SEND_APP_LINK: &str = "identityx.send_app_user_login_link";
const LOG_IN_APP_USER: &str = "identityx.log_in_app_user";
const ACTIVE_APP_USER: &str = "identityx.active_app_user";
const LOG_OUT_APP_USER: &str = "identityx.log_out_app_user";
const CREATE_APP_USER: &str = "identityx.create_app_user";
const SEND_ORG_LINK: &str = "identityx.send_org_user_login_link";
const LOG_IN_ORG_USER: &str = "identityx.log_in_org_user";
const ACTIVE_ORG_USER: &str = "identityx.active_org_user";
const LOG_OUT_ORG_USER: &str = "identityx.log_out_org_user";
const CREATE_API_TOKEN: &str = "identityx.create_api_token";
const ORGANIZATIONS: &str = "identityx.organizations";
const APPLICATIONS: &str = "identityx.applications";

/// A request as the vendor sees it: the operation's name, its variables, who calls, and for which
/// application and organisation.
type Received = (String, Json, [Option<String>; 3]);

const NO_IDENTITY: [Option<&str>; 3] = [None; 3];

fn request(name: &str, variables: Json, headers: [Option<&str>; 3]) -> Received {
    let headers = headers.map(|value| value.map(str::to_owned));
    (name.to_owned(), variables, headers)
}

/// The one request of this operation, after checking what is in every request.
#[track_caller]
fn received(sandbox: &Sandbox, operation: &str) -> Received {
    let entry = only(sandbox, operation);
    assert_eq!(entry.method(), "POST");
    assert_eq!((entry.path(), entry.query()), ("/identityx/graphql", None));
    assert_eq!(entry.header("content-type"), Some("application/json"));
    assert_eq!(entry.header("accept"), Some("application/json"));
    let agent = concat!("identityx-auth/", env!("CARGO_PKG_VERSION"));
    assert_eq!(entry.header("user-agent"), Some(agent));
    let body: Json = serde_json::from_str(entry.body()).unwrap();
    let [name, query] = ["operationName", "query"].map(|part| body[part].as_str().unwrap());
    assert!(query.contains(name), "{query}");
    assert_eq!(body.as_object().unwrap().len(), 3);
    let headers = ["authorization", "x-app-id", "x-org-id"].map(|name| entry.header(name));
    request(name, body["variables"].clone(), headers)
}

/// The value of the header `Authorization`.
fn of(scheme: &str, token: &SecretString) -> String {
    format!("{scheme} {}", text(token))
}

fn text(secret: &SecretString) -> &str {
    secret.expose_secret()
}

fn is_accepted(sandbox: &Sandbox, token: &SecretString) -> bool {
    sandbox.identityx().accepts(text(token))
}

/// A token of which nothing but its text is known.
fn bare(access: &str) -> Token {
    Token::new(access.into(), Expiry::Never, std::time::UNIX_EPOCH)
}

#[tokio::test]
async fn an_app_users_login_link_is_mailed_with_all_that_was_asked_for() {
    let sandbox = sandbox();
    let (client, application) = (client(&sandbox), application(&sandbox));
    let context = json!({ "a": [1, null], "é": { "b": "\"c\"" } });
    let full = mail(&sandbox)
        .redirect_to("/news")
        .source("newsletter")
        .additional_context(context.as_object().unwrap().clone())
        .app_context_id("60a1b2c3d4e5f60718293b01");
    let sent = client.send_app_user_login_link(&application, &full);
    sent.await.unwrap();
    assert_eq!(sandbox.inbox(email(&sandbox)).count(), 1);
    let input = json!({
        "email": email(&sandbox),
        "authUrl": AUTH_URL,
        "redirectTo": "/news",
        "source": "newsletter",
        "additionalContext": context,
        "appContextId": "60a1b2c3d4e5f60718293b01",
    });
    let variables = json!({ "input": input });
    let app = Some(application.as_str());
    let expected = request("SendAppUserLoginLink", variables, [None, app, None]);
    assert_eq!(received(&sandbox, SEND_APP_LINK), expected);

    // What was not asked for is not sent.
    sandbox.log().clear();
    let bare = mail(&sandbox);
    let sent = client.send_app_user_login_link(&application, &bare);
    sent.await.unwrap();
    let variables = json!({ "input": { "email": email(&sandbox), "authUrl": AUTH_URL } });
    let app = Some(application.as_str());
    let expected = request("SendAppUserLoginLink", variables, [None, app, None]);
    assert_eq!(received(&sandbox, SEND_APP_LINK), expected);
}

#[tokio::test]
async fn an_app_users_link_gives_a_session_without_an_end_and_what_the_mail_was_asked_for_with() {
    let sandbox = sandbox();
    let (client, application) = (client(&sandbox), application(&sandbox));
    let context = json!({ "from": { "article": 7 } });
    let context = context.as_object().unwrap();
    let mail = mail(&sandbox)
        .source("newsletter")
        .additional_context(context.clone());
    let sent = client.send_app_user_login_link(&application, &mail);
    sent.await.unwrap();
    sandbox.clock().advance(Duration::from_millis(1_500));
    let link = mailed(&sandbox);
    let login = client.log_in_app_user(&application, &link).await.unwrap();
    assert_eq!(login.source.as_deref(), Some("newsletter"));
    let mut carried = context.clone();
    carried.insert("source".to_owned(), "newsletter".into());
    assert_eq!(login.additional_context, Some(carried));
    let now = sandbox.clock().now().wall();
    let profile = &login.profile;
    assert_eq!(
        (&*profile.email, &*profile.domain),
        (email(&sandbox), "identityx.example")
    );
    assert_eq!(profile.name.as_deref(), Some("Ann Reader"));
    assert_eq!(profile.given_name.as_deref(), Some("Ann"));
    assert_eq!(profile.family_name.as_deref(), Some("Reader"));
    assert_eq!(
        (profile.display_name.as_deref(), profile.verified),
        (Some("ann"), Some(true))
    );
    assert_eq!(profile.last_logged_in, Some(now));
    assert_eq!(
        profile.created_at,
        now.checked_sub(Duration::from_millis(1_500))
    );

    let user = &login.user;
    assert!(is_accepted(&sandbox, user.access_token()));
    assert_eq!((user.expiry(), user.issued_at()), (Expiry::Never, now));
    assert_eq!(user.application().as_ref(), Some(&application));
    let variables = json!({ "input": { "token": text(link.token()) } });
    let app = Some(application.as_str());
    let expected = request("LogInAppUser", variables, [None, app, None]);
    assert_eq!(received(&sandbox, LOG_IN_APP_USER), expected);
}

#[tokio::test]
async fn a_log_in_returns_nothing_more_where_nothing_was_asked_for() {
    let sandbox = sandbox();
    let (client, application) = (client(&sandbox), application(&sandbox));
    let link = link(&client, &sandbox).await;
    let login = client.log_in_app_user(&application, &link).await.unwrap();
    assert_eq!(
        (login.source, login.additional_context),
        (None, Some(identityx_auth::graphql::JsonObject::new()))
    );
}

#[tokio::test]
async fn an_app_user_is_asked_for_with_their_token_and_their_application() {
    let sandbox = sandbox();
    let user = app_user(&sandbox);
    let profile = client(&sandbox)
        .active_app_user(&headers(&user))
        .await
        .unwrap();
    assert_eq!(profile.email, email(&sandbox));
    assert_eq!(
        (profile.last_logged_in, profile.verified),
        (None, Some(false))
    );
    let caller = of("AppUser", user.access_token());
    let application = application(&sandbox);
    let app = Some(application.as_str());
    let expected = request("ActiveAppUser", Json::Null, [Some(&caller), app, None]);
    assert_eq!(received(&sandbox, ACTIVE_APP_USER), expected);
}

#[tokio::test]
async fn an_app_users_log_out_sends_the_token_as_an_input_and_no_authorization() {
    let sandbox = sandbox();
    let (user, other) = (app_user(&sandbox), app_user(&sandbox));
    client(&sandbox)
        .log_out_app_user(&headers(&user))
        .await
        .unwrap();
    assert!(!is_accepted(&sandbox, user.access_token()));
    assert!(is_accepted(&sandbox, other.access_token()));
    let variables = json!({ "input": { "token": text(user.access_token()) } });
    let application = application(&sandbox);
    let app = Some(application.as_str());
    let expected = request("LogOutAppUser", variables, [None, app, None]);
    assert_eq!(received(&sandbox, LOG_OUT_APP_USER), expected);
}

#[tokio::test]
async fn an_app_user_whose_application_is_not_known_is_not_logged_out() {
    let sandbox = sandbox();
    let token = app_user(&sandbox).access_token().clone();
    let user = AppUser::from(bare(text(&token)));
    assert_eq!(user.application(), None);
    let error = client(&sandbox).log_out_app_user(&headers(&user)).await;
    let text = "the wrong identity: the app user's application is not known";
    assert_refused(&error.unwrap_err(), ErrorKind::InvalidConfig, text);
    assert_eq!(sandbox.log().entries().len(), 0);
    // Everything else needs no application.
    client(&sandbox)
        .active_app_user(&headers(&user))
        .await
        .unwrap();
    let sent = only(&sandbox, ACTIVE_APP_USER);
    assert_eq!(sent.header("x-app-id"), None);
}

#[tokio::test]
async fn an_app_user_is_created_once_with_everything_that_is_known_of_them() {
    let sandbox = sandbox();
    let (client, application) = (client(&sandbox), application(&sandbox));
    let new = NewAppUser::new("new@example.test")
        .given_name("Nora")
        .family_name("New")
        .organization("ACME")
        .organization_title("Editor")
        .country_code("DE")
        .region_code("BE")
        .postal_code("10115")
        .city("Berlin")
        .street("Invalidenstr. 1")
        .address_extra("c/o Ann")
        .mobile_number("+49 1")
        .phone_number("+49 2");
    let first = client.create_app_user(&application, &new).await.unwrap();
    assert_eq!(first.email, "new@example.test");
    assert_eq!(first.given_name.as_deref(), Some("Nora"));
    assert_eq!(first.created_at, Some(sandbox.clock().now().wall()));
    let input = json!({
        "email": "new@example.test",
        "givenName": "Nora",
        "familyName": "New",
        "organization": "ACME",
        "organizationTitle": "Editor",
        "countryCode": "DE",
        "regionCode": "BE",
        "postalCode": "10115",
        "city": "Berlin",
        "street": "Invalidenstr. 1",
        "addressExtra": "c/o Ann",
        "mobileNumber": "+49 1",
        "phoneNumber": "+49 2",
    });
    let app = Some(application.as_str());
    let expected = request(
        "CreateAppUser",
        json!({ "input": input }),
        [None, app, None],
    );
    assert_eq!(received(&sandbox, CREATE_APP_USER), expected);

    sandbox.log().clear();
    sandbox.clock().advance(Duration::from_secs(60));
    let again = NewAppUser::new("NEW@example.test");
    let second = client.create_app_user(&application, &again).await.unwrap();
    assert_eq!(second, first);
    let variables = json!({ "input": { "email": "NEW@example.test" } });
    let app = Some(application.as_str());
    let expected = request("CreateAppUser", variables, [None, app, None]);
    assert_eq!(received(&sandbox, CREATE_APP_USER), expected);
    let mail = LoginLinkMail::new("new@example.test", AUTH_URL).unwrap();
    let sent = client.send_app_user_login_link(&application, &mail);
    sent.await.unwrap();
}

#[tokio::test]
async fn an_administrators_link_is_mailed_and_gives_a_session_without_an_end() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let link = org_link(&client, &sandbox).await;
    let variables = json!({ "input": { "email": org_email(&sandbox) } });
    let expected = request("SendUserLoginLink", variables, NO_IDENTITY);
    assert_eq!(received(&sandbox, SEND_ORG_LINK), expected);

    let login = client.log_in_org_user(&link).await.unwrap();
    assert!(is_accepted(&sandbox, login.user.access_token()));
    let now = sandbox.clock().now().wall();
    let user = &login.user;
    assert_eq!((user.expiry(), user.issued_at()), (Expiry::Never, now));
    assert_eq!(user.organization(), None);
    let profile = &login.profile;
    assert_eq!(profile.email, org_email(&sandbox));
    assert_eq!(profile.given_name.as_deref(), Some("Ada"));
    assert_eq!(profile.family_name.as_deref(), Some("Owner"));
    assert_eq!(profile.photo_url, None);
    let variables = json!({ "input": { "token": text(link.token()) } });
    let expected = request("LogInUser", variables, NO_IDENTITY);
    assert_eq!(received(&sandbox, LOG_IN_ORG_USER), expected);
}

#[tokio::test]
async fn an_administrator_is_asked_for_with_either_token() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let photo = "https://photos.example.test/1.png";
    let bea = IdentityXOrgUser::new("bea@example.test").photo_url(photo);
    sandbox.identityx().add_org_user(bea);
    let session = sandbox
        .identityx()
        .mint_org_user_session("bea@example.test");
    let session = OrgUser::from_jwt(session).unwrap();
    let profile = client.active_org_user(&headers(&session)).await.unwrap();
    assert_eq!(profile.photo_url.as_deref(), Some(photo));
    assert_eq!((&profile.given_name, &profile.family_name), (&None, &None));
    let caller = of("OrgUser", session.access_token());
    let expected = request("ActiveUser", Json::Null, [Some(&caller), None, None]);
    assert_eq!(received(&sandbox, ACTIVE_ORG_USER), expected);

    sandbox.log().clear();
    let token = api_token(&sandbox);
    let profile = client.active_org_user(&headers(&token)).await.unwrap();
    assert_eq!(profile.email, org_email(&sandbox));
    let caller = of("OrgUserApiToken", token.access_token());
    let expected = request("ActiveUser", Json::Null, [Some(&caller), None, None]);
    assert_eq!(received(&sandbox, ACTIVE_ORG_USER), expected);
}

#[tokio::test]
async fn an_administrators_log_out_ends_that_session_and_no_other() {
    let sandbox = sandbox();
    let (user, other) = (org_user(&sandbox), org_user(&sandbox));
    client(&sandbox)
        .log_out_org_user(&headers(&user))
        .await
        .unwrap();
    assert!(!is_accepted(&sandbox, user.access_token()));
    assert!(is_accepted(&sandbox, other.access_token()));
    let caller = of("OrgUser", user.access_token());
    let expected = request("LogOutUser", Json::Null, [Some(&caller), None, None]);
    assert_eq!(received(&sandbox, LOG_OUT_ORG_USER), expected);
}

#[tokio::test]
async fn the_api_token_is_the_same_at_every_call_and_survives_a_log_out() {
    let sandbox = sandbox();
    let (client, user) = (client(&sandbox), org_user(&sandbox));
    let first = client.create_api_token(&headers(&user)).await.unwrap();
    let caller = of("OrgUser", user.access_token());
    let expected = request("CreateApiToken", Json::Null, [Some(&caller), None, None]);
    assert_eq!(received(&sandbox, CREATE_API_TOKEN), expected);
    assert_eq!(first.expiry(), Expiry::Never);
    assert_eq!(first.issued_at(), sandbox.clock().now().wall());

    let second = client.create_api_token(&headers(&user)).await.unwrap();
    assert_eq!(first.fingerprint(), second.fingerprint());
    client.log_out_org_user(&headers(&user)).await.unwrap();
    client.active_org_user(&headers(&second)).await.unwrap();
    let third = client
        .create_api_token(&headers(&org_user(&sandbox)))
        .await
        .unwrap();
    assert_eq!(first.fingerprint(), third.fingerprint());
}

#[tokio::test]
async fn an_administrators_organizations_are_told_with_roles_that_are_not_known_yet() {
    let sandbox = sandbox();
    let identityx = sandbox.identityx();
    let roles = ["Owner", "Administrator", "Member", "Guest", "Auditor_2"];
    let mut bea = IdentityXOrgUser::new("bea@example.test");
    for (at, role) in roles.iter().enumerate() {
        let id = format!("5f0c1d2e3a4b5c6d7e8f9b0{at}");
        identityx.add_organization(IdentityXOrganization::new(&id, format!("No. {at}")));
        bea = bea.member_of(id, *role);
    }
    identityx.add_org_user(bea);
    let user = OrgUser::from_jwt(identityx.mint_org_user_session("bea@example.test")).unwrap();
    let memberships = client(&sandbox)
        .organizations(&headers(&user))
        .await
        .unwrap();
    let told: Vec<_> = memberships.iter().map(|it| it.role.clone()).collect();
    let other = OrganizationRole::Other("Auditor_2".to_owned());
    assert_eq!(
        told,
        [
            OrganizationRole::Owner,
            OrganizationRole::Administrator,
            OrganizationRole::Member,
            OrganizationRole::Guest,
            other,
        ]
    );
    let organization = &memberships[2].organization;
    assert_eq!(organization.id, "5f0c1d2e3a4b5c6d7e8f9b02");
    assert_eq!(organization.name, "No. 2");
    assert_ne!(memberships[0].id, memberships[1].id);
    let caller = of("OrgUser", user.access_token());
    let expected = request("UserOrganizations", Json::Null, [Some(&caller), None, None]);
    assert_eq!(received(&sandbox, ORGANIZATIONS), expected);
}

#[tokio::test]
async fn an_organizations_applications_are_asked_for_with_its_id() {
    let sandbox = sandbox();
    let (client, user) = (client(&sandbox), org_user(&sandbox));
    let organization = organization(&sandbox);
    let foreign = IdentityXApplication::new("60a1b2c3d4e5f60718293a03", "Foreign");
    let other = sandbox.identityx().other_organization_id();
    sandbox
        .identityx()
        .add_application(foreign.organization(other));
    let found = client
        .applications(&headers(&user), &organization)
        .await
        .unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|it| (&*it.id, &*it.name, it.description.as_deref()))
        .collect();
    let identityx = sandbox.identityx();
    assert_eq!(
        found,
        [
            (
                identityx.application_id(),
                "Sandbox Daily",
                Some("The daily paper")
            ),
            (identityx.other_application_id(), "Sandbox Weekly", None),
        ]
    );
    let caller = of("OrgUser", user.access_token());
    let expected = request(
        "OrganizationApplications",
        Json::Null,
        [Some(&caller), None, Some(organization.as_str())],
    );
    assert_eq!(received(&sandbox, APPLICATIONS), expected);

    let other = OrganizationId::new(other).unwrap();
    let error = client.applications(&headers(&user), &other).await;
    assert_refused(&error.unwrap_err(), ErrorKind::Denied, "not permitted");
}

#[tokio::test]
async fn a_ping_needs_no_identity_and_survives_the_outage_of_an_inner_service() {
    let sandbox = sandbox();
    sandbox.identityx().inner_service_down(true);
    client(&sandbox).ping().await.unwrap();
    let expected = request("Ping", Json::Null, NO_IDENTITY);
    assert_eq!(received(&sandbox, "identityx.ping"), expected);
}

#[tokio::test]
async fn no_call_is_put_together_in_a_way_that_the_vendor_minds() {
    let sandbox = sandbox();
    let ready = ready(&sandbox).await;
    for call in IdentityX::CALLS {
        IdentityX::call(&ready, call.operation).await.unwrap();
    }
    sandbox.log().assert_no_hints();
    assert_eq!(sandbox.log().entries().len(), IdentityX::CALLS.len());
}

/// What [`IdentityX::call`] calls with.
async fn ready(sandbox: &Sandbox) -> Ready {
    IdentityX::ready(sandbox, client(sandbox)).await
}

/// These headers for every call that takes some.
fn with_headers(ready: &Ready, headers: &AuthHeaders) -> Ready {
    let mut ready = ready.clone();
    for taken in [
        &mut ready.user,
        &mut ready.administrator,
        &mut ready.leaving_user,
        &mut ready.leaving_administrator,
    ] {
        taken.clone_from(headers);
    }
    ready
}

/// Each of these calls is sent once and refused alike: with this kind, message and status.
async fn assert_all_refused(
    sandbox: &Sandbox,
    ready: &Ready,
    operations: &[&str],
    (kind, text, http_status): (ErrorKind, &str, Option<u16>),
) {
    sandbox.log().clear();
    for operation in operations {
        let error = IdentityX::call(ready, operation).await.unwrap_err();
        assert_refused(&error, kind, text);
        assert_eq!(error.http_status(), http_status, "{operation}: {error:?}");
    }
    let sent = http_status.map_or(0, |_| operations.len());
    assert_eq!(sandbox.log().entries().len(), sent, "{operations:?}");
}

#[tokio::test]
async fn a_user_whom_the_vendor_does_not_know_is_an_error_of_its_own() {
    let sandbox = sandbox();
    let mut ready = ready(&sandbox).await;
    ready.mail = LoginLinkMail::new("stranger@example.test", AUTH_URL).unwrap();
    ready.org_email = "stranger@example.test";
    let text = "unknown user: No user was found for 'stranger@example.test'";
    let refusal = (ErrorKind::NotFound, text, Some(200));
    assert_all_refused(&sandbox, &ready, &[SEND_APP_LINK, SEND_ORG_LINK], refusal).await;

    // A user of another application.
    ready.mail = mail(&sandbox);
    ready.application = weekly(&sandbox);
    let text = format!("unknown user: No user was found for '{}'", email(&sandbox));
    let refusal = (ErrorKind::NotFound, &*text, Some(200));
    assert_all_refused(&sandbox, &ready, &[SEND_APP_LINK], refusal).await;
    // The one mail of `ready`.
    assert_eq!(sandbox.inbox(email(&sandbox)).count(), 1);
}

#[tokio::test]
async fn an_application_that_is_unknown_is_an_error_of_its_own() {
    let sandbox = sandbox();
    let ready = ready(&sandbox).await;
    let id = ready.application.as_str();
    sandbox.identityx().lose_application(id, true);
    let text = "unknown application: Unable to find an application for this request";
    let calls = [
        SEND_APP_LINK,
        LOG_IN_APP_USER,
        CREATE_APP_USER,
        LOG_OUT_APP_USER,
    ];
    let refusal = (ErrorKind::InvalidConfig, text, Some(200));
    assert_all_refused(&sandbox, &ready, &calls, refusal).await;
    // The vendor does not list an id with a digit wrong.
    let wrong = ApplicationId::new("000000000000000000000000").unwrap();
    let link = LoginLink::parse(&jwt("{}").into()).unwrap();
    let error = ready
        .client
        .log_in_app_user(&wrong, &link)
        .await
        .unwrap_err();
    assert_refused(
        &error,
        ErrorKind::Denied,
        "the application is not allowed: ",
    );
}

#[tokio::test]
async fn an_administrators_calls_are_about_an_application_an_organization_or_both() {
    let sandbox = sandbox();
    let (client, application) = (client(&sandbox), application(&sandbox));
    let organization = organization(&sandbox);
    let user = || api_token(&sandbox).with_account(org_email(&sandbox));
    let mut keys = Vec::new();
    for (login, app, org) in [
        (Login::identity(user()), false, false),
        (
            Login::identity(user()).in_application(&application),
            true,
            false,
        ),
        (
            Login::identity(user()).in_organization(&organization),
            false,
            true,
        ),
        (
            Login::identity(
                user()
                    .in_application(&application)
                    .in_organization(&organization),
            ),
            true,
            true,
        ),
    ] {
        let key = client.store_key(&login).unwrap();
        assert!(!keys.contains(&key), "{key:?}");
        keys.push(key);
        let headers = client
            .session(login)
            .build()
            .unwrap()
            .headers()
            .await
            .unwrap();
        let value = |name| headers.get(name).map(|it| it.to_str().unwrap().to_owned());
        assert_eq!(value("x-app-id"), app.then(|| application.to_string()));
        assert_eq!(value("x-org-id"), org.then(|| organization.to_string()));
    }
    let stored = Login::<OrgUserApiToken>::stored(org_email(&sandbox));
    let stored = stored
        .in_organization(&organization)
        .in_application(&application);
    assert_eq!(client.store_key(&stored), keys.pop());
    // A token for another application is refused.
    let session = client
        .session(user().in_application(&application))
        .build()
        .unwrap();
    let other = user().in_application(&weekly(&sandbox));
    let error = session.set_token(other).await.unwrap_err();
    assert_refused(
        &error,
        ErrorKind::InvalidConfig,
        "another organization or application",
    );
}

#[tokio::test]
async fn an_api_token_may_ask_for_all_that_an_administrators_session_may() {
    let sandbox = sandbox();
    let (client, token) = (client(&sandbox), api_token(&sandbox));
    let headers = headers(&token);
    assert_eq!(client.organizations(&headers).await.unwrap().len(), 1);
    let found = client.applications(&headers, &organization(&sandbox)).await;
    assert_eq!(found.unwrap().len(), 2);
    let same = client.create_api_token(&headers).await.unwrap();
    assert_eq!(same.fingerprint(), token.fingerprint());
}

#[tokio::test]
async fn a_context_that_would_make_a_link_too_long_is_refused_before_anything_is_sent() {
    let sandbox = sandbox();
    let (client, application) = (client(&sandbox), application(&sandbox));
    let of_length = |length: usize| {
        let context = json!({ "a": "x".repeat(length - r#"{"a":""}"#.len()) });
        mail(&sandbox).additional_context(context.as_object().unwrap().clone())
    };
    let longest = 48 * 1024;
    for mail in [of_length(longest + 1), of_length(longest).source("x")] {
        let error = client.send_app_user_login_link(&application, &mail).await;
        assert_refused(&error.unwrap_err(), ErrorKind::InvalidConfig, "48 KiB");
    }
    assert_eq!(sandbox.log().entries().len(), 0);
    let mail = of_length(longest);
    let sent = client.send_app_user_login_link(&application, &mail);
    sent.await.unwrap();
    // It can be traded.
    let login = client
        .log_in_app_user(&application, &mailed(&sandbox))
        .await;
    assert!(login.unwrap().additional_context.is_some());
}

#[tokio::test]
async fn a_damaged_link_is_refused_and_another_one_helps() {
    let sandbox = sandbox();
    let (client, application) = (client(&sandbox), application(&sandbox));
    link(&client, &sandbox).await;
    let token = sandbox.inbox(email(&sandbox)).latest().unwrap();
    let token = token.code().unwrap().replacen(".e", ".", 1);
    let link = LoginLink::parse(&token.into()).unwrap();
    let error = client
        .log_in_app_user(&application, &link)
        .await
        .unwrap_err();
    assert_refused(
        &error,
        ErrorKind::InteractionRequired,
        "the login link was refused: Unexpected token",
    );
}

#[tokio::test]
async fn an_application_that_is_no_longer_allowed_is_an_error_of_its_own_whatever_is_called() {
    let sandbox = sandbox();
    let ready = ready(&sandbox).await;
    let id = ready.application.as_str();
    sandbox.identityx().block_application(id, true);
    let text = format!(
        "not allowed: Context creation failed: The application ID \"{id}\" is no longer allowed"
    );
    let calls = [
        SEND_APP_LINK,
        LOG_IN_APP_USER,
        CREATE_APP_USER,
        ACTIVE_APP_USER,
        LOG_OUT_APP_USER,
    ];
    let refusal = (ErrorKind::Denied, &*text, Some(400));
    assert_all_refused(&sandbox, &ready, &calls, refusal).await;
    let caller = ready.client.in_application(&ready.application);
    let error = caller.execute::<MyPings>(json!({})).await.unwrap_err();
    assert_refused(&error, ErrorKind::Denied, &text);
    assert!(is_accepted(&sandbox, ready.user.token().access()));
}

#[tokio::test]
async fn an_address_an_organization_a_fault_and_a_tenant_are_told_apart() {
    let sandbox = sandbox();
    let ready = ready(&sandbox).await;
    let (client, identityx) = (&ready.client, sandbox.identityx());
    for (email, text) in [
        ("ann", "Invalid email address ann"),
        ("ann@mailinator.com", "\"mailinator.com\" is not allowed"),
        (" ", "`email` is required"),
    ] {
        let new = NewAppUser::new(email);
        let created = client.create_app_user(&ready.application, &new).await;
        assert_refused(&created.unwrap_err(), ErrorKind::Denied, text);
    }
    let unknown = OrganizationId::new("5f0c1d2e3a4b5c6d7e8f9aee").unwrap();
    let asked = client.applications(&ready.administrator, &unknown).await;
    let text = "unknown organization: Unable to find an organization";
    assert_refused(&asked.unwrap_err(), ErrorKind::InvalidConfig, text);
    for message in [
        "no connection available for operation and number of stored operation > 0",
        "upstream connect error or disconnect/reset before headers",
        "any other text",
    ] {
        identityx.inner_service_fails_with(Some(message));
        let error = client.active_app_user(&ready.user).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    }
    identityx.inner_service_fails_with(None);
    identityx.disable_application(ready.application.as_str(), true);
    for call in [SEND_APP_LINK, LOG_IN_APP_USER, ACTIVE_APP_USER] {
        let error = IdentityX::call(&ready, call).await.unwrap_err();
        assert_refused(&error, ErrorKind::Denied, "is disabled and must");
        assert_eq!(error.http_status(), Some(500), "{call}");
    }
    assert_eq!(sandbox.inbox(email(&sandbox)).count(), 1);
}

#[tokio::test]
async fn a_link_that_the_vendor_refuses_is_an_error_of_its_own_whatever_is_wrong_with_it() {
    let sandbox = sandbox();
    let mut ready = ready(&sandbox).await;
    let sign = |claims: Json| sandbox.identityx().sign(&claims);
    let stranger = self::sandbox();
    let abroad = self::ready(&stranger).await;
    let parse = |link: String| LoginLink::parse(&link.into()).unwrap();
    for (app, org, text) in [
        (
            parse(jwt("no json")),
            parse(jwt("no json")),
            "Unexpected token",
        ),
        (abroad.link, abroad.org_link, "invalid signature"),
        (
            parse(sign(json!({ "sub": "app-user-login-link", "exp": 1 }))),
            parse(sign(json!({ "sub": "user-login-link", "exp": 1 }))),
            "jwt expired",
        ),
        (
            parse(sign(
                json!({ "sub": "app-user-login-link", "jti": "no one's" }),
            )),
            parse(sign(json!({ "sub": "user-login-link", "jti": "no one's" }))),
            "No token was found for the provided token identifier",
        ),
    ] {
        (ready.link, ready.org_link) = (app, org);
        let text = format!("the login link was refused: {text}");
        let refusal = (ErrorKind::InteractionRequired, &*text, Some(200));
        assert_all_refused(
            &sandbox,
            &ready,
            &[LOG_IN_APP_USER, LOG_IN_ORG_USER],
            refusal,
        )
        .await;
    }
    // Signed, but with claims that say nothing of whom it is for: only the vendor knows.
    ready.link = parse(sign(json!({})));
    ready.org_link = ready.link.clone();
    let text = "not the login link that is wanted: The token subject does not match";
    let refusal = (ErrorKind::InvalidCredentials, text, Some(200));
    assert_all_refused(
        &sandbox,
        &ready,
        &[LOG_IN_APP_USER, LOG_IN_ORG_USER],
        refusal,
    )
    .await;
}

#[tokio::test]
async fn the_log_out_of_another_applications_user_is_refused_by_the_vendor() {
    let sandbox = sandbox();
    let mut ready = ready(&sandbox).await;
    let user = app_user(&sandbox).access_token().clone();
    ready.leaving_user = headers(&AppUser::from_jwt(user.clone(), &weekly(&sandbox)).unwrap());
    let text = "another application: The requested application ID does not match";
    let refusal = (ErrorKind::InvalidCredentials, text, Some(200));
    assert_all_refused(&sandbox, &ready, &[LOG_OUT_APP_USER], refusal).await;
    assert!(is_accepted(&sandbox, &user));
}

#[tokio::test]
async fn a_bad_token_is_rejected_without_being_repeated() {
    let sandbox = sandbox();
    let ready = ready(&sandbox).await;
    let client = &ready.client;
    for (token, text) in [
        ("garbage-0123456789".to_owned(), "jwt malformed"),
        (jwt("{}"), "invalid signature"),
        (
            sandbox.identityx().sign(&json!({ "exp": 1 })),
            "jwt expired",
        ),
        (
            sandbox.identityx().sign(&json!({})),
            "The token subject does not match",
        ),
    ] {
        let text = format!("the token was refused: {text}");
        let refusal = (ErrorKind::TokenRejected, &*text, Some(200));
        let of_user = with_headers(&ready, &headers(&AppUser::from(bare(&token))));
        assert_all_refused(&sandbox, &of_user, &[ACTIVE_APP_USER], refusal).await;
        let administrator = headers(&OrgUser::from(bare(&token)));
        let calls = [
            ACTIVE_ORG_USER,
            LOG_OUT_ORG_USER,
            CREATE_API_TOKEN,
            ORGANIZATIONS,
            APPLICATIONS,
        ];
        let of_administrator = with_headers(&ready, &administrator);
        assert_all_refused(&sandbox, &of_administrator, &calls, refusal).await;
        let of_program = with_headers(&ready, &headers(&OrgUserApiToken::from(bare(&token))));
        assert_all_refused(&sandbox, &of_program, &[ACTIVE_ORG_USER], refusal).await;
        let caller = client.with_auth_headers(&administrator);
        let error = caller.execute::<MyUser>(json!({})).await.unwrap_err();
        assert_refused(&error, ErrorKind::TokenRejected, &text);
        assert!(!shown(&error).contains(&token[..12]), "{error:?}");
    }
}

#[tokio::test]
async fn a_session_that_was_ended_is_rejected() {
    let sandbox = sandbox();
    let mut ready = ready(&sandbox).await;
    let client = &ready.client;
    client.log_out_app_user(&ready.user).await.unwrap();
    client.log_out_org_user(&ready.administrator).await.unwrap();
    ready.leaving_user.clone_from(&ready.user);
    ready.leaving_administrator.clone_from(&ready.administrator);
    let text = "the token was refused: No token was found for the provided token identifier";
    let refusal = (ErrorKind::TokenRejected, text, Some(200));
    let calls = [
        ACTIVE_APP_USER,
        LOG_OUT_APP_USER,
        ACTIVE_ORG_USER,
        LOG_OUT_ORG_USER,
    ];
    assert_all_refused(&sandbox, &ready, &calls, refusal).await;
    ready.administrator = headers(&api_token(&sandbox));
    sandbox.identityx().revoke_api_token(org_email(&sandbox));
    assert_all_refused(&sandbox, &ready, &[ACTIVE_ORG_USER], refusal).await;
}

#[tokio::test]
async fn a_token_of_another_kind_is_refused_by_its_claims_before_anything_is_sent() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let application = application(&sandbox);
    let user = app_user(&sandbox).access_token().clone();
    let administrator = org_user(&sandbox).access_token().clone();
    let api = api_token(&sandbox).access_token().clone();
    let link = link(&client, &sandbox).await.token().clone();
    sandbox.log().clear();
    let mut errors = Vec::new();
    for token in [&administrator, &api, &link] {
        errors.push(AppUser::from_jwt(token.clone(), &application).unwrap_err());
        // Also one that comes from elsewhere, such as a store.
        let user = AppUser::from(bare(text(token)));
        errors.push(user.auth_headers().unwrap_err());
        errors.push(client.auth_headers(&user).unwrap_err());
        errors.push(client.session(user).build().unwrap_err());
    }
    for token in [&user, &api, &link] {
        errors.push(OrgUser::from_jwt(token.clone()).unwrap_err());
        let user = OrgUser::from(bare(text(token)));
        errors.push(user.auth_headers().unwrap_err());
        errors.push(client.auth_headers(&user).unwrap_err());
        errors.push(client.session(user).build().unwrap_err());
    }
    for token in [&user, &administrator, &link] {
        errors.push(OrgUserApiToken::from_jwt(token.clone()).unwrap_err());
        let token = OrgUserApiToken::from(bare(text(token)));
        errors.push(token.auth_headers().unwrap_err());
        errors.push(client.auth_headers(&token).unwrap_err());
        errors.push(client.session(token).build().unwrap_err());
    }
    // One that was kept as another identity, although its text says nothing.
    let kept = AppUser::from(Token::from(OrgUser::from_jwt("odd").unwrap()));
    let error = client.session(kept).build().unwrap_err();
    assert_refused(
        &error,
        ErrorKind::InvalidConfig,
        "OrgUser, not of an AppUser",
    );
    errors.push(error);
    for error in errors {
        assert_refused(
            &error,
            ErrorKind::InvalidConfig,
            "the wrong identity: the token",
        );
        assert_refused(&error, ErrorKind::InvalidConfig, "not of an");
        assert!(!shown(&error).contains("eyJ"), "{error:?}");
    }
    assert_eq!(sandbox.log().entries().len(), 0);
}

#[tokio::test]
async fn the_headers_of_another_identity_are_refused_before_anything_is_sent() {
    let sandbox = sandbox();
    let ready = ready(&sandbox).await;
    let user = headers(&app_user(&sandbox));
    let administrator = headers(&org_user(&sandbox));
    let api_token = headers(&api_token(&sandbox));
    let of_administrators = [
        ACTIVE_ORG_USER,
        CREATE_API_TOKEN,
        ORGANIZATIONS,
        APPLICATIONS,
    ];
    for (operations, wrong, wanted) in [
        (
            &[ACTIVE_APP_USER, LOG_OUT_APP_USER][..],
            &[&administrator, &api_token][..],
            "not of an AppUser",
        ),
        (
            &[LOG_OUT_ORG_USER],
            &[&user, &api_token],
            "not of an OrgUser",
        ),
        (
            &of_administrators,
            &[&user],
            "not of an OrgUser or an OrgUserApiToken",
        ),
    ] {
        for headers in wrong {
            let text = format!("the wrong identity: the headers are {wanted}");
            let refusal = (ErrorKind::InvalidConfig, &*text, None);
            let ready = with_headers(&ready, headers);
            assert_all_refused(&sandbox, &ready, operations, refusal).await;
        }
    }
}

#[tokio::test]
async fn a_token_from_a_file_is_read_with_its_line_break_and_its_moment() {
    let issued = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let text = jwt(r#"{"sub":"user-auth","iat":1700000000}"#);
    let user = OrgUser::from_jwt(format!("{text}\r\n")).unwrap();
    assert_eq!(user.access_token().expose_secret(), text);
    assert_eq!((user.issued_at(), user.expiry()), (issued, Expiry::Never));
    let ends = jwt(r#"{"sub":"user-auth","exp":1700000000}"#);
    let user = OrgUser::from_jwt(ends).unwrap();
    assert_eq!(user.expiry(), Expiry::At(issued));
    assert_eq!(user.issued_at(), std::time::UNIX_EPOCH);
}

#[tokio::test]
async fn the_wrong_identity_for_a_field_is_told_by_the_vendor_where_only_it_knows() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let user = client.with_auth_headers(&headers(&app_user(&sandbox)));
    let administrator = client.with_auth_headers(&headers(&org_user(&sandbox)));
    let api_token = client.with_auth_headers(&headers(&api_token(&sandbox)));
    let without = client.in_application(&application(&sandbox));
    let wrong = "the wrong identity: The wrong user authorization type was provided";
    let none = "the wrong identity: No user authentication was provided with this request";
    for (data, text) in [
        (user.execute::<MyUser>(json!({})).await, wrong),
        (administrator.execute::<MyAppUser>(json!({})).await, wrong),
        (api_token.execute::<MyAppUser>(json!({})).await, wrong),
        (client.execute::<MyUser>(json!({})).await, none),
        (without.execute::<MyAppUser>(json!({})).await, none),
    ] {
        assert_refused(&data.unwrap_err(), ErrorKind::InvalidConfig, text);
    }
}

#[tokio::test]
async fn an_inner_service_that_is_down_is_unavailable_whatever_is_called() {
    let sandbox = sandbox();
    let ready = ready(&sandbox).await;
    sandbox.identityx().inner_service_down(true);
    let calls = [
        SEND_APP_LINK,
        LOG_IN_APP_USER,
        ACTIVE_APP_USER,
        LOG_OUT_APP_USER,
        CREATE_APP_USER,
        SEND_ORG_LINK,
        LOG_IN_ORG_USER,
        ACTIVE_ORG_USER,
        CREATE_API_TOKEN,
        ORGANIZATIONS,
        APPLICATIONS,
        LOG_OUT_ORG_USER,
    ];
    let text = "an inner service of identityx is down: connect ECONNREFUSED";
    let refusal = (ErrorKind::Unavailable, text, Some(200));
    assert_all_refused(&sandbox, &ready, &calls, refusal).await;
    let of_program = with_headers(&ready, &headers(&api_token(&sandbox)));
    assert_all_refused(&sandbox, &of_program, &[ACTIVE_ORG_USER], refusal).await;
    let input = json!({ "input": { "email": org_email(&sandbox) } });
    let caller = ready.client.with_auth_headers(&ready.administrator);
    for error in [
        caller.execute::<MyUser>(json!({})).await.unwrap_err(),
        ready.client.execute::<MyMail>(input).await.unwrap_err(),
    ] {
        assert_refused(&error, ErrorKind::Unavailable, text);
        assert!(!error.to_string().contains("http://"), "{error}");
    }

    sandbox.identityx().inner_service_down(false);
    for call in [LOG_IN_APP_USER, ACTIVE_APP_USER, ACTIVE_ORG_USER] {
        IdentityX::call(&ready, call).await.unwrap();
    }
}

fn weekly(sandbox: &Sandbox) -> ApplicationId {
    ApplicationId::new(sandbox.identityx().other_application_id()).unwrap()
}

#[tokio::test]
async fn an_operation_of_a_programs_own_is_sent_with_the_callers_headers_and_its_variables() {
    let sandbox = sandbox();
    let (client, application) = (client(&sandbox), application(&sandbox));
    let data = client.execute::<MyPings>(json!({})).await.unwrap();
    assert_eq!(data, json!({ "ping": "pong", "again": "pong" }));
    let expected = request("Mine", json!({}), NO_IDENTITY);
    assert_eq!(received(&sandbox, "identityx.other"), expected);

    let input = json!({ "input": { "email": email(&sandbox), "authUrl": AUTH_URL } });
    let caller = client.in_application(&application);
    let data = caller.execute::<MyAppMail>(input.clone()).await.unwrap();
    assert_eq!(data, json!({ "sendAppUserLoginLink": "ok" }));
    let app = Some(application.as_str());
    let expected = request("Mine", input, [None, app, None]);
    assert_eq!(received(&sandbox, SEND_APP_LINK), expected);

    let user = app_user(&sandbox);
    let caller = client.with_auth_headers(&headers(&user));
    let data = caller.execute::<MyAppUser>(json!({})).await.unwrap();
    assert_eq!(data["activeAppUser"]["email"], email(&sandbox));
    let caller = of("AppUser", user.access_token());
    let app = Some(application.as_str());
    let expected = request("Mine", json!({}), [Some(&caller), app, None]);
    assert_eq!(received(&sandbox, ACTIVE_APP_USER), expected);

    let organization = organization(&sandbox);
    let user = org_user(&sandbox).in_organization(&organization);
    assert_eq!(user.organization().as_ref(), Some(&organization));
    let caller = client.with_auth_headers(&headers(&user));
    let data = caller.execute::<MyApplications>(json!({})).await.unwrap();
    assert_eq!(
        data["organizationApplications"][0]["id"],
        application.as_str()
    );
    let caller = of("OrgUser", user.access_token());
    let expected = request(
        "Mine",
        json!({}),
        [Some(&caller), None, Some(organization.as_str())],
    );
    assert_eq!(received(&sandbox, APPLICATIONS), expected);

    let token = api_token(&sandbox);
    let caller = client.with_auth_headers(&headers(&token));
    let data = caller.execute::<MyTypedUser>(json!({})).await.unwrap();
    assert_eq!(data.active_user.email, org_email(&sandbox));
    sandbox.log().assert_no_hints();
}

#[tokio::test]
async fn an_operation_that_the_vendor_does_not_understand_is_an_error_of_its_own() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let mistyped = json!({ "input": { "email": 7 } });
    for (data, text) in [
        (
            client.execute::<Unreadable>(json!({})).await,
            "Syntax Error",
        ),
        (client.execute::<Outdated>(json!({})).await, "shoeSize"),
        (
            client.execute::<MyMail>(json!({})).await,
            "Variable \"$input\"",
        ),
        (
            client.execute::<MyMail>(mistyped).await,
            "Variable \"$input\"",
        ),
    ] {
        let error = data.unwrap_err();
        assert_refused(
            &error,
            ErrorKind::InvalidConfig,
            "the operation was refused",
        );
        assert_refused(&error, ErrorKind::InvalidConfig, text);
        assert_eq!(error.http_status(), Some(400));
    }
    assert_eq!(sandbox.log().entries().len(), 4);
}

#[tokio::test]
async fn a_part_of_the_data_is_given_to_a_caller_who_asks_for_it() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let identityx = sandbox.identityx();
    let other = identityx.other_organization_id();
    let bea = IdentityXOrgUser::new("bea@example.test")
        .member_of(identityx.organization_id(), "Guest")
        .member_of(other, "Guest");
    identityx.add_org_user(bea);
    identityx.remove_organization(other);
    let user = OrgUser::from_jwt(identityx.mint_org_user_session("bea@example.test")).unwrap();
    let caller = client.with_auth_headers(&headers(&user));
    let response = caller.execute_partial::<MyMemberships>(json!({})).await;
    let response = response.unwrap();
    let memberships = response.data.as_ref().unwrap();
    let memberships = memberships["userOrganizations"].as_array().unwrap();
    assert_eq!(memberships[0]["role"], "Guest");
    assert!(memberships[1].is_null());
    let [field] = &*response.errors else {
        panic!("{response:?}")
    };
    assert_refused(&field.error, ErrorKind::NotFound, other);
    let path = "userOrganizations.1.organization";
    assert_eq!(field.path.as_deref(), Some(path));
    assert!(field.to_string().ends_with(&format!(" (field `{path}`)")));
    let text = format!("{response:?}");
    assert!(text.contains("has_data: true") && !text.contains("Guest"));

    // A caller who wants all of it gets none.
    let error = caller.execute::<MyMemberships>(json!({})).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound);
    let error = client.organizations(&headers(&user)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_error_beside_whole_data_is_told_and_the_data_are_there() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let user = app_user(&sandbox);
    sandbox.identityx().error_beside_data(true);
    let caller = client.with_auth_headers(&headers(&user));
    let response = caller.execute_partial::<MyAppUser>(json!({})).await;
    let response = response.unwrap();
    let data = response.data.unwrap();
    assert_eq!(data["activeAppUser"]["email"], email(&sandbox));
    assert_eq!(response.errors.len(), 1);
    for error in [
        &response.errors[0].error,
        &caller.execute::<MyAppUser>(json!({})).await.unwrap_err(),
        &client.active_app_user(&headers(&user)).await.unwrap_err(),
    ] {
        assert_refused(error, ErrorKind::Unavailable, "beside the data");
    }
}

#[tokio::test]
async fn a_failure_without_data_is_told_without_them() {
    let sandbox = sandbox();
    let caller = client(&sandbox);
    let response = caller.execute_partial::<MyAppUser>(json!({})).await;
    let response = response.unwrap();
    // The field may be null, what is around it is there.
    assert_eq!(response.data, Some(json!({ "activeAppUser": null })));
    assert!(matches!(
        response.errors[0].error,
        Error::WrongIdentity { .. }
    ));
    let response = caller.execute_partial::<MyUser>(json!({})).await.unwrap();
    assert_eq!((response.data, response.errors.len()), (None, 1));
    let response = caller.execute_partial::<Outdated>(json!({})).await;
    let response = response.unwrap();
    assert_eq!(response.data, None);
    assert!(matches!(
        response.errors[0].error,
        Error::InvalidOperation { .. }
    ));
}

#[tokio::test]
async fn a_user_of_another_application_logs_in_there() {
    let sandbox = sandbox();
    let identityx = sandbox.identityx();
    let weekly = weekly(&sandbox);
    let wil = IdentityXAppUser::new("wil@example.test").display_name("Wil");
    identityx.add_app_user(wil.application(weekly.as_str()));
    let client = client(&sandbox);
    let mail = LoginLinkMail::new("wil@example.test", AUTH_URL).unwrap();
    let sent = client.send_app_user_login_link(&weekly, &mail);
    sent.await.unwrap();
    let mail = sandbox.inbox("wil@example.test").latest().unwrap();
    let link = LoginLink::parse(&mail.link_text().unwrap().into()).unwrap();
    let login = client.log_in_app_user(&weekly, &link).await.unwrap();
    assert_eq!(login.profile.display_name.as_deref(), Some("Wil"));
    let active = client.active_app_user(&headers(&login.user)).await.unwrap();
    assert_eq!(active, login.profile);
    client
        .log_out_app_user(&headers(&login.user))
        .await
        .unwrap();
    for entry in sandbox.log().entries() {
        assert_eq!(entry.header("x-app-id"), Some(weekly.as_str()));
    }
}
