//! What belongs to one process: threads, and what they serve.
//!
//! A child process made by `fork()` has a copy of its parent's memory and none of its threads. What the
//! parent's threads served does not answer there, and its connections are the parent's: so the child
//! makes its own.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use auth_core::Error;

/// A value that each process makes when it needs it.
pub(crate) struct PerProcess<T>(ArcSwapOption<Made<T>>);

struct Made<T> {
    process: u32,
    value: T,
}

impl<T: Clone> PerProcess<T> {
    /// The value of this process. Of two that are made at once, both work, and one stays.
    // Without a lock: one that another thread holds while the process forks stays locked in the child.
    pub(crate) fn get(&self, make: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let process = std::process::id();
        if let Some(present) = &*self.0.load()
            && present.process == process
        {
            return Ok(present.value.clone());
        }
        let value = make()?;
        let present = Made {
            process,
            value: value.clone(),
        };
        forget_inherited(self.0.swap(Some(Arc::new(present))));
        Ok(value)
    }
}

impl<T> Default for PerProcess<T> {
    fn default() -> Self {
        Self(ArcSwapOption::empty())
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        forget_inherited(self.0.swap(None));
    }
}

/// Dropping it would wake the parent's threads, or wait for a lock that one of them held.
fn forget_inherited<T>(made: Option<Arc<Made<T>>>) {
    if made
        .as_ref()
        .is_some_and(|it| it.process != std::process::id())
    {
        std::mem::forget(made);
    }
}
