//! The format of all stores: one versioned text with a key and its token, encrypted or not.
//!
//! Decision: JSON, so that a person can see what it is.
//!
//! ```json
//! {"format": "auth-store", "version": 1,
//!  "key": {"vendor": "iqm", "account": "user1@iqm.com", "scope": "", "base_url": "https://…"},
//!  "generation": 7,
//!  "token": {"access": "…", "refresh": "…", "expires_at_ms": 1700000000000,
//!            "issued_at_ms": 1699964001000, "attributes": {"owId": "200001"}}}
//! ```
//!
//! An encrypted record has `"sealed": {"cipher": …, "nonce": …, "ciphertext": …}` in place of
//! `token`. The fields before it are authenticated with it.

mod moment;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;

use auth_core::{Error, Expiry, ExposeSecret as _, SecretString, StoreKey, Token};
use secrecy::SecretSlice;
#[cfg(feature = "file")]
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::cipher::{Cipher, Sealed};
use crate::error::store_error;

/// A record, wiped from memory when it is dropped.
pub(crate) type Bytes = Zeroizing<Vec<u8>>;

/// The value of the field `format`.
const FORMAT: &str = "auth-store";

/// The only version so far. A change of the format increments it and keeps reading the earlier ones.
const VERSION: u64 = 1;

/// The fields that records of all versions have.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<'a> {
    #[serde(borrow)]
    format: Text<'a>,
    version: u64,
    #[serde(with = "Key")]
    key: StoreKey,
    generation: u64,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    token: Option<Plain<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<Sealed>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "StoreKey", deny_unknown_fields)]
struct Key {
    vendor: String,
    account: String,
    scope: String,
    base_url: String,
}

/// The fields that cannot be changed without the encryption key, though they are not encrypted.
#[derive(Serialize)]
struct Authenticated<'a>(&'static str, u64, #[serde(with = "Key")] &'a StoreKey, u64);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain<'a> {
    #[serde(borrow)]
    access: Text<'a>,
    #[serde(borrow)]
    refresh: Option<Text<'a>>,
    expires_at_ms: Option<i64>,
    issued_at_ms: i64,
    #[serde(borrow)]
    attributes: BTreeMap<Text<'a>, Text<'a>>,
}

/// A text that is not copied from the record, unless JSON had to escape something in it.
#[derive(Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl Text<'_> {
    fn into_secret(self) -> SecretString {
        let secret = SecretString::from(&*self.0);
        if let Cow::Owned(mut text) = self.0 {
            text.zeroize();
        }
        secret
    }
}

impl<'a> From<&'a Token> for Plain<'a> {
    fn from(token: &'a Token) -> Self {
        Self {
            access: token.access().expose_secret().into(),
            refresh: token.refresh().map(|it| it.expose_secret().into()),
            expires_at_ms: token.expiry().at().map(moment::to_millis),
            issued_at_ms: moment::to_millis(token.issued_at()),
            attributes: token
                .attributes()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        }
    }
}

impl Plain<'_> {
    fn into_token(self, generation: u64) -> Token {
        let expiry = self.expires_at_ms.map_or(Expiry::Never, moment::expiry);
        let issued_at = moment::from_millis(self.issued_at_ms);
        let token = Token::new(self.access.into_secret(), expiry, issued_at)
            .with_refresh(self.refresh.map(Text::into_secret))
            .with_generation(generation);
        self.attributes
            .into_iter()
            .fold(token, |token, (name, value)| {
                token.with_attribute(name.0, value.0)
            })
    }
}

/// A token and whose it is, in the format of all stores of this crate: for a store of your own, which
/// keeps bytes (a column of a database, a secret of a vault).
///
/// The format is JSON with a version. What this version of the crate writes, later ones read.
///
/// # Example
///
/// ```
/// use std::time::SystemTime;
///
/// use auth_core::store::{StoreKey, Token};
/// use auth_core::{BaseUrl, Expiry};
/// use auth_store::{ExposeSecret as _, Record};
///
/// # fn main() -> Result<(), auth_core::Error> {
/// let base = BaseUrl::parse("https://api.example.com")?;
/// let key = StoreKey::new("example", "user@example.com", "", &base);
/// let token = Token::new("a token".into(), Expiry::Never, SystemTime::now());
///
/// let bytes = Record::new(key.clone(), token).to_bytes()?;
/// let record = Record::from_bytes(bytes.expose_secret())?;
/// assert_eq!(record.key, key);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Record {
    /// Whose token it is.
    pub key: StoreKey,
    /// The token.
    pub token: Token,
}

impl Record {
    /// What is to be kept of `token` under `key`.
    pub fn new(key: StoreKey, token: Token) -> Self {
        Self { key, token }
    }

    /// The record as text in UTF-8. The token's secrets stand there as they are: keep it where only
    /// the program can read it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`](auth_core::ErrorKind::Store) if it cannot be written.
    pub fn to_bytes(&self) -> Result<SecretSlice<u8>, Error> {
        let mut bytes = encode(&self.key, &self.token, None)?;
        Ok(std::mem::take(&mut *bytes).into())
    }

    /// The record that these bytes are.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`](auth_core::ErrorKind::Store) if they are no record, one of a later version
    /// of this crate, or encrypted. The message quotes nothing of them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let key = owner(bytes, |_| true)?;
        let token = decode(&key, bytes, None)?;
        Ok(Self { key, token })
    }
}

/// The record of `token`, encrypted if there is a `cipher`.
pub(crate) fn encode(
    key: &StoreKey,
    token: &Token,
    cipher: Option<&Cipher>,
) -> Result<Bytes, Error> {
    let plain = Plain::from(token);
    let mut record = Stored {
        format: FORMAT.into(),
        version: VERSION,
        key: key.clone(),
        generation: token.generation(),
        token: None,
        sealed: None,
    };
    match cipher {
        None => record.token = Some(plain),
        Some(cipher) => {
            let plain = std::mem::take(&mut *json(&plain)?);
            let sealed = cipher.seal(plain, &authenticated(key, token.generation())?);
            record.sealed = Some(sealed?);
        }
    }
    json(&record)
}

/// The record to write in place of `stored`; `None` if the token in `stored` is to stay.
///
/// An error if `stored` cannot be read: it may be worth more than `token`.
#[cfg(any(feature = "file", feature = "redis"))]
pub(crate) fn replacement(
    key: &StoreKey,
    token: &Token,
    stored: Option<&Bytes>,
    cipher: Option<&Cipher>,
) -> Result<Option<Bytes>, Error> {
    let stored = stored.map(|it| decode(key, it, cipher)).transpose()?;
    if stored.is_some_and(|stored| token.is_superseded_by(&stored)) {
        return Ok(None);
    }
    encode(key, token, cipher).map(Some)
}

/// The token of `key` from its record.
pub(crate) fn decode(
    key: &StoreKey,
    bytes: &[u8],
    cipher: Option<&Cipher>,
) -> Result<Token, Error> {
    let record = parse(bytes)?;
    if record.key != *key {
        return Err(misplaced());
    }
    match (record.token, record.sealed, cipher) {
        (Some(plain), None, None) => Ok(plain.into_token(record.generation)),
        (None, Some(sealed), Some(cipher)) => {
            let authenticated = authenticated(key, record.generation)?;
            let plain = cipher.open(&sealed, &authenticated)?;
            let plain: Plain<'_> = serde_json::from_slice(&plain).map_err(|_| foreign())?;
            Ok(plain.into_token(record.generation))
        }
        (None, Some(_), None) => Err(store_error(
            "the record is encrypted, and this store was given no encryption key",
        )),
        (Some(_), None, Some(_)) => Err(store_error(
            "the record is not encrypted, and this store was given an encryption key; delete the \
             record, or read it without the key",
        )),
        (Some(_), Some(_), _) | (None, None, _) => Err(foreign()),
    }
}

/// The key that the record names. An error if the record is not in its place.
///
/// Only the encryption key proves that it is true.
pub(crate) fn owner(
    bytes: &[u8],
    is_in_place: impl FnOnce(&StoreKey) -> bool,
) -> Result<StoreKey, Error> {
    let key = parse(bytes)?.key;
    if is_in_place(&key) {
        Ok(key)
    } else {
        Err(misplaced())
    }
}

/// The record that is stored at `place`, unless it is damaged, which is logged.
///
/// Decision: a file or keyring store takes a damaged record for none, and the next save keeps it aside.
/// A session that can log in is not blocked until a person deletes it. All else that cannot be read is
/// an error, because it may be worth more than a new token. A Redis server leaves no half of a value.
#[cfg(feature = "file")]
pub(crate) fn unless_damaged(
    stored: Option<Bytes>,
    place: impl std::fmt::Display,
) -> Option<Bytes> {
    let is_damaged = stored.as_deref().is_some_and(|it| is_damaged(it));
    if is_damaged {
        tracing::warn!(
            %place,
            "the record is damaged and is taken for none; the next save keeps it aside"
        );
    }
    stored.filter(|_| !is_damaged)
}

/// Whether this is not JSON at all: empty, filled with zeros or cut off, as a machine that fails leaves
/// a file. Records of all versions are JSON, and so are sealed ones.
#[cfg(feature = "file")]
pub(crate) fn is_damaged(bytes: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(bytes).is_err()
}

fn parse(bytes: &[u8]) -> Result<Stored<'_>, Error> {
    // The message of serde is not passed on, because it quotes what it has read.
    let head: Head<'_> = serde_json::from_slice(bytes).map_err(|error| {
        if error.is_eof() {
            store_error("the record is cut off: it was not written to its end")
        } else {
            foreign()
        }
    })?;
    if head.format != FORMAT {
        return Err(foreign());
    }
    if head.version != VERSION {
        let version = head.version;
        return Err(store_error(format!(
            "written by a later version of auth-store: record version {version}; this one reads \
             {VERSION}"
        )));
    }
    serde_json::from_slice(bytes).map_err(|_| foreign())
}

fn authenticated(key: &StoreKey, generation: u64) -> Result<Bytes, Error> {
    json(&Authenticated(FORMAT, VERSION, key, generation))
}

/// `value` as JSON, in one buffer that is wiped: one that grows leaves copies of secrets behind.
fn json(value: &impl Serialize) -> Result<Bytes, Error> {
    let impossible = |_| store_error("the record cannot be written as JSON");
    let mut length = Length(0);
    serde_json::to_writer(&mut length, value).map_err(impossible)?;
    let mut text = Zeroizing::new(Vec::with_capacity(length.0));
    serde_json::to_writer(&mut *text, value).map_err(impossible)?;
    Ok(text)
}

/// Counts what is written.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn foreign() -> Error {
    store_error("this is not a record of auth-store")
}

fn misplaced() -> Error {
    store_error("this is the record of another key")
}

#[cfg(test)]
mod tests;
