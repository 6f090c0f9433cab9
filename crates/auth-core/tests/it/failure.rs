//! Item 3: one failure for all, and the time after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use auth_core::{AuthError as _, Error, ErrorKind, Expiry, State};

use crate::vendor::{LIFETIME, Vendor, number, token, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_waiters_on_a_failing_vendor_cause_one_request_and_fail_together() {
    const TASKS: usize = 1_000;
    let (vendor, _, session) = Vendor::with_session();
    vendor.hold();
    vendor.fail(ErrorKind::Unavailable);
    let asked = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (session, asked) = (session.clone(), Arc::clone(&asked));
            tokio::spawn(async move {
                asked.fetch_add(1, Ordering::SeqCst);
                session.headers().await
            })
        })
        .collect();
    until(|| asked.load(Ordering::SeqCst) == TASKS).await;
    vendor.release();
    // The clock stands still: a response that waited for a back-off would never come.
    for task in tasks {
        let error = task.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(error.to_string(), "the vendor said no");
    }
    assert_eq!(vendor.calls(), 1);
}

#[tokio::test]
async fn within_the_back_off_callers_get_the_failure_without_a_request() {
    let (vendor, clock, session) = Vendor::with_session();
    vendor.fail(ErrorKind::Unavailable);
    for _ in 0..5 {
        assert_eq!(
            session.headers().await.unwrap_err().kind(),
            ErrorKind::Unavailable
        );
        assert_eq!(session.try_headers(), None);
    }
    assert_eq!(vendor.calls(), 1);
    let State::Failing {
        reason,
        retry_after,
        token_is_valid,
    } = session.state()
    else {
        panic!()
    };
    assert_eq!(
        (reason.kind(), token_is_valid),
        (ErrorKind::Unavailable, false)
    );
    assert!(
        (750..=1_250).contains(&retry_after.as_millis()),
        "{retry_after:?}"
    );
    // The first back-off is a second, give or take a quarter.
    clock.advance(Duration::from_millis(740));
    assert!(session.headers().await.is_err());
    clock.advance(Duration::from_millis(520));
    assert_eq!(number(&session.headers().await.unwrap()), 2);
    assert_eq!(session.state(), State::Fresh);
}

#[tokio::test]
async fn the_error_of_a_back_off_tells_how_much_of_it_is_left() {
    let asked = Duration::from_secs(60);
    let limited = ErrorKind::RateLimited {
        retry_after: Some(asked),
    };
    for (kind, pause) in [
        (limited, Some(asked)),
        (ErrorKind::RateLimited { retry_after: None }, None),
        (ErrorKind::Unavailable, None),
        (ErrorKind::OutcomeUnknown, None),
    ] {
        let (vendor, clock, session) = Vendor::with_session();
        vendor.fail(kind);
        // Those who waited for the renewal get what the vendor said.
        let error = session.headers().await.unwrap_err();
        assert_eq!(error.retry_after(), pause, "{kind:?}");
        let mut last = Duration::MAX;
        loop {
            let State::Failing { retry_after, .. } = session.state() else {
                panic!("{session:?}")
            };
            if retry_after.is_zero() {
                break;
            }
            assert!(retry_after < last);
            last = retry_after;
            let error = session.headers().await.unwrap_err();
            assert_eq!(error.retry_after(), Some(retry_after), "{kind:?}");
            if let ErrorKind::RateLimited { retry_after: left } = error.kind() {
                assert_eq!(left, Some(retry_after));
            }
            clock.advance((retry_after / 3).max(Duration::from_millis(1)));
        }
        assert_eq!(vendor.calls(), 1);
    }
}

#[tokio::test]
async fn the_back_off_grows_from_failure_to_failure_up_to_a_minute() {
    let (vendor, clock, session) = Vendor::with_session();
    let mut waits = Vec::new();
    for _ in 0..9 {
        vendor.fail(ErrorKind::Unavailable);
        let calls = vendor.calls();
        let mut waited = Duration::ZERO;
        while vendor.calls() == calls {
            assert!(session.headers().await.is_err());
            if vendor.calls() == calls {
                clock.advance(Duration::from_millis(250));
                waited += Duration::from_millis(250);
            }
        }
        waits.push(waited);
    }
    assert_eq!(waits[0], Duration::ZERO);
    assert!(waits[1] <= Duration::from_millis(1_500), "{waits:?}");
    assert!(waits[4] >= Duration::from_secs(6), "{waits:?}");
    assert!(
        waits[8] >= Duration::from_secs(45) && waits[8] <= Duration::from_secs(76),
        "{waits:?}"
    );
}

#[tokio::test]
async fn the_back_off_begins_anew_after_a_new_token_and_after_a_request_of_the_program() {
    for is_requested in [false, true] {
        let (vendor, clock, session) = Vendor::with_session();
        for _ in 0..4 {
            vendor.fail(ErrorKind::Unavailable);
            session.headers().await.unwrap_err();
            clock.advance(Duration::from_secs(60));
        }
        if !is_requested {
            session.headers().await.unwrap();
            clock.advance(LIFETIME);
        }
        vendor.fail(ErrorKind::Unavailable);
        let failed = if is_requested {
            session.renew().await.map(drop)
        } else {
            session.headers().await.map(drop)
        };
        assert!(failed.is_err());
        let State::Failing { retry_after, .. } = session.state() else {
            panic!("{session:?}")
        };
        assert!(
            retry_after <= Duration::from_millis(1_250),
            "{retry_after:?}"
        );
    }
}

#[tokio::test]
async fn early_rejections_in_a_row_are_counted_anew_after_a_request_a_log_in_or_a_late_one() {
    for what_comes_between in ["a request", "a log-in", "a late one"] {
        let (_, clock, session) = Vendor::with_session();
        for _ in 0..3 {
            // The second one in a row would be a failure.
            session.invalidate(&session.auth_headers().await.unwrap());
            match what_comes_between {
                "a request" => drop(session.renew().await.unwrap()),
                "a log-in" => {
                    let now = auth_core::Clock::now(&clock).wall();
                    let new = token(9, Expiry::after(now, LIFETIME), now);
                    session.set_token(new).await.unwrap();
                }
                _ => {
                    let headers = session.auth_headers().await.unwrap();
                    clock.advance(Duration::from_secs(30));
                    session.invalidate(&headers);
                }
            }
        }
        assert!(session.headers().await.is_ok(), "{what_comes_between}");
    }
}

#[tokio::test]
async fn the_time_that_the_vendor_asked_for_is_waited() {
    let (vendor, clock, session) = Vendor::with_session();
    let asked = Duration::from_secs(300);
    vendor.fail(ErrorKind::RateLimited {
        retry_after: Some(asked),
    });
    assert!(session.headers().await.is_err());
    clock.advance(asked - Duration::from_secs(1));
    assert!(session.headers().await.is_err());
    assert_eq!(vendor.calls(), 1);
    clock.advance(Duration::from_secs(1));
    assert_eq!(number(&session.headers().await.unwrap()), 2);

    clock.advance(LIFETIME);
    let error = Error::new(ErrorKind::Unavailable, "busy").with_retry_after(Some(asked));
    vendor.fail_with(error);
    assert!(session.headers().await.is_err());
    clock.advance(asked - Duration::from_secs(1));
    assert!(session.headers().await.is_err());
    assert_eq!(vendor.calls(), 3);
}

#[tokio::test]
async fn a_permanent_rejection_is_remembered_until_a_log_in() {
    for kind in [
        ErrorKind::InvalidCredentials,
        ErrorKind::TokenRejected,
        ErrorKind::Denied,
    ] {
        let (vendor, clock, session) = Vendor::with_session();
        vendor.fail(kind);
        for _ in 0..3 {
            assert_eq!(session.headers().await.unwrap_err().kind(), kind);
            clock.advance(Duration::from_secs(86_400));
        }
        assert_eq!(vendor.calls(), 1);
        let State::LoginRequired { reason } = session.state() else {
            panic!("{session:?}")
        };
        assert_eq!(
            (reason.kind(), reason.to_string().as_str()),
            (kind, "the vendor said no")
        );
        let now = auth_core::Clock::now(&clock).wall();
        session
            .set_token(token(9, Expiry::after(now, LIFETIME), now))
            .await
            .unwrap();
        assert_eq!(number(&session.headers().await.unwrap()), 9);
        assert_eq!(session.state(), State::Fresh);
    }
}

#[tokio::test]
async fn a_token_that_ended_before_it_came_is_a_failure_with_back_off() {
    let (vendor, _, session) = Vendor::with_session();
    vendor.set_lifetime(Some(Duration::ZERO));
    for _ in 0..3 {
        assert_eq!(
            session.headers().await.unwrap_err().kind(),
            ErrorKind::Protocol
        );
    }
    assert_eq!(vendor.calls(), 1);
}
