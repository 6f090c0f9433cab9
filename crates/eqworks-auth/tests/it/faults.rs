//! What goes wrong on the way: what the caller is told, and what is sent again.

use auth_sandbox::{Fault, Sandbox};
use eqworks_auth::ErrorKind::{OutcomeUnknown, TokenRejected, Unavailable};
use eqworks_auth::{Client, Error, SecretString, Token};
use vendor_tests::{Call, Calls};

use crate::set_up::{EqWorks, assert_refused, client, email, log_in, minted, passcode, sandbox};

vendor_tests::answers!(EqWorks);
vendor_tests::canaries!(EqWorks);
vendor_tests::faults!(EqWorks);

/// What the calls need, got before anything goes wrong.
#[derive(Clone)]
pub(crate) struct Ready {
    client: Client,
    token: Token,
    passcode: SecretString,
    user: &'static str,
}

impl Calls for EqWorks {
    type Ready = Ready;

    /// Every call: all rows of the table "What may be repeated" but the log-in with a password.
    const CALLS: &'static [Call] = &[
        Call::new(
            "eqworks.request_passcode",
            1,
            OutcomeUnknown,
            OutcomeUnknown,
        ),
        Call::new("eqworks.verify", 1, OutcomeUnknown, OutcomeUnknown),
        Call::new("eqworks.confirm", 3, Unavailable, Unavailable),
        Call::new("eqworks.refresh", 2, OutcomeUnknown, Unavailable),
    ];
    const NEEDED: &'static [(&'static str, &'static [&'static str])] = &[
        ("eqworks.verify", &["token"]),
        ("eqworks.confirm", &["user", "product"]),
        ("eqworks.refresh", &["token"]),
    ];

    async fn ready(sandbox: &Sandbox, client: Client) -> Ready {
        let ready = Ready {
            client,
            token: log_in(sandbox).await,
            passcode: passcode(sandbox).await,
            user: email(sandbox),
        };
        sandbox.log().clear();
        ready
    }

    async fn call(ready: &Ready, operation: &str) -> Result<(), Error> {
        let client = &ready.client;
        match operation {
            "eqworks.request_passcode" => drop(client.request_passcode(ready.user).await?),
            "eqworks.verify" => drop(client.verify(ready.user, &ready.passcode).await?),
            "eqworks.confirm" => drop(client.confirm(&ready.token.auth_headers()?).await?),
            "eqworks.refresh" => drop(client.refresh(&ready.token).await?),
            other => panic!("no call of {other}"),
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_passcode_whose_answer_was_lost_is_spent_and_was_sent_once() {
    let sandbox = sandbox();
    let passcode = passcode(&sandbox).await;
    let pending = client(&sandbox).pending_login(email(&sandbox));
    sandbox.fault(Fault::lost_answer().on("eqworks.verify"));
    let error = pending.complete(&passcode).await.unwrap_err();
    assert_eq!(error.kind(), OutcomeUnknown, "{error:?}");
    sandbox.log().assert_count("eqworks.verify", 1);
    assert_eq!(sandbox.eqworks().passcode(email(&sandbox)), None);
}

#[tokio::test]
async fn a_mail_whose_response_was_lost_is_not_asked_for_again_and_can_be_used() {
    let sandbox = sandbox();
    let (client, user) = (client(&sandbox), email(&sandbox));
    sandbox.fault(Fault::lost_answer().on("eqworks.request_passcode"));
    let error = client.request_passcode(user).await.unwrap_err();
    assert_eq!(error.kind(), OutcomeUnknown, "{error:?}");
    assert_eq!(sandbox.inbox(user).count(), 1);
    let code = sandbox.eqworks().passcode(user).unwrap();
    client
        .pending_login(user)
        .complete(&code.into())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_refresh_whose_response_was_lost_does_no_harm_when_it_is_repeated() {
    let sandbox = sandbox();
    let (client, token) = (client(&sandbox), minted(&sandbox));
    sandbox.fault(Fault::lost_answer().on("eqworks.refresh"));
    client.refresh(&token).await.unwrap();
    client
        .confirm(&token.auth_headers().unwrap())
        .await
        .unwrap();
    sandbox.log().assert_count("eqworks.refresh", 2);
}

#[tokio::test]
async fn a_token_that_was_revoked_by_a_lost_refresh_is_told_apart_from_a_dead_one() {
    let sandbox = sandbox();
    let (client, token) = (client(&sandbox), minted(&sandbox));
    sandbox.fault(Fault::lost_answer().on("eqworks.refresh"));
    let error = client.refresh_and_revoke_older(&token).await.unwrap_err();
    assert_refused(&error, OutcomeUnknown, "the refresh may have happened");
    assert_eq!(error.http_status(), Some(403));
    sandbox.log().assert_count("eqworks.refresh", 2);

    let error = client.refresh_and_revoke_older(&token).await.unwrap_err();
    let text = "the token was refused: Invalid UUID";
    assert_refused(&error, TokenRejected, text);
}

#[tokio::test]
async fn a_refusal_whose_text_was_cut_off_after_a_lost_refresh_is_no_denial() {
    let sandbox = sandbox();
    let (client, token) = (client(&sandbox), minted(&sandbox));
    sandbox.fault(Fault::truncated_body().on("eqworks.refresh").times(2));
    let error = client.refresh_and_revoke_older(&token).await.unwrap_err();
    assert_refused(&error, OutcomeUnknown, "the refresh may have happened");
    sandbox.log().assert_count("eqworks.refresh", 2);
}
