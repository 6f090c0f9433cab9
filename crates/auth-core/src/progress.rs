//! What a renewal has asked so far, for the event that tells of its end.

use std::cell::RefCell;
use std::sync::Arc;

tokio::task_local! {
    static PROGRESS: RefCell<Progress>;
}

/// The last thing that a renewal began, and how much it sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// The vendor's call, or the store's.
    pub(crate) operation: &'static str,
    /// Where the call went; `None` for a store.
    pub(crate) host: Option<Arc<str>>,
    /// How many requests were sent.
    pub(crate) attempts: u64,
}

/// Runs `renewal`, and tells what it asked.
pub(crate) async fn noting<T>(renewal: impl Future<Output = T>) -> (T, Progress) {
    let noting = async {
        let outcome = renewal.await;
        let progress = PROGRESS.with(RefCell::take);
        (outcome, progress)
    };
    PROGRESS.scope(RefCell::default(), noting).await
}

/// The renewal that calls this begins `operation`. Outside a renewal nothing takes note.
pub(crate) fn began(operation: &'static str, host: Option<&Arc<str>>) {
    let _ = PROGRESS.try_with(|progress| {
        let mut progress = progress.borrow_mut();
        progress.operation = operation;
        progress.host = host.cloned();
    });
}

/// The renewal that calls this sends a request.
pub(crate) fn sent() {
    let _ = PROGRESS.try_with(|progress| progress.borrow_mut().attempts += 1);
}
