#![doc = include_str!("../README.md")]

mod builder;
mod client;
mod error;
mod password_reset;
mod renew;
mod types;
mod wire;

pub use auth_core::{
    AllowedHosts, AuthError, AuthHeaders, BackgroundRefresh, BoxFuture, Clock, ErrorKind, Expiry,
    ExposeSecret, ExtraFields, Fingerprint, HttpBuilder, Lease, MemoryStore, Moment, OnSaved,
    Reason, RetryPolicy, SaveOutcome, SecretString, SessionBuilder, SessionPool, State,
    StateReason, States, StoreKey, SystemClock, TokenStore, Watch,
};
/// What is not peculiar to EdgeIQ, and what a token store keeps.
pub use auth_core::{Error as CoreError, Token as CoreToken};

pub use crate::builder::{ClientBuilder, DEFAULT_BASE_URL, DEFAULT_RESET_URL};
pub use crate::client::Client;
pub use crate::error::Error;
pub use crate::password_reset::{ResetEmail, ResetToken};
pub use crate::renew::{Renewer, Session};
pub use crate::types::{
    ApiToken, Authenticated, DEFAULT_LIFETIME, LONGEST_LIFETIME, Lifetime, Token, User,
};
