//! The contract that every token store keeps, as a test.

mod rules;
mod samples;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_core::{Error, StoreKey, TokenStore};

/// No call of a store takes longer, waiting for a lease included.
pub const LONGEST_CALL: Duration = Duration::from_secs(200);

/// Checks that a store does what sessions need.
///
/// `open` gives a new handle to one and the same storage each time, as another process would have
/// it. Have the store wait for leases for a second or so, since the contract waits for that to
/// end. The storage need not be empty; what the contract puts there it deletes.
///
/// Runs inside a Tokio runtime with time enabled. What a store does when a process dies, or when
/// its disk or server fails, is for tests of its own.
///
/// # Panics
///
/// Where the store breaks the contract; the message says which rule, and how.
///
/// # Example
///
/// ```
/// use auth_core::MemoryStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # tokio::time::pause();
/// let store = MemoryStore::new();
/// auth_store::testing::contract(async || store.clone()).await;
/// # }
/// ```
pub async fn contract<S: TokenStore>(open: impl AsyncFn() -> S) {
    let suite = Suite {
        one: Arc::new(open().await),
        other: Arc::new(open().await),
        run: run(),
    };
    rules::tokens::check(&suite).await;
    rules::keys::check(&suite).await;
    rules::generations::check(&suite).await;
    rules::leases::check(&suite).await;
    rules::watches::check(&suite).await;
}

/// Two handles to one storage, and what tells this run's keys from others.
struct Suite<S> {
    one: Arc<S>,
    other: Arc<S>,
    run: String,
}

impl<S: TokenStore> Suite<S> {
    /// A key that no other rule uses.
    fn key(&self, rule: &str) -> StoreKey {
        StoreKey {
            vendor: "contract".into(),
            account: format!("{}@{rule}", self.run),
            scope: "200001".into(),
            base_url: "https://contract.example/".into(),
        }
    }
}

/// Another text for each run, in this process and in others.
fn run() -> String {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default().as_nanos();
    format!("{}-{now}-{run}", std::process::id())
}

/// What a call must give, and in time.
async fn done<T>(rule: &str, call: impl Future<Output = Result<T, Error>>) -> T {
    match ended(rule, call).await {
        Ok(value) => value,
        Err(error) => broken(rule, format_args!("the store failed: {error}")),
    }
}

/// A call that may fail, but ends in time.
async fn ended<T>(rule: &str, call: impl Future<Output = T>) -> T {
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
fn broken(rule: &str, how: impl std::fmt::Display) -> ! {
    panic!("the store breaks the contract: {rule}: {how}")
}
