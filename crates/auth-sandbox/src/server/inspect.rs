//! What the program shows and changes of a vendor's memory, beside what a handle does.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::jwt::Secret;
use crate::sandbox::Sandbox;
use crate::{edgeiq, eqworks, identityx, iqm};

/// The fields of a record.
pub(crate) type Fields = Map<String, Value>;

/// The memory of one vendor.
pub(crate) trait Inspect {
    /// As operations begin.
    fn vendor(&self) -> &'static str;

    /// Everything that it remembers.
    fn save(&self) -> serde_json::Result<Value>;

    /// Takes what another one has saved.
    fn load(&self, saved: Value) -> serde_json::Result<()>;

    /// All tokens that are remembered, in no order.
    fn tokens(&self) -> Vec<Token>;

    /// Whether there is such a token.
    fn change_token(&self, value: &str, change: TokenChange) -> bool;

    /// Makes a token or a code without any call of a client.
    fn mint(&self, mint: &Mint) -> Result<String, String>;

    /// The codes that a person would have to type, or find in an e-mail.
    fn codes(&self) -> Vec<Code>;

    /// The names of its lists.
    fn lists(&self) -> &'static [&'static str];

    /// Reads or changes one of these lists.
    fn records(&self, list: &str, act: Act<'_>) -> Result<Vec<Value>, String>;

    /// What can be switched, and how much was issued.
    fn switches(&self) -> Value;

    fn switch(&self, change: Fields) -> Result<(), String>;

    /// For the person who tests: the numbers.
    fn counts(&self) -> Value;
}

/// The vendors of a sandbox, in the order of the list.
pub(super) fn vendors(sandbox: &Sandbox) -> [&dyn Inspect; 4] {
    [
        sandbox.vendor::<iqm::State>(),
        sandbox.vendor::<edgeiq::State>(),
        sandbox.vendor::<eqworks::State>(),
        sandbox.vendor::<identityx::State>(),
    ]
}

/// A token that a vendor has issued.
pub(crate) struct Token {
    pub(crate) value: String,
    /// Such as `access` or `session`.
    pub(crate) kind: &'static str,
    /// The e-mail address of its user.
    pub(crate) owner: String,
    pub(crate) state: TokenState,
    /// By the vendor's wall clock, as the next.
    pub(crate) begins_at: Option<SystemTime>,
    /// `None`: it does not end by the clock.
    pub(crate) ends_at: Option<SystemTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TokenState {
    Valid,
    Expired,
    Revoked,
    /// Rotated away.
    Spent,
    /// Waits for the second factor.
    Pending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenChange {
    Revoke,
    Expire,
}

/// A token or a code to be made.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mint {
    pub(crate) vendor: String,
    pub(crate) kind: String,
    /// The e-mail address of its user.
    pub(crate) owner: Option<String>,
    /// The token itself, where the vendor's tokens are random.
    pub(crate) value: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) application: Option<String>,
    pub(crate) redirect_uri: Option<String>,
    /// Of a JWT that is only signed.
    pub(crate) claims: Option<Value>,
    /// How long it lives, where that can be chosen.
    pub(crate) lives: Option<super::Span>,
}

impl Mint {
    pub(crate) fn owner(&self) -> Result<&str, String> {
        self.owner
            .as_deref()
            .ok_or_else(|| "owner is missing".to_owned())
    }

    /// Its claims, signed.
    pub(crate) fn signed(&self, secret: &Secret) -> Result<String, String> {
        let claims = self.claims.as_ref().ok_or("claims is missing")?;
        Ok(secret.sign(claims))
    }

    pub(crate) fn unknown_kind<T>(&self, known: &str) -> Result<T, String> {
        let Self { vendor, kind, .. } = self;
        Err(format!(
            "{vendor} has no {kind:?} to make; there are: {known}"
        ))
    }
}

/// A code that waits for its user.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Code {
    pub(crate) vendor: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) owner: String,
    #[serde(rename = "code")]
    pub(crate) value: String,
    /// Whether the vendor would still accept it.
    pub(crate) valid: bool,
}

/// A short name of a token, which tells nothing about it.
pub(crate) fn token_id(value: &str) -> String {
    let digest = Sha256::digest(value.as_bytes());
    URL_SAFE_NO_PAD.encode(&digest[..9])
}

/// What to do with a list of records.
pub(crate) enum Act<'a> {
    List,
    Add(Fields),
    /// The record of this name gets these fields, and keeps the others.
    Change(&'a str, Fields),
    Remove(&'a str),
}

/// How the records of a list are told from each other.
pub(crate) struct Records<T> {
    /// The field that a new record needs.
    pub(crate) named: &'static str,
    pub(crate) new: fn(&str) -> T,
    /// Whether a record has this name.
    pub(crate) is: fn(&T, &str) -> bool,
    /// Whether a new record replaces an old one.
    pub(crate) replaces: fn(&T, &T) -> bool,
}

impl Act<'_> {
    /// Does it. The answer is the records that it is about.
    pub(crate) fn on<T>(self, list: &mut Vec<T>, records: &Records<T>) -> Result<Vec<Value>, String>
    where
        T: Serialize + DeserializeOwned,
    {
        let value = |record: &T| serde_json::to_value(record).map_err(|error| error.to_string());
        match self {
            Self::List => list.iter().map(value).collect(),
            Self::Add(fields) => {
                let named = records.named;
                let name = fields.get(named).and_then(Value::as_str);
                let name = name.ok_or_else(|| format!("{named} is missing, or no text"))?;
                let record = merged(&(records.new)(name), fields.clone())?;
                let shown = value(&record)?;
                list.retain(|other| !(records.replaces)(&record, other));
                list.push(record);
                Ok(vec![shown])
            }
            Self::Change(name, fields) => {
                let Some(record) = list.iter_mut().find(|it| (records.is)(it, name)) else {
                    return Ok(Vec::new());
                };
                let changed = merged(record, fields)?;
                if !(records.replaces)(&changed, record) {
                    let named = records.named;
                    return Err(format!("{named} cannot be changed; add another record"));
                }
                *record = changed;
                Ok(vec![value(record)?])
            }
            Self::Remove(name) => {
                let Some(at) = list.iter().position(|it| (records.is)(it, name)) else {
                    return Ok(Vec::new());
                };
                Ok(vec![value(&list.remove(at))?])
            }
        }
    }
}

/// A record with other values in some of its fields.
pub(crate) fn merged<T: Serialize + DeserializeOwned>(
    record: &T,
    fields: Fields,
) -> Result<T, String> {
    let text = |error: serde_json::Error| error.to_string();
    let mut value = serde_json::to_value(record).map_err(text)?;
    for (name, field) in fields {
        if let Some(old) = value.get_mut(&name) {
            *old = field;
            continue;
        }
        let known = value.as_object().into_iter().flat_map(Map::keys);
        let known = known.map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(format!("there is no field {name:?}; there are: {known}"));
    }
    serde_json::from_value(value).map_err(text)
}

/// A secret of a vendor, as text.
pub(crate) fn secret_text(secret: &Secret) -> String {
    STANDARD.encode(secret.bytes())
}

pub(crate) fn load_secret(secret: &Secret, text: &str) -> serde_json::Result<()> {
    let bytes = STANDARD.decode(text).ok();
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
    let bytes = bytes.ok_or_else(|| serde_json::Error::custom("a secret is no 64 bytes"))?;
    secret.replace(bytes);
    Ok(())
}

/// A time to the nanosecond, for state that is kept byte for byte.
pub(crate) mod exact_time {
    use super::{Deserialize, SystemTime};
    use serde::de::Error as _;
    use serde::{Deserializer, Serializer};

    #[allow(clippy::ref_option, reason = "serde calls it so")]
    pub(crate) fn serialize<S: Serializer>(
        at: &Option<SystemTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = at.map(|at| humantime::format_rfc3339_nanos(at).to_string());
        match text {
            Some(text) => serializer.serialize_some(&text),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let parse = |text: String| humantime::parse_rfc3339(&text).map_err(D::Error::custom);
        text.map(parse).transpose()
    }
}
