//! Items 1, 2, 5 and 7: one renewal at a time, with many callers, some of whom leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use auth_core::{ErrorKind, Expiry, Reason, State};
use http::HeaderMap;

use crate::vendor::{LIFETIME, Vendor, number, settled, token, until};

async fn ten_thousand_callers_cause_one_renewal(expired: bool) {
    const TASKS: usize = 10_000;
    let (vendor, clock, session) = Vendor::with_session();
    if expired {
        session.headers().await.unwrap();
        clock.advance(LIFETIME);
    }
    let before = vendor.calls();
    vendor.hold();
    let asked = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (session, asked) = (session.clone(), Arc::clone(&asked));
            tokio::spawn(async move {
                asked.fetch_add(1, Ordering::SeqCst);
                number(&session.headers().await.unwrap())
            })
        })
        .collect();
    until(|| asked.load(Ordering::SeqCst) == TASKS).await;
    vendor.release();
    for task in tasks {
        assert_eq!(task.await.unwrap(), before + 1);
    }
    assert_eq!(vendor.calls(), before + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_token_is_fetched_once_for_ten_thousand_callers() {
    ten_thousand_callers_cause_one_renewal(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_token_is_renewed_once_for_ten_thousand_callers() {
    ten_thousand_callers_cause_one_renewal(true).await;
}

#[tokio::test]
async fn a_valid_token_is_handed_out_without_waiting_in_every_form() {
    let (vendor, _, session) = Vendor::with_session();
    let headers = session.headers().await.unwrap();
    assert!(headers.values().all(http::HeaderValue::is_sensitive));
    vendor.hold();
    let mut map = HeaderMap::new();
    map.insert(http::header::AUTHORIZATION, "Bearer old".parse().unwrap());
    map.insert(http::header::ACCEPT, "text/plain".parse().unwrap());
    session.apply(&mut map).await.unwrap();
    assert_eq!((number(&map), map.len()), (1, 3));
    assert_eq!(session.try_headers(), Some(headers.clone()));
    assert_eq!(session.auth_headers().await.unwrap().headers(), headers);
    assert_eq!(vendor.calls(), 1);
}

#[tokio::test]
async fn try_headers_never_waits_and_begins_what_is_due() {
    let (vendor, _, session) = Vendor::with_session();
    vendor.hold();
    let mut map = HeaderMap::new();
    assert_eq!(session.try_headers(), None);
    assert!(!session.try_apply(&mut map) && map.is_empty());
    vendor.until_calls(1).await;
    vendor.release();
    assert_eq!(settled(&session).await, State::Fresh);
    assert_eq!(number(&session.try_headers().unwrap()), 1);
    assert_eq!(vendor.calls(), 1);
}

#[tokio::test]
async fn a_renewal_whose_callers_are_all_gone_is_kept() {
    let (vendor, _, session) = Vendor::with_session();
    vendor.hold();
    let caller = tokio::spawn({
        let session = session.clone();
        async move { session.headers().await }
    });
    vendor.until_calls(1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    vendor.release();
    assert_eq!(settled(&session).await, State::Fresh);
    assert_eq!(number(&session.headers().await.unwrap()), 1);
    assert_eq!(vendor.calls(), 1);
}

#[tokio::test]
async fn dropping_the_last_handle_leaves_nothing_behind() {
    let (vendor, _, session) = Vendor::with_session();
    let guard = session.refresh_in_background().unwrap();
    session.headers().await.unwrap();
    drop(guard);
    drop(session);
    until(|| vendor.handles() == 1).await;
}

#[tokio::test]
async fn twenty_late_reports_about_one_dead_token_cause_one_renewal() {
    let (vendor, _, session) = Vendor::with_session();
    let dead = session.auth_headers().await.unwrap();
    for _ in 0..20 {
        session.invalidate(&dead);
        assert!(number(&session.headers().await.unwrap()) == 2);
    }
    assert_eq!(vendor.calls(), 2);
    assert_eq!(vendor.reasons(), [Reason::Missing, Reason::Rejected]);
    assert_eq!(session.state(), State::Fresh);
}

#[tokio::test]
async fn a_vendor_that_refuses_what_it_issues_is_not_asked_without_end() {
    let (vendor, clock, session) = Vendor::with_session();
    for _ in 0..50 {
        match session.auth_headers().await {
            Ok(auth_headers) => session.invalidate(&auth_headers),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable),
        }
    }
    assert_eq!(vendor.calls(), 2);
    clock.advance(Duration::from_secs(2));
    session.headers().await.unwrap();
    assert_eq!(vendor.calls(), 3);
}

#[tokio::test]
async fn a_panic_in_a_renewal_is_an_error_for_those_who_wait_and_no_dead_end() {
    let (vendor, clock, session) = Vendor::with_session();
    vendor.panic_once();
    assert_eq!(
        session.headers().await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    clock.advance(Duration::from_secs(2));
    assert_eq!(number(&session.headers().await.unwrap()), 2);
}

#[tokio::test]
async fn an_adopted_token_wins_over_a_renewal_under_way() {
    let (vendor, clock, session) = Vendor::with_session();
    vendor.hold();
    assert_eq!(session.try_headers(), None);
    vendor.until_calls(1).await;
    let now = auth_core::Clock::now(&clock).wall();
    session
        .set_token(token(77, Expiry::after(now, LIFETIME), now))
        .await
        .unwrap();
    assert_eq!(number(&session.headers().await.unwrap()), 77);
    vendor.release();
    settled(&session).await;
    assert_eq!(number(&session.headers().await.unwrap()), 77);
}

#[tokio::test]
async fn a_renewal_under_way_does_not_bring_a_logged_out_session_back() {
    let (vendor, _, session) = Vendor::with_session();
    vendor.hold();
    let caller = tokio::spawn({
        let session = session.clone();
        async move { session.headers().await }
    });
    vendor.until_calls(1).await;
    let log_out = tokio::spawn({
        let session = session.clone();
        async move { session.log_out().await }
    });
    until(|| session.state() == State::Renewing && session.expiry().is_none()).await;
    vendor.release();
    log_out.await.unwrap().unwrap();
    let outcome = caller.await.unwrap();
    assert!(outcome.is_err() || vendor.calls() == 1);
    assert_eq!(
        session.headers().await.unwrap_err().kind(),
        ErrorKind::InteractionRequired
    );
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    // A new log-in.
    assert!(number(&session.renew().await.unwrap().headers()) > 1);
    assert_eq!(session.state(), State::Fresh);
}

#[tokio::test]
async fn headers_of_two_tokens_never_mix() {
    let (vendor, clock, session) = Vendor::with_session();
    vendor.set_lifetime(Some(Duration::from_secs(10)));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move {
                let mut newest = 0;
                while newest < 20 {
                    // `number` compares the two headers.
                    newest = number(&session.headers().await.unwrap());
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    while readers.iter().any(|reader| !reader.is_finished()) {
        clock.advance(Duration::from_secs(11));
        session.headers().await.unwrap();
    }
    for reader in readers {
        reader.await.unwrap();
    }
}
