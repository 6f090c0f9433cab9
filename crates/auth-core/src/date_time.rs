//! Dates as vendors write them into JSON.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The moment that an RFC 3339 text names: UTC (`2019-06-10T19:49:51.217Z`), with an offset
/// (`…+02:00`), or a date alone, which is its first moment in UTC.
///
/// `None` if it is none of these, or before 1970: Go writes year 1 where there is no date.
pub fn parse_date_time(text: &str) -> Option<SystemTime> {
    if let Ok(moment) = humantime::parse_rfc3339(text) {
        return Some(moment);
    }
    if text.len() == "2019-06-10".len() {
        return humantime::parse_rfc3339(&format!("{text}T00:00:00Z")).ok();
    }
    let (local, offset) = text.split_at_checked(text.len().checked_sub("+02:00".len())?)?;
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let digits = |text: &str| {
        let is_number = text.len() == 2 && text.bytes().all(|it| it.is_ascii_digit());
        text.parse::<u64>().ok().filter(|_| is_number)
    };
    let shift = Duration::from_secs(digits(hours)? * 3600 + digits(minutes)? * 60);
    let local = humantime::parse_rfc3339(&format!("{local}Z")).ok()?;
    match offset.as_bytes().first()? {
        b'+' => local.checked_sub(shift),
        b'-' => local.checked_add(shift),
        _ => None,
    }
}

/// The moment in UTC with milliseconds, as JavaScript writes it: `2019-06-10T19:49:51.217Z`.
///
/// `None` before 1970 and after 9999, which the format has no room for.
pub fn format_date_time(moment: SystemTime) -> Option<String> {
    moment.duration_since(UNIX_EPOCH).ok()?;
    let mut text = String::new();
    write!(text, "{}", humantime::format_rfc3339_millis(moment)).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_every_form_that_a_vendor_writes() {
        for (text, millis) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2000-02-29T12:34:56.789Z", 951_827_696_789),
            ("2019-06-10T19:49:51.217Z", 1_560_196_191_217),
            ("2019-06-10T21:49:51.217+02:00", 1_560_196_191_217),
            ("2019-06-10T14:19:51.217-05:30", 1_560_196_191_217),
            ("2024-03-01", 1_709_251_200_000),
            ("9999-12-31T23:59:59Z", 253_402_300_799_000),
        ] {
            let expected = UNIX_EPOCH + Duration::from_millis(millis);
            assert_eq!(parse_date_time(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "soon",
            "0001-01-01T00:00:00Z",
            "2026-13-01",
            "2026-01-32",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00+2:00",
            "2026-01-01T00:00:00*02:00",
            "+275760-09-13T00:00:00.000Z",
            "2019-06-10T19:49:51.217",
            "2019-06-10T19:49:51.217++4:00",
            "1560196191",
            "2026-01-é",
            "é2:00",
            "2026-01",
        ] {
            assert_eq!(parse_date_time(text), None, "{text}");
        }
    }

    #[test]
    fn a_moment_is_written_with_milliseconds_and_z() {
        let moment = UNIX_EPOCH + Duration::from_millis(1_560_196_191_217);
        let text = format_date_time(moment);
        assert_eq!(text.as_deref(), Some("2019-06-10T19:49:51.217Z"));
        let year_10000 = UNIX_EPOCH + Duration::from_secs(253_402_300_800);
        assert_eq!(format_date_time(year_10000), None);
        assert_eq!(format_date_time(UNIX_EPOCH - Duration::from_secs(1)), None);
    }
}
