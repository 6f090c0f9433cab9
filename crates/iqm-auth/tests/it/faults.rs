//! What goes wrong on the way: what the caller is told, and what is sent again.

#[path = "../../../auth-core/tests/vendor/faults.rs"]
mod every_vendor;

use std::time::Duration;

use auth_sandbox::{Fault, Sandbox};
use iqm_auth::{Client, Error, ErrorKind, State, Token};

use crate::set_up::{LIFETIME, client, log_in, sandbox, sandbox_with, session};

/// One call of each row of the table "What may be repeated".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    LogIn,
    Refresh,
    Profile,
    SendMail,
    TradeCode,
}

use Call::{LogIn, Profile, Refresh, SendMail, TradeCode};

const CALLS: [Call; 5] = [LogIn, Refresh, Profile, SendMail, TradeCode];
const READ: [Call; 5] = CALLS;

impl Call {
    fn operation(self) -> &'static str {
        match self {
            LogIn => "iqm.log_in",
            Refresh => "iqm.refresh",
            Profile => "iqm.profile",
            SendMail => "iqm.request_password_reset",
            TradeCode => "iqm.mfa_verify",
        }
    }

    /// How often it is sent if every attempt may have had its effect.
    fn most_attempts(self) -> usize {
        match self {
            LogIn | Profile => 3,
            Refresh => 2,
            SendMail | TradeCode => 1,
        }
    }

    /// What the caller is told if no attempt gave an answer.
    fn lost(self) -> ErrorKind {
        match self {
            LogIn | Profile => ErrorKind::Unavailable,
            Refresh | SendMail | TradeCode => ErrorKind::OutcomeUnknown,
        }
    }

    /// What the caller is told if every answer was a server error.
    fn broken(self) -> ErrorKind {
        match self {
            LogIn | Profile | Refresh => ErrorKind::Unavailable,
            SendMail | TradeCode => ErrorKind::OutcomeUnknown,
        }
    }
}

/// What the calls need, got before anything goes wrong.
#[derive(Clone)]
struct Ready {
    client: Client,
    token: Token,
    code: String,
    email: &'static str,
    password: &'static str,
}

impl Ready {
    async fn new(sandbox: &Sandbox, client: Client) -> Self {
        let (iqm, clean) = (sandbox.iqm(), crate::set_up::client(sandbox));
        clean.send_mfa_code(iqm.mfa_user().ow_id).await.unwrap();
        let ready = Self {
            client,
            token: log_in(sandbox).await,
            code: iqm.mfa_code(iqm.mfa_user().email).unwrap(),
            email: iqm.user().email,
            password: iqm.user().password,
        };
        sandbox.log().clear();
        ready
    }

    async fn call(&self, call: Call) -> Result<(), Error> {
        let client = &self.client;
        match call {
            LogIn => drop(client.log_in(self.email, &self.password.into()).await?),
            Refresh => drop(client.refresh(&self.token).await?),
            Profile => drop(client.profile(&self.token.credential().unwrap()).await?),
            SendMail => drop(client.request_password_reset(self.email).await?),
            TradeCode => drop(client.verify_mfa_code(&self.code.as_str().into()).await?),
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_log_out_whose_answer_was_lost_is_confirmed_by_the_refusal_of_its_repetition() {
    let sandbox = sandbox();
    let credential = log_in(&sandbox).await.credential().unwrap();
    sandbox.fault(Fault::lost_answer().on("iqm.log_out"));
    client(&sandbox).log_out(&credential).await.unwrap();
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
    assert!(matches!(error, Error::RefreshLost), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    let sent = sandbox.log().entries_of("iqm.refresh");
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].body(), sent[1].body());

    let error = client(&sandbox).refresh(&token).await.unwrap_err();
    assert!(matches!(error, Error::TokenRejected { .. }), "{error:?}");
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
        let credential = session.credential().await.unwrap();
        client(&sandbox).profile(&credential).await.unwrap();
        sandbox.log().assert_count("iqm.refresh", 2);
        sandbox.log().assert_count("iqm.log_in", log_ins);
        assert_eq!(session.state(), State::Fresh);
    }
}

#[tokio::test]
async fn after_a_lost_refresh_a_session_without_a_password_soon_asks_for_a_log_in() {
    let sandbox = sandbox_with(|builder| builder.iqm_rotate_refresh_tokens(true));
    let session = client(&sandbox).session(log_in(&sandbox).await).unwrap();
    sandbox.clock().advance(LIFETIME);
    sandbox.fault(Fault::lost_answer().on("iqm.refresh"));
    let error = session.headers().await.unwrap_err();
    assert!(matches!(error, Error::RefreshLost), "{error:?}");
    assert_eq!(session.state(), State::Stale);

    sandbox.clock().advance(Duration::from_secs(2));
    let error = session.headers().await.unwrap_err();
    assert!(matches!(error, Error::TokenRejected { .. }), "{error:?}");
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    sandbox.clock().advance(LIFETIME);
    session.headers().await.unwrap_err();
    sandbox.log().assert_count("iqm.refresh", 3);
}

#[tokio::test]
async fn a_session_that_holds_the_password_logs_in_when_the_refresh_stays_unanswered() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    session.headers().await.unwrap();
    sandbox.clock().advance(LIFETIME);
    sandbox.fault(Fault::cut().on("iqm.refresh").always());
    let credential = session.credential().await.unwrap();
    client(&sandbox).profile(&credential).await.unwrap();
    sandbox.log().assert_count("iqm.refresh", 2);
    sandbox.log().assert_count("iqm.log_in", 2);
}
