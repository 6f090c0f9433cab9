//! A limit on requests a minute, by the sandbox's clock.

use std::collections::VecDeque;
use std::time::Duration;

const WINDOW: Duration = Duration::from_secs(60);

/// Counts the requests of the last minute.
///
/// A sliding window: the vendors name only the number, and with it a test can say exactly when the
/// next request is let through.
pub(crate) struct RateLimit {
    a_minute: Option<usize>,
    passed: VecDeque<Duration>,
}

impl RateLimit {
    pub(crate) fn new(a_minute: Option<u32>) -> Self {
        let a_minute = a_minute.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        Self {
            a_minute,
            passed: VecDeque::new(),
        }
    }

    /// Lets a request through, or says how long to wait. One that is refused does not count.
    pub(crate) fn pass(&mut self, now: Duration) -> Result<(), Duration> {
        let Some(limit) = self.a_minute else {
            return Ok(());
        };
        while self
            .passed
            .front()
            .is_some_and(|then| now >= *then + WINDOW)
        {
            self.passed.pop_front();
        }
        if self.passed.len() < limit {
            self.passed.push_back(now);
            return Ok(());
        }
        // A limit of nothing at all never lets anything through; a minute is as good an answer as any.
        Err(self
            .passed
            .front()
            .map_or(WINDOW, |then| (*then + WINDOW).saturating_sub(now)))
    }
}
