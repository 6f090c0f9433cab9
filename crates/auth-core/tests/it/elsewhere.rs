//! A log-in in another process, seen by a session that cannot renew by itself, with a store that
//! does not tell.

use std::time::Duration;

use auth_core::{Clock as _, ErrorKind, Expiry, Session, State, Token, TokenStore as _};
use auth_sandbox::SandboxClock;

use crate::moody::{Moody, key, put, with_store};
use crate::vendor::{LIFETIME, Vendor, number, settled, token, until};

const SECOND: Duration = Duration::from_secs(1);

fn theirs(clock: &SandboxClock, lifetime: Duration) -> Token {
    let now = clock.now().wall();
    token(60, Expiry::after(now, lifetime), now).with_generation(3)
}

/// A session for which a person must log in.
async fn refused() -> (Moody, Vendor, SandboxClock, Session<Vendor>) {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    vendor.fail(ErrorKind::InvalidCredentials);
    session.headers().await.unwrap_err();
    (store, vendor, clock, session)
}

#[track_caller]
fn assert_login_required(session: &Session<Vendor>) {
    assert!(
        matches!(session.state(), State::LoginRequired { .. }),
        "{session:?}"
    );
}

#[tokio::test]
async fn a_caller_finds_it_and_the_store_is_read_once_a_second_at_the_most() {
    let (store, vendor, clock, session) = refused().await;
    for _ in 0..3 {
        let loads = store.loads();
        clock.advance(SECOND);
        for _ in 0..50 {
            let error = session.headers().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
            assert_login_required(&session);
        }
        assert_eq!(store.loads(), loads + 1);
    }
    put(&store, theirs(&clock, LIFETIME)).await;
    assert!(session.headers().await.is_err());
    clock.advance(SECOND);
    assert_eq!(number(&session.headers().await.unwrap()), 60);
    assert_eq!(session.state(), State::Fresh);
    assert_eq!(vendor.calls(), 1);
}

#[tokio::test]
async fn a_store_that_fails_meanwhile_does_not_revive_the_refused_password() {
    let (store, vendor, clock, session) = refused().await;
    store
        .is_down
        .store(true, std::sync::atomic::Ordering::SeqCst);
    for _ in 0..5 {
        clock.advance(60 * SECOND);
        let error = session.headers().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
        assert_login_required(&session);
    }
    assert_eq!(vendor.calls(), 1);
}

#[tokio::test]
async fn background_refresh_finds_it_without_callers() {
    let (store, vendor, clock, session) = refused().await;
    let _guard = session.refresh_in_background().unwrap();
    for _ in 0..3 {
        clock.until_sleeping(1).await;
        clock.advance(10 * SECOND);
    }
    put(&store, theirs(&clock, LIFETIME)).await;
    clock.until_sleeping(1).await;
    clock.advance(10 * SECOND);
    let mut states = session.states();
    while states.next().await.unwrap() != State::Fresh {}
    assert_eq!(number(&session.try_headers().unwrap()), 60);
    assert_eq!(vendor.calls(), 1);
}

#[tokio::test]
async fn while_the_refused_token_is_valid_the_store_is_read_once_a_minute() {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    session.headers().await.unwrap();
    clock.advance(LIFETIME.mul_f64(0.93));
    vendor.refuse(ErrorKind::TokenRejected);
    session.headers().await.unwrap();
    settled(&session).await;
    assert_login_required(&session);
    let loads = store.loads();
    for _ in 0..3 {
        clock.advance(60 * SECOND);
        for _ in 0..50 {
            assert_eq!(number(&session.headers().await.unwrap()), 1);
        }
    }
    until(|| store.loads() > loads).await;
    assert!(store.loads() <= loads + 3);
    put(&store, theirs(&clock, LIFETIME)).await;
    let is_theirs = || number(&session.try_headers().unwrap()) == 60;
    // A look that is under way puts the next one off.
    for _ in 0..3 {
        clock.advance(60 * SECOND);
        for _ in 0..1_000 {
            is_theirs();
            tokio::task::yield_now().await;
        }
    }
    until(is_theirs).await;
    assert_eq!(vendor.calls(), 3);
}

#[tokio::test]
async fn one_that_has_ended_meanwhile_is_renewed_and_a_refusal_of_it_is_not_asked_for_twice() {
    for is_refused in [false, true] {
        let (store, vendor, clock, session) = refused().await;
        put(&store, theirs(&clock, SECOND)).await;
        clock.advance(60 * SECOND);
        if !is_refused {
            assert_eq!(number(&session.headers().await.unwrap()), 2);
            continue;
        }
        vendor.refuse(ErrorKind::TokenRejected);
        for _ in 0..5 {
            let error = session.headers().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TokenRejected);
            clock.advance(60 * SECOND);
        }
        assert_eq!(vendor.calls(), 3);
    }
}

#[tokio::test]
async fn one_after_a_log_out_elsewhere_counts_though_generations_begin_anew() {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    put(&store, theirs(&clock, LIFETIME).with_generation(5)).await;
    assert_eq!(number(&session.headers().await.unwrap()), 60);
    clock.advance(LIFETIME);
    vendor.refuse(ErrorKind::TokenRejected);
    session.headers().await.unwrap_err();
    store.inner.delete(&key()).await.unwrap();
    let now = clock.now().wall();
    let new = token(61, Expiry::after(now, LIFETIME), now);
    put(&store, new.with_generation(1)).await;
    clock.advance(SECOND);
    assert_eq!(number(&session.headers().await.unwrap()), 61);
    assert_eq!(vendor.calls(), 2);
}

#[tokio::test]
async fn after_a_log_out_it_is_not_looked_for() {
    let store = Moody::new();
    let (_, clock, session) = with_store(&store);
    session.log_out().await.unwrap();
    put(&store, theirs(&clock, LIFETIME)).await;
    let _guard = session.refresh_in_background().unwrap();
    for _ in 0..3 {
        clock.advance(60 * SECOND);
        let error = session.headers().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InteractionRequired);
    }
    assert_eq!((store.loads(), clock.sleepers()), (0, 0));
}
