#![doc = include_str!("../README.md")]

mod background;
mod clock;
mod credential;
mod date_time;
mod error;
mod expiry;
mod extra;
mod http;
mod jwt;
mod redact;
mod renew;
mod retry;
mod session;
mod state;
mod store;
mod token;
mod vendor;

pub use crate::clock::{BoxFuture, Clock, Moment, SystemClock};
pub use crate::credential::{Credential, Header};
pub use crate::date_time::{format_date_time, parse_date_time};
pub use crate::error::{AuthError, Error, ErrorKind};
pub use crate::expiry::Expiry;
pub use crate::extra::Extra;
pub use crate::http::{
    Answer, BODY_LIMIT, BaseUrl, DEFAULT_CONNECT_TIMEOUT, DEFAULT_TIMEOUT, Hosts, Http,
    HttpBuilder, HttpClientBuilder, Operation, Request, RequestBuilder,
};
pub use crate::jwt::UnverifiedClaims;
pub use crate::redact::Redactor;
pub use crate::renew::{Reason, Renew};
pub use crate::retry::{Repeat, RetryPolicy};
pub use crate::session::{KeepFresh, Session, SessionBuilder, SessionPool};
pub use crate::state::{State, StateReason, States};
pub use crate::store::{Lease, MemoryStore, OnSaved, Saved, StoreKey, TokenStore, Watch};
pub use crate::token::{Fingerprint, Token};

pub use secrecy::{ExposeSecret, SecretString};
#[doc(hidden)]
pub use tracing as __tracing;
