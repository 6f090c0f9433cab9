//! What goes wrong on the way: what the caller is told, and what is sent again.

use std::time::Duration;

use auth_sandbox::{Fault, Sandbox};
use iqm_auth::ErrorKind::{OutcomeUnknown, Unavailable};
use iqm_auth::{Client, Error, ErrorKind, PendingLogin, State, Token};
use vendor_tests::{Call, Calls, Vendor as _};

use crate::set_up::{
    Iqm, LIFETIME, assert_refused, client, email, log_in, pending, sandbox, sandbox_with, session,
};

vendor_tests::answers!(Iqm);
vendor_tests::canaries!(Iqm);
vendor_tests::faults!(Iqm);

/// What the calls need, got before anything goes wrong.
#[derive(Clone)]
pub(crate) struct Ready {
    client: Client,
    token: Token,
    pending: PendingLogin,
    code: String,
    email: &'static str,
    password: &'static str,
}

impl Calls for Iqm {
    type Ready = Ready;

    const CALLS: &'static [Call] = &[
        Call::new("iqm.log_in", 3, Unavailable, Unavailable),
        Call::new("iqm.refresh", 2, OutcomeUnknown, Unavailable),
        Call::new("iqm.profile", 3, Unavailable, Unavailable),
        Call::new(
            "iqm.request_password_reset",
            1,
            OutcomeUnknown,
            OutcomeUnknown,
        ),
        Call::new("iqm.mfa_verify", 1, OutcomeUnknown, OutcomeUnknown),
    ];
    const NEEDED: &'static [(&'static str, &'static [&'static str])] = &[
        ("iqm.log_in", &["data", "access_token"]),
        ("iqm.refresh", &["access_token"]),
        ("iqm.profile", &["data", "data/owId", "data/email"]),
        ("iqm.mfa_verify", &["data", "accessToken"]),
    ];

    async fn ready(sandbox: &Sandbox, client: Client) -> Ready {
        let (iqm, clean) = (sandbox.iqm(), Self::client(sandbox));
        let pending = pending(sandbox).await;
        clean.send_mfa_code(&pending).await.unwrap();
        let ready = Ready {
            client,
            pending,
            token: log_in(sandbox).await,
            code: iqm.mfa_code(iqm.mfa_user().email).unwrap(),
            email: email(sandbox),
            password: iqm.user().password,
        };
        sandbox.log().clear();
        ready
    }

    async fn call(ready: &Ready, operation: &str) -> Result<(), Error> {
        let client = &ready.client;
        match operation {
            "iqm.log_in" => drop(client.log_in(ready.email, &ready.password.into()).await?),
            "iqm.refresh" => drop(client.refresh(&ready.token).await?),
            "iqm.profile" => drop(client.profile(&ready.token.auth_headers()?).await?),
            "iqm.request_password_reset" => {
                drop(client.request_password_reset(ready.email).await?);
            }
            "iqm.mfa_verify" => {
                let code = ready.code.as_str().into();
                drop(client.verify_mfa_code(&ready.pending, &code).await?);
            }
            other => panic!("no call of {other}"),
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_log_out_whose_response_was_lost_is_confirmed_by_the_refusal_of_its_repetition() {
    let sandbox = sandbox();
    let auth_headers = log_in(&sandbox).await.auth_headers().unwrap();
    sandbox.fault(Fault::lost_answer().on("iqm.log_out"));
    client(&sandbox).log_out(&auth_headers).await.unwrap();
    let statuses: Vec<_> = sandbox
        .log()
        .entries_of("iqm.log_out")
        .iter()
        .map(auth_sandbox::Entry::status)
        .collect();
    assert_eq!(statuses, [None, Some(401)]);
}

#[tokio::test]
async fn a_refresh_token_that_was_rotated_by_a_lost_refresh_is_told_apart_from_a_dead_one() {
    let sandbox = sandbox_with(|builder| builder.iqm_rotate_refresh_tokens(true));
    let token = log_in(&sandbox).await;
    sandbox.fault(Fault::lost_answer().on("iqm.refresh"));
    let error = client(&sandbox).refresh(&token).await.unwrap_err();
    let text = "the refresh may have happened";
    assert_refused(&error, ErrorKind::OutcomeUnknown, text);
    assert_eq!(error.http_status(), Some(401));
    let sent = sandbox.log().entries_of("iqm.refresh");
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].body(), sent[1].body());

    let error = client(&sandbox).refresh(&token).await.unwrap_err();
    assert_refused(&error, ErrorKind::TokenRejected, "the token was refused");
}

#[tokio::test]
async fn after_a_lost_refresh_a_session_that_holds_the_password_logs_in_again() {
    for (fault, log_ins) in [
        (Fault::lost_answer(), 2),
        (Fault::truncated_body(), 2),
        // It had no effect, so its repetition succeeds.
        (Fault::cut(), 1),
    ] {
        let sandbox = sandbox_with(|builder| builder.iqm_rotate_refresh_tokens(true));
        let session = session(&sandbox);
        session.headers().await.unwrap();
        sandbox.clock().advance(LIFETIME);
        sandbox.fault(fault.on("iqm.refresh"));
        let auth_headers = session.auth_headers().await.unwrap();
        client(&sandbox).profile(&auth_headers).await.unwrap();
        sandbox.log().assert_count("iqm.refresh", 2);
        sandbox.log().assert_count("iqm.log_in", log_ins);
        assert_eq!(session.state(), State::Fresh);
    }
}

#[tokio::test]
async fn after_a_lost_refresh_a_session_without_a_password_soon_asks_for_a_log_in() {
    let sandbox = sandbox_with(|builder| builder.iqm_rotate_refresh_tokens(true));
    let token = log_in(&sandbox).await;
    let session = client(&sandbox).session(token).build().unwrap();
    sandbox.clock().advance(LIFETIME);
    sandbox.fault(Fault::lost_answer().on("iqm.refresh"));
    let error = session.headers().await.unwrap_err();
    let text = "the refresh may have happened";
    assert_refused(&error, ErrorKind::OutcomeUnknown, text);
    assert!(matches!(session.state(), State::Failing { .. }));

    sandbox.clock().advance(Duration::from_secs(2));
    let error = session.headers().await.unwrap_err();
    assert_refused(&error, ErrorKind::TokenRejected, "the token was refused");
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    sandbox.clock().advance(LIFETIME);
    session.headers().await.unwrap_err();
    // Twice when the answer was lost, and twice to be refused.
    sandbox.log().assert_count("iqm.refresh", 4);
}

#[tokio::test]
async fn a_refresh_that_was_answered_without_a_token_is_followed_by_a_log_in() {
    for fault in vendor_tests::session::odd_answers("iqm.refresh") {
        let sandbox = sandbox();
        let session = session(&sandbox);
        session.headers().await.unwrap();
        sandbox.clock().advance(LIFETIME);
        sandbox.fault(fault);
        let auth_headers = session.auth_headers().await.unwrap();
        client(&sandbox).profile(&auth_headers).await.unwrap();
        sandbox.log().assert_count("iqm.refresh", 1);
        sandbox.log().assert_count("iqm.log_in", 2);
    }
}

#[tokio::test]
async fn a_session_that_holds_the_password_logs_in_when_the_refresh_stays_unanswered() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    session.headers().await.unwrap();
    sandbox.clock().advance(LIFETIME);
    sandbox.fault(Fault::cut().on("iqm.refresh").always());
    let auth_headers = session.auth_headers().await.unwrap();
    client(&sandbox).profile(&auth_headers).await.unwrap();
    sandbox.log().assert_count("iqm.refresh", 2);
    sandbox.log().assert_count("iqm.log_in", 2);
}
