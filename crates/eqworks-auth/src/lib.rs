#![doc = include_str!("../README.md")]

mod builder;
mod client;
mod error;
mod magic_link;
mod renew;
mod types;
mod wire;

pub use auth_core::{
    AllowedHosts, AuthError, AuthHeaders, BackgroundRefresh, BoxFuture, Clock, ErrorKind, Expiry,
    ExposeSecret, Fingerprint, HttpBuilder, Lease, MemoryStore, Moment, OnSaved, Reason,
    RetryPolicy, SaveOutcome, SecretString, SessionBuilder, SessionPool, State, StateReason,
    States, StoreKey, SystemClock, TokenStore, UnverifiedClaims, Watch,
};
/// What is not peculiar to EQ Works, and what a token store keeps.
pub use auth_core::{Error as CoreError, Token as CoreToken};
pub use url::Url;

pub use crate::builder::{ClientBuilder, DATA_HOST, DEFAULT_BASE_URL};
pub use crate::client::Client;
pub use crate::error::Error;
pub use crate::magic_link::{MagicLink, PasscodeMail, PendingLogin};
pub use crate::renew::{Renewer, Session};
pub use crate::types::{Confirmation, Product, Stage, TOKEN_LIFETIME, Token};
