//! Time, as a session sees it: the wall clock and elapsed monotonic time, read together.
//!
//! Programs use [`SystemClock`], which is the default. Tests give a client a [`Clock`] of their own,
//! such as `auth_sandbox::SandboxClock`, which they move.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::background;

/// A boxed future, as the traits of this crate return where they must stay usable as trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One look at a [`Clock`]: what the wall clock says, and how much monotonic time has passed.
///
/// The two disagree when the wall clock is set (only `wall` jumps) and when a machine was
/// suspended (on Linux only `wall` continues). A session believes whichever says *expired*.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Moment {
    // Nanoseconds as plain integers: the hot path compares them and nothing else.
    wall_nanos: u64,
    monotonic_nanos: u64,
}

impl Moment {
    /// Puts a moment together from the wall clock and the monotonic time since the clock's origin.
    ///
    /// Times before 1970 count as 1970, and times after the year 2554 as then.
    pub fn new(wall: SystemTime, monotonic: Duration) -> Self {
        Self {
            wall_nanos: wall_nanos(wall),
            monotonic_nanos: nanos(monotonic),
        }
    }

    /// What the wall clock says.
    pub fn wall(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.wall_nanos)
    }

    /// Monotonic time since an origin that the clock chose; only differences mean anything.
    pub fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.monotonic_nanos)
    }

    pub(crate) fn wall_nanos(&self) -> u64 {
        self.wall_nanos
    }

    pub(crate) fn monotonic_nanos(&self) -> u64 {
        self.monotonic_nanos
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moment")
            .field("wall", &self.wall())
            .field("monotonic", &self.monotonic())
            .finish()
    }
}

/// Nanoseconds since 1970, clamped to what 64 bits hold (the year 2554): no arithmetic on a
/// vendor's date can overflow.
pub(crate) fn wall_nanos(wall: SystemTime) -> u64 {
    nanos(wall.duration_since(UNIX_EPOCH).unwrap_or_default())
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Where a session takes its time from: [`SystemClock`], or in tests a clock that can be moved
/// (`auth-sandbox` has one).
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present moment. Called on every use of a session, so it must be cheap.
    fn now(&self) -> Moment;

    /// Completes when `duration` of this clock's monotonic time has passed.
    ///
    /// Polled inside a Tokio runtime with time enabled, whose clock is real.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

impl<T: Clock + ?Sized> Clock for std::sync::Arc<T> {
    fn now(&self) -> Moment {
        (**self).now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        (**self).sleep(duration)
    }
}

/// The operating system's clocks.
///
/// On Linux both are read in their *coarse* form, which is exact to a kernel tick (1 to 10 ms):
/// plenty for a token's life, and two coarse reads together cost less than one precise one (see
/// the `hot_path` benchmark).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[cfg(target_os = "linux")]
    #[inline]
    fn now(&self) -> Moment {
        use rustix::time::{ClockId, Timespec, clock_gettime};
        fn nanos(time: Timespec) -> u64 {
            // A negative wall clock (before 1970) counts as 1970. The kernel keeps tv_nsec below
            // a second.
            u64::try_from(time.tv_sec)
                .unwrap_or(0)
                .saturating_mul(1_000_000_000)
                .saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
        }
        Moment {
            wall_nanos: nanos(clock_gettime(ClockId::RealtimeCoarse)),
            monotonic_nanos: nanos(clock_gettime(ClockId::MonotonicCoarse)),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn now(&self) -> Moment {
        use std::sync::OnceLock;
        use std::time::Instant;
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        let origin = *ORIGIN.get_or_init(Instant::now);
        Moment::new(SystemTime::now(), origin.elapsed())
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        // On a thread of its own, so that it passes without a runtime too, and never by a paused Tokio clock.
        let sleeping = async move { tokio::time::sleep(duration).await };
        Box::pin(async move {
            // It fails if the system gives no thread, and then there is nothing to wait with.
            let _ = background::run_while_awaited(sleeping).await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_before_1970_and_after_2554_are_clamped() {
        let early = Moment::new(UNIX_EPOCH - Duration::from_secs(5), Duration::ZERO);
        assert_eq!(early.wall(), UNIX_EPOCH);
        let late = Moment::new(
            UNIX_EPOCH + Duration::from_secs(317_339_744_057),
            Duration::MAX,
        );
        assert_eq!(late.wall_nanos(), u64::MAX);
        assert_eq!(late.monotonic_nanos(), u64::MAX);
    }

    #[test]
    fn the_system_clock_agrees_with_the_standard_library() {
        let read = SystemClock.now().wall();
        let theirs = SystemTime::now();
        let apart = theirs.duration_since(read).unwrap_or_else(|e| e.duration());
        assert!(apart < Duration::from_secs(1), "{apart:?} apart");
    }
}
