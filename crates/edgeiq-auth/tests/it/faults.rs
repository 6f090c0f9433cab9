//! What goes wrong on the way: what the caller is told, and what is sent again.

#[path = "../../../auth-core/tests/vendor/faults.rs"]
mod every_vendor;

use std::time::Duration;

use auth_sandbox::{Fault, Sandbox};
use edgeiq_auth::{
    Client, Error, ErrorKind, Lifetime, ResetEmail, ResetToken, SecretString, State, Token,
};

use self::every_vendor::assert_always;
use crate::set_up::{
    LIFETIME, builder, client, email, log_in, password, reset_token, sandbox, session_with_password,
};

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

    /// What the caller is told if no attempt gave an answer, or only server errors.
    fn lost(self) -> ErrorKind {
        match self {
            LogIn | Me => ErrorKind::Unavailable,
            ResetApiToken | SendMail | TradeToken => ErrorKind::OutcomeUnknown,
        }
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
            Me => drop(client.me(&self.token.credential().unwrap()).await?),
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
async fn a_server_error_is_repeated_where_that_is_safe() {
    for status in [500, 502, 503, 504] {
        let expected = |call: Call| (call.most_attempts(), call.lost());
        assert_always(&Fault::status(status), expected).await;
    }
}

#[tokio::test]
async fn a_cut_connection_a_lost_answer_and_half_an_answer_are_repeated_where_that_is_safe() {
    for fault in [Fault::cut(), Fault::lost_answer(), Fault::truncated_body()] {
        // Each call anew: a lost one has had its effect.
        for call in CALLS {
            let sandbox = sandbox();
            let ready = Ready::new(&sandbox, client(&sandbox)).await;
            sandbox.fault(fault.clone().on(call.operation()).always());
            let error = ready.call(call).await.unwrap_err();
            assert_eq!(error.kind(), call.lost(), "{call:?} with {fault:?}");
            sandbox
                .log()
                .assert_count(call.operation(), call.most_attempts());
        }
    }
}

#[tokio::test]
async fn an_answer_of_ten_megabytes_is_not_read_to_its_end() {
    let kind = |call: Call| match call {
        LogIn | Me => ErrorKind::Protocol,
        other => other.lost(),
    };
    assert_always(&Fault::huge_body(), |call| {
        (call.most_attempts(), kind(call))
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_nobody_documents_is_not_asked_for_again() {
    assert_always(&Fault::html(), |_| (1, ErrorKind::Protocol)).await;
    let sandbox = sandbox();
    let ready = Ready::new(&sandbox, client(&sandbox)).await;
    for call in [LogIn, ResetApiToken, Me] {
        sandbox.fault(Fault::garbage_json().on(call.operation()));
        let error = ready.call(call).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{call:?}");
        sandbox.log().assert_count(call.operation(), 1);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let stranger = Sandbox::start().unwrap();
    let fault = Fault::redirect(stranger.edgeiq().base_url());
    assert_always(&fault, |_| (1, ErrorKind::Protocol)).await;
    assert_eq!(stranger.log().entries().len(), 0);
}

#[tokio::test]
async fn a_call_that_may_be_repeated_succeeds_when_the_vendor_is_back() {
    for fault in [Fault::status(500), Fault::cut(), Fault::lost_answer()] {
        let sandbox = sandbox();
        let ready = Ready::new(&sandbox, client(&sandbox)).await;
        for call in [LogIn, Me] {
            let failures = call.most_attempts() - 1;
            sandbox.fault(fault.clone().on(call.operation()).times(failures));
            ready.call(call).await.unwrap();
            sandbox.log().assert_count(call.operation(), failures + 1);
        }
        assert_eq!(sandbox.pending_faults(), 0);
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

#[tokio::test]
async fn a_session_gets_over_every_fault_of_its_renewal() {
    for fault in [
        Fault::status(500),
        Fault::status(503),
        Fault::status(429),
        Fault::retry_after(429, Duration::from_secs(3_600)),
        Fault::cut(),
        Fault::lost_answer(),
        Fault::truncated_body(),
        Fault::garbage_json(),
        Fault::html(),
        Fault::huge_body(),
        Fault::redirect("http://127.0.0.1:9/"),
    ] {
        let sandbox = sandbox();
        let session = session_with_password(&sandbox);
        session.headers().await.unwrap();
        sandbox.clock().advance(LIFETIME);
        sandbox.fault(fault.clone().on("edgeiq.authenticate").always());
        let error = session.headers().await.unwrap_err();
        assert!(error.kind().is_transient(), "{fault:?}: {error:?}");
        assert_eq!(session.state(), State::Stale, "{fault:?}");
        let sent = sandbox.log().count("edgeiq.authenticate");
        session.headers().await.unwrap_err();
        sandbox.log().assert_count("edgeiq.authenticate", sent);

        sandbox.clear_faults();
        sandbox.clock().advance(Duration::from_secs(3_600));
        session.headers().await.unwrap();
        assert_eq!(session.state(), State::Fresh, "{fault:?}");
    }
}

#[tokio::test]
async fn a_password_that_became_wrong_is_not_tried_twice() {
    let sandbox = sandbox();
    let session = session_with_password(&sandbox);
    session.headers().await.unwrap();
    sandbox
        .edgeiq()
        .set_password(email(&sandbox), "another one");
    for _ in 0..3 {
        sandbox.clock().advance(LIFETIME);
        let error = session.headers().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
    }
    sandbox.log().assert_count("edgeiq.authenticate", 2);
}
