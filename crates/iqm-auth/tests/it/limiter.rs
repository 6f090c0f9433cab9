//! Staying under the vendor's 20 requests a minute.

use std::num::NonZeroU32;
use std::time::Duration;

use auth_sandbox::Sandbox;
use iqm_auth::{Client, ClientBuilder, ErrorKind, Login};
use tokio::task::{JoinHandle, JoinSet};

use crate::set_up::{LIFETIME, builder, client, log_in, password, sandbox_with};

const LIMIT: u32 = ClientBuilder::VENDOR_RATE_LIMIT;

fn sandbox() -> Sandbox {
    sandbox_with(auth_sandbox::SandboxBuilder::iqm_rate_limit)
}

fn limited(sandbox: &Sandbox) -> Client {
    let per_minute = NonZeroU32::new(LIMIT).unwrap();
    builder(sandbox).rate_limit(per_minute).build().unwrap()
}

/// Lets time pass for as long as the work, which sleeps on this thread, waits for it; how much
/// passed.
async fn drive<T>(sandbox: &Sandbox, work: &mut JoinHandle<T>) -> (T, Duration) {
    let (clock, step) = (sandbox.clock(), Duration::from_millis(500));
    let mut passed = Duration::ZERO;
    loop {
        tokio::select! {
            biased;
            done = &mut *work => return (done.unwrap(), passed),
            () = clock.until_sleeping(1) => {
                clock.advance(step);
                passed += step;
                assert!(passed < Duration::from_secs(3_600), "it never ended");
                tokio::task::yield_now().await;
            }
        }
    }
}

#[track_caller]
fn assert_nothing_was_refused(sandbox: &Sandbox, calls: usize) {
    let statuses: Vec<_> = sandbox
        .log()
        .entries()
        .iter()
        .map(auth_sandbox::Entry::status)
        .collect();
    assert_eq!(statuses, vec![Some(200); calls]);
}

#[tokio::test]
async fn a_busy_program_with_the_limiter_is_never_refused() {
    let sandbox = sandbox();
    let token = log_in(&sandbox).await;
    // Not a call of the limited client.
    sandbox.clock().advance(Duration::from_secs(60));
    let client = limited(&sandbox);
    let mut work = tokio::spawn(async move {
        let auth_headers = token.auth_headers().unwrap();
        for _ in 0..60 {
            client.profile(&auth_headers).await.unwrap();
        }
    });
    let ((), passed) = drive(&sandbox, &mut work).await;
    assert_nothing_was_refused(&sandbox, 61);
    // Ten at once, then ten a minute.
    assert!(passed >= Duration::from_secs(290), "{passed:?}");
    assert!(passed <= Duration::from_secs(330), "{passed:?}");
}

#[tokio::test]
async fn clones_and_sessions_share_one_limiter() {
    let sandbox = sandbox();
    let client = limited(&sandbox);
    let login = Login::password(sandbox.iqm().user().email, password(&sandbox));
    let session = client.session(login).build().unwrap();
    let auth_headers = session.auth_headers().await.unwrap();
    let mut callers = JoinSet::new();
    for _ in 0..39 {
        let (client, auth_headers) = (client.clone(), auth_headers.clone());
        callers.spawn(async move { client.profile(&auth_headers).await.unwrap() });
    }
    let (clock, mut passed) = (sandbox.clock(), Duration::ZERO);
    while !callers.is_empty() {
        let left = callers.len();
        tokio::select! {
            biased;
            Some(done) = callers.join_next() => drop(done.unwrap()),
            // Not sooner: time must not pass while a request is on its way.
            () = clock.until_sleeping(left) => {
                clock.advance(Duration::from_millis(500));
                passed += Duration::from_millis(500);
                tokio::task::yield_now().await;
            }
        }
    }
    assert_nothing_was_refused(&sandbox, 40);
    assert!(passed >= Duration::from_secs(170), "{passed:?}");
}

#[tokio::test]
async fn up_to_half_of_the_limit_nothing_waits() {
    let sandbox = sandbox();
    let client = limited(&sandbox);
    for _ in 0..LIMIT / 2 {
        // The clock stands still: a call that waited would never come back.
        client
            .log_in(sandbox.iqm().user().email, &password(&sandbox))
            .await
            .unwrap();
    }
    assert_eq!(sandbox.clock().sleepers(), 0);
}

#[tokio::test]
async fn a_repeated_call_waits_for_its_turn_as_well() {
    let sandbox = sandbox();
    let client = limited(&sandbox);
    let (email, password) = (sandbox.iqm().user().email, password(&sandbox));
    sandbox.fault(auth_sandbox::Fault::status(500).times(20));
    let mut work = tokio::spawn(async move {
        for _ in 0..10 {
            // Three attempts each, while it fails.
            let _ = client.log_in(email, &password).await;
        }
    });
    drive(&sandbox, &mut work).await;
    assert_eq!(sandbox.pending_faults(), 0);
    let log = sandbox.log().entries();
    assert!(log.len() > 20, "{log:?}");
    assert!(
        log.iter().all(|entry| entry.status() != Some(429)),
        "{log:?}"
    );
}

#[tokio::test]
async fn the_limiter_goes_by_the_clients_clock_whichever_way_that_was_set() {
    let sandbox = sandbox();
    let clock = sandbox.clock();
    let iqm = sandbox.iqm();
    let client = Client::builder(iqm.client_id(), iqm.client_secret())
        .base_url(iqm.base_url())
        .rate_limit(NonZeroU32::MIN)
        .http(move |http| http.clock(std::sync::Arc::new(clock)))
        .build()
        .unwrap();
    let (email, password) = (iqm.user().email, password(&sandbox));
    client.log_in(email, &password).await.unwrap();
    let mut work = tokio::spawn(async move { client.log_in(email, &password).await.unwrap() });
    let (_, passed) = drive(&sandbox, &mut work).await;
    assert_eq!(passed, Duration::from_secs(60));
}

#[tokio::test]
async fn without_the_limiter_the_caller_is_told_how_long_to_wait() {
    let sandbox = sandbox();
    let unlimited = builder(&sandbox)
        .http(|http| http.retry(iqm_auth::http::RetryPolicy::never()))
        .build()
        .unwrap();
    let auth_headers = log_in(&sandbox).await.auth_headers().unwrap();
    for _ in 1..LIMIT {
        unlimited.profile(&auth_headers).await.unwrap();
    }
    sandbox.clock().advance(Duration::from_secs(18));
    let error = unlimited.profile(&auth_headers).await.unwrap_err();
    let retry_after = Some(Duration::from_secs(42));
    assert_eq!(error.kind(), ErrorKind::RateLimited { retry_after });
    assert_eq!(error.retry_after(), retry_after);

    sandbox.clock().advance(Duration::from_secs(42));
    unlimited.profile(&auth_headers).await.unwrap();
}

#[tokio::test]
async fn a_session_waits_as_long_as_the_vendor_asks_and_then_renews() {
    let sandbox = sandbox();
    let token = log_in(&sandbox).await;
    let session = client(&sandbox).session(token).build().unwrap();
    sandbox.clock().advance(LIFETIME);
    for _ in 0..LIMIT {
        log_in(&sandbox).await;
    }
    sandbox.clock().advance(Duration::from_secs(18));
    let work = tokio::spawn(async move { session.headers().await.unwrap() });
    sandbox.clock().until_sleeping(1).await;
    sandbox.clock().advance(Duration::from_millis(41_999));
    assert_eq!(sandbox.clock().sleepers(), 1);
    sandbox.log().assert_count("iqm.refresh", 1);
    sandbox.clock().advance(Duration::from_millis(1));
    work.await.unwrap();
    sandbox.log().assert_count("iqm.refresh", 2);
}
