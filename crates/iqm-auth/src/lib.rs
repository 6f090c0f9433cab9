#![doc = include_str!("../README.md")]

mod builder;
mod client;
mod error;
#[cfg(feature = "rate-limit")]
mod limiter;
mod renew;
mod types;
mod wire;

pub use auth_core::{
    Clock, Credential, ErrorKind, Expiry, Fingerprint, HttpBuilder, KeepFresh, MemoryStore, Reason,
    RetryPolicy, SessionBuilder, State, States, StoreKey, SystemClock, TokenStore,
};
pub use secrecy::{ExposeSecret, SecretString};

pub use crate::builder::{ClientBuilder, DEFAULT_BASE_URL, VENDOR_RATE_LIMIT};
pub use crate::client::Client;
pub use crate::error::Error;
pub use crate::renew::{Renewer, Session};
pub use crate::types::{Profile, ResetLink, Token};
