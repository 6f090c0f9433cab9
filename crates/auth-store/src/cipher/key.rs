//! The program's key.

use std::fmt;

use auth_core::{Error, ErrorKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::Generate as _;
use chacha20poly1305::{AeadInOut as _, Key, KeyInit as _, XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use zeroize::{Zeroize as _, Zeroizing};

use super::sealed::Sealed;
use crate::error::store_error;

/// The name of the algorithm in records.
const CIPHER: &str = "xchacha20-poly1305";

const KEY: usize = 32;

/// A key of the program, with which a store encrypts what it keeps.
///
/// It is 32 random bytes, not a password. They are wiped when the key is dropped, and `Debug` shows
/// nothing of them. The record's key (vendor, account, …) and its generation are not encrypted, but
/// a change of them is found out.
///
/// Decision: XChaCha20-Poly1305 by `RustCrypto`, because its nonce is long enough to be random for
/// every record.
///
/// # Example
///
/// ```
/// use auth_store::EncryptionKey;
/// # fn main() -> Result<(), auth_core::Error> {
///
/// // As from `head -c 32 /dev/urandom | base64`.
/// let old = EncryptionKey::from_base64(&"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".into())?;
/// let new = EncryptionKey::from_base64(&"ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=".into())?;
/// // Encrypts with the new key, and decrypts what the old one encrypted.
/// let key = new.with_older(old);
/// # Ok(())
/// # }
/// ```
pub struct EncryptionKey {
    key: SecretBox<[u8; KEY]>,
    older: Vec<SecretBox<[u8; KEY]>>,
}

impl EncryptionKey {
    /// A key of these 32 random bytes.
    pub fn new(key: SecretBox<[u8; KEY]>) -> Self {
        Self {
            key,
            older: Vec::new(),
        }
    }

    /// A key from the Base64 text (standard alphabet, padded) of 32 random bytes. White space
    /// around it is ignored.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the text is anything else.
    pub fn from_base64(text: &SecretString) -> Result<Self, Error> {
        let mut key = SecretBox::<[u8; KEY]>::init_with_mut(|_| ());
        // As long as the text, so that nothing is left in a smaller buffer if it is too long.
        let text = text.expose_secret().trim();
        let mut bytes = Zeroizing::new(vec![0; text.len()]);
        let length = STANDARD.decode_slice(text, &mut bytes);
        let Some(bytes) = length.ok().filter(|it| *it == KEY).map(|it| &bytes[..it]) else {
            let message = "an encryption key is the Base64 text of 32 bytes; make one with \
                           `head -c 32 /dev/urandom | base64`";
            return Err(Error::new(ErrorKind::InvalidConfig, message));
        };
        secrecy::ExposeSecretMut::expose_secret_mut(&mut key).copy_from_slice(bytes);
        Ok(Self::new(key))
    }

    /// Also decrypts what `older` and its older keys encrypted, for the time after a change of keys.
    /// Nothing is encrypted with them.
    pub fn with_older(mut self, older: Self) -> Self {
        self.older.push(older.key);
        self.older.extend(older.older);
        self
    }

    /// Encrypts `plain` and wipes it from memory. A later change of `authenticated` is found out.
    pub(crate) fn seal(&self, mut plain: Vec<u8>, authenticated: &[u8]) -> Result<Sealed, Error> {
        let sealed = (|| {
            let nonce = XNonce::try_generate().map_err(|_| {
                store_error("the operating system gives no random numbers to encrypt with")
            })?;
            // In place, and then the tag is appended. If that moves the buffer, what stays behind
            // is encrypted already.
            algorithm(&self.key)
                .encrypt_in_place(&nonce, authenticated, &mut plain)
                .map_err(|_| store_error("the token is too long to be encrypted"))?;
            Ok(Sealed {
                cipher: CIPHER.to_owned(),
                nonce: STANDARD.encode(nonce),
                ciphertext: STANDARD.encode(&plain),
            })
        })();
        plain.zeroize();
        sealed
    }

    /// Decrypts what this key or an older one encrypted.
    pub(crate) fn open(
        &self,
        sealed: &Sealed,
        authenticated: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        if sealed.cipher != CIPHER {
            return Err(store_error(
                "the record is encrypted by an unknown algorithm",
            ));
        }
        let nonce = STANDARD.decode(&sealed.nonce).map_err(|_| refused())?;
        let nonce = XNonce::try_from(nonce.as_slice()).map_err(|_| refused())?;
        let ciphertext = STANDARD.decode(&sealed.ciphertext).map_err(|_| refused())?;
        for key in std::iter::once(&self.key).chain(&self.older) {
            let mut plain = Zeroizing::new(ciphertext.clone());
            let opened = algorithm(key).decrypt_in_place(&nonce, authenticated, &mut *plain);
            if opened.is_ok() {
                return Ok(plain);
            }
        }
        Err(refused())
    }
}

fn refused() -> Error {
    store_error("the record was encrypted with another key, or was changed since")
}

fn algorithm(key: &SecretBox<[u8; KEY]>) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(<&Key>::from(key.expose_secret()))
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptionKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn a_key_is_the_base64_text_of_32_bytes() {
        for text in [TEXT.to_owned(), format!(" {TEXT}\n")] {
            let key = EncryptionKey::from_base64(&text.into()).unwrap();
            assert_eq!(key.key.expose_secret()[..], (0..32).collect::<Vec<_>>());
        }
        let longer = format!("{}A", &TEXT[..43]);
        for bad in [
            "",
            "password",
            &TEXT[4..],
            &TEXT[..43],
            &longer,
            &TEXT.repeat(2),
        ] {
            let error = EncryptionKey::from_base64(&bad.to_owned().into()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{bad}");
            let shown = format!("{error} {error:?}");
            assert!(bad.is_empty() || !shown.contains(bad), "{shown}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_a_key() {
        let key = EncryptionKey::from_base64(&TEXT.into()).unwrap();
        let key = key.with_older(EncryptionKey::from_base64(&TEXT.into()).unwrap());
        assert_eq!(format!("{key:?}"), "EncryptionKey { .. }");
    }
}
