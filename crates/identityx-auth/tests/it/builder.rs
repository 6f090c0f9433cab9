//! Settings: what is refused, and what is not.

use auth_sandbox::Sandbox;
use identityx_auth::graphql::{Caller, Response, SCHEMA};
use identityx_auth::identity::{AppUserLogin, HeaderStyle};
use identityx_auth::organization::OrganizationId;
use identityx_auth::{
    AppUser, ApplicationId, Client, ClientBuilder, Error, ErrorKind, LoginLink, LoginLinkMail,
    OrgUser, OrgUserApiToken,
};
use vendor_tests::Settings;

use crate::set_up::{
    AUTH_URL, IdentityX, Session, api_token, app_user, assert_refused, builder, jwt, org_user,
    sandbox,
};

vendor_tests::builder!(IdentityX);

/// The sandbox's.
const APPLICATION: &str = "60a1b2c3d4e5f60718293a01";

impl Settings for IdentityX {
    const DEFAULT_BASE_URL: &'static str = ClientBuilder::DEFAULT_BASE_URL;
    const SEND_MAIL: &'static str = "identityx.send_app_user_login_link";
    const SEND_MAIL_PATH: &'static str = "/identityx/graphql";

    fn live() -> ClientBuilder {
        Client::builder()
    }

    fn token() -> AppUser {
        let jwt = jwt(r#"{"sub":"app-user-auth"}"#);
        AppUser::from_jwt(jwt, &ApplicationId::new(APPLICATION).unwrap()).unwrap()
    }

    fn kept(text: &str) -> Result<auth_core::Token, Error> {
        let application = ApplicationId::new(APPLICATION)?;
        AppUser::from_jwt(text, &application).map(Into::into)
    }

    async fn send_mail(client: &Client, email: &str) -> Result<(), Error> {
        let mail = LoginLinkMail::new(email, AUTH_URL).unwrap();
        let application = ApplicationId::new(APPLICATION).unwrap();
        client.send_app_user_login_link(&application, &mail).await
    }
}

#[test]
fn the_defaults_are_the_vendors_own() {
    let shown = format!("{:?}", Client::builder().build().unwrap());
    assert!(
        shown.contains("https://identity-x.parameter1.com/"),
        "{shown}"
    );
    assert!(shown.contains("Short"), "{shown}");
    assert_eq!(
        ClientBuilder::DEFAULT_BASE_URL,
        "https://identity-x.parameter1.com"
    );
    assert_eq!(HeaderStyle::default(), HeaderStyle::Short);
}

#[test]
fn the_schema_is_there_for_operations_of_a_programs_own() {
    for part in [
        "type AppUserAuthentication",
        "input SendAppUserLoginLinkMutationInput",
        "enum OrganizationRole",
        "scalar JSONObject",
    ] {
        assert!(SCHEMA.contains(part), "no {part}");
    }
}

#[tokio::test]
async fn the_documented_style_is_used_for_every_identity_where_it_is_chosen() {
    let sandbox = sandbox();
    sandbox.identityx().accept_bearer_form(true);
    let client = documented(&sandbox);
    let user = app_user(&sandbox);
    let headers = client.auth_headers(&user).unwrap();
    client.active_app_user(&headers).await.unwrap();
    for headers in [
        client.auth_headers(&org_user(&sandbox)).unwrap(),
        client.auth_headers(&api_token(&sandbox)).unwrap(),
    ] {
        client.active_org_user(&headers).await.unwrap();
    }
    let schemes: Vec<_> = sandbox.log().entries().iter().map(scheme).collect();
    assert_eq!(
        schemes,
        ["Bearer AppUser", "Bearer OrgUser", "Bearer OrgUserApiToken"]
    );
    let session = client.session(user).build().unwrap();
    assert_eq!(session.headers().await.unwrap(), headers.headers());
    let value = headers.headers()["authorization"].clone();
    assert!(value.to_str().unwrap().starts_with("Bearer AppUser "));
}

fn scheme(entry: &auth_sandbox::Entry) -> String {
    let value = entry.header("authorization").unwrap();
    value.rsplit_once(' ').unwrap().0.to_owned()
}

#[tokio::test]
async fn a_style_that_the_vendor_refuses_is_a_wrong_setting_and_no_dead_token() {
    let sandbox = sandbox();
    let client = documented(&sandbox);
    let text = "the wrong identity: Invalid authorization type";
    let headers = client.auth_headers(&org_user(&sandbox)).unwrap();
    let error = client.active_org_user(&headers).await.unwrap_err();
    assert_refused(&error, ErrorKind::InvalidConfig, text);

    let session = client.session(app_user(&sandbox)).build().unwrap();
    let error = session.renew().await.unwrap_err();
    assert_refused(&error, ErrorKind::InvalidConfig, text);
    assert!(session.headers().await.is_ok());
}

fn documented(sandbox: &Sandbox) -> Client {
    let builder = builder(sandbox).header_style(HeaderStyle::Bearer);
    builder.build().unwrap()
}

#[test]
fn debug_names_the_settings() {
    let builder = Client::builder().header_style(HeaderStyle::Bearer);
    let shown = format!("{builder:?} {:?}", Client::builder().build());
    for part in ["Bearer", "Short", "identity-x.parameter1.com"] {
        assert!(shown.contains(part), "no {part} in {shown}");
    }
}

#[test]
fn the_public_types_can_be_shared_between_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Client>();
    check::<Caller>();
    check::<Session>();
    check::<identityx_auth::Session<OrgUser>>();
    check::<identityx_auth::Session<OrgUserApiToken>>();
    check::<AppUser>();
    check::<OrganizationId>();
    check::<Error>();
    check::<LoginLink>();
    check::<LoginLinkMail>();
    check::<AppUserLogin>();
    check::<Response<()>>();
}
