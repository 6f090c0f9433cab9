#![doc = include_str!("../README.md")]

#[cfg(any(feature = "file", feature = "keyring", feature = "redis"))]
mod cipher;
#[cfg(feature = "file")]
mod file;
#[cfg(any(feature = "file", feature = "keyring", feature = "redis"))]
mod record;
#[cfg(feature = "testing")]
pub mod testing;

#[cfg(all(
    feature = "encryption",
    any(feature = "file", feature = "keyring", feature = "redis")
))]
pub use crate::cipher::EncryptionKey;
#[cfg(feature = "file")]
pub use crate::file::{DEFAULT_LEASE_WAIT, FileStore};
