//! Item 4: renewing before the end, without a caller that waits.

use std::time::Duration;

use auth_core::{ErrorKind, Reason, State};

use crate::vendor::{LIFETIME, Vendor, number, settled};

#[tokio::test]
async fn a_renewal_begins_before_the_end_and_no_caller_waits_for_it() {
    let (vendor, clock, session) = Vendor::with_session();
    session.headers().await.unwrap();
    // The window is a tenth of the life, give or take a quarter.
    clock.advance(LIFETIME.mul_f64(0.87));
    session.headers().await.unwrap();
    assert_eq!((vendor.calls(), session.state()), (1, State::Fresh));
    vendor.hold();
    clock.advance(LIFETIME.mul_f64(0.06));
    for _ in 0..10 {
        assert_eq!(number(&session.headers().await.unwrap()), 1);
        assert_eq!(number(&session.try_headers().unwrap()), 1);
    }
    vendor.until_calls(2).await;
    assert_eq!(session.state(), State::Renewing);
    vendor.release();
    assert_eq!(settled(&session).await, State::Fresh);
    assert_eq!(number(&session.headers().await.unwrap()), 2);
    assert_eq!(vendor.reasons(), [Reason::Missing, Reason::Expiring]);
}

#[tokio::test]
async fn a_failed_early_renewal_keeps_the_token_until_it_really_ends() {
    let (vendor, clock, session) = Vendor::with_session();
    session.headers().await.unwrap();
    clock.advance(LIFETIME - Duration::from_secs(10));
    vendor.fail(ErrorKind::Unavailable);
    assert_eq!(number(&session.headers().await.unwrap()), 1);
    assert!(matches!(settled(&session).await, State::Failing { .. }));
    clock.advance(Duration::from_secs(9));
    assert_eq!(number(&session.headers().await.unwrap()), 1);
    clock.advance(Duration::from_secs(1));
    assert!(number(&session.headers().await.unwrap()) > 1);
}

#[tokio::test]
async fn failed_early_renewals_are_spaced_by_a_thirtieth_of_the_window_at_least() {
    let (vendor, clock, session) = Vendor::with_session();
    session.headers().await.unwrap();
    clock.advance(LIFETIME.mul_f64(0.93));
    let minute = Duration::from_secs(60);
    // The window is 3,600 s before its jitter, so two tries are 2 minutes apart at least.
    for _ in 0..10 {
        vendor.fail(ErrorKind::Unavailable);
    }
    for _ in 0..9 {
        session.headers().await.unwrap();
        settled(&session).await;
        clock.advance(minute);
    }
    let tries = vendor.calls() - 1;
    assert_eq!(tries, 5, "in the minutes 0, 2, 4, 6 and 8");
}

#[tokio::test]
async fn an_early_rejection_warns_while_the_token_is_still_valid() {
    let (vendor, clock, session) = Vendor::with_session();
    session.headers().await.unwrap();
    clock.advance(LIFETIME.mul_f64(0.93));
    vendor.refuse(ErrorKind::InteractionRequired);
    session.headers().await.unwrap();
    assert!(matches!(
        settled(&session).await,
        State::LoginRequired { .. }
    ));
    for _ in 0..5 {
        clock.advance(Duration::from_secs(300));
        assert_eq!(number(&session.headers().await.unwrap()), 1);
    }
    assert_eq!(vendor.calls(), 3);
    clock.advance(LIFETIME);
    assert_eq!(
        session.headers().await.unwrap_err().kind(),
        ErrorKind::InteractionRequired
    );
    assert_eq!(vendor.calls(), 3);
}

#[tokio::test]
async fn the_window_is_never_more_than_half_the_life_and_differs_between_sessions() {
    let mut begun = Vec::new();
    for _ in 0..20 {
        let (vendor, clock, session) = Vendor::with_session();
        session.headers().await.unwrap();
        let step = LIFETIME / 400;
        let mut age = Duration::ZERO;
        while vendor.calls() == 1 {
            assert!(age < LIFETIME, "never renewed");
            clock.advance(step);
            age += step;
            session.headers().await.unwrap();
            settled(&session).await;
        }
        begun.push(age);
    }
    assert!(begun.iter().all(|age| *age >= LIFETIME / 2), "{begun:?}");
    begun.sort();
    begun.dedup();
    assert!(begun.len() > 3, "no jitter: {begun:?}");
}

#[tokio::test]
async fn a_token_that_never_ends_is_never_renewed() {
    let (vendor, clock, session) = Vendor::with_session();
    vendor.set_lifetime(None);
    session.headers().await.unwrap();
    clock.advance(Duration::from_secs(100 * 365 * 86_400));
    assert_eq!(number(&session.headers().await.unwrap()), 1);
    assert_eq!((vendor.calls(), session.state()), (1, State::Fresh));
}

#[tokio::test]
async fn an_absurdly_long_life_does_not_make_a_renewal_due_at_once() {
    for years in [1_000, 10_000_000_000] {
        let (vendor, _, session) = Vendor::with_session();
        vendor.set_lifetime(Some(Duration::from_secs(years * 365 * 86_400)));
        for _ in 0..3 {
            session.headers().await.unwrap();
            assert_eq!(settled(&session).await, State::Fresh);
        }
        assert_eq!(vendor.calls(), 1, "{years} years");
    }
}
