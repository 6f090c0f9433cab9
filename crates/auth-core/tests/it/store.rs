//! Item 10: memory, then the store, then the callers.

use std::sync::atomic::Ordering;

use auth_core::{Clock as _, ErrorKind, Expiry, State, TokenStore};
use tokio::sync::Semaphore;

use crate::moody::{Moody, key, put, with_store};
use crate::vendor::{LIFETIME, Vendor, number, settled, token, until};

#[tokio::test]
async fn a_new_token_is_saved_before_it_is_handed_out() {
    let store = Moody::new();
    let (_, _, session) = with_store(&store);
    store.gate.forget_permits(Semaphore::MAX_PERMITS);
    let caller = tokio::spawn({
        let session = session.clone();
        async move { session.headers().await.unwrap() }
    });
    until(|| store.saves.load(Ordering::SeqCst) == 1).await;
    assert!(!caller.is_finished());
    assert_eq!(session.try_headers(), None);
    store.gate.add_permits(1);
    assert_eq!(number(&caller.await.unwrap()), 1);
    assert!(store.inner.load(&key()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_failed_save_is_tried_again() {
    let store = Moody::new();
    let (_, clock, session) = with_store(&store);
    store.failing_saves.store(2, Ordering::SeqCst);
    let caller = tokio::spawn({
        let session = session.clone();
        async move { session.headers().await.unwrap() }
    });
    for _ in 0..2 {
        clock.until_sleeping(1).await;
        let slept = store.saves.load(Ordering::SeqCst);
        clock.advance(std::time::Duration::from_secs(1));
        until(|| store.saves.load(Ordering::SeqCst) > slept || caller.is_finished()).await;
    }
    assert_eq!(number(&caller.await.unwrap()), 1);
    assert_eq!(store.saves.load(Ordering::SeqCst), 3);
    assert_eq!(session.state(), State::Fresh);
}

#[tokio::test]
async fn a_session_goes_on_when_saving_fails_for_good_and_says_so() {
    let store = Moody::new();
    let clock = auth_sandbox::SandboxClock::new();
    let vendor = Vendor::new(&clock);
    let session = vendor
        .session()
        .store_as(store.clone(), key())
        .build()
        .unwrap();
    store.failing_saves.store(4, Ordering::SeqCst);
    assert_eq!(number(&session.headers().await.unwrap()), 1);
    let State::Unsaved { reason } = session.state() else {
        panic!("{session:?}")
    };
    assert_eq!(
        (reason.kind(), reason.to_string().as_str()),
        (ErrorKind::Store, "the disk is full")
    );
    assert!(store.inner.load(&key()).await.unwrap().is_none());
    assert_eq!(number(&session.headers().await.unwrap()), 1);
    session.save().await.unwrap();
    assert_eq!(session.state(), State::Fresh);
    assert!(store.inner.load(&key()).await.unwrap().is_some());
    assert_eq!(vendor.calls(), 1);
}

#[tokio::test]
async fn a_token_in_the_store_is_used_without_a_request() {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    let now = clock.now().wall();
    put(&store, token(70, Expiry::after(now, LIFETIME), now)).await;
    assert_eq!(number(&session.headers().await.unwrap()), 70);
    assert_eq!(vendor.calls(), 0);
}

#[tokio::test]
async fn sessions_that_share_a_store_renew_once_between_them() {
    let store = Moody::new();
    let (vendor, clock, _) = Vendor::with_session();
    let sessions: Vec<_> = (0..20)
        .map(|_| {
            vendor
                .session()
                .store_as(store.clone(), key())
                .build()
                .unwrap()
        })
        .collect();
    for lifetime in 1..=5 {
        let callers: Vec<_> = sessions
            .iter()
            .map(|session| {
                let session = session.clone();
                tokio::spawn(async move { number(&session.headers().await.unwrap()) })
            })
            .collect();
        for caller in callers {
            assert_eq!(caller.await.unwrap(), lifetime);
        }
        assert_eq!(vendor.calls(), lifetime);
        clock.advance(LIFETIME);
    }
}

#[tokio::test]
async fn a_token_that_was_reported_dead_is_not_taken_from_the_store_again() {
    let store = Moody::new();
    let (vendor, _, session) = with_store(&store);
    let dead = session.auth_headers().await.unwrap();
    session.invalidate(&dead);
    assert_eq!(number(&session.headers().await.unwrap()), 2);
    assert_eq!(vendor.calls(), 2);
}

#[tokio::test]
async fn logging_out_deletes_the_stored_token() {
    let store = Moody::new();
    let (_, _, session) = with_store(&store);
    session.headers().await.unwrap();
    session.log_out().await.unwrap();
    assert!(store.inner.load(&key()).await.unwrap().is_none());
    assert!(matches!(
        settled(&session).await,
        State::LoginRequired { .. }
    ));
}

#[tokio::test]
async fn a_token_that_the_program_sets_is_saved() {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    let now = clock.now().wall();
    session
        .set_token(token(5, Expiry::after(now, LIFETIME), now))
        .await
        .unwrap();
    let saved = store.inner.load(&key()).await.unwrap().unwrap();
    assert_eq!(
        saved.fingerprint(),
        token(5, Expiry::Never, now).fingerprint()
    );
    assert_eq!(number(&session.headers().await.unwrap()), 5);
    assert_eq!(vendor.calls(), 0);
}

#[tokio::test]
async fn a_renewal_that_was_overtaken_by_a_log_in_is_neither_kept_nor_saved() {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    vendor.hold();
    assert_eq!(session.try_headers(), None);
    vendor.until_calls(1).await;
    let now = clock.now().wall();
    let set = token(77, Expiry::after(now, LIFETIME), now);
    session.set_token(set.clone()).await.unwrap();
    vendor.release();
    assert_eq!(settled(&session).await, State::Fresh);
    // Saves what the session thinks is its newest token.
    session.save().await.unwrap();
    let saved = store.inner.load(&key()).await.unwrap().unwrap();
    assert_eq!(saved.fingerprint(), set.fingerprint());
    assert_eq!(number(&session.headers().await.unwrap()), 77);
}
