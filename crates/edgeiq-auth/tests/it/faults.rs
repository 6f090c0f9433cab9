//! What goes wrong on the way: what the caller is told, and what is sent again.

use std::time::Duration;

use auth_sandbox::{Fault, Sandbox};
use edgeiq_auth::ErrorKind::{OutcomeUnknown, Unavailable};
use edgeiq_auth::{
    Client, Error, ErrorKind, Lifetime, ResetEmail, ResetToken, SecretString, Token,
};
use vendor_tests::{Call, Calls};

use crate::set_up::{EdgeIq, authenticate, client, email, log_in, password, reset_token, sandbox};

vendor_tests::answers!(EdgeIq);
vendor_tests::canaries!(EdgeIq);
vendor_tests::faults!(EdgeIq);

/// What the calls need, got before anything goes wrong.
#[derive(Clone)]
pub(crate) struct Ready {
    client: Client,
    token: Token,
    reset_token: ResetToken,
    email: &'static str,
    password: SecretString,
}

impl Calls for EdgeIq {
    type Ready = Ready;

    /// Every call.
    const CALLS: &'static [Call] = &[
        Call::new("edgeiq.authenticate", 3, Unavailable, Unavailable),
        Call::new("edgeiq.reset_api_token", 1, OutcomeUnknown, OutcomeUnknown),
        Call::new("edgeiq.me", 3, Unavailable, Unavailable),
        Call::new(
            "edgeiq.request_password_reset",
            1,
            OutcomeUnknown,
            OutcomeUnknown,
        ),
        Call::new("edgeiq.set_password", 1, OutcomeUnknown, OutcomeUnknown),
    ];
    /// The responses to the others say nothing but success.
    const READ: &'static [Call] = Self::CALLS.split_at(3).0;
    const NEEDED: &'static [(&'static str, &'static [&'static str])] = &[
        ("edgeiq.authenticate", &["session_token"]),
        ("edgeiq.reset_api_token", &["api_token"]),
    ];

    async fn ready(sandbox: &Sandbox, client: Client) -> Ready {
        let ready = Ready {
            client,
            token: log_in(sandbox).await,
            reset_token: reset_token(sandbox).await,
            email: email(sandbox),
            password: password(sandbox),
        };
        sandbox.log().clear();
        ready
    }

    async fn call(ready: &Ready, operation: &str) -> Result<(), Error> {
        let (client, email, password) = (&ready.client, ready.email, &ready.password);
        match operation {
            "edgeiq.authenticate" => {
                let lifetime = Lifetime::Default;
                drop(client.authenticate(email, password, lifetime).await?);
            }
            "edgeiq.reset_api_token" => drop(client.reset_api_token(email, password).await?),
            "edgeiq.me" => drop(client.me(&ready.token.auth_headers()?).await?),
            // To an address of its own: a second e-mail ends the token of the first.
            "edgeiq.request_password_reset" => {
                let (email, mail) = ("olga@edgeiq.example", ResetEmail::new());
                client.request_password_reset(email, &mail).await?;
            }
            "edgeiq.set_password" => client.set_password(&ready.reset_token, password).await?,
            other => panic!("no call of {other}"),
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_repeated_log_in_asks_for_the_same_end() {
    let sandbox = sandbox();
    sandbox.fault(Fault::cut().on("edgeiq.authenticate").times(2));
    let lifetime = Duration::from_secs(60);
    authenticate(&sandbox, lifetime).await.unwrap();
    let sent = sandbox.log().entries_of("edgeiq.authenticate");
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|entry| entry.body() == sent[0].body()));
}

#[tokio::test]
async fn no_second_e_mail_is_sent_when_the_answer_to_the_first_was_lost() {
    for fault in [Fault::lost_answer(), Fault::truncated_body()] {
        let sandbox = sandbox();
        sandbox.fault(fault);
        let error = client(&sandbox)
            .request_password_reset(email(&sandbox), &ResetEmail::new())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
        assert_eq!(sandbox.inbox(email(&sandbox)).count(), 1);
    }
}
