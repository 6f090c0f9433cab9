//! Records sealed with a key of the program's: XChaCha20-Poly1305, a random nonce each.

#[cfg(feature = "encryption")]
mod key;

#[cfg(feature = "encryption")]
pub use key::EncryptionKey;

use serde::{Deserialize, Serialize};

/// What seals and opens records.
#[cfg(feature = "encryption")]
pub(crate) type Cipher = EncryptionKey;

/// Without the feature nobody can make one.
#[cfg(not(feature = "encryption"))]
#[derive(Debug)]
pub(crate) enum Cipher {}

/// Why nothing is sealed or opened; lower case, and no secret.
pub(crate) type Fault = &'static str;

/// What a record says of its encryption; both texts are Base64.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sealed {
    /// The algorithm's name.
    pub(crate) cipher: String,
    pub(crate) nonce: String,
    pub(crate) ciphertext: String,
}

#[cfg(not(feature = "encryption"))]
impl Cipher {
    pub(crate) fn seal(&self, _plain: Vec<u8>, _authenticated: &[u8]) -> Result<Sealed, Fault> {
        match *self {}
    }

    pub(crate) fn open(
        &self,
        _sealed: &Sealed,
        _authenticated: &[u8],
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, Fault> {
        match *self {}
    }
}
