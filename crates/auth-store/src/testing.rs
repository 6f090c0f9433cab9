//! The contract of token stores, as a test.

mod rules;
mod samples;
mod suite;

use auth_core::TokenStore;

pub use suite::LONGEST_CALL;
use suite::Suite;

/// Checks that a store does what sessions need.
///
/// `open` returns a new handle to the same storage each time, as another process would have it. Make
/// the store wait for leases for a second or so, because the contract waits until that time is over.
/// The storage need not be empty. The contract deletes what it saves.
///
/// Call it inside a Tokio runtime with time enabled, and with its clock running: a store may have
/// threads of its own. What a store does when a process dies, or when
/// its disk or server fails, needs other tests.
///
/// # Panics
///
/// If the store breaks the contract. The message says which rule, and how.
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// use auth_core::MemoryStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let store = MemoryStore::new().lease_wait(Duration::from_millis(300));
/// auth_store::testing::contract(async || store.clone()).await;
/// # }
/// ```
pub async fn contract<S: TokenStore>(open: impl AsyncFn() -> S) {
    if tokio::runtime::Handle::try_current().is_err() {
        suite::broken(
            "none",
            "it was not checked: call it inside a Tokio runtime with time enabled",
        );
    }
    let suite = Suite::new(open().await, open().await);
    rules::tokens::check(&suite).await;
    rules::keys::check(&suite).await;
    rules::generations::check(&suite).await;
    rules::leases::check(&suite).await;
    rules::watches::check(&suite).await;
}
