//! The faults that have not happened yet.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Fault, Left};

#[derive(Default)]
pub(crate) struct Queue {
    faults: Mutex<Vec<Fault>>,
    latest: AtomicU64,
}

impl Queue {
    /// Returns the fault's number. The first is 1.
    pub(crate) fn push(&self, mut fault: Fault) -> u64 {
        let id = self.latest.fetch_add(1, Ordering::Relaxed) + 1;
        fault.id = id;
        self.lock().push(fault);
        id
    }

    /// A copy of the faults that still wait for a call.
    pub(crate) fn pending(&self) -> Vec<Fault> {
        let faults = self.lock();
        let pending = faults.iter().filter(|fault| fault.left.any());
        pending.cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// How many faults still wait for a call.
    pub(crate) fn len(&self) -> usize {
        self.lock().iter().filter(|fault| fault.left.any()).count()
    }

    /// The first fault that matches, used up by one call.
    pub(crate) fn take(&self, operation: &str) -> Option<Fault> {
        let mut faults = self.lock();
        let matches = |fault: &Fault| {
            fault.left.any()
                && fault
                    .operation
                    .as_deref()
                    .is_none_or(|name| name == operation)
        };
        let at = faults.iter().position(matches)?;
        if let Left::Times(left) = &mut faults[at].left {
            *left -= 1;
            if *left == 0 {
                return Some(faults.remove(at));
            }
        }
        Some(faults[at].clone())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Left {
    fn any(self) -> bool {
        !matches!(self, Self::Times(0))
    }
}
