//! Item 6: no particular runtime.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use auth_core::{
    AllowedHosts, BaseUrl, Clock as _, ErrorKind, Http, HttpBuilder, MemoryStore, Operation,
    Request, SystemClock, TokenStore as _, operation,
};
use httpmock::MockServer;
use tokio::runtime::{Builder, Runtime};

use crate::moody::key;
use crate::vendor::{LIFETIME, Vendor, number, until};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_session_is_built_outside_and_used_from_two_runtimes_one_after_the_other() {
    let (vendor, clock, session) = Vendor::with_session();
    let first = runtime();
    assert_eq!(number(&first.block_on(session.headers()).unwrap()), 1);
    clock.advance(LIFETIME);
    // The first runtime is alive, but it is not driven.
    assert_eq!(number(&runtime().block_on(session.headers()).unwrap()), 2);
    drop(first);
    clock.advance(LIFETIME);
    assert_eq!(number(&runtime().block_on(session.headers()).unwrap()), 3);
    assert_eq!(vendor.calls(), 3);
}

#[test]
fn a_renewal_outlives_the_runtime_in_which_it_began() {
    let (vendor, _, session) = Vendor::with_session();
    vendor.hold();
    let first = runtime();
    first.block_on(async {
        let caller = tokio::spawn({
            let session = session.clone();
            async move { session.headers().await }
        });
        vendor.until_calls(1).await;
        assert!(!caller.is_finished());
    });
    drop(first);
    vendor.release();
    assert_eq!(number(&runtime().block_on(session.headers()).unwrap()), 1);
    assert_eq!(vendor.calls(), 1);
}

/// An executor that knows nothing of Tokio.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn no_runtime_at_all_is_needed_to_wait_for_headers() {
    let (_, _, session) = Vendor::with_session();
    assert_eq!(number(&block_on(session.headers()).unwrap()), 1);
    block_on(async {
        session.log_out().await.unwrap();
        until(|| session.try_headers().is_none()).await;
    });
}

const READ: Operation = operation!("test.read");

/// A client of a server that answers every call but keeps each waiting for a moment.
fn http(server: &MockServer) -> Http {
    server.mock(|when, then| {
        when.path("/thing");
        then.status(200).delay(Duration::from_millis(50));
    });
    HttpBuilder::new(server.base_url(), "test").build().unwrap()
}

async fn call(http: &Http) -> u16 {
    let response = http.send(Request::get(READ, "thing")).await;
    response.unwrap().status().as_u16()
}

#[test]
fn no_runtime_at_all_is_needed_for_a_call_a_lease_or_a_pause() {
    let server = MockServer::start();
    assert_eq!(block_on(call(&http(&server))), 200);
    let store = MemoryStore::new();
    assert!(block_on(store.lease(&key())).is_ok());
    block_on(SystemClock.sleep(Duration::from_millis(1)));
    // Nor one that has timers.
    let bare = Builder::new_current_thread().build().unwrap();
    assert_eq!(bare.block_on(call(&http(&server))), 200);
    bare.block_on(SystemClock.sleep(Duration::from_millis(1)));
}

#[test]
fn a_request_of_the_programs_own_without_a_runtime_is_an_error_that_says_what_to_do() {
    let base = BaseUrl::parse("http://localhost:9").unwrap();
    HttpBuilder::new(base.clone(), "test").build().unwrap();
    let (vendor, _, _) = Vendor::with_session();
    let session = vendor.session().allowed_hosts(AllowedHosts::of(&base));
    let session = session.build().unwrap();
    let request = reqwest::Client::new().get("http://localhost:9/thing");
    let error = block_on(session.send(request)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("tokio runtime"), "{error}");
}

#[test]
fn a_paused_clock_of_the_runtime_does_not_end_the_time_limits_of_a_call() {
    let server = MockServer::start();
    let http = http(&server);
    let paused = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build();
    assert_eq!(paused.unwrap().block_on(call(&http)), 200);
}

#[test]
fn a_call_that_is_dropped_ends() {
    let server = MockServer::start();
    let http = http(&server);
    let ended = Arc::new(());
    let held = Arc::downgrade(&ended);
    let gated = HttpBuilder::new(server.base_url(), "test").gate(move || {
        let ended = Arc::clone(&ended);
        Box::pin(async move {
            std::future::pending::<()>().await;
            drop(ended);
        })
    });
    let gated = gated.build().unwrap();
    let mut waiting = Box::pin(gated.send(Request::get(READ, "thing")));
    let waker = Waker::noop();
    assert!(
        waiting
            .as_mut()
            .poll(&mut Context::from_waker(waker))
            .is_pending()
    );
    drop(waiting);
    drop(gated);
    // The gate's share of it is gone once the call is.
    block_on(until(|| held.strong_count() == 0));
    assert_eq!(block_on(call(&http)), 200);
}
