//! Item 8: clocks that jump.

use std::time::Duration;

use auth_core::{Clock as _, Expiry};

use crate::moody::{Moody, put, with_store};
use crate::vendor::{LIFETIME, Vendor, number, token};

#[tokio::test]
async fn a_wall_clock_that_jumps_back_does_not_make_a_token_eternal() {
    let (vendor, clock, session) = Vendor::with_session();
    session.headers().await.unwrap();
    clock.jump_wall_back(Duration::from_secs(365 * 86_400));
    assert_eq!(number(&session.headers().await.unwrap()), 1);
    clock.advance(LIFETIME);
    assert_eq!(number(&session.headers().await.unwrap()), 2);
    assert_eq!(vendor.calls(), 2);
    // The new one counts from the new time.
    clock.advance(LIFETIME - Duration::from_secs(1));
    assert_eq!(number(&session.headers().await.unwrap()), 2);
}

#[tokio::test]
async fn a_wall_clock_that_jumps_forward_ends_the_token() {
    let (vendor, clock, session) = Vendor::with_session();
    session.headers().await.unwrap();
    clock.jump_wall_forward(LIFETIME);
    assert_eq!(number(&session.headers().await.unwrap()), 2);
    assert_eq!(vendor.calls(), 2);
}

#[tokio::test]
async fn a_suspended_machine_wakes_up_with_an_expired_token() {
    let (_, clock, session) = Vendor::with_session();
    session.headers().await.unwrap();
    clock.suspend(LIFETIME + Duration::from_secs(1));
    assert_eq!(number(&session.headers().await.unwrap()), 2);
}

#[tokio::test]
async fn a_stored_token_does_not_outlive_its_life_after_the_clock_was_set_back() {
    let (vendor, clock, _) = Vendor::with_session();
    let now = clock.now().wall();
    let stored = token(70, Expiry::after(now, LIFETIME), now);
    clock.jump_wall_back(Duration::from_secs(365 * 86_400));
    let session = vendor.session().token(stored).build().unwrap();
    assert_eq!(number(&session.headers().await.unwrap()), 70);
    clock.advance(LIFETIME);
    assert_eq!(number(&session.headers().await.unwrap()), 1);
}

#[tokio::test]
async fn a_token_of_another_process_that_has_ended_is_not_revived_by_a_clock_that_was_set_back() {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    session.headers().await.unwrap();
    let hour = Duration::from_secs(3_600);
    clock.advance(hour);
    let now = clock.now().wall();
    let theirs = token(60, Expiry::after(now, LIFETIME), now);
    put(&store, theirs.with_generation(2)).await;
    clock.advance(11 * hour);
    clock.jump_wall_back(10 * hour);
    assert_eq!(number(&session.headers().await.unwrap()), 2);
    assert_eq!(vendor.calls(), 2);
}

#[tokio::test]
async fn a_token_that_had_ended_when_the_session_was_built_is_renewed_first() {
    let (vendor, clock, _) = Vendor::with_session();
    let now = clock.now().wall();
    let stored = token(70, Expiry::At(now), now - LIFETIME);
    let session = vendor.session().token(stored).build().unwrap();
    assert_eq!(session.try_headers(), None);
    assert_eq!(number(&session.headers().await.unwrap()), 1);
}
