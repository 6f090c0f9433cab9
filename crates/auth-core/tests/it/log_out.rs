//! After a log-out nothing of the session's past comes back: not here, not in the store, not at the
//! vendor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auth_core::{Clock as _, ErrorKind, Expiry, ExposeSecret as _, State, TokenStore as _};
use futures_util::FutureExt as _;
use tokio::sync::Semaphore;

use crate::moody::{Moody, key, with_store};
use crate::vendor::{LIFETIME, Vendor, number, settled, token, until, until_idle};

/// Saves wait from now on, until as many are let through as there are.
fn hold_saves(store: &Moody) {
    store.gate.forget_permits(Semaphore::MAX_PERMITS);
}

#[tokio::test]
async fn a_save_that_waits_in_the_store_does_not_bring_a_token_back() {
    for is_log_in in [false, true] {
        let store = Moody::new();
        let (_, clock, session) = with_store(&store);
        session.headers().await.unwrap();
        let before = store.saves();
        hold_saves(&store);
        store.failing_saves.store(1, Ordering::SeqCst);
        let now = clock.now().wall();
        let new = token(7, Expiry::after(now, LIFETIME), now);
        let saving = tokio::spawn({
            let session = session.clone();
            async move {
                if is_log_in {
                    session.set_token(new).await
                } else {
                    session.save().await
                }
            }
        });
        until(|| store.saves() == before + 1).await;
        if is_log_in {
            // Its caller leaves.
            saving.abort();
        }

        let leaving = tokio::spawn({
            let session = session.clone();
            async move { session.log_out().await }
        });
        until(|| matches!(session.state(), State::LoginRequired { .. })).await;
        store.gate.add_permits(100);
        // The pause before the failed save is tried again.
        clock.until_sleeping(1).await;
        clock.advance(Duration::from_secs(1));
        leaving.await.unwrap().unwrap();
        assert!(store.inner.load(&key()).await.unwrap().is_none());
        let _ = saving.await;
        assert!(store.inner.load(&key()).await.unwrap().is_none());
        assert_eq!(session.try_headers(), None);
    }
}

#[tokio::test]
async fn a_first_save_that_waits_in_the_store_does_not_bring_a_token_back_where_there_is_no_lease()
{
    let store = Moody::new();
    let (vendor, clock, _) = Vendor::with_session();
    hold_saves(&store);
    let now = clock.now().wall();
    let given = token(7, Expiry::after(now, LIFETIME), now);
    let builder = vendor.session().key(key()).token(given);
    let session = builder.store(store.clone()).build().unwrap();
    until(|| store.saves() == 1).await;
    store.is_down.store(true, Ordering::SeqCst);
    let leaving = tokio::spawn({
        let session = session.clone();
        async move { session.log_out().await }
    });
    until(|| session.try_headers().is_none()).await;
    until_idle().await;
    store.is_down.store(false, Ordering::SeqCst);
    store.gate.add_permits(100);
    leaving.await.unwrap().unwrap();
    // The first save has it until it ends.
    drop(store.inner.lease(&key()).await.unwrap());
    assert!(store.inner.load(&key()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_log_out_and_the_first_save_do_not_wait_for_each_other() {
    let store = Moody::new();
    let (vendor, clock, _) = Vendor::with_session();
    // Another session renews.
    let held = store.inner.lease(&key()).await.unwrap();
    let now = clock.now().wall();
    let given = token(7, Expiry::after(now, LIFETIME), now);
    let builder = vendor.session().key(key()).token(given);
    let session = builder.store(store.clone()).build().unwrap();
    until(|| store.leases.load(Ordering::SeqCst) == 1).await;
    let leaving = tokio::spawn({
        let session = session.clone();
        async move { session.log_out().await }
    });
    until(|| session.try_headers().is_none()).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    drop(held);
    let limit = Duration::from_secs(20);
    let left = tokio::time::timeout(limit, leaving).await;
    left.unwrap().unwrap().unwrap();
    assert!(store.inner.load(&key()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_token_that_is_issued_during_the_log_out_is_revoked_as_well() {
    for logs_in_meanwhile in [false, true] {
        let (vendor, clock, session) = Vendor::with_session();
        session.headers().await.unwrap();
        clock.advance(LIFETIME.mul_f64(0.93));
        vendor.hold();
        session.headers().await.unwrap();
        vendor.until_calls(2).await;
        let leaving = tokio::spawn({
            let session = session.clone();
            async move { session.log_out().await }
        });
        until(|| session.try_headers().is_none()).await;
        if logs_in_meanwhile {
            let now = clock.now().wall();
            let new = token(7, Expiry::after(now, LIFETIME), now);
            session.set_token(new).await.unwrap();
        }
        vendor.release();
        leaving.await.unwrap().unwrap();
        assert_eq!(vendor.revoked(), ["token-1", "token-2"]);
        let present = session.try_headers();
        assert_eq!(present.is_some(), logs_in_meanwhile);
    }
}

#[tokio::test]
async fn what_is_asked_for_during_a_log_out_begins_anew_and_stays_in_the_store() {
    let store = Moody::new();
    let (vendor, _, session) = with_store(&store);
    session.headers().await.unwrap();
    let before = store.saves();
    hold_saves(&store);
    // The log-out waits for this save.
    let saving = tokio::spawn({
        let session = session.clone();
        async move { session.save().await }
    });
    until(|| store.saves() == before + 1).await;
    let leaving = tokio::spawn({
        let session = session.clone();
        async move { session.log_out().await }
    });
    until(|| matches!(session.state(), State::LoginRequired { .. })).await;
    let renewing = tokio::spawn({
        let (vendor, session) = (vendor.clone(), session.clone());
        async move { vendor.seen_by(&session).await }
    });
    until(|| session.state() == State::Renewing).await;
    store.gate.add_permits(100);
    saving.await.unwrap().unwrap();
    leaving.await.unwrap().unwrap();
    assert_eq!(
        renewing.await.unwrap(),
        None,
        "the token of before was used"
    );
    let stored = store.inner.load(&key()).await.unwrap().unwrap();
    assert_eq!(stored.access().expose_secret(), "token-2");
    assert_eq!(number(&session.headers().await.unwrap()), 2);
    assert_eq!(vendor.revoked(), ["token-1"]);
}

#[tokio::test]
async fn a_session_that_renews_or_logs_in_after_a_log_out_takes_over_what_others_save() {
    for logs_in in [false, true] {
        let store = Moody::new();
        let (_, clock, session) = with_store(&store);
        session.headers().await.unwrap();
        session.log_out().await.unwrap();
        let now = clock.now().wall();
        let theirs = token(9, Expiry::after(now, LIFETIME), now).with_generation(9);
        store.tell(&theirs);
        assert_eq!(session.try_headers(), None);
        if logs_in {
            let new = token(7, Expiry::after(now, LIFETIME), now);
            session.set_token(new).await.unwrap();
        } else {
            session.renew().await.unwrap();
        }
        store.tell(&theirs);
        assert_eq!(number(&session.headers().await.unwrap()), 9);
    }
}

#[tokio::test]
async fn a_renewal_does_not_replace_a_later_token_that_came_meanwhile() {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    vendor.hold();
    assert_eq!(session.try_headers(), None);
    vendor.until_calls(1).await;
    let now = clock.now().wall();
    store.tell(&token(9, Expiry::after(now, LIFETIME), now).with_generation(9));
    vendor.release();
    assert_eq!(settled(&session).await, State::Fresh);
    assert_eq!(number(&session.headers().await.unwrap()), 9);
}

#[tokio::test]
async fn a_log_in_during_a_log_out_stays_in_the_store() {
    stays_in_the_store(false).await;
}

#[tokio::test]
async fn a_log_in_during_a_log_out_stays_in_a_store_that_cannot_be_read() {
    stays_in_the_store(true).await;
}

async fn stays_in_the_store(is_down: bool) {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    session.headers().await.unwrap();
    clock.advance(LIFETIME.mul_f64(0.93));
    vendor.hold();
    session.headers().await.unwrap();
    vendor.until_calls(2).await;
    // The log-out waits for the renewal.
    let leaving = tokio::spawn({
        let session = session.clone();
        async move { session.log_out().await }
    });
    until(|| session.try_headers().is_none()).await;
    let now = clock.now().wall();
    let new = token(7, Expiry::after(now, LIFETIME), now);
    session.set_token(new).await.unwrap();
    store.is_down.store(is_down, Ordering::SeqCst);
    vendor.release();
    assert_eq!(leaving.await.unwrap().is_err(), is_down);
    let stored = store.inner.load(&key()).await.unwrap().unwrap();
    assert_eq!(stored.access().expose_secret(), "token-7");
    assert_eq!(number(&session.headers().await.unwrap()), 7);
}

#[tokio::test]
async fn a_log_in_that_comes_while_a_renewal_is_saved_replaces_what_that_saves() {
    for logs_out_before in [false, true] {
        let store = Moody::new();
        let (_, clock, session) = with_store(&store);
        session.headers().await.unwrap();
        clock.advance(LIFETIME);
        // Higher than what a log-in counts from the stored token.
        store.fence.store(41, Ordering::SeqCst);
        store.failing_saves.store(1, Ordering::SeqCst);
        let renewing = tokio::spawn({
            let session = session.clone();
            async move { session.headers().await }
        });
        // The pause before the save is tried again.
        clock.until_sleeping(1).await;
        let leaving = tokio::spawn({
            let session = session.clone();
            async move {
                if logs_out_before {
                    session.log_out().await.unwrap();
                }
            }
        });
        until(|| matches!(session.state(), State::LoginRequired { .. }) == logs_out_before).await;
        let now = clock.now().wall();
        let new = token(7, Expiry::after(now, LIFETIME), now);
        let setting = tokio::spawn({
            let session = session.clone();
            async move { session.set_token(new).await }
        });
        until(|| session.try_headers().is_some()).await;
        until_idle().await;
        clock.advance(Duration::from_secs(1));
        setting.await.unwrap().unwrap();
        leaving.await.unwrap();
        assert_eq!(number(&renewing.await.unwrap().unwrap()), 7);
        let stored = store.inner.load(&key()).await.unwrap().unwrap();
        assert_eq!(stored.access().expose_secret(), "token-7");
        assert_eq!(session.state(), State::Fresh);
    }
}

#[tokio::test]
async fn a_renewal_that_waits_for_the_lease_does_not_spend_a_later_log_in() {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    session.headers().await.unwrap();
    let held = store.inner.lease(&key()).await.unwrap();
    let before = store.leases.load(Ordering::SeqCst);
    let renewing = tokio::spawn({
        let session = session.clone();
        async move { session.renew().await }
    });
    until(|| store.leases.load(Ordering::SeqCst) == before + 1).await;
    let now = clock.now().wall();
    let new = token(7, Expiry::after(now, LIFETIME), now);
    session.set_token(new).await.unwrap();
    drop(held);
    renewing.await.unwrap().unwrap();
    assert_eq!(vendor.calls(), 1);
    assert_eq!(number(&session.headers().await.unwrap()), 7);
}

#[tokio::test]
async fn the_stored_token_is_deleted_before_the_vendor_is_told_even_if_that_panics() {
    let store = Moody::new();
    let (vendor, _, session) = with_store(&store);
    session.headers().await.unwrap();
    let is_deleted = Arc::new(AtomicBool::new(false));
    vendor.in_revoke({
        let (store, is_deleted) = (store.inner.clone(), Arc::clone(&is_deleted));
        move || {
            let stored = store.load(&key()).now_or_never().unwrap().unwrap();
            is_deleted.store(stored.is_none(), Ordering::SeqCst);
            panic!("as the test asked");
        }
    });
    let error = session.log_out().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(is_deleted.load(Ordering::SeqCst));
    assert_eq!(session.try_headers(), None);
}
