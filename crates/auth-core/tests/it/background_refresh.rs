//! Item 5, second half: renewing ahead of time while a guard is held, and nothing else.

use std::time::Duration;

use auth_core::{ErrorKind, Expiry, State};

use crate::vendor::{LIFETIME, Vendor, number, settled, token, until};

#[tokio::test]
async fn while_the_guard_is_held_tokens_are_renewed_without_callers() {
    let (vendor, clock, session) = Vendor::with_session();
    let guard = session.refresh_in_background().unwrap();
    for lifetime in 1..=3 {
        vendor.until_calls(lifetime).await;
        assert_eq!(settled(&session).await, State::Fresh);
        assert_eq!(number(&session.try_headers().unwrap()), lifetime);
        clock.until_sleeping(1).await;
        clock.advance(LIFETIME.mul_f64(0.93));
    }
    drop(guard);
    until(|| clock.sleepers() == 0).await;
    settled(&session).await;
    let calls = vendor.calls();
    clock.advance(LIFETIME);
    assert_eq!(vendor.calls(), calls, "renewed without a caller");
}

#[tokio::test]
async fn without_a_guard_nothing_runs_and_nothing_is_due() {
    let (vendor, clock, session) = Vendor::with_session();
    session.headers().await.unwrap();
    clock.advance(LIFETIME * 2);
    assert_eq!((vendor.calls(), clock.sleepers()), (1, 0));
    assert_eq!(session.state(), State::Absent);
}

#[tokio::test]
async fn a_suspended_machine_is_noticed_within_a_minute() {
    let (vendor, clock, session) = Vendor::with_session();
    let _guard = session.refresh_in_background().unwrap();
    vendor.until_calls(1).await;
    settled(&session).await;
    clock.until_sleeping(1).await;
    clock.suspend(LIFETIME);
    clock.advance(Duration::from_secs(60));
    vendor.until_calls(2).await;
}

#[tokio::test]
async fn a_guard_tries_again_after_failures_and_waits_for_a_person_after_a_rejection() {
    let (vendor, clock, session) = Vendor::with_session();
    vendor.fail(ErrorKind::Unavailable);
    vendor.fail(ErrorKind::InvalidCredentials);
    let _guard = session.refresh_in_background().unwrap();
    vendor.until_calls(1).await;
    assert!(matches!(settled(&session).await, State::Failing { .. }));
    clock.until_sleeping(1).await;
    clock.advance(Duration::from_secs(2));
    vendor.until_calls(2).await;
    assert!(matches!(
        settled(&session).await,
        State::LoginRequired { .. }
    ));
    until(|| clock.sleepers() == 0).await;
    clock.advance(LIFETIME);
    let now = auth_core::Clock::now(&clock).wall();
    session
        .set_token(token(9, Expiry::after(now, LIFETIME), now))
        .await
        .unwrap();
    assert_eq!(vendor.calls(), 2);
    clock.until_sleeping(1).await;
    clock.advance(LIFETIME.mul_f64(0.93));
    vendor.until_calls(3).await;
}
