//! What may be sent again, how often, and after what pause.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

/// Whether a request may be sent again after it may have arrived. Nothing sent (connection refused, DNS, TLS) and a
/// `Retry-After` that fits into the time left are always safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Idempotency {
    /// A read, or a log-in with a password, which only makes another token: after any server
    /// error, time-out or cut connection.
    Yes,
    /// A refresh: once more, with the same refresh token.
    OnceMore,
    /// An e-mail, or a secret that can be used once: never, if the request may have arrived.
    No,
}

/// How often and how long a call is tried.
///
/// Pauses grow exponentially with full jitter (each is drawn between zero and its bound). The
/// bound on the total time includes the pauses; a caller's own time limit wins, since dropping
/// the future ends the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    pub(crate) attempts: u32,
    pub(crate) first_pause: Duration,
    pub(crate) longest_pause: Duration,
    pub(crate) total: Duration,
}

impl Default for RetryPolicy {
    /// Three attempts, pauses of up to 200 ms growing to 5 s, 90 s in all: a vendor that counts
    /// calls by the minute asks to wait for 60 s.
    fn default() -> Self {
        Self {
            attempts: 3,
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(5),
            total: Duration::from_secs(90),
        }
    }
}

impl RetryPolicy {
    /// Every call is sent once.
    pub fn never() -> Self {
        Self {
            attempts: 1,
            ..Self::default()
        }
    }

    /// How often a call is sent at the most; zero counts as one.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// The bounds of the first pause and of the longest.
    pub fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.first_pause = first;
        self.longest_pause = longest.max(first);
        self
    }

    /// How long a call may take with all its attempts and pauses: after that no new attempt
    /// starts.
    pub fn total(mut self, total: Duration) -> Self {
        self.total = total;
        self
    }

    pub(crate) fn pause(&self, attempt: u32) -> Duration {
        full_jitter(exponential(self.first_pause, self.longest_pause, attempt))
    }
}

/// `first` doubled `failures - 1` times, at most `longest`.
pub(crate) fn exponential(first: Duration, longest: Duration, failures: u32) -> Duration {
    let factor = 2u32.saturating_pow(failures.saturating_sub(1));
    first.saturating_mul(factor).min(longest)
}

/// Anything between zero and `bound`.
pub(crate) fn full_jitter(bound: Duration) -> Duration {
    bound.mul_f64(random_fraction())
}

/// Between three and five quarters of `middle`.
pub(crate) fn quarter_jitter(middle: Duration) -> Duration {
    middle.mul_f64(0.75 + random_fraction() / 2.0)
}

/// A number from zero up to one. The standard library seeds every `RandomState` differently, which
/// is all that jitter needs. The process is added, since a forked one inherits the seeds.
fn random_fraction() -> f64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    let bits = u32::try_from(hasher.finish() >> 32).unwrap_or(0);
    #[cfg(test)]
    let bits = crate::simulation::bits().unwrap_or(bits);
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pause = |n| exponential(Duration::from_secs(1), Duration::from_secs(60), n).as_secs();
        assert_eq!(
            [1, 2, 3, 4, 6, 7, 40, u32::MAX].map(pause),
            [1, 2, 4, 8, 32, 60, 60, 60]
        );
    }

    #[test]
    fn jitter_stays_within_its_bounds_and_varies() {
        let bound = Duration::from_secs(1);
        let drawn: Vec<_> = (0..200).map(|_| full_jitter(bound)).collect();
        assert!(drawn.iter().all(|&pause| pause < bound));
        assert!(drawn.iter().any(|&pause| pause < bound / 2));
        assert!(drawn.iter().any(|&pause| pause > bound / 2));
        assert!(
            (0..200)
                .map(|_| quarter_jitter(bound))
                .all(|window| { window >= bound * 3 / 4 && window <= bound * 5 / 4 })
        );
    }
}
