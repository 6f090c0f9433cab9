//! What every store writes: one versioned text of a key and its token, sealed or not.
//!
//! JSON, so that a person can read what it is. The format is ours:
//!
//! ```json
//! {"format": "auth-store", "version": 1,
//!  "key": {"vendor": "iqm", "account": "user1@iqm.com", "scope": "", "base_url": "https://…"},
//!  "generation": 7,
//!  "token": {"access": "…", "refresh": "…", "expires_at_ms": 1700000000000,
//!            "issued_at_ms": 1699964001000, "attributes": {"owId": "200001"}}}
//! ```
//!
//! A sealed record has `"sealed": {"cipher": …, "nonce": …, "ciphertext": …}` in place of `token`,
//! and what stands before it is authenticated with it.

mod moment;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;

use auth_core::{Error, ErrorKind, Expiry, ExposeSecret as _, SecretString, StoreKey, Token};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::cipher::{Cipher, Sealed};

/// What a record says it is.
const FORMAT: &str = "auth-store";

/// The only version so far. Whoever changes the format counts it up and reads the earlier ones.
const VERSION: u64 = 1;

/// What the records of all versions have.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record<'a> {
    #[serde(borrow)]
    format: Text<'a>,
    version: u64,
    #[serde(borrow)]
    key: Key<'a>,
    generation: u64,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    token: Option<Plain<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<Sealed>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key<'a> {
    #[serde(borrow)]
    vendor: Text<'a>,
    #[serde(borrow)]
    account: Text<'a>,
    #[serde(borrow)]
    scope: Text<'a>,
    #[serde(borrow)]
    base_url: Text<'a>,
}

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

/// A text that is not copied out of the record, unless JSON had to escape something in it.
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

impl<'a> From<&'a StoreKey> for Key<'a> {
    fn from(key: &'a StoreKey) -> Self {
        Self {
            vendor: key.vendor.as_str().into(),
            account: key.account.as_str().into(),
            scope: key.scope.as_str().into(),
            base_url: key.base_url.as_str().into(),
        }
    }
}

impl Key<'_> {
    fn is(&self, key: &StoreKey) -> bool {
        self.vendor.0 == key.vendor
            && self.account.0 == key.account
            && self.scope.0 == key.scope
            && self.base_url.0 == key.base_url
    }

    fn to_store_key(&self) -> StoreKey {
        StoreKey {
            vendor: (*self.vendor.0).to_owned(),
            account: (*self.account.0).to_owned(),
            scope: (*self.scope.0).to_owned(),
            base_url: (*self.base_url.0).to_owned(),
        }
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

/// The record of `token`, sealed by `cipher` where there is one.
pub(crate) fn encode(
    key: &StoreKey,
    token: &Token,
    cipher: Option<&Cipher>,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let plain = Plain::from(token);
    let mut record = Record {
        format: FORMAT.into(),
        version: VERSION,
        key: key.into(),
        generation: token.generation(),
        token: None,
        sealed: None,
    };
    match cipher {
        None => record.token = Some(plain),
        Some(cipher) => {
            let plain = std::mem::take(&mut *json(&plain)?);
            let sealed = cipher.seal(plain, &authenticated(key, token.generation())?);
            record.sealed = Some(sealed.map_err(fault)?);
        }
    }
    json(&record)
}

/// The token of `key` out of its record.
pub(crate) fn decode(
    key: &StoreKey,
    bytes: &[u8],
    cipher: Option<&Cipher>,
) -> Result<Token, Error> {
    let record = parse(bytes)?;
    if !record.key.is(key) {
        return Err(fault("this is the record of another key"));
    }
    match (record.token, record.sealed, cipher) {
        (Some(plain), None, None) => Ok(plain.into_token(record.generation)),
        (None, Some(sealed), Some(cipher)) => {
            let authenticated = authenticated(key, record.generation)?;
            let plain = cipher.open(&sealed, &authenticated).map_err(fault)?;
            let plain: Plain<'_> = serde_json::from_slice(&plain).map_err(|_| foreign())?;
            Ok(plain.into_token(record.generation))
        }
        (None, Some(_), None) => Err(fault(
            "the record is encrypted, and this store was given no encryption key",
        )),
        (Some(_), None, Some(_)) => Err(fault(
            "the record is not encrypted, and this store was given an encryption key; delete the \
             record, or read it without the key",
        )),
        (Some(_), Some(_), _) | (None, None, _) => Err(foreign()),
    }
}

/// Whose record it is and of which generation, as it says itself: without the encryption key
/// nobody knows that this is true.
pub(crate) fn peek(bytes: &[u8]) -> Result<(StoreKey, u64), Error> {
    let record = parse(bytes)?;
    Ok((record.key.to_store_key(), record.generation))
}

fn parse(bytes: &[u8]) -> Result<Record<'_>, Error> {
    // What serde says of a mistake is not passed on: it quotes what it has read.
    let head: Head<'_> = serde_json::from_slice(bytes).map_err(|error| {
        if error.is_eof() {
            fault("the record breaks off: it was not written to its end")
        } else {
            foreign()
        }
    })?;
    if head.format != FORMAT {
        return Err(foreign());
    }
    if head.version != VERSION {
        let version = head.version;
        return Err(fault(format!(
            "written by a later version of auth-store: record version {version}; this one reads \
             {VERSION}"
        )));
    }
    serde_json::from_slice(bytes).map_err(|_| foreign())
}

/// What cannot be changed without the encryption key, though it is not sealed.
fn authenticated(key: &StoreKey, generation: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
    json(&(FORMAT, VERSION, Key::from(key), generation))
}

/// `value` as JSON, in one buffer that is wiped: one that grows leaves copies of secrets behind.
fn json(value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, Error> {
    let impossible = |_| fault("the record cannot be written as JSON");
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
    fault("this is no record of auth-store")
}

fn fault(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Store, message)
}

#[cfg(test)]
mod tests;
