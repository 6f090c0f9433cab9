//! Keeping a busy program under IQM's 20 requests a minute.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{Clock, HttpBuilder};
use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

/// The limiter's time is the client's.
#[derive(Clone, Debug)]
struct ClientClock(Arc<dyn Clock>);

impl GovernorClock for ClientClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.now().monotonic()
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, ClientClock, NoOpMiddleware<Duration>>;

/// Makes every attempt of the client wait for its turn.
pub(crate) fn limit(http: HttpBuilder, per_minute: NonZeroU32) -> HttpBuilder {
    let clock = http.clock_in_use();
    let limiter = Arc::new(Limiter::direct_with_clock(
        quota(per_minute),
        ClientClock(clock.clone()),
    ));
    http.gate(move || {
        let (limiter, clock) = (Arc::clone(&limiter), Arc::clone(&clock));
        Box::pin(async move {
            while let Err(refused) = limiter.check() {
                clock
                    .sleep(refused.wait_time_from(clock.now().monotonic()))
                    .await;
            }
        })
    })
}

/// A bucket that lets `burst` through at once and refills evenly lets up to `burst + refilled`
/// through in its first minute. So half is burst and half refill: no minute sees more than
/// `per_minute`, however the vendor counts minutes.
fn quota(per_minute: NonZeroU32) -> Quota {
    let burst = NonZeroU32::new(per_minute.get() / 2).unwrap_or(NonZeroU32::MIN);
    let refilled = (per_minute.get() - burst.get()).max(1);
    let period = Duration::from_secs(60) / refilled;
    Quota::with_period(period)
        .unwrap_or(Quota::per_minute(NonZeroU32::MIN))
        .allow_burst(burst)
}
