//! Settings: what is refused, and what is not.

use eqworks_auth::{Client, ClientBuilder, Error, Product, Stage, Token};
use vendor_tests::Settings;
use vendor_tests::builder::refused;

use crate::set_up::{EqWorks, client, jwt, sandbox};

vendor_tests::builder!(EqWorks);

impl Settings for EqWorks {
    const DEFAULT_BASE_URL: &'static str = ClientBuilder::DEFAULT_BASE_URL;
    const SEND_MAIL: &'static str = "eqworks.request_passcode";
    const SEND_MAIL_PATH: &'static str = "/eqworks/prod/login";

    fn live() -> ClientBuilder {
        Client::builder(Stage::Prod, Product::ATOM)
    }

    fn token() -> Token {
        Token::from_jwt(jwt(r#"{"email":"sue@acme.test"}"#)).unwrap()
    }

    fn kept(text: &str) -> Result<auth_core::Token, Error> {
        Token::from_jwt(text).map(Into::into)
    }

    async fn send_mail(client: &Client, email: &str) -> Result<(), Error> {
        client.request_passcode(email).await?;
        Ok(())
    }
}

#[test]
fn the_defaults_are_the_vendors_own() {
    let shown = format!("{:?}", EqWorks::live().build().unwrap());
    assert!(shown.contains("https://auth.eqworks.io/"), "{shown}");
    assert_eq!(ClientBuilder::DEFAULT_BASE_URL, "https://auth.eqworks.io");
    assert_eq!(ClientBuilder::DATA_HOST, "api.eqworks.io");
    assert_eq!(Token::LIFETIME.as_secs(), 7_776_000);
}

#[test]
fn a_product_that_is_empty_is_refused() {
    for product in ["", " "] {
        let error = refused::<EqWorks>(Client::builder(Stage::Dev, product));
        assert!(error.to_string().contains("product"), "{error}");
    }
}

#[test]
fn sessions_authorize_calls_to_the_data_host_and_to_nothing_that_looks_like_it() {
    let client = EqWorks::live()
        .base_url("https://auth.acme.test")
        .build()
        .unwrap();
    let session = client.session(EqWorks::token()).build().unwrap();
    let allows = |url: &str| session.allowed_hosts().check(&url.parse().unwrap()).is_ok();
    assert!(allows("https://api.eqworks.io/prod/thing?a=b"));
    for url in [
        "http://api.eqworks.io/",
        "https://api.eqworks.io:8443/",
        "https://eqworks.io/",
        "https://api.eqworks.io.example.com/",
        "https://api.eqworks.io@example.com/",
    ] {
        assert!(!allows(url), "{url}");
    }
}

#[test]
fn a_pending_log_in_is_made_without_a_request() {
    let sandbox = sandbox();
    let pending = client(&sandbox).pending_login("sue@acme.test");
    assert_eq!(pending.user(), "sue@acme.test");
    assert_eq!(sandbox.log().entries().len(), 0);
}

#[test]
fn debug_names_the_settings() {
    let builder = Client::builder(Stage::Dev, "clearlake").base_url("https://auth.acme.test");
    let shown = format!(
        "{builder:?} {:?}",
        Client::builder(Stage::Dev, "clearlake").build()
    );
    for part in ["Dev", "clearlake", "auth.eqworks.io"] {
        assert!(shown.contains(part), "no {part} in {shown}");
    }
}

#[test]
fn the_public_types_can_be_shared_between_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Client>();
    check::<eqworks_auth::Session>();
    check::<Token>();
    check::<Error>();
    check::<eqworks_auth::PendingLogin>();
    check::<eqworks_auth::Login>();
    check::<eqworks_auth::magic_link::MagicLink>();
    check::<eqworks_auth::Confirmation>();
}
