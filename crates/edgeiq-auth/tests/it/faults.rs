//! What goes wrong on the way: what the caller is told, and what is sent again.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use auth_sandbox::{Fault, Sandbox};
use edgeiq_auth::{
    Client, Error, ErrorKind, Lifetime, ResetEmail, ResetToken, RetryPolicy, SecretString, State,
    Token,
};

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

/// Every attempt of every call meets the fault.
async fn assert_always(fault: &Fault, expected: impl Fn(Call) -> (usize, ErrorKind)) {
    let sandbox = sandbox();
    let ready = Ready::new(&sandbox, client(&sandbox)).await;
    for call in CALLS {
        sandbox.fault(fault.clone().on(call.operation()).always());
        let error = ready.call(call).await.unwrap_err();
        let (sent, kind) = expected(call);
        assert_eq!(error.kind(), kind, "{call:?} with {fault:?}: {error:?}");
        sandbox.log().assert_count(call.operation(), sent);
        sandbox.clear_faults();
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
async fn a_429_that_names_no_time_is_left_to_the_caller() {
    let kind = ErrorKind::RateLimited { retry_after: None };
    assert_always(&Fault::status(429), |_| (1, kind)).await;
}

#[tokio::test]
async fn a_refusal_is_never_repeated() {
    for status in [400, 401, 403, 404, 408, 412, 422] {
        let sandbox = sandbox();
        let ready = Ready::new(&sandbox, client(&sandbox)).await;
        for call in CALLS {
            sandbox.fault(Fault::status(status).on(call.operation()));
            ready.call(call).await.unwrap_err();
            sandbox.log().assert_count(call.operation(), 1);
        }
    }
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
async fn a_vendor_that_says_nothing_is_given_up_at_the_time_limit() {
    let sandbox = sandbox();
    let impatient = builder(&sandbox)
        .http(|http| http.timeout(Duration::from_millis(50)))
        .build()
        .unwrap();
    let ready = Ready::new(&sandbox, impatient).await;
    for call in CALLS {
        let (fault, _gate) = Fault::hold();
        sandbox.fault(fault.on(call.operation()).always());
        let error = ready.call(call).await.unwrap_err();
        assert_eq!(error.kind(), call.lost(), "{call:?}: {error:?}");
        assert!(
            error
                .to_string()
                .contains("no answer within the time limit"),
            "{error}"
        );
        sandbox
            .log()
            .assert_count(call.operation(), call.most_attempts());
        sandbox.clear_faults();
    }
}

#[tokio::test]
async fn what_was_never_sent_is_tried_again_whatever_it_is() {
    let attempts = Arc::new(AtomicUsize::new(0));
    let sandbox = sandbox();
    let counting = builder(&sandbox)
        .http({
            let attempts = Arc::clone(&attempts);
            move |http| {
                http.gate(move || {
                    attempts.fetch_add(1, Ordering::SeqCst);
                    Box::pin(ready(()))
                })
            }
        })
        .build()
        .unwrap();
    let ready = Ready::new(&sandbox, counting).await;
    // Nobody listens on its port any more.
    drop(sandbox);
    for call in CALLS {
        attempts.store(0, Ordering::SeqCst);
        let error = ready.call(call).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{call:?}: {error:?}");
        assert_eq!(attempts.load(Ordering::SeqCst), 3, "{call:?}");
    }
}

#[tokio::test]
async fn a_slow_answer_is_waited_for() {
    let sandbox = sandbox();
    let ready = Ready::new(&sandbox, client(&sandbox)).await;
    for call in CALLS {
        let wait = Duration::from_secs(20);
        sandbox.fault(Fault::delay(wait).on(call.operation()));
        let slow = tokio::spawn({
            let ready = ready.clone();
            async move { ready.call(call).await }
        });
        sandbox.clock().until_sleeping(1).await;
        sandbox.clock().advance(wait);
        slow.await.unwrap().unwrap();
        sandbox.log().assert_count(call.operation(), 1);
    }
}

#[tokio::test]
async fn every_call_waits_for_exactly_as_long_as_the_vendor_asks_and_is_sent_again() {
    let wait = Duration::from_secs(30);
    for status in [429, 503] {
        for fault in [
            Fault::retry_after(status, wait),
            Fault::retry_after_date(status, wait),
        ] {
            let sandbox = sandbox();
            let ready = Ready::new(&sandbox, client(&sandbox)).await;
            for call in CALLS {
                sandbox.fault(fault.clone().on(call.operation()));
                let waiting = tokio::spawn({
                    let ready = ready.clone();
                    async move { ready.call(call).await }
                });
                sandbox.clock().until_sleeping(1).await;
                sandbox.clock().advance(Duration::from_millis(29_999));
                tokio::task::yield_now().await;
                assert_eq!(sandbox.clock().sleepers(), 1, "{call:?} did not wait");
                sandbox.log().assert_count(call.operation(), 1);
                sandbox.clock().advance(Duration::from_millis(1));
                waiting.await.unwrap().unwrap();
                sandbox.log().assert_count(call.operation(), 2);
            }
        }
    }
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_told_to_the_caller_at_once() {
    let hour = Duration::from_secs(3_600);
    let retry_after = Some(hour);
    let expected = [
        (429, ErrorKind::RateLimited { retry_after }),
        (503, ErrorKind::Unavailable),
    ];
    for (status, kind) in expected {
        let sandbox = sandbox();
        let ready = Ready::new(&sandbox, client(&sandbox)).await;
        for call in CALLS {
            sandbox.fault(Fault::retry_after(status, hour).on(call.operation()));
            let error = ready.call(call).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{call:?}: {error:?}");
            assert_eq!(error.retry_after(), retry_after, "{call:?}");
            sandbox.log().assert_count(call.operation(), 1);
        }
    }
}

#[tokio::test]
async fn the_callers_own_policy_counts() {
    let sandbox = sandbox();
    let once = builder(&sandbox)
        .http(|http| http.retry(RetryPolicy::never()))
        .build()
        .unwrap();
    let ready = Ready::new(&sandbox, once).await;
    for call in CALLS {
        sandbox.fault(Fault::cut().on(call.operation()));
        let error = ready.call(call).await.unwrap_err();
        assert_eq!(error.kind(), call.lost());
        sandbox.log().assert_count(call.operation(), 1);
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
