//! The vendors' time: they are on another machine than the client under test.

use std::time::{Duration, SystemTime};

use crate::clock::SandboxClock;

/// 1000 years: beyond it, a date may have more than four digits for the year.
const FURTHEST: Duration = Duration::from_secs(1000 * 365 * 86_400);

/// How far the server's wall clock is from the sandbox's.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Skew {
    pub(crate) ahead: Duration,
    pub(crate) behind: Duration,
}

/// The sandbox's clock as the vendors see it.
#[derive(Clone)]
pub(crate) struct VendorClock {
    clock: SandboxClock,
    skew: Skew,
}

impl VendorClock {
    pub(crate) fn new(clock: SandboxClock, skew: Skew) -> Self {
        Self { clock, skew }
    }

    /// How much time has passed since the sandbox's clock began.
    pub(crate) fn now(&self) -> Duration {
        self.clock.vendor_time()
    }

    /// The wall clock. It does not follow when a test sets the client's.
    pub(crate) fn wall(&self) -> SystemTime {
        self.wall_at(self.now())
    }

    /// The wall clock at a time that [`now`](Self::now) tells.
    pub(crate) fn wall_at(&self, now: Duration) -> SystemTime {
        let wall = self.clock.start() + now.min(FURTHEST) + self.skew.ahead.min(FURTHEST);
        wall.checked_sub(self.skew.behind)
            .unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// The wall clock in milliseconds since 1970.
    pub(crate) fn unix_millis(&self) -> u128 {
        let since = self.wall().duration_since(SystemTime::UNIX_EPOCH);
        since.unwrap_or_default().as_millis()
    }

    /// The wall clock in whole seconds since 1970, as a JWT counts them.
    pub(crate) fn unix_seconds(&self) -> u64 {
        let since = self.wall().duration_since(SystemTime::UNIX_EPOCH);
        since.unwrap_or_default().as_secs()
    }

    /// The wall clock after a while.
    pub(crate) fn wall_after(&self, wait: Duration) -> SystemTime {
        self.wall() + wait.min(FURTHEST)
    }
}
