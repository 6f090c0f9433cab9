//! Settings: what is refused, and what is not.

use std::time::Duration;

use edgeiq_auth::{
    ApiToken, Client, ClientBuilder, DEFAULT_BASE_URL, DEFAULT_LIFETIME, DEFAULT_RESET_URL, Error,
    ErrorKind, Expiry, LONGEST_LIFETIME, Lifetime, ResetEmail, Token,
};

use crate::set_up::{builder, client, email, password, sandbox, session_with_password, shown};

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
    let client = Client::builder().build().unwrap();
    let shown = format!("{client:?}");
    assert!(
        shown.contains("https://api.edgeiq.io/api/v1/platform/"),
        "{shown}"
    );
    assert_eq!(DEFAULT_BASE_URL, "https://api.edgeiq.io/api/v1/platform");
    assert_eq!(DEFAULT_RESET_URL, "https://app.edgeiq.io/reset_password");
    assert_eq!(DEFAULT_LIFETIME, Duration::from_secs(14_400));
    assert_eq!(LONGEST_LIFETIME, Duration::from_secs(604_800));
}

#[test]
fn a_base_url_that_is_unsafe_or_none_is_refused_without_being_repeated() {
    for base_url in [
        "",
        "api.edgeiq.io",
        "http://api.edgeiq.io",
        "http://127.0.0.1.example.com",
        "ftp://api.edgeiq.io",
        "https://user:hunter22@api.edgeiq.io",
        "https://api.edgeiq.io/?key=hunter22",
        "https://api.edgeiq.io/#hunter22",
    ] {
        let error = refused(Client::builder().base_url(base_url));
        assert!(error.to_string().contains("base url"), "{error}");
        assert!(!shown(&error).contains("hunter22"), "{error:?}");
    }
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
        let error = refused(Client::builder().reset_url(reset_url));
        assert!(error.to_string().contains("reset url"), "{error}");
    }
}

#[test]
fn a_session_lifetime_that_the_vendor_refuses_is_refused_here() {
    for lifetime in [
        Duration::ZERO,
        LONGEST_LIFETIME + Duration::from_secs(1),
        Duration::MAX,
    ] {
        refused(Client::builder().session_lifetime(lifetime));
    }
    for lifetime in [Duration::from_secs(1), LONGEST_LIFETIME] {
        let client = Client::builder().session_lifetime(lifetime).build();
        assert!(client.is_ok(), "{lifetime:?}");
    }
}

#[test]
fn a_host_that_is_more_than_a_host_is_refused() {
    for host in ["", "https://a.com", "a.com/x", "u@a.com", "a.com?x", "a b"] {
        refused(Client::builder().allow_host(host));
    }
}

#[tokio::test]
async fn a_path_in_the_base_url_stays_in_front_of_every_call() {
    let sandbox = sandbox();
    let with_slash = sandbox.edgeiq().base_url().to_string();
    for base_url in [with_slash.trim_end_matches('/'), &with_slash] {
        assert!(base_url.contains("/api/v1/platform"));
        let client = builder(&sandbox).base_url(base_url).build().unwrap();
        client
            .authenticate(email(&sandbox), &password(&sandbox), Lifetime::Default)
            .await
            .unwrap();
        let sent = sandbox.log().last("edgeiq.authenticate").unwrap();
        assert_eq!(sent.path(), "/edgeiq/api/v1/platform/user/authenticate");
    }
}

#[test]
fn sessions_authorize_calls_to_the_base_url_and_the_allowed_hosts() {
    let client = Client::builder()
        .base_url("https://api.edgeiq.io/some/path")
        .allow_host("reports.edgeiq.io")
        .allow_host("127.0.0.1:8080")
        .build()
        .unwrap();
    for session in [
        client.session(token()).unwrap(),
        client
            .session_with_api_token(ApiToken::new("a-token"))
            .unwrap(),
    ] {
        let allows = |url: &str| session.hosts().check(&url.parse().unwrap()).is_ok();
        for url in [
            "https://api.edgeiq.io/",
            "https://reports.edgeiq.io/x",
            "http://127.0.0.1:8080/",
        ] {
            assert!(allows(url), "{url}");
        }
        for url in [
            "https://app.edgeiq.io/",
            "https://reports.edgeiq.io:8443/",
            "http://reports.edgeiq.io/",
            "http://127.0.0.1:8081/",
        ] {
            assert!(!allows(url), "{url}");
        }
    }
}

#[test]
fn a_token_that_no_header_can_carry_makes_no_session() {
    let issued_at = std::time::SystemTime::UNIX_EPOCH;
    let client = Client::builder().build().unwrap();
    for access in ["line\nbreak", ""] {
        let token: Token = auth_core::Token::new(access.into(), Expiry::Never, issued_at).into();
        let permanent = ApiToken::new(access);
        for error in [
            token.credential().unwrap_err(),
            client.session(token).unwrap_err(),
            permanent.credential().unwrap_err(),
            client.session_with_api_token(permanent).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Protocol);
            assert!(!shown(&error).contains("line\nbreak"), "{error:?}");
        }
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
        .http(|http| http.timeout(Duration::from_millis(50)))
        .build()
        .unwrap();
    let (fault, _gate) = auth_sandbox::Fault::hold();
    sandbox.fault(fault.always());
    let error = client
        .request_password_reset("a@example.com", &ResetEmail::new())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    let sent = sandbox.log().last("edgeiq.request_password_reset").unwrap();
    let agent = sent.header("user-agent").unwrap();
    assert!(agent.starts_with("edgeiq-auth/"), "{agent}");
}

#[test]
fn debug_names_the_settings() {
    let builder = Client::builder()
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
