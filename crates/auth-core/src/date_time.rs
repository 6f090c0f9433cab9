//! Dates as vendors write them into JSON.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY: u64 = 86_400;

/// The moment that an RFC 3339 text names: UTC (`2019-06-10T19:49:51.217Z`), with an offset
/// (`…+02:00`), or a date alone, which is its first moment in UTC.
///
/// `None` if it is none of these, or before 1970: Go writes year 1 where there is no date.
pub fn parse_date_time(text: &str) -> Option<SystemTime> {
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let is_month = year >= 1970 && (1..=12).contains(&month);
    let (first, next) = is_month.then(|| (days(year, month), days(year, month + 1)))?;
    let date = first + day.checked_sub(1).filter(|day| first + day < next)?;
    let (time, offset) = time.split_at(time.find(['Z', '+', '-'])?);
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let is_fraction = fraction.bytes().all(|it| it.is_ascii_digit());
    if hour > 23 || minute > 59 || second > 60 || !is_fraction {
        return None;
    }
    let nanos = format!("{fraction:0<9.9}").parse().ok()?;
    // A leap second is the second before it, as on most clocks.
    let seconds = date * DAY + hour * 3600 + minute * 60 + second.min(59);
    let local = UNIX_EPOCH + Duration::new(seconds, nanos);
    if offset == "Z" {
        return Some(local);
    }
    let [hours, minutes] = numbers(offset.get(1..)?, ':', [2, 2])?;
    let shift = Duration::from_secs(hours * 3600 + minutes * 60);
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
    let since = moment.duration_since(UNIX_EPOCH).ok()?;
    if since.as_secs() >= days(10_000, 1) * DAY {
        return None;
    }
    // `Mon, 10 Jun 2019 19:49:51 GMT`
    let text = httpdate::fmt_http_date(moment);
    let [day, month, year, time] = [5..7, 8..11, 12..16, 17..25].map(|it| &text[it]);
    let month = "JanFebMarAprMayJunJulAugSepOctNovDec".find(month)? / 3 + 1;
    let millis = since.subsec_millis();
    Some(format!("{year}-{month:02}-{day}T{time}.{millis:03}Z"))
}

/// Numbers of so many digits, with this character between them.
fn numbers<const N: usize>(text: &str, between: char, lengths: [usize; N]) -> Option<[u64; N]> {
    let mut parts = text.split(between);
    let mut numbers = [0; N];
    for (number, length) in numbers.iter_mut().zip(lengths) {
        let is_number = |it: &&str| it.len() == length && it.bytes().all(|it| it.is_ascii_digit());
        *number = parts.next().filter(is_number)?.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// Days from 1970-01-01 to the first of a month. The thirteenth is the next year's January.
fn days(year: u64, month: u64) -> u64 {
    // Of years that begin in March: a leap day is the last of its year.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 - 719_468
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
            ("2019-06-10T19:49:51.2179999999999Z", 1_560_196_191_217),
            ("2019-06-10T19:49:51.2Z", 1_560_196_191_200),
            ("2019-06-10T19:49:51+00:00", 1_560_196_191_000),
            ("2016-12-31T23:59:60Z", 1_483_228_799_000),
        ] {
            let read = parse_date_time(text).and_then(|it| it.duration_since(UNIX_EPOCH).ok());
            assert_eq!(read.map(|it| it.as_millis()), Some(millis), "{text}");
        }
        for text in [
            "",
            "soon",
            "0001-01-01T00:00:00Z",
            "2026-13-01",
            "2026-01-32",
            "2026-01-00",
            "2026-04-31",
            "2100-02-29",
            "2026-00-01",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:61Z",
            "2026-01-01T00:00:00.1x2Z",
            "2026-01-01T00:00:00.é23456789Z",
            "2026-01-01T+1:00:00Z",
            "2026-01-01T00:00:00ZZ",
            "2026-01-01T00:00Z",
            "1969-12-31T23:59:59Z",
            "99999-01-01",
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

    #[test]
    fn every_day_of_the_calendar_is_read_as_it_is_written() {
        // The whole cycle of leap years, by the calendar of `httpdate`.
        for day in 0..=days(2400, 13) {
            let moment = UNIX_EPOCH + Duration::from_secs(day * DAY + 1);
            let text = format_date_time(moment).unwrap();
            assert_eq!(parse_date_time(&text), Some(moment), "{text}");
        }
    }
}
