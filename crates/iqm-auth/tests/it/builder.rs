//! Settings: what is refused, and what is not.

use iqm_auth::{Client, ClientBuilder, Error, ErrorKind, ExposeSecret as _, Token};
use vendor_tests::Settings;
use vendor_tests::builder::refused;
use vendor_tests::redaction::endless;

use crate::set_up::{Iqm, assert_refused, base_url, password, sandbox};

vendor_tests::builder!(Iqm);

impl Settings for Iqm {
    const DEFAULT_BASE_URL: &'static str = ClientBuilder::DEFAULT_BASE_URL;
    const SEND_MAIL: &'static str = "iqm.request_password_reset";
    const SEND_MAIL_PATH: &'static str = "/iqm/api/v3/ua/user/reset-password";

    fn live() -> ClientBuilder {
        Client::builder("id", "secret")
    }

    fn token() -> Token {
        endless("a-token").into()
    }

    fn kept(text: &str) -> Result<auth_core::Token, Error> {
        Ok(endless(text))
    }

    async fn send_mail(client: &Client, email: &str) -> Result<(), Error> {
        client.request_password_reset(email).await?;
        Ok(())
    }
}

#[test]
fn the_defaults_are_the_vendors_own() {
    let client = Iqm::live().build().unwrap();
    let shown = format!("{client:?}");
    assert!(shown.contains("https://api.iqm.com/"), "{shown}");
    assert_eq!(ClientBuilder::DEFAULT_BASE_URL, "https://api.iqm.com");
    assert_eq!(ClientBuilder::VENDOR_RATE_LIMIT, 20);
}

#[test]
fn a_client_id_that_basic_cannot_encode_is_refused() {
    for client_id in ["", "a:b", ":", "id:"] {
        let error = refused::<Iqm>(Client::builder(client_id, "secret"));
        assert!(error.to_string().contains("colon"), "{error}");
    }
}

#[tokio::test]
async fn a_client_secret_may_hold_a_colon() {
    let sandbox = sandbox();
    let client = Client::builder("id", "a:b")
        .base_url(base_url(&sandbox))
        .clock(sandbox.clock())
        .build()
        .unwrap();
    let email = sandbox.iqm().user().email;
    let error = client.log_in(email, &password(&sandbox)).await.unwrap_err();
    assert_refused(
        &error,
        ErrorKind::InvalidCredentials,
        "the log-in was refused",
    );
    let sent = sandbox.log().last("iqm.log_in").unwrap();
    assert_eq!(sent.header("authorization"), Some("Basic aWQ6YTpi"));
}

#[test]
fn a_workspace_host_that_no_header_can_carry_is_refused() {
    for host in [
        "agency.example.com\r\nx-evil: 1",
        "agency\0",
        "agency\u{7f}",
    ] {
        let error = refused::<Iqm>(Iqm::live().workspace_host(host));
        assert!(error.to_string().contains("workspace host"), "{error}");
    }
}

#[test]
fn debug_names_the_settings_and_no_secret() {
    let secret = "s3cret-of-the-client";
    let builder = Client::builder("me", secret)
        .base_url("https://app.iqm.com")
        .workspace_host("agency.example.com");
    let shown = format!("{builder:?}");
    assert!(
        shown.contains("me") && shown.contains("agency.example.com"),
        "{shown}"
    );
    let shown = shown + &format!("{:?}", builder.build().unwrap());
    assert!(!shown.contains(&secret[..6]), "{shown}");
}

#[test]
fn the_public_types_can_be_shared_between_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Client>();
    check::<iqm_auth::Session>();
    check::<Token>();
    check::<Error>();
    check::<iqm_auth::Profile>();
}

#[test]
fn a_person_is_sent_to_the_web_application_with_a_state_that_cannot_be_guessed() {
    let client = || Client::builder("an id\n", "a secret");
    let own = "https://agency.example.com/app/";
    for (builder, start) in [
        (client(), "https://app.iqm.com/oauth/authorize?"),
        (
            client().web_url(own),
            "https://agency.example.com/app/oauth/authorize?",
        ),
    ] {
        let client = builder.build().unwrap();
        let request = || {
            client
                .authorization_request("https://example.com/back?a=b")
                .unwrap()
        };
        let (first, second) = (request(), request());
        let state = first.state().expose_secret();
        let query = "client_id=an+id&redirect_uri=https%3A%2F%2Fexample.com%2Fback%3Fa%3Db\
                     &response_type=code&scope=write&state=";
        assert_eq!(first.url(), format!("{start}{query}{state}"));
        assert_eq!(state.len(), 32);
        assert_ne!(state, second.state().expose_secret());
        assert!(!format!("{first:?}").contains(state));
    }
    for url in ["", "app.iqm.com", "ftp://app.iqm.com"] {
        let error = client().web_url(url).build().unwrap_err();
        assert_refused(&error, ErrorKind::InvalidConfig, "the web url");
    }
}
