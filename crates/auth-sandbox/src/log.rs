//! The requests that arrived at the sandbox, for a test to read and to assert on.

mod entry;

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_core::Moment;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use tokio::sync::watch;

use crate::operation;
use crate::vendor::Recognized;

pub use entry::Entry;
pub(crate) use entry::{Message, Outcome};

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

/// How much a log keeps. The default is everything that was sent, and nothing that was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keep {
    /// The most requests. An older one makes place for a newer one.
    pub(crate) entries: usize,
    /// The most bytes of all requests and answers together, about.
    pub(crate) bytes: usize,
    /// The most bytes of one body.
    pub(crate) body: usize,
    pub(crate) answers: bool,
}

impl Default for Keep {
    fn default() -> Self {
        Self {
            entries: usize::MAX,
            bytes: usize::MAX,
            body: usize::MAX,
            answers: false,
        }
    }
}

struct Inner {
    ring: Mutex<Ring>,
    keep: Keep,
    /// The number of the latest request. Notifies also when a request is finished.
    latest: watch::Sender<u64>,
    /// The names of all operations.
    known: Vec<&'static str>,
}

/// The entries, oldest first.
#[derive(Default)]
pub(crate) struct Ring {
    pub(crate) entries: VecDeque<Entry>,
    /// Counts all changes of all entries.
    pub(crate) revision: u64,
    bytes: usize,
}

impl RequestLog {
    pub(crate) fn new(known: Vec<&'static str>, keep: Keep) -> Self {
        let inner = Inner {
            ring: Mutex::default(),
            keep,
            latest: watch::Sender::new(0),
            known,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// A copy of everything in the log.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().entries.iter().cloned().collect()
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
            .entries
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
            .entries
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
            .entries
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
            .entries
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
            .entries
            .iter()
            .any(|entry| entry.outcome == Outcome::Pending)
        {
            // It cannot fail: `self` keeps the sender alive.
            let _ = latest.changed().await;
        }
    }

    /// Forgets everything that arrived so far.
    pub fn clear(&self) {
        let mut ring = self.lock();
        ring.entries.clear();
        ring.bytes = 0;
    }

    /// Changes when a request arrives or is finished.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.inner.latest.subscribe()
    }

    pub(crate) fn keeps_answers(&self) -> bool {
        self.inner.keep.answers
    }

    /// Headers and body, no longer than the log keeps them.
    pub(crate) fn message(&self, headers: &HeaderMap, body: &[u8]) -> Message {
        let kept = &body[..body.len().min(self.inner.keep.body)];
        Message {
            headers: headers.clone(),
            body: String::from_utf8_lossy(kept).into_owned(),
            length: body.len(),
        }
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
            let entry = Entry {
                id,
                revision: 0,
                operation: recognized.operation,
                shown_path: recognized.shown_path,
                method: parts.method.to_string(),
                path: parts.uri.path().to_owned(),
                query: parts.uri.query().map(str::to_owned),
                sent: self.message(&parts.headers, body),
                answer: None,
                outcome: Outcome::Pending,
                fault: None,
                hint: None,
                moment,
                connection,
            };
            self.lock().push(entry, self.inner.keep);
        });
        id
    }

    pub(crate) fn faulted(&self, id: u64, fault: String) {
        self.change(id, |entry| entry.fault = Some(fault));
    }

    pub(crate) fn finished(
        &self,
        id: u64,
        outcome: Outcome,
        hint: Option<String>,
        answer: Option<Message>,
    ) {
        self.change(id, |entry| {
            entry.outcome = outcome;
            entry.hint = hint;
            entry.answer = answer;
        });
        self.inner.latest.send_modify(|_| ());
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut Entry)) {
        let mut ring = self.lock();
        let Ring {
            entries,
            revision,
            bytes,
        } = &mut *ring;
        // The entry is gone if the test has cleared the log meanwhile.
        if let Some(entry) = entries.iter_mut().rfind(|entry| entry.id == id) {
            let before = entry.size();
            change(entry);
            *revision += 1;
            entry.revision = *revision;
            *bytes = *bytes - before + entry.size();
        }
        ring.shrink(self.inner.keep);
    }

    fn list(&self) -> String {
        let entries = &self.lock().entries;
        if entries.is_empty() {
            return " nothing".to_owned();
        }
        entries.iter().fold(String::new(), |mut list, entry| {
            // Writing to a string cannot fail.
            let _ = write!(list, "\n  {entry}");
            list
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Ring> {
        self.inner
            .ring
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn push(&mut self, mut entry: Entry, keep: Keep) {
        self.revision += 1;
        entry.revision = self.revision;
        self.bytes += entry.size();
        self.entries.push_back(entry);
        self.shrink(keep);
    }

    fn shrink(&mut self, keep: Keep) {
        while self.entries.len() > keep.entries || self.bytes > keep.bytes {
            let Some(oldest) = self.entries.pop_front() else {
                return;
            };
            self.bytes -= oldest.size();
        }
    }
}

impl fmt::Debug for RequestLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.lock().entries).finish()
    }
}
