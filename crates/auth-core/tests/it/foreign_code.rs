//! Code of others that calls the session: a renewer, a store, a clock, a subscriber, a waker. None of it runs
//! under the session's lock, so none of it waits for itself.

use std::future::Future as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use auth_core::{
    BoxFuture, Clock, Error, ErrorKind, Expiry, Header, Moment, Reason, Renew, Session, State,
    Token,
};
use auth_sandbox::SandboxClock;

use crate::moody::{Moody, with_store};
use crate::vendor::{LIFETIME, Vendor, number, settled, token, until};

/// What the session is asked from inside. Every question that does not wait is among them.
fn ask<R: Renew>(session: &Session<R>) {
    let _ = (session.state(), session.expiry(), format!("{session:?}"));
    let _ = (session.states(), session.try_headers());
}

/// Runs a session through a renewal, a rejection, a failure and a log-out, on a thread of its own.
/// A dead-lock fails the test after its time limit.
fn a_whole_life(vendor: Vendor, clock: SandboxClock, session: Session<Vendor>) {
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(async {
            let headers = session.auth_headers().await.unwrap();
            session.invalidate(&headers);
            session.headers().await.unwrap();
            clock.advance(LIFETIME * 2);
            vendor.fail(ErrorKind::Unavailable);
            session.headers().await.unwrap_err();
            session.renew().await.unwrap();
            let now = clock.now().wall();
            let own = token(99, Expiry::after(now, LIFETIME), now);
            session.set_token(own).await.unwrap();
            session.log_out().await.unwrap();
        });
        done.send(()).unwrap();
    });
    ended.recv_timeout(Duration::from_secs(20)).unwrap();
}

#[test]
fn a_renewer_may_ask_its_session_while_it_makes_headers() {
    let (vendor, clock, session) = Vendor::with_session();
    let asked = Arc::new(AtomicUsize::new(0));
    vendor.in_headers({
        let (session, asked) = (session.clone(), Arc::clone(&asked));
        move || {
            ask(&session);
            asked.fetch_add(1, Ordering::SeqCst);
        }
    });
    a_whole_life(vendor, clock, session);
    assert!(asked.load(Ordering::SeqCst) >= 4);
}

#[test]
fn a_store_may_ask_the_session() {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    let asked = Arc::new(AtomicUsize::new(0));
    store.in_calls({
        let (session, asked) = (session.clone(), Arc::clone(&asked));
        move || {
            ask(&session);
            asked.fetch_add(1, Ordering::SeqCst);
        }
    });
    a_whole_life(vendor, clock, session);
    assert!(asked.load(Ordering::SeqCst) >= 10);
}

#[test]
fn a_waker_of_the_states_may_ask_the_session() {
    struct Asking(Session<Vendor>, AtomicUsize);
    impl Wake for Asking {
        fn wake(self: Arc<Self>) {
            ask(&self.0);
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }
    let (vendor, clock, session) = Vendor::with_session();
    let asking = Arc::new(Asking(session.clone(), AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&asking));
    let mut states = session.states();
    let mut next = move || {
        let mut next = Box::pin(states.next());
        next.as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_ready()
    };
    while next() {}
    a_whole_life(vendor, clock, session);
    assert!(asking.1.load(Ordering::SeqCst) > 0);
}

#[test]
fn a_subscriber_may_ask_the_session_and_show_it() {
    struct Asking {
        session: Session<Vendor>,
        events: Arc<AtomicUsize>,
        busy: Mutex<bool>,
    }
    impl tracing::Subscriber for Asking {
        fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
            tracing::span::Id::from_u64(1)
        }
        fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
        fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
        fn event(&self, event: &tracing::Event<'_>) {
            // Its own question may be traced as well.
            let is_first = !std::mem::replace(&mut *self.busy.lock().unwrap(), true);
            if is_first && event.metadata().target().starts_with("auth_core") {
                ask(&self.session);
                self.events.fetch_add(1, Ordering::SeqCst);
            }
            if is_first {
                *self.busy.lock().unwrap() = false;
            }
        }
        fn enter(&self, _: &tracing::span::Id) {}
        fn exit(&self, _: &tracing::span::Id) {}
    }
    let (vendor, clock, session) = Vendor::with_session();
    let events = Arc::new(AtomicUsize::new(0));
    let subscriber = Asking {
        session: session.clone(),
        events: Arc::clone(&events),
        busy: Mutex::new(false),
    };
    // For every thread: the session's own runs what it renews.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    a_whole_life(vendor, clock, session);
    assert!(events.load(Ordering::SeqCst) > 3);
}

#[test]
fn a_clock_may_ask_the_session() {
    #[derive(Clone, Debug)]
    struct Asking(
        SandboxClock,
        Arc<OnceLock<Session<Vendor>>>,
        Arc<AtomicUsize>,
    );
    impl Clock for Asking {
        fn now(&self) -> Moment {
            // The question asks the clock in turn.
            if let (Some(session), 0) = (self.1.get(), self.2.fetch_add(1, Ordering::SeqCst)) {
                ask(session);
                self.2.store(0, Ordering::SeqCst);
            }
            self.0.now()
        }
        fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
            self.0.sleep(duration)
        }
    }
    let clock = SandboxClock::frozen();
    let vendor = Vendor::new(&clock);
    let asking = Asking(clock.clone(), Arc::default(), Arc::default());
    let builder = Session::builder(vendor.clone()).clock(Arc::new(asking.clone()));
    let session = builder.build().unwrap();
    assert!(asking.1.set(session.clone()).is_ok());
    a_whole_life(vendor, clock, session);
}

/// A renewer that asks its own session for what only it can get.
struct Circular {
    session: Arc<OnceLock<Session<Circular>>>,
    ends: bool,
}

impl Renew for Circular {
    type Error = Error;

    async fn renew(&self, _: Option<&Token>, _: Reason) -> Result<Token, Error> {
        let session = self.session.get().unwrap();
        if self.ends {
            session.log_out().await?;
        }
        session.headers().await?;
        unreachable!("it has no token");
    }

    fn headers(&self, _: &Token) -> Result<Vec<Header>, Error> {
        unreachable!("there is no token")
    }
}

#[tokio::test]
async fn a_renewal_that_waits_for_itself_fails_at_once() {
    for ends in [false, true] {
        let own = Arc::default();
        let renewer = Circular {
            session: Arc::clone(&own),
            ends,
        };
        let session = Session::builder(renewer).build().unwrap();
        assert!(own.set(session.clone()).is_ok());
        let error = session.headers().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains("by the renewal"), "{error}");
    }
}

#[tokio::test]
async fn a_panic_of_the_renewer_is_a_failure_with_a_back_off() {
    let (vendor, clock, session) = Vendor::with_session();
    vendor.in_headers(|| panic!("as the test asked"));
    for _ in 0..50 {
        let error = session.headers().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    assert_eq!(vendor.calls(), 1);
    assert!(matches!(session.state(), State::Failing { .. }));
    vendor.in_headers(|| {});
    // Background refresh recovers, too.
    let _guard = session.refresh_in_background().unwrap();
    clock.until_sleeping(1).await;
    clock.advance(Duration::from_secs(2));
    until(|| vendor.calls() == 2).await;
    assert_eq!(settled(&session).await, State::Fresh);
    assert_eq!(number(&session.headers().await.unwrap()), 2);
}
