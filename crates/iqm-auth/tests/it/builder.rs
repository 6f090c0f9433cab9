//! Settings: what is refused, and what is not.

use iqm_auth::{
    Client, ClientBuilder, DEFAULT_BASE_URL, Error, ErrorKind, Expiry, Token, VENDOR_RATE_LIMIT,
};

use crate::set_up::{builder, client, password, sandbox, session_with_password, shown};

fn token() -> Token {
    let issued_at = std::time::SystemTime::UNIX_EPOCH;
    auth_core::Token::new("a-token".into(), Expiry::Never, issued_at).into()
}

#[track_caller]
fn refused(builder: ClientBuilder) -> Error {
    let error = builder.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error:?}");
    error
}

#[test]
fn the_defaults_are_the_vendors_own() {
    let client = Client::builder("id", "secret").build().unwrap();
    let shown = format!("{client:?}");
    assert!(shown.contains("https://api.iqm.com/"), "{shown}");
    assert_eq!(DEFAULT_BASE_URL, "https://api.iqm.com");
    assert_eq!(VENDOR_RATE_LIMIT, 20);
}

#[test]
fn a_client_id_that_basic_cannot_encode_is_refused() {
    for client_id in ["", "a:b", ":", "id:"] {
        let error = refused(Client::builder(client_id, "secret"));
        assert!(error.to_string().contains("colon"), "{error}");
    }
}

#[tokio::test]
async fn a_client_secret_may_hold_a_colon() {
    let sandbox = sandbox();
    let client = Client::builder("id", "a:b")
        .base_url(sandbox.iqm().base_url())
        .clock(sandbox.clock())
        .build()
        .unwrap();
    let email = sandbox.iqm().user().email;
    let error = client.log_in(email, &password(&sandbox)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
    let sent = sandbox.log().last("iqm.log_in").unwrap();
    assert_eq!(sent.header("authorization"), Some("Basic aWQ6YTpi"));
}

#[test]
fn a_base_url_that_is_unsafe_or_none_is_refused_without_being_repeated() {
    for base_url in [
        "",
        "api.iqm.com",
        "http://api.iqm.com",
        "http://127.0.0.1.example.com",
        "ftp://api.iqm.com",
        "https://user:hunter22@api.iqm.com",
        "https://api.iqm.com/?key=hunter22",
        "https://api.iqm.com/#hunter22",
    ] {
        let error = refused(Client::builder("id", "secret").base_url(base_url));
        assert!(error.to_string().contains("base url"), "{error}");
        assert!(!shown(&error).contains("hunter22"), "{error:?}");
    }
}

#[test]
fn a_host_that_is_more_than_a_host_is_refused() {
    for host in ["", "https://a.com", "a.com/x", "u@a.com", "a.com?x", "a b"] {
        refused(Client::builder("id", "secret").allow_host(host));
    }
}

#[test]
fn a_workspace_host_that_no_header_can_carry_is_refused() {
    for host in [
        "agency.example.com\r\nx-evil: 1",
        "agency\0",
        "agency\u{7f}",
    ] {
        let error = refused(Client::builder("id", "secret").workspace_host(host));
        assert!(error.to_string().contains("workspace host"), "{error}");
    }
}

#[tokio::test]
async fn a_path_in_the_base_url_stays_in_front_of_every_call() {
    let sandbox = sandbox();
    let with_slash = sandbox.iqm().base_url().to_string();
    for base_url in [with_slash.trim_end_matches('/'), &with_slash] {
        assert!(base_url.contains("/iqm"));
        let client = builder(&sandbox).base_url(base_url).build().unwrap();
        let email = sandbox.iqm().user().email;
        client.log_in(email, &password(&sandbox)).await.unwrap();
        let sent = sandbox.log().last("iqm.log_in").unwrap();
        assert_eq!(sent.path(), "/iqm/api/v3/ua/login");
    }
}

#[test]
fn sessions_authorize_calls_to_the_base_url_and_the_allowed_hosts() {
    let client = Client::builder("id", "secret")
        .base_url("https://app.iqm.com/some/path")
        .allow_host("reports.iqm.com")
        .allow_host("127.0.0.1:8080")
        .build()
        .unwrap();
    let session = client.session(token()).unwrap();
    let allows = |url: &str| session.hosts().check(&url.parse().unwrap()).is_ok();
    for url in [
        "https://app.iqm.com/",
        "https://reports.iqm.com/x",
        "http://127.0.0.1:8080/",
    ] {
        assert!(allows(url), "{url}");
    }
    for url in [
        "https://api.iqm.com/",
        "https://reports.iqm.com:8443/",
        "http://reports.iqm.com/",
        "http://127.0.0.1:8081/",
    ] {
        assert!(!allows(url), "{url}");
    }
}

#[test]
fn a_token_that_no_header_can_carry_makes_no_session() {
    let issued_at = std::time::SystemTime::UNIX_EPOCH;
    let access = "line\nbreak";
    let token: Token = auth_core::Token::new(access.into(), Expiry::Never, issued_at).into();
    let client = Client::builder("id", "secret").build().unwrap();
    for error in [
        token.credential().unwrap_err(),
        client.session(token).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(!shown(&error).contains(access), "{error:?}");
    }
}

#[test]
fn clients_and_sessions_are_built_without_a_runtime_and_send_nothing() {
    let sandbox = sandbox();
    let session = session_with_password(&sandbox);
    let other = client(&sandbox).session(token()).unwrap();
    assert!(other.try_headers().is_some());
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
    let error = client
        .request_password_reset("a@example.com")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    let sent = sandbox.log().last("iqm.request_password_reset").unwrap();
    assert!(sent.header("user-agent").unwrap().starts_with("iqm-auth/"));
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
