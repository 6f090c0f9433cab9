//! All that can happen to sessions.

use std::sync::atomic::Ordering;

use auth_core::{Authorizer as _, CallEvent, Clock as _, ErrorKind, Expiry, Session, State};
use auth_sandbox::SandboxClock;

use crate::moody::{Moody, key, put};
use crate::vendor::{LIFETIME, Vendor, settled, token, until};

/// What stands in every token, and in no text.
pub(crate) const SECRET: &str = "token-";

/// A vendor by this name, and all that can happen to its sessions, which are gone in the end.
pub(crate) async fn live(name: &'static str) -> Vendor {
    let clock = SandboxClock::new();
    let vendor = Vendor::named(name, &clock);
    without_a_store(&vendor, &clock).await;
    logged_in_elsewhere(&vendor, &clock).await;
    dropped_too_early(&vendor).await;
    with_a_store(&vendor, &clock).await;
    // A renewal's own handle goes a moment later.
    until(|| vendor.handles() == 1).await;
    vendor
}

async fn without_a_store(vendor: &Vendor, clock: &SandboxClock) {
    let session = vendor.session().key(key()).build().unwrap();
    let first = session.auth_headers().await.unwrap();
    renew_early(&session, clock).await;
    vendor.fail(ErrorKind::Unavailable);
    renew_early(&session, clock).await;
    assert_eq!(session.state().name(), "failing");
    clock.advance(LIFETIME);
    let second = session.auth_headers().await.unwrap();
    for refused in [&first, &second] {
        session.invalidate(refused);
    }
    session.headers().await.unwrap();
    vendor.set_lifetime(None);
    session.renew().await.unwrap();
    vendor.set_lifetime(Some(LIFETIME));
    session.observe(CallEvent::Resent);
    session.observe(CallEvent::KeptItsOwn);
    // By a vendor whose clock is behind.
    vendor.set_age(2 * LIFETIME);
    session.renew().await.unwrap();
    vendor.set_age(std::time::Duration::ZERO);
    vendor.refuse(ErrorKind::TokenRejected);
    session.renew().await.unwrap_err();
    assert_eq!(session.state().name(), "login_required");
    session.log_out().await.unwrap();
}

async fn renew_early(session: &Session<Vendor>, clock: &SandboxClock) {
    clock.advance(LIFETIME.mul_f64(0.97));
    session.headers().await.unwrap();
    settled(session).await;
}

async fn logged_in_elsewhere(vendor: &Vendor, clock: &SandboxClock) {
    let session = vendor.session().build().unwrap();
    vendor.hold();
    let calls = vendor.calls();
    assert_eq!(session.try_headers(), None);
    vendor.until_calls(calls + 1).await;
    let now = clock.now().wall();
    let other = token(1_000, Expiry::after(now, LIFETIME), now);
    session.set_token(other).await.unwrap();
    vendor.release();
    assert_eq!(settled(&session).await, State::Fresh);
}

async fn dropped_too_early(vendor: &Vendor) {
    let limit = std::time::Duration::from_millis(1);
    let session = vendor.session().wait_on_drop(limit).build().unwrap();
    vendor.hold();
    let calls = vendor.calls();
    assert_eq!(session.try_headers(), None);
    vendor.until_calls(calls + 1).await;
    // Where there is no runtime, the drop itself waits.
    std::thread::spawn(move || drop(session)).join().unwrap();
    vendor.release();
}

async fn with_a_store(vendor: &Vendor, clock: &SandboxClock) {
    let store = Moody::new();
    let session = vendor.session().store_as(store.clone(), key());
    let session = session.renew_without_lease().build().unwrap();
    store.failing_saves.store(3, Ordering::SeqCst);
    session.headers().await.unwrap();
    assert_eq!(session.state().name(), "unsaved");
    session.save().await.unwrap();
    store.failing_releases.store(true, Ordering::SeqCst);
    session.renew().await.unwrap();
    store.failing_releases.store(false, Ordering::SeqCst);
    // Another process renews: the store tells, or this session finds it.
    let now = clock.now().wall();
    let theirs = |number: usize, generation: u64| {
        let expiry = Expiry::after(now, LIFETIME * 5);
        token(number, expiry, now).with_generation(generation)
    };
    store.tell(&theirs(2_000, 100));
    let headers = session.auth_headers().await.unwrap();
    put(&store, theirs(3_000, 200)).await;
    session.invalidate(&headers);
    session.headers().await.unwrap();
    store.is_down.store(true, Ordering::SeqCst);
    clock.advance(LIFETIME * 6);
    session.headers().await.unwrap();
    assert_eq!(session.state().name(), "renewed_without_lease");
    drop(session);
    let strict = vendor.session().store_as(store, key()).build().unwrap();
    strict.headers().await.unwrap_err();
}
