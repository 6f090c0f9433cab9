//! Settings: what is refused, and what is not.

use std::time::Duration;

use edgeiq_auth::{
    ApiToken, Client, ClientBuilder, Error, ErrorKind, ExposeSecret as _, Lifetime, ResetEmail,
    Token,
};
use vendor_tests::builder::refused;
use vendor_tests::redaction::endless;
use vendor_tests::{Settings, assert_refused};

use crate::set_up::{EdgeIq, shown};

vendor_tests::builder!(EdgeIq);

impl Settings for EdgeIq {
    const DEFAULT_BASE_URL: &'static str = ClientBuilder::DEFAULT_BASE_URL;
    const SEND_MAIL: &'static str = "edgeiq.request_password_reset";
    const SEND_MAIL_PATH: &'static str = "/edgeiq/api/v1/platform/user/password_reset_request";

    fn live() -> ClientBuilder {
        Client::builder()
    }

    fn token() -> Token {
        endless("a-token").into()
    }

    fn kept(text: &str) -> Result<auth_core::Token, Error> {
        Ok(ApiToken::new(text).into())
    }

    async fn send_mail(client: &Client, email: &str) -> Result<(), Error> {
        let mail = ResetEmail::new();
        client.request_password_reset(email, &mail).await
    }
}

#[test]
fn the_defaults_are_the_vendors_own() {
    let client = EdgeIq::live().build().unwrap();
    let shown = format!("{client:?}");
    assert!(
        shown.contains("https://api.edgeiq.io/api/v1/platform/"),
        "{shown}"
    );
    assert_eq!(
        ClientBuilder::DEFAULT_BASE_URL,
        "https://api.edgeiq.io/api/v1/platform"
    );
    assert_eq!(
        ClientBuilder::DEFAULT_RESET_URL,
        "https://app.edgeiq.io/reset_password"
    );
    assert_eq!(Lifetime::DEFAULT, Duration::from_secs(14_400));
    assert_eq!(Lifetime::LONGEST, Duration::from_secs(604_800));
}

#[test]
fn a_reset_url_that_is_no_web_address_is_refused() {
    for reset_url in [
        "",
        "reset_password",
        "/reset",
        "javascript:alert(1)",
        "ftp://a/b",
    ] {
        let error = refused::<EdgeIq>(EdgeIq::live().reset_url(reset_url));
        assert!(error.to_string().contains("reset url"), "{error}");
    }
}

#[test]
fn a_session_lifetime_that_the_vendor_refuses_is_refused_here() {
    for lifetime in [
        Duration::ZERO,
        Lifetime::LONGEST + Duration::from_secs(1),
        Duration::MAX,
    ] {
        refused::<EdgeIq>(EdgeIq::live().session_lifetime(lifetime));
    }
    for lifetime in [Duration::from_secs(1), Lifetime::LONGEST] {
        let client = EdgeIq::live().session_lifetime(lifetime).build();
        assert!(client.is_ok(), "{lifetime:?}");
    }
}

#[test]
fn sessions_with_a_permanent_token_authorize_calls_to_the_same_hosts() {
    let client = EdgeIq::live()
        .allow_host("reports.edgeiq.io")
        .build()
        .unwrap();
    let session = client.session(ApiToken::new("a-token")).build().unwrap();
    let allows = |url: &str| session.allowed_hosts().check(&url.parse().unwrap()).is_ok();
    assert!(allows(ClientBuilder::DEFAULT_BASE_URL) && allows("https://reports.edgeiq.io/x"));
    assert!(!allows("https://app.edgeiq.io/") && !allows("http://reports.edgeiq.io/"));
}

#[test]
fn a_permanent_token_that_no_header_can_carry_makes_no_session() {
    let client = EdgeIq::live().build().unwrap();
    for secret in ["line\nbreak", "", " \n"] {
        let token = ApiToken::new(secret);
        for error in [
            token.auth_headers().unwrap_err(),
            client.session(token).build().unwrap_err(),
        ] {
            assert_refused(
                &error,
                ErrorKind::InvalidConfig,
                "the api token is empty, or holds",
            );
            assert!(!shown(&error).contains("line\nbreak"), "{error:?}");
        }
    }
    let pasted = ApiToken::new(" a-token\r\n");
    assert_eq!(pasted.secret().expose_secret(), "a-token");
}

#[test]
fn debug_names_the_settings() {
    let builder = EdgeIq::live()
        .base_url("https://staging.edgeiq.io")
        .session_lifetime(Duration::from_secs(77));
    let shown = format!("{builder:?}");
    assert!(
        shown.contains("77s") && shown.contains("https://staging.edgeiq.io"),
        "{shown}"
    );
    let shown = format!("{:?}", builder.build().unwrap());
    assert!(
        shown.contains("77s") && shown.contains("https://staging.edgeiq.io"),
        "{shown}"
    );
}

#[test]
fn the_public_types_can_be_shared_between_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Client>();
    check::<edgeiq_auth::Session>();
    check::<Token>();
    check::<ApiToken>();
    check::<Error>();
    check::<edgeiq_auth::User>();
    check::<edgeiq_auth::ResetToken>();
}
