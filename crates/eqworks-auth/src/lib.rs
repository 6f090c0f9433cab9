//! **Start here:** [`Client::session`] makes a [`Session`], whose page lists its methods.
//! [`session.send(request)`](auth_core::Session::send) is a whole call.
//!
#![doc = include_str!("../README.md")]

mod builder;
mod client;
mod error;
mod login;
pub mod magic_link;
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
pub use crate::login::{Login, PendingLogin};
pub use crate::renew::{Renewer, Session, SessionBuilder, SessionPool};
pub use crate::types::{Confirmation, Product, Stage, Token};

pub mod token {
    //! What is known of a token beside the token itself.

    pub use auth_core::UnverifiedClaims;

    pub use crate::types::Revocation;
}
