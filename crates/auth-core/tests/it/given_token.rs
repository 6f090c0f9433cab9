//! A session that is built with a token: whose it is, and what of it is in the store.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use auth_core::{
    AuthHeaders, Clock as _, Error, ErrorKind, Expiry, ExposeSecret as _, Header, MemoryStore,
    Reason, Renew, Session, State, StoreKey, Token, TokenStore,
};

use tokio::sync::Semaphore;

use crate::moody::{Moody, key, put};
use crate::vendor::{LIFETIME, Vendor, number, settled, token, until};

fn issued(number: usize, at: SystemTime) -> Token {
    token(number, Expiry::after(at, LIFETIME), at)
}

/// A session with a store, built with `given`.
fn with(vendor: &Vendor, store: &Moody, given: Token) -> Session<Vendor> {
    let builder = vendor.session().key(key()).token(given);
    builder.store(store.clone()).build().unwrap()
}

async fn stored(store: &Moody) -> Option<Token> {
    store.inner.load(&key()).await.unwrap()
}

/// Until the store's answer has come: a lease is free again only then.
async fn until_saved(store: &Moody) {
    drop(store.inner.lease(&key()).await.unwrap());
}

#[tokio::test]
async fn a_given_token_is_saved_and_the_next_start_resumes_from_it() {
    let (vendor, clock, _) = Vendor::with_session();
    let store = Moody::new();
    let session = with(&vendor, &store, issued(7, clock.now().wall()));
    until(|| store.saves() == 1).await;
    until_saved(&store).await;
    assert_eq!(stored(&store).await.unwrap().generation(), 1);
    assert_eq!(number(&session.headers().await.unwrap()), 7);

    let resumed = vendor.session().key(key()).store(Arc::new(store)).build();
    assert_eq!(number(&resumed.unwrap().headers().await.unwrap()), 7);
    assert_eq!(vendor.calls(), 0);
}

#[tokio::test]
async fn a_given_token_does_not_replace_what_it_was_renewed_to() {
    let (vendor, clock, _) = Vendor::with_session();
    let given = issued(7, clock.now().wall());
    clock.advance(Duration::from_secs(60));
    let renewed = issued(8, clock.now().wall()).with_generation(3);
    let same = given.clone().with_refresh(Some("next".into()));
    for (before, number_of_headers) in [(renewed, 8), (same.with_generation(2), 7)] {
        let store = Moody::new();
        put(&store, before.clone()).await;
        let session = with(&vendor, &store, given.clone());
        // Built with the given token, it continues with the other one as soon as the store tells.
        let generation = |headers: &AuthHeaders| headers.token().generation();
        while generation(&session.auth_headers().await.unwrap()) != before.generation() {
            tokio::task::yield_now().await;
        }
        assert_eq!(number(&session.headers().await.unwrap()), number_of_headers);
        until_saved(&store).await;
        assert_eq!(store.saves(), 0);
        let stored = stored(&store).await.unwrap();
        assert_eq!(stored.generation(), before.generation());
        let refresh = |token: &Token| token.refresh().map(|it| it.expose_secret().to_owned());
        assert_eq!(refresh(&stored), refresh(&before));
    }
    assert_eq!(vendor.calls(), 0);
}

#[tokio::test]
async fn a_given_token_replaces_an_older_one_and_a_permanent_one_replaces_any() {
    let (vendor, clock, _) = Vendor::with_session();
    let old = issued(1, clock.now().wall()).with_generation(4);
    clock.advance(Duration::from_secs(60));
    let permanent = token(7, Expiry::Never, SystemTime::UNIX_EPOCH);
    for given in [issued(7, clock.now().wall()), permanent] {
        let store = Moody::new();
        put(&store, old.clone()).await;
        let session = with(&vendor, &store, given);
        until(|| store.saves() == 1).await;
        until_saved(&store).await;
        let stored = stored(&store).await.unwrap();
        assert_eq!(stored.generation(), 5);
        assert_eq!(stored.access().expose_secret(), "token-7");
        assert_eq!(number(&session.headers().await.unwrap()), 7);
    }
}

#[tokio::test]
async fn a_given_token_that_cannot_be_saved_is_used_and_the_state_says_so() {
    let (vendor, clock, _) = Vendor::with_session();
    let store = Moody::new();
    store
        .is_down
        .store(true, std::sync::atomic::Ordering::SeqCst);
    let session = with(&vendor, &store, issued(7, clock.now().wall()));
    let mut states = session.states();
    while !matches!(states.next().await.unwrap(), State::Unsaved { .. }) {}
    assert_eq!(number(&session.headers().await.unwrap()), 7);
}

#[tokio::test]
async fn a_renewal_that_begins_at_once_supersedes_the_given_token() {
    for _ in 0..50 {
        let (vendor, clock, _) = Vendor::with_session();
        let given = issued(7, clock.now().wall());
        clock.advance(LIFETIME * 2);
        let store = Moody::new();
        let session = with(&vendor, &store, given);
        assert_eq!(number(&session.headers().await.unwrap()), 1);
        until_saved(&store).await;
        assert_eq!(settled(&session).await, State::Fresh);
        let stored = stored(&store).await.unwrap();
        assert_eq!(stored.access().expose_secret(), "token-1");
    }
}

#[tokio::test]
async fn a_token_of_another_account_is_refused_at_once() {
    let (vendor, clock, _) = Vendor::with_session();
    let theirs = issued(7, clock.now().wall()).with_account("bob@example.com");
    let error = vendor.session().key(key()).token(theirs.clone()).build();
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidConfig);

    let store = MemoryStore::new();
    let builder = vendor.session().key(key()).store(store.clone());
    let session = builder.build().unwrap();
    let error = session.set_token(theirs).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert_eq!(store.list().await.unwrap(), []);
    let own = issued(8, clock.now().wall()).with_account(key().account);
    session.set_token(own).await.unwrap();
    assert_eq!(number(&session.headers().await.unwrap()), 8);
    assert_eq!(store.list().await.unwrap(), [key()]);

    // Nor is one taken over from a store, where a program has chosen one key for two accounts.
    let theirs = issued(9, clock.now().wall()).with_account("bob@example.com");
    let store = Moody::new();
    put(&store, theirs.clone()).await;
    let builder = vendor.session().key(key()).store(store.clone());
    let session = builder.build().unwrap();
    let error = session.headers().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    store.tell(&theirs);
    assert_eq!(session.try_headers(), None);
}

#[tokio::test]
async fn a_token_with_white_space_around_it_is_used_and_one_that_cannot_be_sent_is_invalid() {
    let (vendor, clock, session) = Vendor::with_session();
    let given = |text: &str| Token::new(text.into(), Expiry::Never, clock.now().wall());
    let pasted = vendor.session().token(given(" token-7\r\n")).build();
    assert_eq!(number(&pasted.unwrap().headers().await.unwrap()), 7);
    for unsendable in ["token\n-7", "", "\n"] {
        let token = given(unsendable);
        let error = vendor.session().token(token.clone()).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{unsendable:?}");
        let error = session.set_token(token).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{unsendable:?}");
    }
    assert_eq!(vendor.calls(), 0);
}

/// Issues what no header can carry.
struct Garbling;

impl Renew for Garbling {
    type Error = Error;

    async fn renew(&self, _: Option<&Token>, _: Reason) -> Result<Token, Error> {
        Ok(Token::new("a\nb".into(), Expiry::Never, SystemTime::now()))
    }

    fn headers(&self, token: &Token) -> Result<Vec<Header>, Error> {
        let name = http::header::AUTHORIZATION;
        Ok(vec![Header::new(name, token.access())?])
    }
}

#[tokio::test]
async fn a_token_that_the_vendor_issued_and_that_cannot_be_sent_is_the_vendors_fault() {
    let session = Session::builder(Garbling).build().unwrap();
    let error = session.headers().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("the vendor issued"), "{error}");
}

#[tokio::test]
async fn a_given_token_that_is_refused_is_not_called_one_that_the_vendor_issued() {
    let (vendor, clock, _) = Vendor::with_session();
    let given = issued(7, clock.now().wall());
    let session = vendor.session().token(given).build().unwrap();
    for number_of_token in [7, 1] {
        let refused = session.auth_headers().await.unwrap();
        assert_eq!(number(&refused.headers()), number_of_token);
        session.invalidate(&refused);
    }
    let error = session.headers().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the vendor refuses every new token of this session"
    );
}

#[tokio::test]
async fn a_token_that_is_refused_leaves_the_session_its_own() {
    let (vendor, clock, session) = Vendor::with_session();
    session.headers().await.unwrap();
    let ended = clock.now().wall() - LIFETIME * 2;
    let error = session.set_token(issued(7, ended)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!(number(&session.headers().await.unwrap()), 1);
    // What the next renewal starts from is still the token before.
    assert_eq!(vendor.seen_by(&session).await.as_deref(), Some("token-1"));
}

#[tokio::test]
async fn the_highest_generation_in_a_store_overflows_nothing() {
    let (vendor, clock, _) = Vendor::with_session();
    let store = Moody::new();
    let ended = clock.now().wall() - LIFETIME * 2;
    put(&store, issued(7, ended).with_generation(u64::MAX)).await;
    let session = vendor.session().key(key()).store(store).build().unwrap();
    assert_eq!(number(&session.headers().await.unwrap()), 1);
    session
        .set_token(issued(8, clock.now().wall()))
        .await
        .unwrap();
    assert_eq!(number(&session.headers().await.unwrap()), 8);
}

#[test]
fn a_store_without_a_key_and_a_key_without_a_store_are_refused() {
    let (vendor, ..) = Vendor::with_session();
    let builder = || vendor.session().store(MemoryStore::new());
    let error = builder().build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("store_as"), "{error}");
    let other = StoreKey {
        scope: "mine".to_owned(),
        ..key()
    };
    builder()
        .store_as(MemoryStore::new(), other)
        .build()
        .unwrap();

    let error = vendor.session().key(key()).needs_store().build();
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("needs a store"), "{error}");
}

#[tokio::test]
async fn a_stored_token_that_fits_into_no_header_does_not_take_the_place_of_a_given_one() {
    let (vendor, clock, _) = Vendor::with_session();
    let given = issued(7, clock.now().wall());
    clock.advance(Duration::from_secs(60));
    let now = clock.now().wall();
    let broken = Token::new("a\nb".into(), Expiry::after(now, LIFETIME), now);
    let store = Moody::new();
    put(&store, broken.with_generation(3)).await;
    let session = with(&vendor, &store, given);
    until(|| store.saves() == 1).await;
    until_saved(&store).await;
    let stored = stored(&store).await.unwrap();
    assert_eq!(stored.access().expose_secret(), "token-7");
    assert_eq!(stored.generation(), 4);
    assert_eq!(vendor.seen_by(&session).await.unwrap(), "token-7");
}

#[tokio::test]
async fn a_given_token_that_was_counted_meanwhile_is_not_replaced_by_an_earlier_one() {
    let (vendor, clock, _) = Vendor::with_session();
    let given = issued(7, clock.now().wall());
    clock.advance(Duration::from_secs(60));
    let store = Moody::new();
    let theirs = issued(8, clock.now().wall());
    put(&store, theirs.with_generation(3)).await;
    let held = store.inner.lease(&key()).await.unwrap();
    store.gate.forget_permits(Semaphore::MAX_PERMITS);
    store.load_gate.forget_permits(Semaphore::MAX_PERMITS);
    let session = with(&vendor, &store, given);
    let saving = tokio::spawn({
        let session = session.clone();
        async move { session.save().await }
    });
    until(|| store.loads() == 1).await;
    drop(held);
    // The program's save counts it as the fourth, and waits in the store. The first save waits for that one.
    store.load_gate.add_permits(1);
    until(|| store.saves() == 1).await;
    store.load_gate.add_permits(100);
    store.gate.add_permits(100);
    saving.await.unwrap().unwrap();
    until_saved(&store).await;
    assert_eq!(stored(&store).await.unwrap().generation(), 4);
    assert_eq!(number(&session.headers().await.unwrap()), 7);
}
