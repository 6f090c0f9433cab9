//! A vendor whose tokens end too soon is not asked in a loop.

use std::time::Duration;

use auth_core::{AuthError as _, Error, ErrorKind, State};

use crate::vendor::{Vendor, number};

const SECOND: Duration = Duration::from_secs(1);

fn is_held_back(error: &Error) -> bool {
    error.kind() == ErrorKind::Unavailable
        && error.to_string().contains("end too soon")
        && error
            .retry_after()
            .is_some_and(|wait| wait > Duration::ZERO && wait <= 10 * SECOND)
}

#[tokio::test]
async fn tokens_that_end_at_once_cost_ten_requests_and_six_a_minute() {
    for lifetime in [Duration::from_millis(1), SECOND] {
        let (vendor, clock, session) = Vendor::with_session();
        vendor.set_lifetime(Some(lifetime));
        for _ in 0..3_600 {
            for _ in 0..3 {
                match session.headers().await {
                    Ok(_) => {}
                    Err(error) => assert!(is_held_back(&error), "{error:?}"),
                }
                clock.advance(SECOND / 3);
            }
        }
        assert!((360..=371).contains(&vendor.calls()), "{}", vendor.calls());
        session.headers().await.unwrap_err();
        let State::Failing {
            reason,
            retry_after,
            token_is_valid: false,
        } = session.state()
        else {
            panic!("{session:?}")
        };
        assert!(reason.to_string().contains("once in 10s at the most"));
        assert!(retry_after <= 10 * SECOND);
        // A person's request is sent at once, and does not open the way for others.
        let calls = vendor.calls();
        for _ in 0..20 {
            session.renew().await.unwrap();
        }
        assert_eq!(vendor.calls(), calls + 20);
        clock.advance(lifetime);
        for _ in 0..20 {
            let _ = session.headers().await;
        }
        assert!(vendor.calls() <= calls + 21);
    }
}

#[tokio::test]
async fn while_renewals_are_held_back_the_valid_token_is_used() {
    let (vendor, clock, session) = Vendor::with_session();
    let lifetime = 6 * SECOND;
    vendor.set_lifetime(Some(lifetime));
    let mut valid = 0;
    for _ in 0..600 {
        if let Ok(headers) = session.headers().await {
            assert!(number(&headers) >= vendor.calls() - 1);
            valid += 1;
        }
        clock.advance(SECOND);
    }
    assert!((300..=480).contains(&valid), "{valid}");
    assert!(vendor.calls() <= 70, "{}", vendor.calls());
}

#[tokio::test]
async fn renewals_that_keep_their_distance_are_never_held_back() {
    let (vendor, clock, session) = Vendor::with_session();
    vendor.set_lifetime(Some(12 * SECOND));
    for _ in 0..2_000 {
        session.headers().await.unwrap();
        clock.advance(SECOND);
    }
    assert!(vendor.calls() > 150);
}
