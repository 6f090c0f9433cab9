//! What holds for the settings of every vendor: a module of each vendor crate's
//! `tests/it/builder.rs`, which supplies
//!
//! - `live()`: a builder of a client for the vendor's own system, at `DEFAULT_BASE_URL`;
//! - `token()`: a token that no sandbox issued;
//! - `send_mail(&client, email)`: a call without a token that is never repeated, with its operation
//!   `SEND_MAIL` and its path at the sandbox `SEND_MAIL_PATH`.

use std::time::{Duration, UNIX_EPOCH};

use auth_core::{ErrorKind, Expiry};
use auth_sandbox::Fault;

use super::{
    ClientBuilder, DEFAULT_BASE_URL, Error, SEND_MAIL, SEND_MAIL_PATH, Token, live, send_mail,
    token,
};
use crate::set_up::{base_url, builder, client, email, sandbox, session, shown};

#[track_caller]
pub(super) fn refused(builder: ClientBuilder) -> Error {
    let error = builder.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error:?}");
    error
}

#[test]
fn a_base_url_that_is_unsafe_or_none_is_refused_without_being_repeated() {
    let host = DEFAULT_BASE_URL.strip_prefix("https://").unwrap();
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
        let error = refused(live().base_url(base_url));
        assert!(error.to_string().contains("base url"), "{error}");
        assert!(!shown(&error).contains("hunter22"), "{error:?}");
    }
}

#[test]
fn a_host_that_is_more_than_a_host_is_refused() {
    for host in ["", "https://a.com", "a.com/x", "u@a.com", "a.com?x", "a b"] {
        refused(live().allow_host(host));
    }
}

#[tokio::test]
async fn a_path_in_the_base_url_stays_in_front_of_every_call() {
    let sandbox = sandbox();
    let with_slash = base_url(&sandbox);
    // Each vendor of the sandbox has a path of its own.
    assert_ne!(with_slash.path(), "/");
    let with_slash = with_slash.to_string();
    for base_url in [with_slash.trim_end_matches('/'), &with_slash] {
        let client = builder(&sandbox).base_url(base_url).build().unwrap();
        send_mail(&client, email(&sandbox)).await.unwrap();
        let sent = sandbox.log().last(SEND_MAIL).unwrap();
        assert_eq!(sent.path(), SEND_MAIL_PATH);
    }
}

#[test]
fn sessions_authorize_calls_to_the_base_url_and_the_allowed_hosts() {
    let client = live()
        .base_url("https://auth.acme.test/some/path")
        .allow_host("reports.acme.test")
        .allow_host("127.0.0.1:8080")
        .build()
        .unwrap();
    let session = client.session(token()).unwrap();
    let allows = |url: &str| session.hosts().check(&url.parse().unwrap()).is_ok();
    for url in [
        "https://auth.acme.test/",
        "https://reports.acme.test/x",
        "http://127.0.0.1:8080/",
    ] {
        assert!(allows(url), "{url}");
    }
    for url in [
        DEFAULT_BASE_URL,
        "https://app.acme.test/",
        "https://reports.acme.test:8443/",
        "http://reports.acme.test/",
        "http://127.0.0.1:8081/",
    ] {
        assert!(!allows(url), "{url}");
    }
}

#[test]
fn a_token_that_no_header_can_carry_makes_no_session() {
    let client = live().build().unwrap();
    for access in ["line\nbreak", ""] {
        let token = auth_core::Token::new(access.into(), Expiry::Never, UNIX_EPOCH);
        for error in [
            Token::from(token.clone()).auth_headers().unwrap_err(),
            client.session(Token::from(token)).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Protocol);
            assert!(!shown(&error).contains("line\nbreak"), "{error:?}");
        }
    }
}

#[test]
fn clients_and_sessions_are_built_without_a_runtime_and_send_nothing() {
    let sandbox = sandbox();
    let session = session(&sandbox);
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
    let (fault, _gate) = Fault::hold();
    sandbox.fault(fault.always());
    let error = send_mail(&client, "a@example.com").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    let sent = sandbox.log().last(SEND_MAIL).unwrap();
    let agent = sent.header("user-agent").unwrap();
    // The vendor crate's name, whose test this is a part of.
    assert!(
        agent.starts_with(concat!(env!("CARGO_PKG_NAME"), "/")),
        "{agent}"
    );
}
