//! What holds for the calls of every vendor when they fail.

use std::future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use auth_core::{AuthError as _, ErrorKind, RetryPolicy};
use auth_sandbox::{Fault, Sandbox};

use crate::{Call, Calls, sandbox};

/// The tests of this module, for a vendor.
#[macro_export]
macro_rules! faults {
    ($vendor:ty) => {
        $crate::tests! { $vendor, faults:
            #[tokio::test]
            async fn a_server_error_is_repeated_where_that_is_safe();
            #[test]
            fn every_call_works_without_a_runtime();
            #[tokio::test]
            async fn a_cut_connection_a_lost_answer_and_half_an_answer_are_repeated_where_that_is_safe();
            #[tokio::test]
            async fn an_answer_of_ten_megabytes_is_not_read_to_its_end();
            #[tokio::test]
            async fn an_undocumented_answer_is_not_asked_for_again();
            #[tokio::test]
            async fn a_redirect_is_not_followed();
            #[tokio::test]
            async fn a_call_that_may_be_repeated_succeeds_when_the_vendor_is_back();
            #[tokio::test]
            async fn a_refusal_is_never_repeated();
            #[tokio::test]
            async fn what_was_never_sent_is_tried_again_whatever_it_is();
            #[tokio::test]
            async fn a_slow_answer_is_waited_for();
            #[tokio::test]
            async fn every_call_waits_for_exactly_as_long_as_the_vendor_asks_and_is_sent_again();
            #[tokio::test]
            async fn the_callers_own_policy_counts();
            #[tokio::test]
            async fn a_429_that_names_no_time_is_left_to_the_caller();
            #[tokio::test]
            async fn a_vendor_that_says_nothing_is_given_up_at_the_time_limit();
            #[tokio::test]
            async fn a_wait_that_is_too_long_is_told_to_the_caller_at_once();
        }
    };
}

/// Every attempt of every call meets the fault.
async fn assert_always<V: Calls>(fault: &Fault, expected: impl Fn(&Call) -> (usize, ErrorKind)) {
    let sandbox = sandbox();
    let ready = V::ready(&sandbox, V::client(&sandbox)).await;
    for call in V::CALLS {
        sandbox.fault(fault.clone().on(call.operation).always());
        let error = V::call(&ready, call.operation).await.unwrap_err();
        let (sent, kind) = expected(call);
        assert_eq!(error.kind(), kind, "{call:?} with {fault:?}: {error:?}");
        sandbox.log().assert_count(call.operation, sent);
        sandbox.clear_faults();
    }
}

/// An executor that knows nothing of Tokio.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

pub fn every_call_works_without_a_runtime<V: Calls>() {
    // Each call anew: a log-out ends what the others need.
    for call in V::CALLS {
        let sandbox = sandbox();
        let ready = block_on(V::ready(&sandbox, V::client(&sandbox)));
        block_on(V::call(&ready, call.operation)).unwrap();
        sandbox.log().assert_count(call.operation, 1);
    }
}

pub async fn a_server_error_is_repeated_where_that_is_safe<V: Calls>() {
    for status in [500, 502, 503, 504] {
        let expected = |call: &Call| (call.most_attempts, call.broken);
        assert_always::<V>(&Fault::status(status), expected).await;
    }
}

pub async fn a_cut_connection_a_lost_answer_and_half_an_answer_are_repeated_where_that_is_safe<
    V: Calls,
>() {
    for fault in [Fault::cut(), Fault::lost_answer(), Fault::truncated_body()] {
        // Each call anew: a lost one has had its effect.
        for call in V::CALLS {
            let sandbox = sandbox();
            let ready = V::ready(&sandbox, V::client(&sandbox)).await;
            sandbox.fault(fault.clone().on(call.operation).always());
            let error = V::call(&ready, call.operation).await.unwrap_err();
            assert_eq!(error.kind(), call.lost, "{call:?} with {fault:?}");
            let log = sandbox.log();
            log.assert_count(call.operation, call.most_attempts);
        }
    }
}

pub async fn an_answer_of_ten_megabytes_is_not_read_to_its_end<V: Calls>() {
    let kind = |call: &Call| match call.lost {
        // Nothing happened that could be unknown, so the caller is told what is wrong.
        ErrorKind::Unavailable => ErrorKind::Protocol,
        other => other,
    };
    let expected = |call: &Call| (call.most_attempts, kind(call));
    assert_always::<V>(&Fault::huge_body(), expected).await;
}

pub async fn an_undocumented_answer_is_not_asked_for_again<V: Calls>() {
    assert_always::<V>(&Fault::html(), |call| (1, call.broken)).await;
    let sandbox = sandbox();
    let ready = V::ready(&sandbox, V::client(&sandbox)).await;
    for call in V::READ {
        sandbox.fault(Fault::garbage_json().on(call.operation));
        let error = V::call(&ready, call.operation).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{call:?}: {error:?}");
        sandbox.log().assert_count(call.operation, 1);
    }
    assert_eq!(sandbox.pending_faults(), 0);
}

pub async fn a_redirect_is_not_followed<V: Calls>() {
    let stranger = Sandbox::start().unwrap();
    let fault = Fault::redirect(V::base_url(&stranger));
    assert_always::<V>(&fault, |_| (1, ErrorKind::Protocol)).await;
    assert_eq!(stranger.log().entries().len(), 0);
}

pub async fn a_call_that_may_be_repeated_succeeds_when_the_vendor_is_back<V: Calls>() {
    for fault in [Fault::status(500), Fault::cut(), Fault::lost_answer()] {
        let sandbox = sandbox();
        let ready = V::ready(&sandbox, V::client(&sandbox)).await;
        for call in V::CALLS.iter().filter(|call| call.most_attempts > 1) {
            let failures = call.most_attempts - 1;
            sandbox.fault(fault.clone().on(call.operation).times(failures));
            V::call(&ready, call.operation).await.unwrap();
            sandbox.log().assert_count(call.operation, failures + 1);
        }
        assert_eq!(sandbox.pending_faults(), 0);
    }
}

pub async fn a_refusal_is_never_repeated<V: Calls>() {
    for status in [400, 401, 403, 404, 408, 412, 422] {
        let sandbox = sandbox();
        let ready = V::ready(&sandbox, V::client(&sandbox)).await;
        for call in V::CALLS {
            sandbox.fault(Fault::status(status).on(call.operation));
            V::call(&ready, call.operation).await.unwrap_err();
            sandbox.log().assert_count(call.operation, 1);
        }
    }
}

pub async fn what_was_never_sent_is_tried_again_whatever_it_is<V: Calls>() {
    let attempts = Arc::new(AtomicUsize::new(0));
    let sandbox = sandbox();
    let counter = Arc::clone(&attempts);
    let counting = V::with_http(V::builder(&sandbox), |http| {
        http.gate(move || {
            counter.fetch_add(1, Ordering::SeqCst);
            Box::pin(future::ready(()))
        })
    });
    let ready = V::ready(&sandbox, V::build(counting).unwrap()).await;
    // Nothing listens on its port any more.
    drop(sandbox);
    for call in V::CALLS {
        attempts.store(0, Ordering::SeqCst);
        let error = V::call(&ready, call.operation).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{call:?}: {error:?}");
        assert_eq!(attempts.load(Ordering::SeqCst), 3, "{call:?}");
    }
}

pub async fn a_slow_answer_is_waited_for<V: Calls>() {
    let sandbox = sandbox();
    let ready = V::ready(&sandbox, V::client(&sandbox)).await;
    for call in V::CALLS {
        let wait = Duration::from_secs(20);
        sandbox.fault(Fault::delay(wait).on(call.operation));
        let slow = tokio::spawn({
            let ready = ready.clone();
            async move { V::call(&ready, call.operation).await }
        });
        sandbox.clock().until_sleeping(1).await;
        sandbox.clock().advance(wait);
        slow.await.unwrap().unwrap();
        sandbox.log().assert_count(call.operation, 1);
    }
}

pub async fn every_call_waits_for_exactly_as_long_as_the_vendor_asks_and_is_sent_again<V: Calls>() {
    let wait = Duration::from_secs(30);
    for status in [429, 503] {
        for fault in [
            Fault::retry_after(status, wait),
            Fault::retry_after_date(status, wait),
        ] {
            let sandbox = sandbox();
            let ready = V::ready(&sandbox, V::client(&sandbox)).await;
            for call in V::CALLS {
                sandbox.fault(fault.clone().on(call.operation));
                let waiting = tokio::spawn({
                    let ready = ready.clone();
                    async move { V::call(&ready, call.operation).await }
                });
                sandbox.clock().until_sleeping(1).await;
                sandbox.clock().advance(Duration::from_millis(29_999));
                tokio::task::yield_now().await;
                assert_eq!(sandbox.clock().sleepers(), 1, "{call:?} did not wait");
                sandbox.log().assert_count(call.operation, 1);
                sandbox.clock().advance(Duration::from_millis(1));
                waiting.await.unwrap().unwrap();
                sandbox.log().assert_count(call.operation, 2);
            }
        }
    }
}

pub async fn the_callers_own_policy_counts<V: Calls>() {
    let sandbox = sandbox();
    let once = V::with_http(V::builder(&sandbox), |http| {
        http.retry(RetryPolicy::never())
    });
    let ready = V::ready(&sandbox, V::build(once).unwrap()).await;
    for call in V::CALLS {
        sandbox.fault(Fault::cut().on(call.operation));
        let error = V::call(&ready, call.operation).await.unwrap_err();
        assert_eq!(error.kind(), call.lost);
        sandbox.log().assert_count(call.operation, 1);
    }
}

pub async fn a_429_that_names_no_time_is_left_to_the_caller<V: Calls>() {
    let kind = ErrorKind::RateLimited { retry_after: None };
    assert_always::<V>(&Fault::status(429), |_| (1, kind)).await;
}

pub async fn a_vendor_that_says_nothing_is_given_up_at_the_time_limit<V: Calls>() {
    let sandbox = sandbox();
    let limit = Duration::from_millis(200);
    let impatient = V::with_http(V::builder(&sandbox), |http| http.timeout(limit));
    let ready = V::ready(&sandbox, V::build(impatient).unwrap()).await;
    for call in V::CALLS {
        let (fault, _gate) = Fault::hold();
        sandbox.fault(fault.on(call.operation).always());
        let error = V::call(&ready, call.operation).await.unwrap_err();
        assert_eq!(error.kind(), call.lost, "{call:?}: {error:?}");
        assert!(
            error
                .to_string()
                .contains("no response within the time limit"),
            "{error}"
        );
        sandbox
            .log()
            .assert_count(call.operation, call.most_attempts);
        sandbox.clear_faults();
    }
}

pub async fn a_wait_that_is_too_long_is_told_to_the_caller_at_once<V: Calls>() {
    let hour = Duration::from_secs(3_600);
    let retry_after = Some(hour);
    let expected = [
        (429, ErrorKind::RateLimited { retry_after }),
        (503, ErrorKind::Unavailable),
    ];
    for (status, kind) in expected {
        let sandbox = sandbox();
        let ready = V::ready(&sandbox, V::client(&sandbox)).await;
        for call in V::CALLS {
            sandbox.fault(Fault::retry_after(status, hour).on(call.operation));
            let error = V::call(&ready, call.operation).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{call:?}: {error:?}");
            assert_eq!(error.retry_after(), retry_after, "{call:?}");
            sandbox.log().assert_count(call.operation, 1);
        }
    }
}
