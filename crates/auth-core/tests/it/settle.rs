//! What is under way finishes before a process exits: by `settled`, and by the drop of the last handle.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use auth_core::{Authorizer, ErrorKind, Expiry, Session, SessionPool, State, TokenStore as _};
use auth_sandbox::SandboxClock;
use futures_util::FutureExt as _;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

use crate::moody::{Moody, key, with_store};
use crate::runtimes::block_on;
use crate::vendor::{Vendor, token, until};

/// More than any of this takes, and less than a drop waits.
const SOON: Duration = Duration::from_secs(8);

/// A session whose renewal is held where the vendor has issued the token and it is not saved.
fn saving() -> (Moody, Session<Vendor>) {
    let store = Moody::new();
    store.gate.forget_permits(Semaphore::MAX_PERMITS);
    let (_, _, session) = with_store(&store);
    assert!(session.try_headers().is_none());
    block_on(until(|| store.saves() == 1));
    (store, session)
}

fn is_saved(store: &Moody) -> bool {
    let stored = block_on(store.inner.load(&key())).unwrap();
    stored.is_some() && !store.is_marked()
}

fn runtimes() -> [Runtime; 2] {
    [
        Builder::new_current_thread().build().unwrap(),
        Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap(),
    ]
}

#[test]
fn settled_returns_once_the_token_is_saved_and_starts_nothing() {
    let (vendor, _, unused) = Vendor::with_session();
    assert!(unused.settled().now_or_never().is_some());
    assert_eq!(vendor.calls(), 0);

    let (store, session) = saving();
    let any: &dyn Authorizer = &session;
    assert!(session.settled().now_or_never().is_none());
    assert!(any.settled().now_or_never().is_none());
    store.gate.add_permits(1);
    block_on(any.settled());
    assert!(is_saved(&store));
    assert_eq!(session.state(), State::Fresh);
}

#[test]
fn settled_waits_for_a_log_in_whose_future_was_dropped_and_for_the_first_save() {
    let store = Moody::new();
    store.gate.forget_permits(Semaphore::MAX_PERMITS);
    let (vendor, _, session) = with_store(&store);
    let given = token(7, Expiry::Never, std::time::SystemTime::now());
    assert!(session.set_token(given.clone()).now_or_never().is_none());
    assert!(session.settled().now_or_never().is_none());
    store.gate.add_permits(1);
    block_on(session.settled());
    assert!(is_saved(&store));

    let first = vendor.session().store_as(store.clone(), key());
    let first = first.token(given).build().unwrap();
    store.gate.add_permits(1);
    block_on(first.settled());
    assert_eq!(first.state(), State::Fresh);
}

#[test]
fn a_thread_waits_as_long_as_it_says_and_a_task_is_told_to_await() {
    let (store, session) = saving();
    assert!(!session.settled_blocking(Duration::from_millis(1)).unwrap());
    store.gate.add_permits(1);
    assert!(session.settled_blocking(SOON).unwrap());
    for runtime in runtimes() {
        let refused = runtime.block_on(async { session.settled_blocking(SOON).unwrap_err() });
        assert_eq!(refused.kind(), ErrorKind::InvalidConfig);
        assert!(refused.to_string().contains("await settled()"), "{refused}");
    }
}

#[test]
fn a_pool_says_how_many_of_its_sessions_are_still_renewing() {
    let clock = SandboxClock::frozen();
    let vendor = Vendor::new(&clock);
    let pool = SessionPool::new(NonZeroUsize::new(2).unwrap());
    assert_eq!(block_on(pool.settle(SOON)), 0);
    vendor.hold();
    for name in ["ann", "bob", "cid", "dan"] {
        let session = pool.get_or_make(&name, || vendor.session().build());
        if name != "dan" {
            assert!(session.unwrap().try_headers().is_none());
            block_on(until(|| {
                pool.get(&name).unwrap().state() == State::Renewing
            }));
        }
    }
    // Two of them have left the pool.
    assert_eq!(block_on(pool.settle(Duration::from_millis(1))), 3);
    vendor.release();
    assert_eq!(block_on(pool.settle(SOON)), 0);
    assert_eq!(vendor.calls(), 3);
}

#[test]
fn a_pool_evicts_without_a_wait_and_its_drop_waits_for_all_sessions_together() {
    let (vendor, _, _) = Vendor::with_session();
    let pool = SessionPool::new(NonZeroUsize::new(20).unwrap());
    vendor.hold();
    let limit = Duration::from_millis(200);
    let begun = Instant::now();
    for number in 0..50 {
        let session = pool.get_or_make(&number, || vendor.session().wait_on_drop(limit).build());
        assert!(session.unwrap().try_headers().is_none());
    }
    block_on(until(|| vendor.calls() == 50));
    drop(pool);
    assert!(begun.elapsed() >= limit && begun.elapsed() < SOON);
    vendor.release();
}

#[test]
fn the_drop_of_the_last_handle_waits_until_the_token_is_saved() {
    let (store, session) = saving();
    let other = session.clone();
    let begun = Instant::now();
    drop(session);
    let saved_when_dropped = thread::spawn({
        let store = store.clone();
        move || {
            drop(other);
            is_saved(&store)
        }
    });
    store.gate.add_permits(1);
    assert!(saved_when_dropped.join().unwrap());
    assert!(begun.elapsed() < SOON);
}

#[test]
fn a_guard_of_background_refresh_counts_as_a_handle() {
    let (store, session) = saving();
    let guard = session.refresh_in_background().unwrap();
    let begun = Instant::now();
    drop(session);
    let saved_when_dropped = thread::spawn({
        let store = store.clone();
        move || {
            drop(guard);
            is_saved(&store)
        }
    });
    store.gate.add_permits(1);
    assert!(saved_when_dropped.join().unwrap());
    assert!(begun.elapsed() < SOON);
}

#[test]
fn a_drop_waits_no_longer_than_the_program_says() {
    for limit in [Duration::ZERO, Duration::from_millis(20)] {
        let (vendor, _, _) = Vendor::with_session();
        vendor.hold();
        let session = vendor.session().wait_on_drop(limit).build().unwrap();
        assert!(session.try_headers().is_none());
        let begun = Instant::now();
        drop(session);
        assert!(begun.elapsed() >= limit && begun.elapsed() < SOON);
        vendor.release();
    }
}

#[test]
fn a_task_is_not_blocked_and_its_runtime_does_not_end_before_the_token_is_saved() {
    for is_spawned in [false, true] {
        for runtime in runtimes() {
            let (store, session) = saving();
            let begun = Instant::now();
            let gate = Arc::clone(&store.gate);
            let task = async move {
                drop(session);
                // Blocked, it would not come here before the drop gives up.
                gate.add_permits(1);
            };
            if is_spawned {
                runtime.block_on(async { tokio::spawn(task).await.unwrap() });
            } else {
                runtime.block_on(task);
            }
            // As at the end of `#[tokio::main]`.
            drop(runtime);
            assert!(is_saved(&store));
            assert!(begun.elapsed() < SOON);
        }
    }
}

#[test]
fn a_handle_that_dies_with_its_runtime_is_waited_for_as_well() {
    for runtime in runtimes() {
        let (store, session) = saving();
        let begun = Instant::now();
        runtime.block_on(async {
            tokio::spawn(async move {
                std::future::pending::<()>().await;
                drop(session);
            });
            tokio::task::yield_now().await;
        });
        let gate = Arc::clone(&store.gate);
        let releasing = thread::spawn(move || gate.add_permits(1));
        drop(runtime);
        assert!(is_saved(&store));
        releasing.join().unwrap();
        assert!(begun.elapsed() < SOON);
    }
}

#[test]
fn nothing_waits_on_the_thread_of_renewals() {
    let (vendor, _, session) = Vendor::with_session();
    vendor.hold();
    assert!(session.try_headers().is_none());
    let last = Mutex::new(Some(session));
    let (tell, dropped) = std::sync::mpsc::channel();
    vendor.in_headers(move || {
        drop(last.lock().unwrap().take());
        tell.send(()).unwrap();
    });
    vendor.release();
    dropped.recv_timeout(SOON).unwrap();
}

/// What a thread is woken by while a drop waits on it is not lost.
#[test]
fn an_executor_of_the_thread_on_which_a_drop_waits_still_hears_that_it_was_woken() {
    let (store, session) = saving();
    let me = thread::current();
    thread::spawn(move || {
        me.unpark();
        store.gate.add_permits(1);
    });
    drop(session);
    let begun = Instant::now();
    thread::park_timeout(SOON);
    assert!(begun.elapsed() < SOON);
}
