//! What generated code calls: leaves in any number of lists and nulls, and objects of several types.

use std::fmt;

use secrecy::SecretString;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Json;

/// Writes tokens of generated variables into a request, so that they are redacted from the response.
#[doc(hidden)]
pub fn serialize_secret<S: Serializer>(
    secret: &impl Secrets,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    secret.write(serializer)
}

/// Reads ids, which are text or numbers.
#[doc(hidden)]
pub fn deserialize_id<'de, D: Deserializer<'de>, T: Ids>(deserializer: D) -> Result<T, D::Error> {
    T::read(deserializer)
}

/// Reads an object, and the name of its type from the field `tag`.
#[doc(hidden)]
pub fn deserialize_tagged<'de, D: Deserializer<'de>>(
    deserializer: D,
    tag: &str,
) -> Result<(String, Json), D::Error> {
    let value = Json::deserialize(deserializer)?;
    let name = value.get(tag).and_then(Json::as_str).map(str::to_owned);
    let name = name.ok_or_else(|| D::Error::custom("an object without the name of its type"))?;
    Ok((name, value))
}

/// Tokens in lists and nulls.
pub trait Secrets {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

impl Secrets for SecretString {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        auth_core::serialize_secret(self, serializer)
    }
}

impl<T: Secrets> Secrets for Option<T> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().map(Written).serialize(serializer)
    }
}

impl<T: Secrets> Secrets for Vec<T> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Written))
    }
}

struct Written<'a, T>(&'a T);

impl<T: Secrets> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

/// Ids in lists and nulls.
pub trait Ids: Sized {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

impl Ids for String {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor)
    }
}

impl Ids for SecretString {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::read(deserializer).map(Self::from)
    }
}

impl<T: Ids> Ids for Option<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Option::<Read<T>>::deserialize(deserializer)?;
        Ok(read.map(|read| read.0))
    }
}

impl<T: Ids> Ids for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Vec::<Read<T>>::deserialize(deserializer)?;
        Ok(read.into_iter().map(|read| read.0).collect())
    }
}

struct Read<T>(T);

impl<'de, T: Ids> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Self)
    }
}

struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id: text or a whole number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<String, E> {
        Ok(text)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_text_or_a_whole_number_in_any_list() {
        let read = |json| {
            let mut reader = serde_json::Deserializer::from_str(json);
            deserialize_id::<_, Option<Vec<Option<String>>>>(&mut reader).ok()
        };
        let ids = read(r#"["a", 7, -8, null]"#).flatten().unwrap();
        let ids: Vec<_> = ids.iter().map(Option::as_deref).collect();
        assert_eq!(ids, [Some("a"), Some("7"), Some("-8"), None]);
        assert_eq!(read("null"), Some(None));
        for json in ["[1.5]", "[true]", "[{}]", "7"] {
            assert_eq!(read(json), None, "{json}");
        }
    }
}
