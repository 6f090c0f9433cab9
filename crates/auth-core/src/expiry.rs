//! When a token ends.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// When a token ends: never by itself, or at a moment on the wall clock.
///
/// A wall-clock moment, since an expiry must survive the process and a suspended machine. No
/// vendor's number, however absurd, overflows: what the clock cannot represent is [`Never`].
///
/// [`Never`]: Expiry::Never
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Expiry {
    /// The token does not end by the clock; the vendor may still refuse it.
    Never,
    /// The token is valid before this moment.
    At(SystemTime),
}

impl Expiry {
    /// The moment `lifetime` after `sent`, the moment at which the request *was sent*: the
    /// vendor's countdown began no earlier.
    pub fn after(sent: SystemTime, lifetime: Duration) -> Self {
        sent.checked_add(lifetime).map_or(Self::Never, Self::At)
    }

    /// The moment that many seconds after 1970; before 1970 counts as 1970.
    pub fn from_unix_seconds(seconds: i64) -> Self {
        let seconds = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        Self::after(UNIX_EPOCH, seconds)
    }

    /// The moment, unless the token never ends.
    pub fn at(self) -> Option<SystemTime> {
        match self {
            Self::Never => None,
            Self::At(moment) => Some(moment),
        }
    }

    /// Whether the token has ended at `now`.
    pub fn has_passed(self, now: SystemTime) -> bool {
        self.at().is_some_and(|end| end <= now)
    }

    /// How long the token is valid after `now`; `None` if it never ends.
    pub fn left(self, now: SystemTime) -> Option<Duration> {
        self.at()
            .map(|end| end.duration_since(now).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absurd_moments_neither_overflow_nor_panic() {
        assert!(!Expiry::from_unix_seconds(317_339_744_057).has_passed(SystemTime::now()));
        assert_eq!(
            Expiry::after(SystemTime::now(), Duration::MAX),
            Expiry::Never
        );
        assert_eq!(Expiry::from_unix_seconds(i64::MIN), Expiry::At(UNIX_EPOCH));
        assert!(!Expiry::from_unix_seconds(i64::MAX).has_passed(SystemTime::now()));
    }

    #[test]
    fn a_token_has_ended_at_its_last_moment() {
        let end = UNIX_EPOCH + Duration::from_secs(100);
        assert!(Expiry::At(end).has_passed(end));
        assert!(!Expiry::At(end).has_passed(end - Duration::from_nanos(1)));
        assert_eq!(
            Expiry::At(end).left(end - Duration::from_secs(3)),
            Some(Duration::from_secs(3))
        );
        assert_eq!(Expiry::Never.left(end), None);
    }
}
