//! What the model test of sessions takes the place of: chance, and the thread of renewals.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::runtime::Handle;

thread_local! {
    static CHANCE: RefCell<Option<Random>> = const { RefCell::new(None) };
    static HAS_NO_THREADS: Cell<bool> = const { Cell::new(false) };
}

/// Numbers that follow from a seed (`SplitMix64`). A clone continues the same sequence.
#[derive(Clone, Debug)]
pub(crate) struct Random(Arc<AtomicU64>);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(AtomicU64::new(seed)))
    }

    pub(crate) fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut bits = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// One of `these`.
    pub(crate) fn pick<T: Copy>(&self, these: &[T]) -> T {
        let index = self.below(these.len() as u64);
        these[usize::try_from(index).unwrap_or_default()]
    }

    /// True in `percent` of cases.
    pub(crate) fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A sequence of its own.
    pub(crate) fn fork(&self) -> Self {
        Self::new(self.next())
    }
}

/// Until it is dropped, jitter on this thread follows from a seed, and renewals run on the runtime in
/// which they are asked for.
pub(crate) struct Simulated;

impl Simulated {
    pub(crate) fn with(random: Random) -> Self {
        CHANCE.set(Some(random));
        Self
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        CHANCE.set(None);
    }
}

/// In place of the thread of renewals.
pub(crate) fn runtime() -> Option<Handle> {
    CHANCE.with_borrow(Option::is_some).then(Handle::current)
}

/// In place of a random number below 2^32.
pub(crate) fn bits() -> Option<u32> {
    CHANCE.with_borrow(|random| random.as_ref().map(|random| (random.next() >> 32) as u32))
}

/// Until it is dropped, this thread cannot start the thread of renewals.
pub(crate) struct NoThreads;

impl NoThreads {
    pub(crate) fn begin() -> Self {
        HAS_NO_THREADS.set(true);
        Self
    }
}

impl Drop for NoThreads {
    fn drop(&mut self) {
        HAS_NO_THREADS.set(false);
    }
}

pub(crate) fn has_no_threads() -> bool {
    HAS_NO_THREADS.get()
}
