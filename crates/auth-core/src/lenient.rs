//! JSON as servers really send it: `#[serde(deserialize_with = "…")]` for fields of responses.
//!
//! What is unambiguous is read: a number in quotes, a whole number with a fraction of zero, `null` where nothing is
//! said. What is ambiguous is an error without the value in its text. [`Response::json`](crate::Response::json)
//! adds the name of the field.
//!
//! A field that may be missing needs `#[serde(default)]` as well.
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//!
//! use auth_core::lenient;
//!
//! #[derive(serde::Deserialize)]
//! struct Payload {
//!     #[serde(deserialize_with = "lenient::integer")]
//!     id: u64,
//!     #[serde(default, deserialize_with = "lenient::optional_seconds")]
//!     expires_in: Option<Duration>,
//!     #[serde(default, deserialize_with = "lenient::or_default")]
//!     scopes: Vec<String>,
//!     #[serde(default, deserialize_with = "lenient::if_readable")]
//!     note: Option<String>,
//! }
//!
//! let text = r#"{"id": "12.0", "expires_in": 35999.5, "scopes": null, "note": {"never": "read"}}"#;
//! let payload: Payload = serde_json::from_str(text)?;
//! assert_eq!(payload.id, 12);
//! assert_eq!(payload.expires_in, Some(Duration::from_millis(35_999_500)));
//! assert!(payload.scopes.is_empty() && payload.note.is_none());
//! # Ok::<(), serde_json::Error>(())
//! ```

use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, Visitor};

/// From here on a floating-point number stands for several whole ones.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A whole number: `12`, `12.0`, `"12"` or `"12.0"`.
///
/// # Errors
///
/// If it is something else, or does not fit into `T`.
pub fn integer<'de, D: Deserializer<'de>, T: TryFrom<i128>>(
    deserializer: D,
) -> Result<T, D::Error> {
    optional_integer(deserializer)?.ok_or_else(|| D::Error::custom("no number"))
}

/// As [`integer`]; `None` for `null` and for an empty text.
///
/// # Errors
///
/// As [`integer`].
pub fn optional_integer<'de, D: Deserializer<'de>, T: TryFrom<i128>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_any(NumberVisitor(|Number { whole, fraction }| {
        if fraction != 0.0 {
            return Err("a fraction, where a whole number is expected");
        }
        T::try_from(whole).map_err(|_| OUTSIDE)
    }))
}

/// A number of seconds, fractions included: `35999`, `35999.5`, `"35999"`. `None` for `null` and for
/// an empty text.
///
/// # Errors
///
/// If it is something else, or negative.
pub fn optional_seconds<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    deserializer.deserialize_any(NumberVisitor(|Number { whole, fraction }| {
        let seconds = u64::try_from(whole).map_err(|_| OUTSIDE)?;
        Ok(Duration::from_secs(seconds) + Duration::from_secs_f64(fraction))
    }))
}

/// The value, or the type's default for `null`.
///
/// # Errors
///
/// If it is something else than a `T` or `null`.
pub fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The value if it is a `T`, else `None`: for a field without which the response is as good.
///
/// # Errors
///
/// If it is no JSON.
pub fn if_readable<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(T::deserialize(value).ok())
}

/// Some servers put it before the text (RFC 8259 forbids it, and allows to ignore it).
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The text of a body.
pub(crate) fn without_byte_order_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)
}

/// Whether a body is a web page or another text that is no JSON: a proxy, a gateway or a captive portal has answered in
/// the vendor's place. A body that is empty, or JSON that was cut off, is the vendor's.
pub(crate) fn is_foreign(body: &[u8]) -> bool {
    let text = without_byte_order_mark(body).trim_ascii();
    let may_be_cut = text.first().is_none_or(|first| b"{[\"".contains(first));
    !may_be_cut && serde_json::from_slice::<serde::de::IgnoredAny>(text).is_err()
}

struct Number {
    whole: i128,
    /// From zero up to one; of a negative number nothing is read but whole ones.
    fraction: f64,
}

impl Number {
    fn of(number: f64) -> Option<Self> {
        if number.abs() >= EXACT || (number < 0.0 && number.fract() != 0.0) {
            return None;
        }
        #[allow(clippy::cast_possible_truncation, reason = "its size was checked")]
        let whole = number.trunc() as i128;
        Some(Self {
            whole,
            fraction: number.fract(),
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let are_digits =
            |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
        let unsigned = whole.strip_prefix('-').unwrap_or(whole);
        if !are_digits(unsigned) || !are_digits(fraction) {
            return None;
        }
        if fraction.bytes().all(|it| it == b'0') {
            return Some(Self {
                whole: whole.parse().ok()?,
                fraction: 0.0,
            });
        }
        Self::of(text.parse().ok()?)
    }
}

const OUTSIDE: &str = "a number outside the range";

/// What a number may be written as, and what is made of it. No error holds the value: it may be a token
/// in the wrong field. All are raised here and not later, so that they are placed at the value.
struct NumberVisitor<T>(fn(Number) -> Result<T, &'static str>);

impl<T> NumberVisitor<T> {
    fn read<E: Error>(self, number: Number) -> Result<Option<T>, E> {
        (self.0)(number).map(Some).map_err(E::custom)
    }
}

impl<T> Visitor<'_> for NumberVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        self.read(Number {
            whole: number.into(),
            fraction: 0.0,
        })
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        self.read(Number {
            whole: number.into(),
            fraction: 0.0,
        })
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        let number = Number::of(number).ok_or_else(|| E::custom(OUTSIDE))?;
        self.read(number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let number = Number::parse(text);
        let number = number.ok_or_else(|| E::custom("a text, where a number is expected"))?;
        self.read(number)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Result<Option<u64>, String> {
        let mut json = serde_json::Deserializer::from_str(text);
        optional_integer(&mut json).map_err(|error| error.to_string())
    }

    fn seconds(text: &str) -> Result<Option<Duration>, String> {
        let mut json = serde_json::Deserializer::from_str(text);
        optional_seconds(&mut json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_whole_number_is_read_in_every_form_that_says_one() {
        for text in [
            "35999",
            "35999.0",
            "35999.00",
            "3.5999e4",
            "\"35999\"",
            "\" 35999\\n\"",
            "\"35999.0\"",
        ] {
            assert_eq!(whole(text), Ok(Some(35_999)), "{text}");
        }
        for text in ["18446744073709551615", "\"18446744073709551615\""] {
            assert_eq!(whole(text), Ok(Some(u64::MAX)), "{text}");
        }
        for text in ["null", "\"\"", "\" \""] {
            assert_eq!(whole(text), Ok(None), "{text}");
        }
        let mut json = serde_json::Deserializer::from_str("\"-5\"");
        assert_eq!(integer::<_, i64>(&mut json).ok(), Some(-5));
        let mut json = serde_json::Deserializer::from_str("null");
        assert!(integer::<_, i64>(&mut json).is_err());
    }

    #[test]
    fn what_is_no_whole_number_is_refused_without_the_value() {
        for text in [
            "35999.5",
            "\"35999.5\"",
            "-1",
            "\"-1\"",
            "1e300",
            "18446744073709551616",
            "9007199254740993.0",
            "\"0x1F\"",
            "\"1e3\"",
            "\"35 999\"",
            "\"35,999\"",
            "\"35999s\"",
            "\"inf\"",
            "\"nan\"",
            "\"+5\"",
            "\".5\"",
            "\"5.\"",
            "true",
            "[35999]",
            "{\"n\":35999}",
        ] {
            let refusal = whole(text).unwrap_err();
            for digits in ["35", "999", "1e", "18446744073709551616", "nan", "x1F"] {
                let shown = refusal.split(" at line").next().unwrap_or_default();
                assert!(!shown.contains(digits), "{text}: {refusal}");
            }
        }
    }

    #[test]
    fn seconds_may_have_a_fraction_and_are_never_negative() {
        let half = Duration::from_millis(35_999_500);
        assert_eq!(seconds("35999.5"), Ok(Some(half)));
        assert_eq!(seconds("\"35999.5\""), Ok(Some(half)));
        assert_eq!(seconds("\"35999\""), Ok(Some(Duration::from_secs(35_999))));
        assert_eq!(
            seconds("18446744073709551615"),
            Ok(Some(Duration::from_secs(u64::MAX)))
        );
        assert_eq!(seconds("null"), Ok(None));
        for text in ["-1", "-0.5", "\"-0.5\"", "1e300", "\"soon\"", "false"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
