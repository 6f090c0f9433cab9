//! The faults that have not happened yet.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Fault, Gate, Left};

#[derive(Default)]
pub(crate) struct Queue {
    faults: Mutex<Vec<Fault>>,
    latest: AtomicU64,
    /// The gates of faults that were queued without a test that holds them, by the fault's number.
    gates: Mutex<BTreeMap<u64, Arc<Gate>>>,
}

impl Queue {
    pub(crate) fn push(&self, fault: Fault) {
        self.push_with(fault, None);
    }

    /// Queues a fault, and keeps its gate until [`open`](Self::open). Returns the fault's number. The
    /// first is 1.
    pub(crate) fn push_with(&self, mut fault: Fault, gate: Option<Gate>) -> u64 {
        let id = self.latest.fetch_add(1, Ordering::Relaxed) + 1;
        fault.id = id;
        if let Some(gate) = gate {
            self.keep(id, gate);
        }
        self.lock().push(fault);
        id
    }

    /// Takes the faults of another queue, and the number of its latest one.
    pub(crate) fn restore(&self, faults: impl IntoIterator<Item = (u64, Fault)>, latest: u64) {
        let faults = faults.into_iter().map(|(id, fault)| Fault { id, ..fault });
        self.lock().extend(faults);
        self.latest.store(latest, Ordering::Relaxed);
    }

    pub(crate) fn latest(&self) -> u64 {
        self.latest.load(Ordering::Relaxed)
    }

    /// Whether there was such a fault.
    pub(crate) fn remove(&self, id: u64) -> bool {
        let mut faults = self.lock();
        let before = faults.len();
        faults.retain(|fault| fault.id != id);
        let is_removed = faults.len() < before;
        drop(faults);
        self.open(id) || is_removed
    }

    /// Keeps a gate until [`open`](Self::open).
    pub(crate) fn keep(&self, id: u64, gate: Gate) {
        self.gates().insert(id, Arc::new(gate));
    }

    pub(crate) fn gate(&self, id: u64) -> Option<Arc<Gate>> {
        self.gates().get(&id).cloned()
    }

    /// The gates that are closed, by the fault's number, with the calls that have reached them.
    pub(crate) fn held(&self) -> Vec<(u64, usize)> {
        let gates = self.gates();
        gates.iter().map(|(id, gate)| (*id, gate.calls())).collect()
    }

    /// Lets the calls of a fault pass. Whether it had a gate.
    pub(crate) fn open(&self, id: u64) -> bool {
        let gate = self.gates().remove(&id);
        gate.inspect(|gate| gate.release()).is_some()
    }

    /// Lets all calls pass.
    pub(crate) fn open_all(&self) {
        for gate in std::mem::take(&mut *self.gates()).into_values() {
            gate.release();
        }
    }

    fn gates(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Gate>>> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
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
