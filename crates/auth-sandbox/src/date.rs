//! Dates as two vendors write them: in UTC, with milliseconds, `2019-06-10T19:49:51.217Z`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// 9999-12-31T23:59:59.999Z: after it, the year has more than four digits.
const LAST: Duration = Duration::from_millis(253_402_300_799_999);

/// A time outside the years 1970 to 9999 becomes the nearest one that the form can write.
pub(crate) fn format(at: SystemTime) -> String {
    humantime::format_rfc3339_millis(at.clamp(UNIX_EPOCH, UNIX_EPOCH + LAST)).to_string()
}

/// Reads exactly the form that [`format`] writes, where RFC 3339 allows others as well.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let at = humantime::parse_rfc3339(text).ok()?;
    (format(at) == text).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::{format, parse};
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    #[test]
    fn dates_are_written_and_read_in_the_vendors_form() {
        for (seconds, millis, text) in [
            (0, 0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, 0, "2000-02-29T00:00:00.000Z"),
            (1_560_196_191, 217, "2019-06-10T19:49:51.217Z"),
            (1_767_225_599, 999, "2025-12-31T23:59:59.999Z"),
            (253_402_300_799, 0, "9999-12-31T23:59:59.000Z"),
        ] {
            let at = UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_millis(millis);
            assert_eq!(format(at), text);
            assert_eq!(parse(text), Some(at));
        }
    }

    #[test]
    fn a_time_outside_the_form_is_written_as_the_nearest_one() {
        let second = Duration::from_secs(1);
        let after_9999 = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_800);
        assert_eq!(format(UNIX_EPOCH - second), "1970-01-01T00:00:00.000Z");
        assert_eq!(format(after_9999), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn a_text_in_another_form_is_not_read() {
        for text in [
            "",
            "2019-06-10",
            "2019-06-10T19:49:51Z",
            "2019-06-10T19:49:51.217",
            "2019-06-10T19:49:51.217+00:00",
            "2019-06-10t19:49:51.217Z",
            "2019-02-29T00:00:00.000Z",
            "2019-13-01T00:00:00.000Z",
            "2019-00-10T00:00:00.000Z",
            "2019-06-00T00:00:00.000Z",
            "2019-06-10T24:00:00.000Z",
            "1969-12-31T23:59:59.999Z",
            "1970-00-00T00:00:00.000Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
