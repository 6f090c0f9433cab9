//! Item 6: no particular runtime.

use tokio::runtime::{Builder, Runtime};

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

#[test]
fn no_runtime_at_all_is_needed_to_wait_for_headers() {
    // An executor that knows nothing of Tokio.
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake, Waker};
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let (_, _, session) = Vendor::with_session();
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut headers = std::pin::pin!(session.headers());
    let headers = loop {
        match headers.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(headers) => break headers.unwrap(),
            Poll::Pending => std::thread::park(),
        }
    };
    assert_eq!(number(&headers), 1);
    runtime().block_on(async {
        session.log_out().await.unwrap();
        until(|| session.try_headers().is_none()).await;
    });
}
