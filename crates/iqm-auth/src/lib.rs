#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod client;
mod error;
#[cfg(feature = "rate-limit")]
mod limiter;
mod renew;
mod types;
mod wire;

pub use auth_core::{
    AllowedHosts, AuthError, AuthHeaders, BackgroundRefresh, BoxFuture, Clock, ErrorKind, Expiry,
    ExposeSecret, ExtraFields, Fingerprint, HttpBuilder, Lease, MemoryStore, Moment, OnSaved,
    Reason, RetryPolicy, SaveOutcome, SecretString, SessionBuilder, SessionPool, State,
    StateReason, States, StoreKey, SystemClock, TokenStore, Watch,
};
/// What is not peculiar to IQM, and what a token store keeps.
pub use auth_core::{Error as CoreError, Token as CoreToken};

pub use crate::builder::{ClientBuilder, DEFAULT_BASE_URL, VENDOR_RATE_LIMIT};
pub use crate::client::Client;
pub use crate::error::Error;
pub use crate::renew::{Renewer, Session};
pub use crate::types::{Profile, ResetLink, Token};
