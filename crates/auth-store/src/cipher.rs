//! Encryption of records with a key of the program: XChaCha20-Poly1305, with a random nonce for each.

#[cfg(feature = "encryption")]
mod key;
mod sealed;

#[cfg(feature = "encryption")]
pub use key::EncryptionKey;
pub(crate) use sealed::Sealed;

/// What encrypts and decrypts records.
#[cfg(feature = "encryption")]
pub(crate) type Cipher = EncryptionKey;

/// Without the feature there is none.
#[cfg(not(feature = "encryption"))]
#[derive(Debug)]
pub(crate) enum Cipher {}

#[cfg(not(feature = "encryption"))]
impl Cipher {
    pub(crate) fn seal(
        &self,
        _plain: Vec<u8>,
        _authenticated: &[u8],
    ) -> Result<Sealed, auth_core::Error> {
        match *self {}
    }

    pub(crate) fn open(
        &self,
        _sealed: &Sealed,
        _authenticated: &[u8],
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, auth_core::Error> {
        match *self {}
    }
}
