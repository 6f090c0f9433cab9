#![cfg_attr(not(doctest), doc = include_str!("../README.md"))]
// Not in doctests: the examples use a vendor's crate, and this crate depends on none. The package
// `examples` compiles them.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "file", feature = "keyring", feature = "redis"))]
mod cipher;
#[cfg(any(feature = "file", feature = "redis"))]
mod digest;
#[cfg(feature = "file")]
mod disk;
#[cfg(any(feature = "file", feature = "keyring", feature = "redis"))]
mod error;
#[cfg(feature = "file")]
mod file;
#[cfg(feature = "keyring")]
mod keyring;
#[cfg(feature = "file")]
mod lock;
#[cfg(feature = "file")]
mod name;
#[cfg(any(feature = "file", feature = "redis"))]
mod per_process;
#[cfg(any(feature = "file", feature = "keyring", feature = "redis"))]
mod record;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(any(feature = "file", feature = "redis"))]
mod thread;

#[cfg(all(
    feature = "encryption",
    any(feature = "file", feature = "keyring", feature = "redis")
))]
pub use crate::cipher::EncryptionKey;
#[cfg(feature = "file")]
pub use crate::file::FileStore;
#[cfg(feature = "keyring")]
pub use crate::keyring::{KeyringStore, KeyringStoreBuilder};
#[cfg(feature = "file")]
pub use crate::lock::DEFAULT_LEASE_WAIT;
#[cfg(feature = "redis")]
pub use crate::redis::{RedisStore, RedisStoreBuilder};
