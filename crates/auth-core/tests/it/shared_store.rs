//! Sessions of several processes that share a store: no newer token is lost.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use auth_core::{
    Clock as _, Error, ErrorKind, Expiry, Header, MemoryStore, Reason, Renew, SaveOutcome, Session,
    State, Token, TokenStore,
};
use futures_util::FutureExt as _;

use crate::moody::{Moody, key, put, sharing, with_store};
use crate::vendor::{LIFETIME, Vendor, number, settled, token, until};

fn stored(store: &Moody) -> Token {
    store
        .inner
        .load(&key())
        .now_or_never()
        .unwrap()
        .unwrap()
        .unwrap()
}

fn living(number: usize, clock: &auth_sandbox::SandboxClock) -> Token {
    let now = clock.now().wall();
    token(number, Expiry::after(now, LIFETIME), now)
}

#[tokio::test]
async fn a_store_keeps_the_later_token_whatever_is_saved_after_it() {
    let store = MemoryStore::new();
    let clock = auth_sandbox::SandboxClock::frozen();
    let later = living(2, &clock).with_generation(2);
    for (token, expected) in [
        (living(1, &clock).with_generation(1), SaveOutcome::Saved),
        (later.clone(), SaveOutcome::Saved),
        // SaveOutcome again after a lost response.
        (later.clone(), SaveOutcome::Saved),
        (
            living(1, &clock).with_generation(1),
            SaveOutcome::Superseded,
        ),
        // Another one of the same generation.
        (
            living(9, &clock).with_generation(2),
            SaveOutcome::Superseded,
        ),
    ] {
        assert_eq!(
            store.save(&key(), &token).await.unwrap(),
            expected,
            "{token:?}"
        );
    }
    let kept = store.load(&key()).await.unwrap().unwrap();
    assert_eq!(kept.fingerprint(), later.fingerprint());
    assert_eq!(store.list().await.unwrap(), [key()]);
    store.delete(&key()).await.unwrap();
    assert_eq!(store.list().await.unwrap(), []);
}

#[tokio::test]
async fn generations_count_up_from_renewal_to_renewal_and_from_process_to_process() {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    let other = sharing(&vendor, &store);
    for (renewals, session) in [&session, &other, &session].into_iter().enumerate() {
        session.headers().await.unwrap();
        assert_eq!(stored(&store).generation(), renewals as u64 + 1);
        clock.advance(LIFETIME);
    }
    store.fence.store(41, Ordering::SeqCst);
    session.headers().await.unwrap();
    assert_eq!(stored(&store).generation(), 41);
}

#[tokio::test]
async fn a_log_in_replaces_whatever_the_store_holds() {
    let store = Moody::new();
    let (_, clock, session) = with_store(&store);
    put(&store, living(5, &clock).with_generation(7)).await;
    session.set_token(living(6, &clock)).await.unwrap();
    assert_eq!(session.state(), State::Fresh);
    let now = stored(&store);
    assert_eq!(now.fingerprint(), living(6, &clock).fingerprint());
    assert_eq!(now.generation(), 8);
    // The same token once more is no other generation.
    session.set_token(living(6, &clock)).await.unwrap();
    assert_eq!(stored(&store).generation(), 8);
}

#[tokio::test]
async fn a_superseded_token_is_dropped_for_the_one_in_the_store() {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    vendor.hold();
    assert_eq!(session.try_headers(), None);
    vendor.until_calls(1).await;
    // A log-in elsewhere, while the renewal is under way.
    put(&store, living(60, &clock).with_generation(3)).await;
    vendor.release();
    assert_eq!(number(&session.headers().await.unwrap()), 60);
    assert_eq!(settled(&session).await, State::Fresh);
}

#[tokio::test]
async fn a_refusal_is_not_believed_before_the_store_was_read_again() {
    for has_ended in [false, true] {
        let store = Moody::new();
        let (vendor, clock, session) = with_store(&store);
        vendor.hold();
        vendor.fail(ErrorKind::TokenRejected);
        assert_eq!(session.try_headers(), None);
        vendor.until_calls(1).await;
        let mut theirs = living(60, &clock);
        if has_ended {
            let now = clock.now().wall();
            theirs = token(60, Expiry::At(now), now);
        }
        put(&store, theirs.with_generation(3)).await;
        vendor.release();
        // One that has ended is renewed.
        let expected = if has_ended { 2 } else { 60 };
        assert_eq!(number(&session.headers().await.unwrap()), expected);
        assert_eq!(stored(&store).generation(), if has_ended { 4 } else { 3 });
    }
}

#[tokio::test]
async fn a_refusal_after_a_holder_died_says_that_the_outcome_is_unknown() {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    for (is_abandoned, expected) in [
        (true, ErrorKind::OutcomeUnknown),
        (false, ErrorKind::TokenRejected),
    ] {
        store.is_abandoned.store(is_abandoned, Ordering::SeqCst);
        vendor.fail(ErrorKind::TokenRejected);
        let error = session.headers().await.unwrap_err();
        assert_eq!(error.kind(), expected);
        assert!(error.to_string().contains("the vendor said no"), "{error}");
        clock.advance(Duration::from_secs(2));
    }
}

#[tokio::test]
async fn a_renewed_token_that_is_not_saved_leaves_the_mark_until_it_is() {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    let other = sharing(&vendor, &store);
    session.headers().await.unwrap();
    other.headers().await.unwrap();
    clock.advance(LIFETIME);
    store.failing_saves.store(6, Ordering::SeqCst);
    let unsaved = |session: Session<Vendor>, is_saved_again: bool| async move {
        if is_saved_again {
            session.save().await.map_err(drop)
        } else {
            session.headers().await.map(drop).map_err(drop)
        }
    };
    for is_saved_again in [false, true] {
        let trying = tokio::spawn(unsaved(session.clone(), is_saved_again));
        // The pauses between three tries to save.
        for _ in 0..2 {
            clock.until_sleeping(1).await;
            clock.advance(Duration::from_secs(1));
        }
        assert_eq!(trying.await.unwrap().is_err(), is_saved_again);
        assert!(matches!(session.state(), State::Unsaved { .. }));
        until(|| store.is_marked()).await;
    }
    // Another process has only the refresh token that was spent.
    vendor.refuse(ErrorKind::TokenRejected);
    let error = other.headers().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    assert!(matches!(other.state(), State::Failing { .. }));
    until(|| store.is_marked()).await;
    session.save().await.unwrap();
    until(|| !store.is_marked()).await;
    assert_eq!(session.state(), State::Fresh);
    clock.advance(Duration::from_secs(2));
    assert_eq!(number(&other.headers().await.unwrap()), 2);
}

/// Renews, and does not save what comes.
async fn renew_unsaved(
    store: &Moody,
    clock: &auth_sandbox::SandboxClock,
    session: &Session<Vendor>,
) {
    store.failing_saves.store(3, Ordering::SeqCst);
    let trying = tokio::spawn({
        let session = session.clone();
        async move { session.renew().await.map(drop) }
    });
    // The pauses between three tries to save.
    for _ in 0..2 {
        clock.until_sleeping(1).await;
        clock.advance(Duration::from_secs(1));
    }
    trying.await.unwrap().unwrap();
    assert!(matches!(session.state(), State::Unsaved { .. }));
    until(|| store.is_marked()).await;
}

#[tokio::test]
async fn what_another_process_saves_ends_the_failure_to_save() {
    let store = Moody::new();
    let (_, clock, session) = with_store(&store);
    renew_unsaved(&store, &clock, &session).await;
    store.tell(&living(60, &clock).with_generation(2));
    assert_eq!(session.state(), State::Fresh);
}

#[tokio::test]
async fn a_save_of_another_processes_token_does_not_clear_the_mark_that_this_session_left_before() {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    renew_unsaved(&store, &clock, &session).await;
    // Another process saved one which has ended, and renewed it, and could not save that.
    let now = clock.now().wall();
    put(&store, token(60, Expiry::At(now), now).with_generation(3)).await;
    vendor.fail(ErrorKind::Unavailable);
    session.renew().await.unwrap_err();
    until(|| store.is_marked()).await;
    session.save().await.unwrap();
    assert!(store.is_marked());
}

#[tokio::test]
async fn a_save_of_what_the_store_holds_does_not_clear_another_processes_mark() {
    let store = Moody::new();
    let (_, _, session) = with_store(&store);
    session.headers().await.unwrap();
    store.is_abandoned.store(true, Ordering::SeqCst);
    session.save().await.unwrap();
    assert!(store.is_marked());
}

#[tokio::test]
async fn a_save_in_whose_place_the_store_keeps_a_later_token_does_not_clear_that_ones_mark() {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    session.headers().await.unwrap();
    let other = sharing(&vendor, &store);
    other.headers().await.unwrap();
    other.renew().await.unwrap();
    // The other session renews once more, and cannot save it.
    clock.advance(Duration::from_secs(1));
    store.is_abandoned.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Store);
        assert!(matches!(session.state(), State::Unsaved { .. }));
        assert!(store.is_marked());
    }
}

#[tokio::test]
async fn a_log_in_that_was_counted_is_not_counted_lower_when_the_store_is_emptied() {
    let store = Moody::new();
    let (_, clock, session) = with_store(&store);
    put(&store, living(60, &clock).with_generation(8)).await;
    store.is_emptied.store(true, Ordering::SeqCst);
    session.set_token(living(6, &clock)).await.unwrap();
    assert_eq!(store.saves(), 2);
    assert_eq!(stored(&store).generation(), 9);
}

#[tokio::test]
async fn a_log_in_that_is_not_counted_yet_is_not_replaced_by_what_others_have_saved() {
    let store = Moody::new();
    let (_, clock, session) = with_store(&store);
    store.is_down.store(true, Ordering::SeqCst);
    session.set_token(living(6, &clock)).await.unwrap();
    assert!(matches!(session.state(), State::Unsaved { .. }));
    clock.advance(Duration::from_secs(60));
    store.tell(&living(60, &clock).with_generation(7));
    assert_eq!(number(&session.try_headers().unwrap()), 6);
    // It is counted when it is saved.
    store.is_down.store(false, Ordering::SeqCst);
    put(&store, living(60, &clock).with_generation(7)).await;
    session.save().await.unwrap();
    assert_eq!(stored(&store).generation(), 8);
    assert_eq!(session.state(), State::Fresh);
}

#[tokio::test]
async fn a_log_in_that_is_counted_while_it_is_renewed_does_not_replace_the_renewed_token() {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    store.is_down.store(true, Ordering::SeqCst);
    session.set_token(living(6, &clock)).await.unwrap();
    store.is_down.store(false, Ordering::SeqCst);
    clock.advance(LIFETIME.mul_f64(0.93));
    vendor.hold();
    session.headers().await.unwrap();
    vendor.until_calls(1).await;
    session.save().await.unwrap();
    assert_eq!(stored(&store).generation(), 1);
    vendor.release();
    assert_eq!(settled(&session).await, State::Fresh);
    assert_eq!(number(&session.headers().await.unwrap()), 1);
    assert_eq!(stored(&store).generation(), 2);
    assert_eq!(
        stored(&store).fingerprint(),
        living(1, &clock).fingerprint()
    );
}

#[tokio::test]
async fn the_mark_of_a_holder_that_never_returns_is_believed_three_times() {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    session.headers().await.unwrap();
    clock.advance(LIFETIME);
    store.is_abandoned.store(true, Ordering::SeqCst);
    for expected in [
        Some(ErrorKind::OutcomeUnknown),
        // It returned.
        None,
        Some(ErrorKind::OutcomeUnknown),
        Some(ErrorKind::OutcomeUnknown),
        Some(ErrorKind::OutcomeUnknown),
        Some(ErrorKind::TokenRejected),
    ] {
        let Some(expected) = expected else {
            session.headers().await.unwrap();
            clock.advance(LIFETIME);
            store.is_abandoned.store(true, Ordering::SeqCst);
            continue;
        };
        vendor.refuse(ErrorKind::TokenRejected);
        let error = session.headers().await.unwrap_err();
        assert_eq!(error.kind(), expected);
        clock.advance(Duration::from_secs(60));
    }
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    until(|| !store.is_marked()).await;
}

#[tokio::test]
async fn a_stored_token_that_fits_into_no_header_does_not_keep_a_session_from_renewing() {
    for is_known in [false, true] {
        let store = Moody::new();
        let (vendor, clock, session) = with_store(&store);
        if is_known {
            session.headers().await.unwrap();
            clock.advance(LIFETIME);
        }
        let now = clock.now().wall();
        let broken = Token::new("a\nb".into(), Expiry::after(now, LIFETIME), now);
        put(&store, broken.with_generation(u64::MAX - 1)).await;
        let renewed = 1 + usize::from(is_known);
        assert_eq!(number(&session.headers().await.unwrap()), renewed);
        assert_eq!(vendor.calls(), renewed);
        assert_eq!(stored(&store).generation(), u64::MAX);
        // From the token that it has, rather than from the broken one.
        assert_eq!(
            vendor.seen_by(&session).await.unwrap(),
            format!("token-{renewed}")
        );
    }
}

#[tokio::test]
async fn while_the_store_is_down_a_valid_token_is_used() {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    session.headers().await.unwrap();
    store.is_down.store(true, Ordering::SeqCst);
    clock.advance(LIFETIME - Duration::from_secs(2));
    for _ in 0..3 {
        assert_eq!(number(&session.headers().await.unwrap()), 1);
        settled(&session).await;
    }
    clock.advance(Duration::from_secs(60));
    assert_eq!(
        session.headers().await.unwrap_err().kind(),
        ErrorKind::Store
    );
    assert_eq!(vendor.calls(), 1);
    store.is_down.store(false, Ordering::SeqCst);
    clock.advance(Duration::from_secs(120));
    assert_eq!(number(&session.headers().await.unwrap()), 2);
}

#[tokio::test]
async fn a_token_that_ended_is_renewed_without_the_lease_only_where_that_is_allowed() {
    let store = Moody::new();
    let (vendor, clock, _) = Vendor::with_session();
    let session = vendor
        .session()
        .store_as(store.clone(), key())
        .renew_without_lease()
        .build()
        .unwrap();
    session.headers().await.unwrap();
    store.is_down.store(true, Ordering::SeqCst);
    // Due, and still valid: another session may renew as well.
    clock.advance(LIFETIME - Duration::from_secs(2));
    session.headers().await.unwrap();
    assert!(matches!(settled(&session).await, State::Failing { .. }));
    assert_eq!(vendor.calls(), 1);
    clock.advance(Duration::from_secs(60));
    let caller = tokio::spawn({
        let session = session.clone();
        async move { number(&session.headers().await.unwrap()) }
    });
    // The pauses between three tries to save.
    for _ in 0..2 {
        clock.until_sleeping(1).await;
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(caller.await.unwrap(), 2);
    let State::RenewedWithoutLease { reason } = session.state() else {
        panic!("{session:?}")
    };
    assert_eq!(
        reason.to_string(),
        "the store is down; the token is not saved either: the store is down"
    );
    store.is_down.store(false, Ordering::SeqCst);
    session.save().await.unwrap();
    let State::RenewedWithoutLease { reason } = session.state() else {
        panic!("{session:?}")
    };
    assert_eq!(reason.to_string(), "the store is down");
    // A log-in is a token of its own.
    session.set_token(living(60, &clock)).await.unwrap();
    assert_eq!(session.state(), State::Fresh);
    clock.advance(LIFETIME);
    assert_eq!(number(&session.headers().await.unwrap()), 3);
    assert_eq!(session.state(), State::Fresh);
    assert_eq!(stored(&store).generation(), 4);
}

#[tokio::test]
async fn what_others_save_is_used_at_once_where_the_store_tells() {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    session.headers().await.unwrap();
    store.tell(&living(60, &clock).with_generation(2));
    assert_eq!(number(&session.try_headers().unwrap()), 60);
    // Neither an older one nor one that has ended.
    store.tell(&living(59, &clock).with_generation(1));
    let now = clock.now().wall();
    store.tell(&token(61, Expiry::At(now), now).with_generation(3));
    assert_eq!(number(&session.try_headers().unwrap()), 60);
    // A log-in elsewhere ends a failure here.
    vendor.refuse(ErrorKind::TokenRejected);
    session.renew().await.unwrap_err();
    session.invalidate(&session.auth_headers().await.unwrap());
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    store.tell(&living(62, &clock).with_generation(4));
    assert_eq!(number(&session.try_headers().unwrap()), 62);
    assert_eq!(vendor.calls(), 3);
    session.log_out().await.unwrap();
    store.tell(&living(63, &clock).with_generation(5));
    assert_eq!(session.try_headers(), None);
}

/// Occupies the thread on which all renewals run.
struct Blocker {
    begun: mpsc::Sender<()>,
    go: Mutex<mpsc::Receiver<()>>,
}

impl Renew for Blocker {
    type Error = Error;

    async fn renew(&self, _: Option<&Token>, _: Reason) -> Result<Token, Error> {
        self.begun.send(()).unwrap();
        self.go.lock().unwrap().recv().unwrap();
        Err(Error::new(ErrorKind::Unavailable, "only in the way"))
    }

    fn headers(&self, _: &Token) -> Result<Vec<Header>, Error> {
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn what_others_save_before_a_renewal_is_under_way_takes_its_place() {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    session.headers().await.unwrap();
    let (begun, has_begun) = mpsc::channel();
    let (go, gone) = mpsc::channel();
    let go_on = Mutex::new(gone);
    let blocker = Session::builder(Blocker { begun, go: go_on })
        .build()
        .unwrap();
    let mut in_the_way = Box::pin(blocker.headers());
    assert!((&mut in_the_way).now_or_never().is_none());
    has_begun.recv().unwrap();

    clock.advance(LIFETIME);
    let mut waiting = Box::pin(session.headers());
    assert!(
        (&mut waiting).now_or_never().is_none(),
        "decided, not begun"
    );
    let theirs = living(60, &clock).with_generation(2);
    put(&store, theirs.clone()).await;
    store.tell(&theirs);
    go.send(()).unwrap();
    assert_eq!(number(&waiting.await.unwrap()), 60);
    assert_eq!(vendor.calls(), 1);
    assert!(in_the_way.await.is_err());
}

#[tokio::test]
async fn a_watching_store_does_not_keep_a_session_alive() {
    let store = Moody::new();
    let (vendor, clock, session) = with_store(&store);
    let handles = vendor.handles();
    drop(session);
    assert_eq!(vendor.handles(), handles - 1);
    store.tell(&living(1, &clock));
}

#[tokio::test]
async fn logging_out_waits_for_a_renewal_of_another_process() {
    let store = Moody::new();
    let (vendor, _, session) = with_store(&store);
    session.headers().await.unwrap();
    let other = sharing(&vendor, &store);
    vendor.hold();
    let renewing = tokio::spawn(async move { other.renew().await.map(|_| ()) });
    vendor.until_calls(2).await;
    let logging_out = tokio::spawn(async move { session.log_out().await });
    // Its own token is gone at once; the other's must not come back after the deletion.
    tokio::task::yield_now().await;
    assert!(!logging_out.is_finished());
    vendor.release();
    renewing.await.unwrap().unwrap();
    logging_out.await.unwrap().unwrap();
    until(|| vendor.calls() == 2).await;
    assert!(store.inner.load(&key()).await.unwrap().is_none());
}
