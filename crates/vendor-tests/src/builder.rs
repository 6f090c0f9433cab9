//! What holds for the settings of every vendor.

use std::time::{Duration, UNIX_EPOCH};

use auth_core::{AuthError as _, ErrorKind, Expiry};
use auth_sandbox::Fault;

use crate::{Settings, Vendor, sandbox, shown};

/// The tests of this module, for a vendor.
#[macro_export]
macro_rules! builder {
    ($vendor:ty) => {
        $crate::tests! { $vendor, builder:
            #[test]
            fn a_base_url_that_is_unsafe_or_none_is_refused_without_being_repeated();
            #[test]
            fn a_host_that_is_more_than_a_host_is_refused();
            #[tokio::test]
            async fn a_path_in_the_base_url_stays_in_front_of_every_call();
            #[test]
            fn sessions_authorize_calls_to_the_base_url_and_the_allowed_hosts();
            #[test]
            fn a_token_that_no_header_can_carry_makes_no_session();
            #[test]
            fn clients_and_sessions_are_built_without_a_runtime_and_send_nothing();
            #[tokio::test]
            async fn settings_of_the_http_library_are_added_up();
        }
    };
}

#[track_caller]
pub fn refused<V: Vendor>(builder: V::ClientBuilder) -> V::Error {
    let error = V::build(builder).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error:?}");
    error
}

pub fn a_base_url_that_is_unsafe_or_none_is_refused_without_being_repeated<V: Settings>() {
    let host = V::DEFAULT_BASE_URL.strip_prefix("https://").unwrap();
    let host = host.split('/').next().unwrap();
    for base_url in [
        "",
        host,
        &format!("http://{host}"),
        "http://127.0.0.1.example.com",
        &format!("ftp://{host}"),
        &format!("https://user:hunter22@{host}"),
        &format!("https://{host}/?key=hunter22"),
        &format!("https://{host}/#hunter22"),
    ] {
        let error = refused::<V>(V::with_base_url(V::live(), base_url));
        assert!(error.to_string().contains("base url"), "{error}");
        assert!(!shown(&error).contains("hunter22"), "{error:?}");
    }
}

pub fn a_host_that_is_more_than_a_host_is_refused<V: Settings>() {
    for host in ["", "https://a.com", "a.com/x", "u@a.com", "a.com?x", "a b"] {
        refused::<V>(V::with_allowed_host(V::live(), host));
    }
}

pub async fn a_path_in_the_base_url_stays_in_front_of_every_call<V: Settings>() {
    let sandbox = sandbox();
    let with_slash = V::base_url(&sandbox);
    // Each vendor of the sandbox has a path of its own.
    assert_ne!(with_slash.path(), "/");
    let with_slash = with_slash.to_string();
    for base_url in [with_slash.trim_end_matches('/'), &with_slash] {
        let client = V::build(V::with_base_url(V::builder(&sandbox), base_url)).unwrap();
        V::send_mail(&client, V::email(&sandbox)).await.unwrap();
        let sent = sandbox.log().last(V::SEND_MAIL).unwrap();
        assert_eq!(sent.path(), V::SEND_MAIL_PATH);
    }
}

pub fn sessions_authorize_calls_to_the_base_url_and_the_allowed_hosts<V: Settings>() {
    let mut builder = V::with_base_url(V::live(), "https://auth.acme.test/some/path");
    for host in ["reports.acme.test", "127.0.0.1:8080"] {
        builder = V::with_allowed_host(builder, host);
    }
    let client = V::build(builder).unwrap();
    let session = V::session_with_token(&client, V::token()).unwrap();
    let allows = |url: &str| session.allowed_hosts().check(&url.parse().unwrap()).is_ok();
    for url in [
        "https://auth.acme.test/",
        "https://reports.acme.test/x",
        "http://127.0.0.1:8080/",
    ] {
        assert!(allows(url), "{url}");
    }
    for url in [
        V::DEFAULT_BASE_URL,
        "https://app.acme.test/",
        "https://reports.acme.test:8443/",
        "http://reports.acme.test/",
        "http://127.0.0.1:8081/",
    ] {
        assert!(!allows(url), "{url}");
    }
}

pub fn a_token_that_no_header_can_carry_makes_no_session<V: Settings>() {
    let client = V::build(V::live()).unwrap();
    for access in ["line\nbreak", ""] {
        let token = auth_core::Token::new(access.into(), Expiry::Never, UNIX_EPOCH);
        let token = V::Token::from(token);
        for error in [
            V::auth_headers(&token).unwrap_err(),
            V::session_with_token(&client, token).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            assert!(!shown(&error).contains("line\nbreak"), "{error:?}");
        }
    }
}

pub fn clients_and_sessions_are_built_without_a_runtime_and_send_nothing<V: Settings>() {
    let sandbox = sandbox();
    let session = V::session(&sandbox);
    let other = V::session_with_token(&V::client(&sandbox), V::token()).unwrap();
    assert!(other.try_headers().is_some());
    drop((session, other));
    assert_eq!(sandbox.log().entries().len(), 0);
}

pub async fn settings_of_the_http_library_are_added_up<V: Settings>() {
    let sandbox = sandbox();
    let builder = V::with_http(V::builder(&sandbox), |http| {
        http.customize(|builder| builder.user_agent("theirs/1"))
    });
    let builder = V::with_http(builder, |http| http.timeout(Duration::from_millis(200)));
    let client = V::build(builder).unwrap();
    let (fault, _gate) = Fault::hold();
    sandbox.fault(fault.always());
    let error = V::send_mail(&client, "a@example.com").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    let sent = sandbox.log().last(V::SEND_MAIL).unwrap();
    let agent = sent.header("user-agent").unwrap();
    let name = agent.split('/').next();
    assert_eq!(name, Some(V::PACKAGE), "{agent}");
}
