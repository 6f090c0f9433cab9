//! The clock that a test moves.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_core::Clock;
use auth_sandbox::{Sandbox, SandboxClock};
use futures_util::FutureExt;
use reqwest::header;

use crate::caller::Caller;

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_sleep_is_woken_by_advance_from_another_thread() {
    let clock = SandboxClock::frozen();
    let sleep = tokio::spawn(clock.sleep(HOUR));
    clock.until_sleeping(1).await;
    assert!(!sleep.is_finished());

    let other = clock.clone();
    std::thread::spawn(move || other.advance(HOUR))
        .join()
        .unwrap();
    sleep.await.unwrap();
    assert_eq!(clock.sleepers(), 0);
}

#[tokio::test]
async fn a_sleep_does_not_end_early() {
    let clock = SandboxClock::frozen();
    let mut sleep = clock.sleep(HOUR);
    clock.advance(Duration::from_nanos(3_599_999_999_999));
    assert!((&mut sleep).now_or_never().is_none());
    clock.advance(Duration::from_nanos(1));
    assert!((&mut sleep).now_or_never().is_some());
}

#[tokio::test]
async fn a_sleep_begins_with_the_call_and_not_with_the_first_poll() {
    let clock = SandboxClock::frozen();
    let mut sleep = clock.sleep(HOUR);
    clock.advance(HOUR);
    assert!((&mut sleep).now_or_never().is_some());
}

#[tokio::test]
async fn a_sleep_on_a_flowing_clock_is_woken_by_real_time_and_by_advance() {
    let clock = SandboxClock::new();
    clock.sleep(Duration::from_millis(1)).await;

    let sleep = tokio::spawn(clock.sleep(HOUR));
    clock.until_sleeping(1).await;
    clock.advance(HOUR);
    sleep.await.unwrap();
}

#[tokio::test]
async fn a_dropped_sleep_no_longer_counts_as_a_sleeper() {
    let clock = SandboxClock::frozen();
    let mut sleep = clock.sleep(HOUR);
    assert!((&mut sleep).now_or_never().is_none());
    assert_eq!(clock.sleepers(), 1);
    drop(sleep);
    assert_eq!(clock.sleepers(), 0);
}

#[tokio::test]
async fn setting_the_wall_clock_and_suspending_wake_no_sleeper() {
    let clock = SandboxClock::frozen();
    let mut sleep = clock.sleep(HOUR);
    clock.suspend(HOUR);
    clock.jump_wall_forward(HOUR);
    assert!((&mut sleep).now_or_never().is_none());
}

#[test]
fn a_frozen_clock_stands_still_and_each_move_moves_what_it_says() {
    let clock = SandboxClock::frozen();
    let start = clock.now();
    assert_eq!(
        start.wall(),
        UNIX_EPOCH + Duration::from_secs(1_767_225_600)
    );
    assert_eq!(clock.now(), start);

    let moved = |wall: SystemTime, monotonic: Duration| {
        let now = clock.now();
        assert_eq!(
            (now.wall(), now.monotonic()),
            (wall, start.monotonic() + monotonic)
        );
    };
    clock.advance(HOUR);
    moved(start.wall() + HOUR, HOUR);
    clock.suspend(HOUR);
    moved(start.wall() + 2 * HOUR, HOUR);
    clock.jump_wall_forward(HOUR);
    moved(start.wall() + 3 * HOUR, HOUR);
    clock.jump_wall_back(4 * HOUR);
    moved(start.wall() - HOUR, HOUR);
}

#[test]
fn moves_beyond_the_range_neither_overflow_nor_go_back() {
    let clock = SandboxClock::frozen_at(UNIX_EPOCH);
    clock.jump_wall_back(Duration::MAX);
    assert_eq!(clock.now().wall(), UNIX_EPOCH);
    let before = clock.now().monotonic();
    clock.advance(Duration::MAX);
    clock.advance(Duration::MAX);
    assert!(clock.now().monotonic() > before);
    clock.jump_wall_forward(Duration::MAX);
    clock.jump_wall_forward(Duration::MAX);
    assert!(clock.now().wall() > UNIX_EPOCH);
}

#[tokio::test]
async fn a_token_ages_when_time_passes_and_not_when_a_clock_is_set() {
    let clock = SandboxClock::frozen();
    let sandbox = Sandbox::builder()
        .clock(clock.clone())
        .iqm_token_lifetime(2 * HOUR)
        .start()
        .unwrap();
    let token = Caller::new(&sandbox).log_in().await.access;

    clock.jump_wall_forward(5 * HOUR);
    assert!(sandbox.iqm().accepts(&token));
    clock.jump_wall_back(9 * HOUR);
    clock.suspend(HOUR);
    assert!(sandbox.iqm().accepts(&token));
    clock.advance(HOUR);
    assert!(!sandbox.iqm().accepts(&token));
}

#[tokio::test]
async fn the_date_header_follows_the_clock_and_the_skew() {
    let clock = SandboxClock::frozen();
    let plain = Sandbox::builder().clock(clock.clone()).start().unwrap();
    let ahead = Sandbox::builder()
        .clock(clock.clone())
        .server_ahead_by(2 * HOUR)
        .start()
        .unwrap();
    let behind = Sandbox::builder()
        .clock(clock.clone())
        .server_behind_by(HOUR)
        .start()
        .unwrap();
    clock.advance(HOUR);

    for (sandbox, expected) in [
        (&plain, "Thu, 01 Jan 2026 01:00:00 GMT"),
        (&ahead, "Thu, 01 Jan 2026 03:00:00 GMT"),
        (&behind, "Thu, 01 Jan 2026 00:00:00 GMT"),
    ] {
        let reply = Caller::new(sandbox).log_in_reply().await;
        assert_eq!(reply.headers[header::DATE], expected);
    }
}

#[tokio::test]
async fn with_the_largest_skew_there_is_still_a_date_header() {
    let sandbox = Sandbox::builder()
        .server_ahead_by(Duration::MAX)
        .start()
        .unwrap();
    let reply = Caller::new(&sandbox).log_in_reply().await;
    assert!(httpdate::parse_http_date(reply.headers[header::DATE].to_str().unwrap()).is_ok());
}
