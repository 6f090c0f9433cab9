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
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "keyring", feature = "redis"))]
mod thread;

#[cfg(feature = "encryption")]
pub use crate::cipher::EncryptionKey;
#[cfg(feature = "redis")]
pub use crate::redis::{RedisStore, RedisStoreBuilder};
