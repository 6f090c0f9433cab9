//! The requests that arrived at the sandbox, for a test to read and to assert on.

mod entry;

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_core::Moment;
use axum::http::request::Parts;
use tokio::sync::watch;

use crate::operation;
use crate::vendor::Recognized;

pub use entry::Entry;
pub(crate) use entry::Outcome;

/// The requests that arrived at a sandbox, in the order of their arrival. Clones are the same log.
///
/// A request is in the log from the moment it has been read: before faults delay it, and whether
/// or not it is ever answered.
///
/// [`Debug`](fmt::Debug) and the messages of the assertions show no header, query or body, which may
/// hold secrets. The getters of [`Entry`] do, since tests check what was sent.
#[derive(Clone)]
pub struct RequestLog {
    inner: Arc<Inner>,
}

struct Inner {
    entries: Mutex<Vec<Entry>>,
    /// The number of the latest request. Notifies also when a request is finished.
    latest: watch::Sender<u64>,
    /// The names of all operations.
    known: Vec<&'static str>,
}

impl RequestLog {
    pub(crate) fn new(known: Vec<&'static str>) -> Self {
        let inner = Inner {
            entries: Mutex::default(),
            latest: watch::Sender::new(0),
            known,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// A copy of everything in the log.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    /// The requests of one operation, such as `"iqm.refresh"`.
    ///
    /// # Panics
    ///
    /// If there is no such operation: a misspelt name would never be found, and the test could not
    /// fail.
    #[track_caller]
    pub fn entries_of(&self, operation: &str) -> Vec<Entry> {
        operation::assert_known(operation, &self.inner.known);
        self.lock()
            .iter()
            .filter(|entry| entry.operation == operation)
            .cloned()
            .collect()
    }

    /// The latest request of one operation.
    ///
    /// # Panics
    ///
    /// As [`entries_of`](Self::entries_of).
    #[track_caller]
    pub fn last(&self, operation: &str) -> Option<Entry> {
        operation::assert_known(operation, &self.inner.known);
        self.lock()
            .iter()
            .rfind(|entry| entry.operation == operation)
            .cloned()
    }

    /// How many requests of one operation arrived.
    ///
    /// # Panics
    ///
    /// As [`entries_of`](Self::entries_of).
    #[track_caller]
    pub fn count(&self, operation: &str) -> usize {
        operation::assert_known(operation, &self.inner.known);
        self.lock()
            .iter()
            .filter(|entry| entry.operation == operation)
            .count()
    }

    /// Asserts that exactly `expected` requests of one operation arrived.
    ///
    /// # Panics
    ///
    /// If it was another number, with a list of everything that arrived. Also as
    /// [`entries_of`](Self::entries_of).
    #[track_caller]
    #[allow(clippy::panic, reason = "an assertion")]
    pub fn assert_count(&self, operation: &str, expected: usize) {
        let count = self.count(operation);
        if count != expected {
            let list = self.list();
            panic!("expected {expected} x {operation}, but {count} arrived. In the log:{list}");
        }
    }

    /// Asserts that no request was malformed: that no answer carried the hint header.
    ///
    /// # Panics
    ///
    /// If an answer did, with a list of everything that arrived.
    #[track_caller]
    #[allow(clippy::panic, reason = "an assertion")]
    pub fn assert_no_hints(&self) {
        let hints = self
            .lock()
            .iter()
            .filter(|entry| entry.hint.is_some())
            .count();
        if hints > 0 {
            let list = self.list();
            panic!("expected no hint, but {hints} answers carried one. In the log:{list}");
        }
    }

    /// Completes when at least `count` requests of one operation have arrived.
    ///
    /// # Panics
    ///
    /// As [`entries_of`](Self::entries_of).
    pub async fn until_count(&self, operation: &str, count: usize) {
        let mut latest = self.inner.latest.subscribe();
        while self.count(operation) < count {
            // It cannot fail: `self` keeps the sender alive.
            let _ = latest.changed().await;
        }
    }

    /// Completes when each request in the log has been answered or cut.
    ///
    /// A request whose client has gone away is finished, too.
    pub async fn until_settled(&self) {
        let mut latest = self.inner.latest.subscribe();
        while self
            .lock()
            .iter()
            .any(|entry| entry.outcome == Outcome::Pending)
        {
            // It cannot fail: `self` keeps the sender alive.
            let _ = latest.changed().await;
        }
    }

    /// Forgets everything that arrived so far.
    pub fn clear(&self) {
        self.lock().clear();
    }

    pub(crate) fn arrived(
        &self,
        recognized: Recognized,
        parts: &Parts,
        body: &[u8],
        moment: Moment,
        connection: u64,
    ) -> u64 {
        let mut id = 0;
        self.inner.latest.send_modify(|latest| {
            *latest += 1;
            id = *latest;
            self.lock().push(Entry {
                id,
                operation: recognized.operation,
                shown_path: recognized.shown_path,
                method: parts.method.to_string(),
                path: parts.uri.path().to_owned(),
                query: parts.uri.query().map(str::to_owned),
                headers: parts.headers.clone(),
                body: String::from_utf8_lossy(body).into_owned(),
                outcome: Outcome::Pending,
                fault: None,
                hint: None,
                moment,
                connection,
            });
        });
        id
    }

    pub(crate) fn faulted(&self, id: u64, fault: String) {
        self.change(id, |entry| entry.fault = Some(fault));
    }

    pub(crate) fn finished(&self, id: u64, outcome: Outcome, hint: Option<String>) {
        self.change(id, |entry| {
            entry.outcome = outcome;
            entry.hint = hint;
        });
        self.inner.latest.send_modify(|_| ());
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut Entry)) {
        // The entry is gone if the test has cleared the log meanwhile.
        if let Some(entry) = self.lock().iter_mut().rfind(|entry| entry.id == id) {
            change(entry);
        }
    }

    fn list(&self) -> String {
        let entries = self.lock();
        if entries.is_empty() {
            return " nothing".to_owned();
        }
        entries.iter().fold(String::new(), |mut list, entry| {
            // Writing to a string cannot fail.
            let _ = write!(list, "\n  {entry}");
            list
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.inner
            .entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for RequestLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lock().iter()).finish()
    }
}
