//! What goes wrong on the way: what the caller is told, and what is sent again.

#[path = "../../../auth-core/tests/vendor/faults.rs"]
mod every_vendor;

use std::time::Duration;

use auth_sandbox::{Fault, Sandbox};
use edgeiq_auth::{
    Client, Error, ErrorKind, Lifetime, ResetEmail, ResetToken, SecretString, Token,
};

use crate::set_up::{client, email, log_in, password, reset_token, sandbox};

/// Every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    LogIn,
    ResetApiToken,
    Me,
    SendMail,
    TradeToken,
}

use Call::{LogIn, Me, ResetApiToken, SendMail, TradeToken};

const CALLS: [Call; 5] = [LogIn, ResetApiToken, Me, SendMail, TradeToken];

/// The answers to the others say nothing but success.
const READ: [Call; 3] = [LogIn, ResetApiToken, Me];

impl Call {
    fn operation(self) -> &'static str {
        match self {
            LogIn => "edgeiq.authenticate",
            ResetApiToken => "edgeiq.reset_api_token",
            Me => "edgeiq.me",
            SendMail => "edgeiq.request_password_reset",
            TradeToken => "edgeiq.set_password",
        }
    }

    /// How often it is sent if every attempt may have had its effect.
    fn most_attempts(self) -> usize {
        match self {
            LogIn | Me => 3,
            ResetApiToken | SendMail | TradeToken => 1,
        }
    }

    /// What the caller is told if no attempt gave an response.
    fn lost(self) -> ErrorKind {
        match self {
            LogIn | Me => ErrorKind::Unavailable,
            ResetApiToken | SendMail | TradeToken => ErrorKind::OutcomeUnknown,
        }
    }

    /// What the caller is told if every response was a server error.
    fn broken(self) -> ErrorKind {
        self.lost()
    }
}

/// What the calls need, got before anything goes wrong.
#[derive(Clone)]
struct Ready {
    client: Client,
    token: Token,
    reset_token: ResetToken,
    email: &'static str,
    password: SecretString,
}

impl Ready {
    async fn new(sandbox: &Sandbox, client: Client) -> Self {
        let ready = Self {
            client,
            token: log_in(sandbox).await,
            reset_token: reset_token(sandbox).await,
            email: email(sandbox),
            password: password(sandbox),
        };
        sandbox.log().clear();
        ready
    }

    async fn call(&self, call: Call) -> Result<(), Error> {
        let (client, email, password) = (&self.client, self.email, &self.password);
        match call {
            LogIn => drop(
                client
                    .authenticate(email, password, Lifetime::Default)
                    .await?,
            ),
            ResetApiToken => drop(client.reset_api_token(email, password).await?),
            Me => drop(client.me(&self.token.auth_headers().unwrap()).await?),
            // To an address of its own: a second e-mail ends the token of the first.
            SendMail => {
                client
                    .request_password_reset("olga@edgeiq.example", &ResetEmail::new())
                    .await?;
            }
            TradeToken => client.set_password(&self.reset_token, password).await?,
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_repeated_log_in_asks_for_the_same_end() {
    let sandbox = sandbox();
    sandbox.fault(Fault::cut().on("edgeiq.authenticate").times(2));
    client(&sandbox)
        .authenticate(
            email(&sandbox),
            &password(&sandbox),
            Duration::from_secs(60).into(),
        )
        .await
        .unwrap();
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
