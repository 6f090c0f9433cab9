#![doc = include_str!("../README.md")]

#[cfg(any(
    feature = "encryption",
    feature = "file",
    feature = "keyring",
    feature = "redis"
))]
mod cipher;
#[cfg(any(feature = "file", feature = "keyring", feature = "redis"))]
mod record;

#[cfg(feature = "encryption")]
pub use crate::cipher::EncryptionKey;
