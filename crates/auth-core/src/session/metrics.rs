//! What a session counts, by the `metrics` facade: nothing without the feature `metrics`.
//!
//! The names, labels and units stand in `docs/observability.md`, and stay the same from release to
//! release. Called on cold paths alone, and under no lock: a recorder is foreign code.

use std::time::Duration;

use crate::renew::Reason;

#[cfg(feature = "metrics")]
mod names {
    pub(super) const RENEWALS: &str = "auth_renewals_total";
    pub(super) const RENEWAL_TIME: &str = "auth_renewal_duration_seconds";
    pub(super) const SESSIONS: &str = "auth_sessions";
    pub(super) const REFUSALS: &str = "auth_refusals_total";
    pub(super) const RESENDS: &str = "auth_resends_total";
    pub(super) const SAVES: &str = "auth_store_saves_total";
    pub(super) const LEASE_TIME: &str = "auth_store_lease_wait_seconds";
}

/// Tells the recorder what everything is; cheap, and done for each session, since a recorder may be
/// installed at any time.
pub(super) fn describe() {
    #[cfg(feature = "metrics")]
    {
        use ::metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
        describe_counter!(names::RENEWALS, Unit::Count, "Renewals that have ended.");
        describe_histogram!(
            names::RENEWAL_TIME,
            Unit::Seconds,
            "How long renewals took."
        );
        describe_gauge!(
            names::SESSIONS,
            Unit::Count,
            "Sessions, by what they do at present."
        );
        describe_counter!(
            names::REFUSALS,
            Unit::Count,
            "Reports that the vendor refused a token."
        );
        describe_counter!(
            names::RESENDS,
            Unit::Count,
            "Requests that were sent once more."
        );
        describe_counter!(
            names::SAVES,
            Unit::Count,
            "Tokens that were offered to a store."
        );
        describe_histogram!(
            names::LEASE_TIME,
            Unit::Seconds,
            "How long stores took to give a lease."
        );
    }
}

/// A renewal has ended.
pub(super) fn renewal(vendor: &'static str, reason: Reason, outcome: &'static str, took: Duration) {
    #[cfg(feature = "metrics")]
    {
        let reason = reason.name();
        ::metrics::counter!(names::RENEWALS, "vendor" => vendor, "reason" => reason, "outcome" => outcome)
            .increment(1);
        ::metrics::histogram!(names::RENEWAL_TIME, "vendor" => vendor, "outcome" => outcome)
            .record(took);
    }
    #[cfg(not(feature = "metrics"))]
    let _ = (vendor, reason, outcome, took);
}

/// The vendor refused a token; `late`: one that was replaced already.
pub(super) fn refusal(vendor: &'static str, late: bool) {
    #[cfg(feature = "metrics")]
    {
        let late = if late { "true" } else { "false" };
        ::metrics::counter!(names::REFUSALS, "vendor" => vendor, "late" => late).increment(1);
    }
    #[cfg(not(feature = "metrics"))]
    let _ = (vendor, late);
}

/// A request is sent once more.
pub(super) fn resend(vendor: &'static str) {
    #[cfg(feature = "metrics")]
    ::metrics::counter!(names::RESENDS, "vendor" => vendor).increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = vendor;
}

/// A token was offered to the store.
pub(super) fn save(vendor: &'static str, outcome: &'static str) {
    #[cfg(feature = "metrics")]
    ::metrics::counter!(names::SAVES, "vendor" => vendor, "outcome" => outcome).increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = (vendor, outcome);
}

/// The store has given a lease, or has not.
pub(super) fn lease(vendor: &'static str, is_given: bool, took: Duration) {
    #[cfg(feature = "metrics")]
    {
        let outcome = if is_given { "given" } else { "failed" };
        ::metrics::histogram!(names::LEASE_TIME, "vendor" => vendor, "outcome" => outcome)
            .record(took);
    }
    #[cfg(not(feature = "metrics"))]
    let _ = (vendor, is_given, took);
}

/// One session in the count of sessions by state, for as long as it exists.
#[cfg(feature = "metrics")]
pub(super) struct Counted {
    vendor: &'static str,
    state: std::sync::Mutex<&'static str>,
}

#[cfg(feature = "metrics")]
impl Counted {
    pub(super) fn new(vendor: &'static str, state: &'static str) -> Self {
        let counted = Self {
            vendor,
            state: std::sync::Mutex::new(state),
        };
        counted.gauge(state).increment(1);
        counted
    }

    /// Counts the session under what `present` says. If two threads do so at once, the later look
    /// counts.
    pub(super) fn follow(&self, present: impl Fn() -> &'static str) {
        loop {
            let new = present();
            let old = std::mem::replace(&mut *self.state(), new);
            if old != new {
                self.gauge(old).decrement(1);
                self.gauge(new).increment(1);
            }
            if present() == new {
                return;
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, &'static str> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn gauge(&self, state: &'static str) -> ::metrics::Gauge {
        ::metrics::gauge!(names::SESSIONS, "vendor" => self.vendor, "state" => state)
    }
}

#[cfg(feature = "metrics")]
impl Drop for Counted {
    fn drop(&mut self) {
        let state = *self.state();
        self.gauge(state).decrement(1);
    }
}

/// Nothing is counted.
#[cfg(not(feature = "metrics"))]
pub(super) struct Counted;

#[cfg(not(feature = "metrics"))]
impl Counted {
    pub(super) fn new(_: &'static str, _: &'static str) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "with the feature it counts")]
    pub(super) fn follow(&self, _: impl Fn() -> &'static str) {}
}
