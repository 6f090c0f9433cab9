//! Those who hear that a session's state has changed, beside its own watchers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Is called after each change, under no lock. Returns whether it wants to hear of the next.
pub(super) type Listener = Arc<dyn Fn() -> bool + Send + Sync>;

#[derive(Default)]
pub(super) struct Listeners(Mutex<Vec<Listener>>);

impl Listeners {
    pub(super) fn add(&self, listener: Listener) {
        self.all().push(listener);
    }

    pub(super) fn tell(&self) {
        let all = self.all().clone();
        let over: Vec<_> = all.iter().filter(|listener| !listener()).collect();
        if !over.is_empty() {
            let is_over = |it: &Listener| over.iter().any(|over| Arc::ptr_eq(it, over));
            self.all().retain(|it| !is_over(it));
        }
    }

    fn all(&self) -> MutexGuard<'_, Vec<Listener>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
