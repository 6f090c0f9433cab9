//! **Start here:** [`Client::session`] makes a [`Session`], whose page lists its methods.
//! [`session.send(request)`](auth_core::Session::send) is a whole call.
//!
#![doc = include_str!("../README.md")]

mod builder;
mod client;
mod error;
mod login;
mod password_reset;
mod renew;
mod types;
mod wire;

pub use auth_core::{
    AuthHeaders, ErrorKind, Expiry, ExposeSecret, ExtraFields, SecretString, State, clock, http,
    session, store,
};

pub use crate::builder::ClientBuilder;
pub use crate::client::Client;
pub use crate::error::Error;
pub use crate::login::Login;
pub use crate::password_reset::{ResetEmail, ResetToken};
pub use crate::renew::{Renewer, Session, SessionBuilder, SessionPool};
pub use crate::types::{ApiToken, Authenticated, Lifetime, Token, User};
