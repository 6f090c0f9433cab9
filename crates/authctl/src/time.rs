//! Times as people and programs read them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_core::Expiry;

/// `2 hours`, in the two largest units.
pub(crate) fn words(time: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [
        (86_400, "day"),
        (3600, "hour"),
        (60, "minute"),
        (1, "second"),
    ];
    let mut left = time.as_secs();
    let mut parts = Vec::new();
    for (unit, name) in UNITS {
        let count = left / unit;
        left %= unit;
        if count > 0 {
            let plural = if count == 1 { "" } else { "s" };
            parts.push(format!("{count} {name}{plural}"));
        }
        // No gap: not days and seconds.
        if parts.len() == 2 || (count == 0 && parts.len() == 1) {
            break;
        }
    }
    if parts.is_empty() {
        return "a moment".to_owned();
    }
    parts.join(" ")
}

/// `2026-11-25T18:45:00Z`.
pub(crate) fn rfc3339(expiry: Expiry) -> Option<String> {
    let end = expiry.at()?;
    Some(humantime::format_rfc3339_seconds(end).to_string())
}

/// Seconds since 1970.
pub(crate) fn epoch(expiry: Expiry) -> Option<u64> {
    let since = expiry.at()?.duration_since(UNIX_EPOCH).ok()?;
    Some(since.as_secs())
}

/// `for 2 hours`, or that it has ended, or that it does not end.
pub(crate) fn until(expiry: Expiry) -> String {
    let now = SystemTime::now();
    match expiry.at() {
        None => "until it is revoked".to_owned(),
        Some(end) => match end.duration_since(now) {
            Ok(left) => format!("for {}", words(left)),
            Err(gone) => format!("until {} ago", words(gone.duration())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_two_units() {
        for (seconds, text) in [
            (0, "a moment"),
            (1, "1 second"),
            (61, "1 minute 1 second"),
            (3600, "1 hour"),
            (3601, "1 hour"),
            (90_061, "1 day 1 hour"),
            (7_776_000, "90 days"),
        ] {
            assert_eq!(words(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn an_end_has_its_forms() {
        let end = Expiry::from_unix_seconds(1_764_096_300);
        assert_eq!(rfc3339(end).as_deref(), Some("2025-11-25T18:45:00Z"));
        assert_eq!(epoch(end), Some(1_764_096_300));
        assert_eq!((rfc3339(Expiry::Never), epoch(Expiry::Never)), (None, None));
    }
}
