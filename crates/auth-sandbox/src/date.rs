//! Dates as two vendors write them: `2019-06-10T19:49:51.217Z`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY: u64 = 86_400;
/// 9999-12-31T23:59:59Z: after it, the year has more than four digits.
const LAST: u64 = 253_402_300_799;

/// In UTC, with milliseconds. Times that the form cannot write become the nearest one that it can.
pub(crate) fn format(at: SystemTime) -> String {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs().min(LAST);
    let (year, month, day) = civil(seconds / DAY);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let millis = since.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Exactly the form above; nothing before 1970.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let shape = b"dddd-dd-ddTdd:dd:dd.dddZ";
    let fits = text.len() == shape.len()
        && text.bytes().zip(shape).all(|(byte, shape)| match shape {
            b'd' => byte.is_ascii_digit(),
            other => byte == *other,
        });
    if !fits {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if year < 1970 || month == 0 || day == 0 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days(year, month, day);
    // A month or a day too high comes back as another one.
    if civil(days) != (year, month, day) {
        return None;
    }
    let seconds = days * DAY + hour * 3_600 + minute * 60 + second;
    Some(UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_millis(number(20, 23)?))
}

/// Days since 1970-01-01. Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years
/// begin in March, so that the leap day is the last of its year.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day; the inverse of [`days`].
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::{format, parse};
    use std::time::{Duration, UNIX_EPOCH};

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
    fn what_is_no_date_in_that_form_is_not_read() {
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
