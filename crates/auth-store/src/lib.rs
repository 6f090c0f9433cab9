#![cfg_attr(not(doctest), doc = include_str!("../README.md"))]
// Not in doctests: the examples use a vendor's crate, and this crate depends on none. The package
// `examples` compiles them.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "record")]
mod cipher;
#[cfg(any(feature = "file", feature = "redis"))]
mod digest;
#[cfg(feature = "file")]
mod disk;
#[cfg(feature = "record")]
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
#[cfg(feature = "record")]
mod record;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(any(feature = "file", feature = "redis"))]
mod thread;

#[cfg(all(feature = "encryption", feature = "record"))]
pub use crate::cipher::EncryptionKey;
#[cfg(feature = "file")]
pub use crate::file::FileStore;
#[cfg(feature = "keyring")]
pub use crate::keyring::{KeyringStore, KeyringStoreBuilder};
#[cfg(feature = "file")]
pub use crate::lock::DEFAULT_LEASE_WAIT;
#[cfg(feature = "record")]
pub use crate::record::Record;
#[cfg(feature = "redis")]
pub use crate::redis::{RedisStore, RedisStoreBuilder};

#[cfg(feature = "record")]
pub use secrecy::{ExposeSecret, SecretBox, SecretSlice};
