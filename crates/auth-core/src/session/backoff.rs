//! What is remembered of renewals that failed, and how long the session waits after them.

use std::time::Duration;

use crate::clock::Moment;
use crate::retry::{exponential, quarter_jitter};
use crate::{AuthError, Error, ErrorKind};

/// The first pause after a failed renewal.
const FIRST: Duration = Duration::from_secs(1);

/// The longest pause after failed renewals, unless the vendor asks for more.
const LONGEST: Duration = Duration::from_secs(60);

/// The longest pause that the vendor can ask for. A wrong number in `Retry-After` (a date, or
/// milliseconds) must not end a session.
const LONGEST_ASKED: Duration = Duration::from_secs(60 * 60);

/// A token that is rejected within this time of its arrival was rejected early.
const EARLY: Duration = Duration::from_secs(30);

/// On average, renewals begin no more often. A vendor whose tokens end at once, or whose clock or
/// unit is wrong, is not asked in a loop.
const SPACING: Duration = Duration::from_secs(10);

/// How many renewals may begin at once before [`SPACING`] counts.
const BURST: u32 = 10;

/// So many refusals in a row are not believed while another process may hold a newer token that it
/// could not save.
const DOUBTED: u32 = 3;

/// The last failure, and the counters from which the next pause follows.
pub(super) struct Backoff<E> {
    last: Option<Failure<E>>,
    failures: u32,
    /// How many tokens in a row were rejected early.
    rejected_early: u32,
    /// How many failures in a row left it open what became of the refresh token.
    unknown: u32,
    /// By the monotonic clock: each renewal moves it [`SPACING`] further, from the present at least.
    spaced_until: Duration,
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
            unknown: 0,
            spaced_until: Duration::ZERO,
        }
    }

    pub(super) fn last(&self) -> Option<&Failure<E>> {
        self.last.as_ref()
    }

    /// The failure that callers get in place of a renewal, with the time that is left of its pause.
    pub(super) fn blocking(&self, now: Moment) -> Option<E> {
        let failure = self.last.as_ref()?;
        let error = failure.error.clone();
        match failure.left(now) {
            None => Some(error),
            Some(left) if left.is_zero() => None,
            Some(left) => Some(error.retrying_in(left)),
        }
    }

    /// Whether only a log-in helps.
    pub(super) fn is_final(&self) -> bool {
        let last = self.last.as_ref();
        last.is_some_and(|failure| failure.until.is_none())
    }

    /// Whether a refusal may be due to a token that another process has renewed and not saved.
    pub(super) fn doubts(&self) -> bool {
        self.unknown < DOUBTED
    }

    /// Remembers `error` and returns the pause before the next attempt.
    pub(super) fn failed(&mut self, error: &E, now: Moment) -> Duration {
        self.failures = self.failures.saturating_add(1);
        if error.kind() == ErrorKind::OutcomeUnknown {
            self.unknown = self.unknown.saturating_add(1);
        }
        let asked = error.retry_after().unwrap_or_default();
        let pause = quarter_jitter(exponential(FIRST, LONGEST, self.failures));
        let pause = pause.max(asked.min(LONGEST_ASKED));
        self.wait(error.clone(), pause, now);
        pause
    }

    fn wait(&mut self, error: E, pause: Duration, now: Moment) {
        self.last = Some(Failure {
            error,
            until: Some(now.monotonic().saturating_add(pause)),
        });
    }

    /// A renewal begins.
    pub(super) fn began(&mut self, now: Moment) {
        self.spaced_until = self.spaced_until.max(now.monotonic()) + SPACING;
    }

    /// The pause before the next renewal where the last ones followed each other too soon. Callers
    /// get an error that says so.
    pub(super) fn hold_back(&mut self, now: Moment) -> Option<Duration> {
        let burst = SPACING * (BURST - 1);
        let pause = self.spaced_until.saturating_sub(now.monotonic() + burst);
        if pause.is_zero() {
            return None;
        }
        let message = format!(
            "the vendor's tokens end too soon: the session renews once in {SPACING:?} at the most"
        );
        let error = Error::new(ErrorKind::Unavailable, message).with_retry_after(Some(pause));
        self.wait(error.into(), pause, now);
        Some(pause)
    }

    /// Remembers `error` until a log-in.
    pub(super) fn failed_for_good(&mut self, error: E) {
        self.last = Some(Failure { error, until: None });
    }

    /// A token arrived.
    pub(super) fn succeeded(&mut self) {
        self.last = None;
        self.failures = 0;
        self.unknown = 0;
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
            let message = "the vendor refuses every new token of this session";
            self.failures = self.rejected_early - 2;
            self.failed(&Error::new(ErrorKind::Unavailable, message).into(), now);
        }
    }

    /// A log-in, a log-out or an explicit request: nothing from before counts, but that renewals
    /// keep their distance.
    pub(super) fn reset(&mut self) {
        self.succeeded();
        self.rejected_early = 0;
    }
}
