//! What holds for the calls of every vendor: a module of each vendor crate's `tests/it/faults.rs`,
//! which supplies
//!
//! - `CALLS`: one `Call` of each row of the table "What may be repeated";
//! - `Call`: its `operation()`, its `most_attempts()`, the kind of error after nothing but `lost()`
//!   answers and after nothing but `broken()` ones;
//! - `READ`: those of them whose response is read when they succeed;
//! - `Ready`: what the calls need, got by `new(&sandbox, client)` before anything goes wrong, for
//!   `call(call)`.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use auth_core::{ErrorKind, RetryPolicy};
use auth_sandbox::{Fault, Sandbox};

use super::{CALLS, Call, READ, Ready};
use crate::set_up::{base_url, builder, client, sandbox};

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
        let expected = |call: Call| (call.most_attempts(), call.broken());
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
            let log = sandbox.log();
            log.assert_count(call.operation(), call.most_attempts());
        }
    }
}

#[tokio::test]
async fn an_answer_of_ten_megabytes_is_not_read_to_its_end() {
    let kind = |call: Call| match call.lost() {
        // Nothing happened that could be unknown, so the caller is told what is wrong.
        ErrorKind::Unavailable => ErrorKind::Protocol,
        other => other,
    };
    let expected = |call: Call| (call.most_attempts(), kind(call));
    assert_always(&Fault::huge_body(), expected).await;
}

#[tokio::test]
async fn an_answer_that_nobody_documents_is_not_asked_for_again() {
    assert_always(&Fault::html(), |_| (1, ErrorKind::Protocol)).await;
    let sandbox = sandbox();
    let ready = Ready::new(&sandbox, client(&sandbox)).await;
    for call in READ {
        sandbox.fault(Fault::garbage_json().on(call.operation()));
        let error = ready.call(call).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{call:?}: {error:?}");
        sandbox.log().assert_count(call.operation(), 1);
    }
    assert_eq!(sandbox.pending_faults(), 0);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let stranger = Sandbox::start().unwrap();
    let fault = Fault::redirect(base_url(&stranger));
    assert_always(&fault, |_| (1, ErrorKind::Protocol)).await;
    assert_eq!(stranger.log().entries().len(), 0);
}

#[tokio::test]
async fn a_call_that_may_be_repeated_succeeds_when_the_vendor_is_back() {
    for fault in [Fault::status(500), Fault::cut(), Fault::lost_answer()] {
        let sandbox = sandbox();
        let ready = Ready::new(&sandbox, client(&sandbox)).await;
        for call in CALLS.into_iter().filter(|call| call.most_attempts() > 1) {
            let failures = call.most_attempts() - 1;
            sandbox.fault(fault.clone().on(call.operation()).times(failures));
            ready.call(call).await.unwrap();
            sandbox.log().assert_count(call.operation(), failures + 1);
        }
        assert_eq!(sandbox.pending_faults(), 0);
    }
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
async fn a_429_that_names_no_time_is_left_to_the_caller() {
    let kind = ErrorKind::RateLimited { retry_after: None };
    assert_always(&Fault::status(429), |_| (1, kind)).await;
}

#[tokio::test]
async fn a_vendor_that_says_nothing_is_given_up_at_the_time_limit() {
    let sandbox = sandbox();
    let impatient = builder(&sandbox)
        .http(|http| http.timeout(Duration::from_millis(200)))
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
                .contains("no response within the time limit"),
            "{error}"
        );
        sandbox
            .log()
            .assert_count(call.operation(), call.most_attempts());
        sandbox.clear_faults();
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
