//! Ids, and what the schema's scalars are in Rust.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_core::{Error as CoreError, ErrorKind, parse_date_time};
use serde::de::{Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Error;

/// The scalar `JSON`.
pub type Json = serde_json::Value;

/// The scalar `JSONObject`.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;

/// The scalar `ObjectID`: the vendor's id of a thing.
pub type ObjectId = String;

/// An id of 24 hexadecimal digits, in small letters.
macro_rules! id {
    ($(#[$docs:meta])* $name:ident, $what:literal) => {
        $(#[$docs])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Checks `id`; blanks around it do not matter.
            ///
            /// # Errors
            ///
            /// [`ErrorKind::InvalidConfig`] if it is not 24 hexadecimal digits.
            pub fn new(id: impl AsRef<str>) -> Result<Self, Error> {
                let id = id.as_ref().trim().to_ascii_lowercase();
                if id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Ok(Self(id));
                }
                let message = concat!("the ", $what, " id must be 24 hexadecimal digits");
                Err(CoreError::new(ErrorKind::InvalidConfig, message).into())
            }

            /// As it goes over the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// Which application: the header `x-app-id`.
    ///
    /// Source: IdentityX, "Authentication", *App users*.
    ApplicationId,
    "application"
);
id!(
    /// Which organisation: the header `x-org-id`.
    ///
    /// Source: IdentityX, "Authentication", *Organization users*.
    OrganizationId,
    "organization"
);

/// The scalar `Date`: a moment.
///
/// The service sends milliseconds since 1970 as a number. A text of such a number, or one in the
/// form of RFC 3339, is read as well. It is written as the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date(SystemTime);

impl Date {
    /// The moment, by the vendor's clock.
    pub fn moment(self) -> SystemTime {
        self.0
    }

    fn of_millis(millis: i64) -> Option<Self> {
        let distance = Duration::from_millis(millis.unsigned_abs());
        let moment = if millis < 0 {
            UNIX_EPOCH.checked_sub(distance)
        } else {
            UNIX_EPOCH.checked_add(distance)
        };
        moment.map(Self)
    }
}

impl From<SystemTime> for Date {
    fn from(moment: SystemTime) -> Self {
        Self(moment)
    }
}

impl From<Date> for SystemTime {
    fn from(date: Date) -> Self {
        date.0
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let millis = |distance: Duration| i64::try_from(distance.as_millis()).ok();
        let number = match self.0.duration_since(UNIX_EPOCH) {
            Ok(after) => millis(after),
            Err(before) => millis(before.duration()).map(|millis| -millis),
        };
        let number = number.ok_or_else(|| serde::ser::Error::custom("a date out of range"))?;
        serializer.serialize_i64(number)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DateVisitor)
    }
}

struct DateVisitor;

impl Visitor<'_> for DateVisitor {
    type Value = Date;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("milliseconds since 1970 or an RFC 3339 text")
    }

    fn visit_i64<E: serde::de::Error>(self, millis: i64) -> Result<Date, E> {
        Date::of_millis(millis).ok_or_else(|| E::invalid_value(Unexpected::Signed(millis), &self))
    }

    fn visit_u64<E: serde::de::Error>(self, millis: u64) -> Result<Date, E> {
        let millis = i64::try_from(millis).map_err(|_| E::custom("a date out of range"))?;
        self.visit_i64(millis)
    }

    fn visit_f64<E: serde::de::Error>(self, millis: f64) -> Result<Date, E> {
        // A float-to-integer cast saturates, and a part of a millisecond does not matter.
        #[allow(
            clippy::cast_possible_truncation,
            reason = "saturation is what we want"
        )]
        self.visit_i64(millis as i64)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Date, E> {
        if let Ok(millis) = text.trim().parse() {
            return self.visit_i64(millis);
        }
        // The text is not repeated: whatever stands there, it is no date.
        parse_date_time(text)
            .map(Date)
            .ok_or_else(|| E::custom("no date"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(json: &str) -> Option<SystemTime> {
        serde_json::from_str::<Date>(json).ok().map(Date::moment)
    }

    #[test]
    fn a_date_is_read_from_a_number_and_from_both_kinds_of_text() {
        let moment = UNIX_EPOCH + Duration::from_millis(1_560_196_191_217);
        for json in [
            "1560196191217",
            "1560196191217.4",
            r#""1560196191217""#,
            r#"" 1560196191217 ""#,
            r#""2019-06-10T19:49:51.217Z""#,
            r#""2019-06-10T21:49:51.217+02:00""#,
        ] {
            assert_eq!(date(json), Some(moment), "{json}");
        }
        assert_eq!(date("-1000"), Some(UNIX_EPOCH - Duration::from_secs(1)));
        assert_eq!(date("0"), Some(UNIX_EPOCH));
        for json in [r#""soon""#, "true", "null", "{}", "[]", r#""""#] {
            assert_eq!(date(json), None, "{json}");
        }
    }

    #[test]
    fn no_date_is_too_absurd() {
        for json in [
            "9223372036854775807",
            "-9223372036854775808",
            "18446744073709551615",
            "1e300",
            "-1e300",
        ] {
            // Read or refused, but without a panic.
            let _ = date(json);
        }
    }

    #[test]
    fn a_date_is_written_as_it_is_sent() {
        for json in ["1560196191217", "0", "-1000"] {
            let read: Date = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), json);
        }
    }

    #[test]
    fn an_id_is_24_hexadecimal_digits() {
        let id = ApplicationId::new(" 5D1B86A8F7A3C10012E4F001\n").unwrap();
        assert_eq!(id.as_str(), "5d1b86a8f7a3c10012e4f001");
        assert_eq!(format!("{id} {id:?}"), format!("{0} {0}", id.as_str()));
        for text in [
            "",
            "5d1b86a8f7a3c10012e4f00",
            "5d1b86a8f7a3c10012e4f0011",
            "5d1b86a8f7a3c10012e4f00g",
            "5d1b86a8f7a3c10012e4f00é",
        ] {
            let error = OrganizationId::new(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{text}");
        }
    }
}
