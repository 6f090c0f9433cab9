//! A clock that a test moves, shared by the client under test and the vendors.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use auth_core::{BoxFuture, Clock, Moment};
use tokio::sync::watch;

/// 2026-01-01T00:00:00Z: the time of a frozen clock, so that two runs of a test are the same.
const FROZEN_START: Duration = Duration::from_secs(1_767_225_600);

/// A clock that a test moves. Clones are the same clock.
///
/// Take it from [`Sandbox::clock`], or pass it to [`SandboxBuilder::clock`], and pass it to the client
/// under test as its [`Clock`]. Then both ends of the wire have the same time.
///
/// | call | wall clock | monotonic | the vendor's tokens age |
/// | --- | --- | --- | --- |
/// | [`advance`](Self::advance) | forward | forward | yes |
/// | [`suspend`](Self::suspend) | forward | – | yes |
/// | [`jump_wall_forward`](Self::jump_wall_forward) | forward | – | – |
/// | [`jump_wall_back`](Self::jump_wall_back) | back | – | – |
///
/// The last column is the difference between a machine that was suspended and one whose clock was
/// set: during a suspension, time passes for the vendor.
///
/// [`Sandbox::clock`]: crate::Sandbox::clock
/// [`SandboxBuilder::clock`]: crate::SandboxBuilder::clock
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// use auth_core::Clock;
/// use auth_sandbox::SandboxClock;
///
/// let clock = SandboxClock::frozen();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(3_600));
/// assert_eq!(clock.now().monotonic() - before.monotonic(), Duration::from_secs(3_600));
/// ```
#[derive(Clone)]
pub struct SandboxClock {
    inner: Arc<Inner>,
}

struct Inner {
    /// `None` for a frozen clock.
    origin: Option<Instant>,
    start_wall_nanos: i64,
    /// One number for the wall and for monotonic time, so that no reader sees only one of them moved.
    advanced_nanos: AtomicU64,
    wall_only_nanos: AtomicI64,
    suspended_nanos: AtomicU64,
    moved: watch::Sender<()>,
    /// The deadlines of all sleepers. A sleeper whose deadline has passed is awake, polled or not.
    sleepers: watch::Sender<Vec<u64>>,
}

impl SandboxClock {
    /// A clock that flows with real time from the present, and can be moved on top of that.
    pub fn new() -> Self {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self::starting(Some(Instant::now()), now)
    }

    /// A clock that stands still at 2026-01-01T00:00:00Z until it is moved.
    ///
    /// A sleep on it ends only by calls of [`advance`](Self::advance).
    pub fn frozen() -> Self {
        Self::starting(None, FROZEN_START)
    }

    /// A clock that stands still at `wall` until it is moved. Times before 1970 count as 1970.
    pub fn frozen_at(wall: SystemTime) -> Self {
        Self::starting(None, wall.duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    fn starting(origin: Option<Instant>, wall: Duration) -> Self {
        Self {
            inner: Arc::new(Inner {
                origin,
                start_wall_nanos: signed_nanos(wall),
                advanced_nanos: AtomicU64::new(0),
                wall_only_nanos: AtomicI64::new(0),
                suspended_nanos: AtomicU64::new(0),
                moved: watch::Sender::new(()),
                sleepers: watch::Sender::new(Vec::new()),
            }),
        }
    }

    /// Time passes: the wall clock and monotonic time go forward, and sleepers whose time has come
    /// wake up.
    pub fn advance(&self, by: Duration) {
        add(&self.inner.advanced_nanos, by);
        // Not `send`: without a sleeper that would keep the old version.
        self.inner.moved.send_modify(|()| ());
        // Those who wait for sleepers check again, since some may have woken up.
        self.inner.sleepers.send_modify(|_| ());
    }

    /// The machine's clock is set forward: only the wall clock moves. No sleeper wakes up, and the
    /// vendor's tokens do not age.
    pub fn jump_wall_forward(&self, by: Duration) {
        self.move_wall(signed_nanos(by));
    }

    /// The machine's clock is set back: only the wall clock moves.
    pub fn jump_wall_back(&self, by: Duration) {
        self.move_wall(-signed_nanos(by));
    }

    /// The machine is suspended, as when a laptop's lid closes. For the machine this is
    /// [`jump_wall_forward`](Self::jump_wall_forward), because on Linux monotonic time does not
    /// advance meanwhile. The vendor's tokens do age.
    pub fn suspend(&self, by: Duration) {
        add(&self.inner.suspended_nanos, by);
        self.move_wall(signed_nanos(by));
    }

    /// How many futures of [`Clock::sleep`] wait at present, those of [`Fault::delay`] included.
    ///
    /// [`Fault::delay`]: crate::Fault::delay
    pub fn sleepers(&self) -> usize {
        self.asleep(&self.inner.sleepers.borrow())
    }

    /// Completes when at least `count` futures of [`Clock::sleep`] wait.
    ///
    /// A test that advances a frozen clock calls this first: time that passes before a sleep
    /// begins does not shorten it.
    pub async fn until_sleeping(&self, count: usize) {
        // It cannot fail: `self` keeps the sender alive.
        let _ = self
            .inner
            .sleepers
            .subscribe()
            .wait_for(|deadlines| self.asleep(deadlines) >= count)
            .await;
    }

    fn asleep(&self, deadlines: &[u64]) -> usize {
        let now = self.monotonic_nanos();
        deadlines.iter().filter(|&&deadline| now < deadline).count()
    }

    /// How much time has passed for the vendor, which is on another machine: neither setting this
    /// machine's clock nor suspending it stops the vendor's time.
    pub(crate) fn vendor_time(&self) -> Duration {
        let suspended = self.inner.suspended_nanos.load(Ordering::Acquire);
        Duration::from_nanos(self.monotonic_nanos().saturating_add(suspended))
    }

    /// The wall clock at the start.
    pub(crate) fn start(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(u64::try_from(self.inner.start_wall_nanos).unwrap_or(0))
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.inner.origin.is_none()
    }

    /// How far it was moved in each way.
    pub(crate) fn moves(&self) -> (bool, u64, i64, u64) {
        let inner = &self.inner;
        (
            self.is_frozen(),
            inner.advanced_nanos.load(Ordering::Acquire),
            inner.wall_only_nanos.load(Ordering::Acquire),
            inner.suspended_nanos.load(Ordering::Acquire),
        )
    }

    fn move_wall(&self, by: i64) {
        let update = |nanos: i64| Some(nanos.saturating_add(by));
        // It cannot fail: the closure always returns a value.
        let _ =
            self.inner
                .wall_only_nanos
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, update);
    }

    #[inline]
    fn monotonic_nanos(&self) -> u64 {
        let flowed = self
            .inner
            .origin
            .map_or(0, |origin| nanos(origin.elapsed()));
        flowed.saturating_add(self.inner.advanced_nanos.load(Ordering::Acquire))
    }
}

impl Default for SandboxClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SandboxClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxClock")
            .field("frozen", &self.inner.origin.is_none())
            .field("now", &self.now())
            .finish_non_exhaustive()
    }
}

impl Clock for SandboxClock {
    #[inline]
    fn now(&self) -> Moment {
        let monotonic = self.monotonic_nanos();
        let wall = self
            .inner
            .start_wall_nanos
            .saturating_add_unsigned(monotonic)
            .saturating_add(self.inner.wall_only_nanos.load(Ordering::Acquire));
        let wall = UNIX_EPOCH + Duration::from_nanos(u64::try_from(wall).unwrap_or(0));
        Moment::new(wall, Duration::from_nanos(monotonic))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        // Taken now and not when first polled: the sleep begins with the call.
        let deadline = clock.monotonic_nanos().saturating_add(nanos(duration));
        Box::pin(async move {
            // Subscribed before the first look, so that no move in between is lost.
            let mut moved = clock.inner.moved.subscribe();
            let _sleeper =
                (clock.monotonic_nanos() < deadline).then(|| Sleeper::enter(&clock, deadline));
            loop {
                let left = deadline.saturating_sub(clock.monotonic_nanos());
                if left == 0 {
                    return;
                }
                if clock.inner.origin.is_none() {
                    let _ = moved.changed().await;
                } else {
                    tokio::select! {
                        _ = moved.changed() => {}
                        () = tokio::time::sleep(Duration::from_nanos(left)) => {}
                    }
                }
            }
        })
    }
}

/// Counts a sleeper for as long as it lives, also when the sleep is dropped half way.
struct Sleeper {
    clock: SandboxClock,
    deadline: u64,
}

impl Sleeper {
    fn enter(clock: &SandboxClock, deadline: u64) -> Self {
        let clock = clock.clone();
        clock.inner.sleepers.send_modify(|all| all.push(deadline));
        Self { clock, deadline }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.clock.inner.sleepers.send_modify(|all| {
            if let Some(at) = all.iter().position(|&other| other == self.deadline) {
                all.swap_remove(at);
            }
        });
    }
}

fn add(to: &AtomicU64, by: Duration) {
    let update = |value: u64| Some(value.saturating_add(nanos(by)));
    let _ = to.fetch_update(Ordering::AcqRel, Ordering::Acquire, update);
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn signed_nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
