//! Settings: what is refused, and what is not.

use eqworks_auth::{
    Client, ClientBuilder, DATA_HOST, DEFAULT_BASE_URL, Error, ErrorKind, Product, Stage, Token,
};

use crate::set_up::{builder, client, jwt, sandbox, session, shown, user};

fn token() -> Token {
    Token::from_jwt(jwt(r#"{"email":"sue@acme.test"}"#)).unwrap()
}

fn prod() -> ClientBuilder {
    Client::builder(Stage::Prod, Product::ATOM)
}

#[track_caller]
fn refused(builder: ClientBuilder) -> Error {
    let error = builder.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error:?}");
    error
}

#[test]
fn the_defaults_are_the_vendors_own() {
    let shown = format!("{:?}", prod().build().unwrap());
    assert!(shown.contains("https://auth.eqworks.io/"), "{shown}");
    assert_eq!(DEFAULT_BASE_URL, "https://auth.eqworks.io");
    assert_eq!(DATA_HOST, "api.eqworks.io");
    assert_eq!(eqworks_auth::TOKEN_LIFETIME.as_secs(), 7_776_000);
}

#[test]
fn a_product_that_is_empty_is_refused() {
    for product in ["", " "] {
        let error = refused(Client::builder(Stage::Dev, product));
        assert!(error.to_string().contains("product"), "{error}");
    }
}

#[test]
fn a_base_url_that_is_unsafe_or_none_is_refused_without_being_repeated() {
    for base_url in [
        "",
        "auth.eqworks.io",
        "http://auth.eqworks.io",
        "http://127.0.0.1.example.com",
        "ftp://auth.eqworks.io",
        "https://user:hunter22@auth.eqworks.io",
        "https://auth.eqworks.io/?key=hunter22",
        "https://auth.eqworks.io/#hunter22",
    ] {
        let error = refused(prod().base_url(base_url));
        assert!(error.to_string().contains("base url"), "{error}");
        assert!(!shown(&error).contains("hunter22"), "{error:?}");
    }
}

#[test]
fn a_host_that_is_more_than_a_host_is_refused() {
    for host in ["", "https://a.com", "a.com/x", "u@a.com", "a.com?x", "a b"] {
        refused(prod().allow_host(host));
    }
}

#[tokio::test]
async fn a_path_in_the_base_url_stays_in_front_of_the_stage_and_the_call() {
    let sandbox = sandbox();
    let with_slash = sandbox.eqworks().base_url().to_string();
    for base_url in [with_slash.trim_end_matches('/'), &with_slash] {
        assert!(base_url.contains("/eqworks"));
        let client = builder(&sandbox).base_url(base_url).build().unwrap();
        client.request_passcode(&user(&sandbox)).await.unwrap();
        let sent = sandbox.log().last("eqworks.request_passcode").unwrap();
        assert_eq!(sent.path(), "/eqworks/prod/login");
    }
}

#[test]
fn sessions_authorize_calls_to_the_data_host_the_base_url_and_the_allowed_hosts() {
    let client = prod()
        .base_url("https://auth.acme.test/some/path")
        .allow_host("reports.acme.test")
        .allow_host("127.0.0.1:8080")
        .build()
        .unwrap();
    let session = client.session(token()).unwrap();
    let allows = |url: &str| session.hosts().check(&url.parse().unwrap()).is_ok();
    for url in [
        "https://api.eqworks.io/prod/thing?a=b",
        "https://auth.acme.test/",
        "https://reports.acme.test/x",
        "http://127.0.0.1:8080/",
    ] {
        assert!(allows(url), "{url}");
    }
    for url in [
        "https://auth.eqworks.io/",
        "http://api.eqworks.io/",
        "https://api.eqworks.io:8443/",
        "https://eqworks.io/",
        "https://api.eqworks.io.example.com/",
        "https://api.eqworks.io@example.com/",
        "http://127.0.0.1:8081/",
    ] {
        assert!(!allows(url), "{url}");
    }
}

#[test]
fn a_token_that_no_header_can_carry_makes_no_session() {
    let (never, then) = (eqworks_auth::Expiry::Never, std::time::UNIX_EPOCH);
    let access = "line\nbreak";
    let broken = eqworks_auth::CoreToken::new(access.into(), never, then);
    let client = prod().build().unwrap();
    for error in [
        Token::from(broken.clone()).credential().unwrap_err(),
        client.session(broken.into()).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(!shown(&error).contains(access), "{error:?}");
    }
}

#[test]
fn clients_and_sessions_are_built_without_a_runtime_and_send_nothing() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    let other = client(&sandbox).session(token()).unwrap();
    assert!(session.try_headers().is_some() && other.try_headers().is_some());
    let pending = client(&sandbox).pending_login("sue@acme.test");
    assert_eq!(pending.user(), "sue@acme.test");
    drop((session, other));
    assert_eq!(sandbox.log().entries().len(), 0);
}

#[tokio::test]
async fn settings_of_the_http_library_are_added_up() {
    let sandbox = sandbox();
    let client = builder(&sandbox)
        .http(|http| http.customize(|builder| builder.user_agent("theirs/1")))
        .http(|http| http.timeout(std::time::Duration::from_millis(50)))
        .build()
        .unwrap();
    let (fault, _gate) = auth_sandbox::Fault::hold();
    sandbox.fault(fault.always());
    let error = client.request_passcode("sue@acme.test").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    let sent = sandbox.log().last("eqworks.request_passcode").unwrap();
    let agent = sent.header("user-agent").unwrap();
    assert!(agent.starts_with("eqworks-auth/"), "{agent}");
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
    check::<eqworks_auth::MagicLink>();
    check::<eqworks_auth::Confirmation>();
}
