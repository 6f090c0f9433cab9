//! What a vendor's response holds beside the fields that a document describes.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::value::RawValue;

/// The fields of a vendor's response that have no name here, as the vendor sent them. `Debug` shows
/// how many there are, and neither names nor values: either may be a secret.
///
/// ```
/// let text = r#"{"plan": "gold", "seats": 3}"#;
/// let extra: auth_core::ExtraFields = serde_json::from_str(text)?;
/// assert_eq!(extra.get("seats"), Some(3));
/// assert_eq!(extra.get::<u64>("plan"), None);
/// assert_eq!(extra.names().collect::<Vec<_>>(), ["plan", "seats"]);
/// assert_eq!(format!("{extra:?}"), "ExtraFields(2)");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct ExtraFields(BTreeMap<String, Box<str>>);

impl ExtraFields {
    /// A field, if it is there and has the type `T`.
    pub fn get<T: DeserializeOwned>(&self, field: &str) -> Option<T> {
        serde_json::from_str(self.0.get(field)?).ok()
    }

    /// The names of the fields, in the order of the alphabet.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl fmt::Debug for ExtraFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ExtraFields").field(&self.0.len()).finish()
    }
}

/// Names, each with the JSON text of its value.
impl FromIterator<(String, Box<str>)> for ExtraFields {
    fn from_iter<I: IntoIterator<Item = (String, Box<str>)>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

impl<'de> Deserialize<'de> for ExtraFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = BTreeMap::<String, Box<RawValue>>::deserialize(deserializer)?;
        Ok(fields
            .into_iter()
            .map(|(name, value)| (name, value.into()))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_given_in_the_type_that_it_has_and_in_no_other() {
        let extra: ExtraFields = serde_json::from_str(r#"{"b": [1, 2], "a": null}"#).unwrap();
        assert_eq!(extra.get::<Vec<u8>>("b"), Some(vec![1, 2]));
        assert_eq!(extra.get::<String>("b"), None);
        assert_eq!(extra.get::<Option<u8>>("a"), Some(None));
        assert_eq!(extra.get::<u8>("c"), None);
        assert_eq!(extra.names().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(ExtraFields::default().names().count(), 0);
    }

    #[test]
    fn debug_shows_no_name_and_no_value_at_any_depth() {
        let secret = "s3cret-0123456789";
        let text = format!(r#"{{"a": "{secret}", "b": {{"c": ["{secret}"]}}, "{secret}": 1}}"#);
        let extra: ExtraFields = serde_json::from_str(&text).unwrap();
        let shown = format!("{extra:?} {extra:#?}");
        assert!(!shown.contains(&secret[..6]), "{shown}");
        assert_eq!(format!("{extra:?}"), "ExtraFields(3)");
        assert_eq!(extra.get::<String>("a").unwrap(), secret);
    }

    #[test]
    fn what_is_no_object_has_no_fields() {
        for text in ["[]", "7", "\"a\"", "null"] {
            assert!(serde_json::from_str::<ExtraFields>(text).is_err(), "{text}");
        }
    }
}
