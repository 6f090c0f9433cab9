//! What is remembered of renewals that failed, and how long the session waits after them.

use std::time::Duration;

use crate::clock::Moment;
use crate::retry::{exponential, quarter_jitter};
use crate::{AuthError, Error, ErrorKind};

/// The first pause after a failed renewal.
const FIRST: Duration = Duration::from_secs(1);

/// The longest pause after failed renewals, unless the vendor asks for more.
const LONGEST: Duration = Duration::from_secs(60);

/// A token that is rejected within this time of its arrival was rejected early.
const EARLY: Duration = Duration::from_secs(30);

/// The last failure, and the counters from which the next pause follows.
pub(super) struct Backoff<E> {
    last: Option<Failure<E>>,
    failures: u32,
    /// How many tokens in a row were rejected early.
    rejected_early: u32,
}

/// The last renewal's failure, for callers who come while it still counts.
pub(super) struct Failure<E> {
    pub(super) error: E,
    /// By the monotonic clock; `None` until a log-in.
    pub(super) until: Option<Duration>,
}

impl<E> Failure<E> {
    /// How long this failure still counts; `None` until a log-in.
    pub(super) fn left(&self, now: Moment) -> Option<Duration> {
        self.until
            .map(|until| until.saturating_sub(now.monotonic()))
    }
}

impl<E: AuthError> Backoff<E> {
    pub(super) fn new() -> Self {
        Self {
            last: None,
            failures: 0,
            rejected_early: 0,
        }
    }

    pub(super) fn last(&self) -> Option<&Failure<E>> {
        self.last.as_ref()
    }

    /// The failure that callers get in place of a renewal.
    pub(super) fn blocking(&self, now: Moment) -> Option<&E> {
        let failure = self.last.as_ref()?;
        let counts = failure.until.is_none_or(|until| now.monotonic() < until);
        counts.then_some(&failure.error)
    }

    /// Remembers `error` and returns the pause before the next attempt; `None` if only a log-in
    /// helps.
    pub(super) fn failed(&mut self, error: &E, now: Moment) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        let pause = error.kind().is_transient().then(|| {
            let pause = exponential(FIRST, LONGEST, self.failures);
            quarter_jitter(pause).max(error.retry_after().unwrap_or_default())
        });
        self.last = Some(Failure {
            error: error.clone(),
            until: pause.map(|pause| now.monotonic().saturating_add(pause)),
        });
        pause
    }

    /// Remembers `error` until a log-in.
    pub(super) fn failed_for_good(&mut self, error: E) {
        self.last = Some(Failure { error, until: None });
    }

    /// A token arrived.
    pub(super) fn succeeded(&mut self) {
        self.last = None;
        self.failures = 0;
    }

    /// The vendor rejected a token of this `age`. From the second early rejection on this counts
    /// as a failure: a vendor that rejects what it has just issued is not asked in a loop.
    pub(super) fn rejected(&mut self, age: Duration, now: Moment) {
        if age >= EARLY {
            self.rejected_early = 0;
            return;
        }
        self.rejected_early = self.rejected_early.saturating_add(1);
        if self.rejected_early > 1 {
            let message = "the vendor refuses the tokens that it has just issued";
            self.failures = self.rejected_early - 2;
            self.failed(&Error::new(ErrorKind::Unavailable, message).into(), now);
        }
    }

    /// A log-in, a log-out or an explicit request: nothing from before counts.
    pub(super) fn reset(&mut self) {
        self.succeeded();
        self.rejected_early = 0;
    }
}
