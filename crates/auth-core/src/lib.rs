#![doc = include_str!("../README.md")]

#[cfg(target_arch = "wasm32")]
compile_error!(
    "auth-core needs threads and sockets, which wasm32 does not have: log in on a server"
);

mod auth_headers;
mod background;
pub mod clock;
mod date_time;
mod error;
mod expiry;
mod extra_fields;
mod hosts;
pub mod http;
mod jwt;
pub mod lenient;
mod links;
mod password;
mod progress;
mod redact;
mod renew;
mod retry;
mod secret;
pub mod session;
#[cfg(test)]
mod simulation;
mod state;
pub mod store;
mod token;
mod vendor;

pub use crate::auth_headers::{AuthHeaders, Header};
pub use crate::clock::{BoxFuture, Clock, Moment, SystemClock};
pub use crate::date_time::{format_date_time, parse_date_time};
pub use crate::error::{AuthError, Error, ErrorKind};
pub use crate::expiry::Expiry;
pub use crate::extra_fields::ExtraFields;
pub use crate::hosts::{AllowedHosts, BaseUrl};
pub use crate::http::{
    BODY_LIMIT, DEFAULT_CONNECT_TIMEOUT, DEFAULT_TIMEOUT, Http, HttpBuilder, HttpClientBuilder,
    HttpResponse, Operation, Request, RequestBuilder, Response,
};
pub use crate::jwt::UnverifiedClaims;
pub use crate::links::{PastedJwt, PastedLink, PastedText};
pub use crate::password::PasswordSource;
pub use crate::redact::Redactor;
pub use crate::renew::{Reason, Refusal, Renew};
pub use crate::retry::{Idempotency, RetryPolicy};
pub use crate::secret::{serialize_secret, trimmed as trimmed_secret};
pub use crate::session::{
    Authorizer, BackgroundRefresh, CallEvent, PoolStates, Session, SessionBuilder, SessionPool,
    StaticAuthorizer,
};
pub use crate::state::{State, StateReason, States};
pub use crate::store::{Lease, MemoryStore, OnSaved, SaveOutcome, StoreKey, TokenStore, Watch};
pub use crate::token::{Fingerprint, Token};

pub use secrecy::{ExposeSecret, SecretString};
#[doc(hidden)]
pub use tracing as __tracing;
