#![doc = include_str!("../README.md")]

#[cfg(any(
    feature = "encryption",
    feature = "file",
    feature = "keyring",
    feature = "redis"
))]
mod cipher;
#[cfg(feature = "file")]
mod file;
#[cfg(any(feature = "file", feature = "keyring", feature = "redis"))]
mod record;
#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "encryption")]
pub use crate::cipher::EncryptionKey;
#[cfg(feature = "file")]
pub use crate::file::{DEFAULT_LEASE_WAIT, FileStore};
