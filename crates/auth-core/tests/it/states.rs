//! Item 9: states that can be watched.

use std::time::Duration;

use auth_core::{ErrorKind, State};

use crate::vendor::{LIFETIME, Vendor};

#[tokio::test]
async fn the_states_of_a_life_come_in_order_and_end_with_the_session() {
    let (vendor, clock, session) = Vendor::with_session();
    let mut states = session.states();
    assert_eq!(states.next().await, Some(State::Absent));
    vendor.hold();
    assert_eq!(session.try_headers(), None);
    assert_eq!(states.next().await, Some(State::Renewing));
    vendor.release();
    assert_eq!(states.next().await, Some(State::Fresh));
    clock.advance(LIFETIME.mul_f64(0.93));
    vendor.hold();
    vendor.fail(ErrorKind::Unavailable);
    session.headers().await.unwrap();
    assert_eq!(states.next().await, Some(State::Renewing));
    vendor.release();
    let Some(State::Failing {
        token_is_valid: true,
        ..
    }) = states.next().await
    else {
        panic!()
    };
    vendor.hold();
    vendor.refuse(ErrorKind::InteractionRequired);
    clock.advance(Duration::from_secs(600));
    session.headers().await.unwrap();
    assert_eq!(states.next().await, Some(State::Renewing));
    vendor.release();
    let Some(State::LoginRequired { reason }) = states.next().await else {
        panic!()
    };
    assert_eq!(reason.kind(), ErrorKind::InteractionRequired);
    drop(session);
    assert_eq!(states.next().await, None);
    assert_eq!(states.next().await, None);
}

#[tokio::test]
async fn a_late_watcher_sees_the_present_state_first() {
    let (_, clock, session) = Vendor::with_session();
    session.headers().await.unwrap();
    assert_eq!(session.states().next().await, Some(State::Fresh));
    clock.advance(LIFETIME);
    assert_eq!(session.states().next().await, Some(State::Absent));
}
