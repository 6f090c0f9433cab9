//! Programs that exit soon renew before they get the headers.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use auth_core::{Authorizer as _, ErrorKind, Reason, Session, State};
use auth_sandbox::SandboxClock;
use futures_util::FutureExt as _;

use crate::moody::{Moody, key, sharing};
use crate::vendor::{LIFETIME, Vendor, number, settled};

/// A session that renews in the foreground, whose first token is due, and valid.
async fn due() -> (Vendor, SandboxClock, Session<Vendor>) {
    let clock = SandboxClock::frozen();
    let vendor = Vendor::new(&clock);
    let session = vendor.session().renew_in_foreground().build().unwrap();
    assert_eq!(number(&session.headers().await.unwrap()), 1);
    clock.advance(LIFETIME.mul_f64(0.93));
    (vendor, clock, session)
}

#[tokio::test]
async fn a_renewal_that_is_due_comes_before_the_headers_by_every_way_that_can_wait() {
    let (vendor, clock, session) = due().await;
    let mut wanted = 2;
    for way in 0..6 {
        let headers = match way {
            0 => session.headers().await.unwrap(),
            1 => {
                let mut headers = http::HeaderMap::new();
                session.apply(&mut headers).await.unwrap();
                headers
            }
            2 => session.auth_headers().await.unwrap().headers(),
            3 | 4 => {
                let session = session.clone();
                let waiting = thread::spawn(move || {
                    let mut headers = http::HeaderMap::new();
                    match way {
                        3 => headers = session.headers_blocking().unwrap(),
                        _ => session.apply_blocking(&mut headers).unwrap(),
                    }
                    headers
                });
                waiting.join().unwrap()
            }
            _ => {
                let base = "http://localhost/";
                let hosts = auth_core::AllowedHosts::of(&auth_core::BaseUrl::parse(base).unwrap());
                let any = vendor.session().renew_in_foreground().allowed_hosts(hosts);
                let any: Arc<dyn auth_core::Authorizer> = Arc::new(any.build().unwrap());
                let first = any.headers_for(base).await.unwrap();
                clock.advance(LIFETIME.mul_f64(0.93));
                wanted = number(&first.headers()) + 1;
                any.headers_for(base).await.unwrap().headers()
            }
        };
        assert_eq!(number(&headers), wanted, "way {way}");
        wanted += 1;
        clock.advance(LIFETIME.mul_f64(0.93));
    }
    assert_eq!(vendor.reasons().last(), Some(&Reason::Expiring));
}

#[tokio::test]
async fn all_callers_wait_for_the_one_renewal_and_trying_never_waits() {
    let (vendor, _, session) = due().await;
    vendor.hold();
    let mut callers: Vec<_> = (0..20).map(|_| Box::pin(session.headers())).collect();
    for caller in &mut callers {
        assert!(caller.now_or_never().is_none());
        assert_eq!(number(&session.try_headers().unwrap()), 1);
    }
    vendor.release();
    for caller in callers {
        assert_eq!(number(&caller.await.unwrap()), 2);
    }
    assert_eq!(vendor.calls(), 2);
}

#[tokio::test]
async fn trying_begins_the_renewal_in_the_background() {
    let (vendor, _, session) = due().await;
    assert_eq!(number(&session.try_headers().unwrap()), 1);
    settled(&session).await;
    assert_eq!(number(&session.try_headers().unwrap()), 2);
    assert_eq!(vendor.calls(), 2);
}

#[tokio::test]
async fn a_renewal_that_fails_leaves_the_valid_token_in_use_and_is_not_repeated_at_once() {
    for kind in [ErrorKind::Unavailable, ErrorKind::InteractionRequired] {
        let (vendor, clock, session) = due().await;
        vendor.fail(kind);
        if kind == ErrorKind::InteractionRequired {
            // Believed the second time.
            vendor.fail(kind);
        }
        for _ in 0..3 {
            assert_eq!(number(&session.headers().await.unwrap()), 1);
            assert_eq!(number(&session.auth_headers().await.unwrap().headers()), 1);
        }
        let tries = vendor.calls() - 1;
        match session.state() {
            State::Failing {
                token_is_valid: true,
                ..
            } => assert_eq!((kind, tries), (ErrorKind::Unavailable, 1)),
            State::LoginRequired { .. } => {
                assert_eq!((kind, tries), (ErrorKind::InteractionRequired, 2));
            }
            state => panic!("{state:?}"),
        }
        clock.advance(LIFETIME);
        let after = session.headers().await.map_err(|error| error.kind());
        assert_eq!(after.is_err(), kind == ErrorKind::InteractionRequired);
    }
}

#[tokio::test]
async fn a_blocking_call_in_a_task_has_the_valid_token() {
    let (_, _, session) = due().await;
    assert_eq!(number(&session.headers_blocking().unwrap()), 1);
}

#[tokio::test]
async fn a_renewal_that_asks_its_own_session_gets_the_valid_token() {
    let (vendor, _, session) = due().await;
    let own = session.clone();
    let seen = Arc::new(std::sync::Mutex::new(None));
    let tell = Arc::clone(&seen);
    vendor.in_headers(move || {
        *tell.lock().unwrap() = own.headers().now_or_never().map(Result::unwrap);
    });
    assert_eq!(number(&session.headers().await.unwrap()), 2);
    let seen = seen.lock().unwrap().take();
    assert_eq!(number(&seen.unwrap()), 1);
    vendor.in_headers(|| {});
}

#[tokio::test]
async fn without_the_option_no_caller_waits() {
    let (vendor, clock, session) = Vendor::with_session();
    session.headers().await.unwrap();
    clock.advance(LIFETIME.mul_f64(0.93));
    vendor.hold();
    let headers = session.headers().now_or_never().unwrap();
    assert_eq!(number(&headers.unwrap()), 1);
    vendor.release();
    tokio::time::timeout(Duration::from_secs(20), session.settled())
        .await
        .unwrap();
}

/// The next process of a program that asks for headers once.
#[tokio::test]
async fn a_stored_token_that_is_due_is_renewed_although_the_program_asks_once() {
    let store = Moody::new();
    let clock = SandboxClock::frozen();
    let vendor = Vendor::new(&clock);
    sharing(&vendor, &store).headers().await.unwrap();
    for (is_in_foreground, calls) in [(true, 2), (false, 3)] {
        clock.advance(LIFETIME.mul_f64(0.93));
        let session = vendor.session().store_as(store.clone(), key());
        let session = if is_in_foreground {
            session.renew_in_foreground()
        } else {
            session
        };
        let session = session.build().unwrap();
        let headers = session.headers().await.unwrap();
        session.settled().await;
        assert_eq!(vendor.calls(), calls);
        // In the background, this call has the token of before.
        assert_eq!(number(&headers), 2);
        assert_eq!(number(&session.headers().await.unwrap()), calls);
    }
}
