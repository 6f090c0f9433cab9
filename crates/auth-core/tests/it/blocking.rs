//! Threads without a runtime wait for renewals as tasks do.

use std::thread;

use auth_core::{ErrorKind, State};
use tokio::runtime::{Builder, Runtime};

use crate::vendor::{Vendor, number};

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
fn a_thread_without_a_runtime_gets_headers_renews_and_logs_out() {
    let (vendor, _, session) = Vendor::with_session();
    assert_eq!(number(&session.headers_blocking().unwrap()), 1);
    let mut headers = http::HeaderMap::new();
    session.apply_blocking(&mut headers).unwrap();
    assert_eq!(number(&headers), 1);
    let used = session.auth_headers_blocking().unwrap();
    session.invalidate(&used);
    assert_eq!(number(&session.headers_blocking().unwrap()), 2);
    assert_eq!(number(&session.renew_blocking().unwrap().headers()), 3);
    session.log_out_blocking().unwrap();
    assert_eq!(vendor.revoked(), ["token-3"]);
    vendor.fail(ErrorKind::Denied);
    assert!(session.headers_blocking().is_err());
}

#[test]
fn many_threads_wait_for_one_renewal() {
    let (vendor, _, session) = Vendor::with_session();
    vendor.hold();
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| assert_eq!(number(&session.headers_blocking().unwrap()), 1));
        }
        while session.state() != State::Renewing {
            thread::yield_now();
        }
        vendor.release();
    });
    assert_eq!(vendor.calls(), 1);
}

#[test]
fn a_task_is_told_to_await_and_a_blocking_thread_of_its_runtime_may_wait() {
    for runtime in runtimes() {
        let refused = || {
            let (vendor, _, session) = Vendor::with_session();
            // A renewal that has finished by then leaves nothing to wait for.
            vendor.hold();
            let error = session.headers_blocking().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            assert!(error.to_string().contains("await headers()"), "{error}");
            vendor.release();
        };
        let (_, _, session) = Vendor::with_session();
        runtime.block_on(async {
            refused();
            tokio::spawn(async move { refused() }).await.unwrap();
            let theirs = session.clone();
            let waited = tokio::task::spawn_blocking(move || theirs.headers_blocking());
            assert_eq!(number(&waited.await.unwrap().unwrap()), 1);
            // Nothing to wait for.
            assert_eq!(number(&session.headers_blocking().unwrap()), 1);
        });
    }
}
