//! What the rules share: two handles to the store, and calls that must succeed.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_core::{Error, SaveOutcome, StoreKey, Token, TokenStore};

use super::samples::{short, whole};

/// No call of a store may take longer, waiting for a lease included.
pub const LONGEST_CALL: Duration = Duration::from_secs(200);

/// Two handles to one storage, and a text that is part of all keys of this run.
pub(super) struct Suite<S> {
    pub(super) one: Arc<S>,
    pub(super) other: Arc<S>,
    pub(super) run: String,
}

impl<S: TokenStore> Suite<S> {
    pub(super) fn new(one: S, other: S) -> Self {
        Self {
            one: Arc::new(one),
            other: Arc::new(other),
            run: run(),
        }
    }

    /// A key that no other rule uses.
    pub(super) fn key(&self, rule: &str) -> StoreKey {
        StoreKey {
            vendor: "contract".into(),
            account: format!("{}@{rule}", self.run),
            scope: "200001".into(),
            base_url: "https://contract.example/".into(),
        }
    }
}

/// A different text for each run, in this process and in others.
fn run() -> String {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default().as_nanos();
    format!("{}-{now}-{run}", std::process::id())
}

/// The value of a call, which must succeed in time.
pub(super) async fn done<T>(rule: &str, call: impl Future<Output = Result<T, Error>>) -> T {
    match ended(rule, call).await {
        Ok(value) => value,
        Err(error) => broken(rule, format_args!("the store failed: {error}")),
    }
}

/// The result of a call, which may fail but must end in time.
pub(super) async fn ended<T>(rule: &str, call: impl Future<Output = T>) -> T {
    match tokio::time::timeout(LONGEST_CALL, call).await {
        Ok(value) => value,
        Err(_) => broken(
            rule,
            format_args!("a call has not ended within {LONGEST_CALL:?}"),
        ),
    }
}

#[expect(
    clippy::panic,
    reason = "the contract is a test, and this is how one fails"
)]
pub(super) fn broken(rule: &str, how: impl std::fmt::Display) -> ! {
    panic!("the store breaks the contract: {rule}: {how}")
}

async fn load(rule: &str, store: &impl TokenStore, key: &StoreKey) -> Option<Token> {
    done(rule, store.load(key)).await
}

pub(super) async fn save(
    rule: &str,
    store: &impl TokenStore,
    key: &StoreKey,
    token: &Token,
) -> SaveOutcome {
    done(rule, store.save(key, token)).await
}

/// Saves a token that the store must take.
pub(super) async fn put(rule: &str, store: &impl TokenStore, key: &StoreKey, token: &Token) {
    if save(rule, store, key, token).await == SaveOutcome::Superseded {
        broken(rule, "a token was refused, and none supersedes it");
    }
}

pub(super) async fn delete(rule: &str, store: &impl TokenStore, key: &StoreKey) {
    done(rule, store.delete(key)).await;
}

/// Checks that the store holds `expected` under `key`, and all of it.
pub(super) async fn expect(
    rule: &str,
    store: &impl TokenStore,
    key: &StoreKey,
    expected: Option<&Token>,
) {
    let held = load(rule, store, key).await;
    let (held, expected) = (held.as_ref().map(whole), expected.map(whole));
    if held != expected {
        let [key, held, expected] = [short(key), short(&held), short(&expected)];
        let how = format!("the store holds {held}, and should hold {expected}, under {key}");
        broken(rule, how);
    }
}
