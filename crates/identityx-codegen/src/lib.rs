#![doc = include_str!("../README.md")]

mod build_script;
mod check;
mod compare;
mod document;
mod error;
mod generate;
mod inputs;
mod introspection;
mod merge;
mod names;
mod operation;
mod output;
mod response;
mod secrets;
mod structure;
mod variants;

pub use crate::build_script::Build;
pub use crate::compare::{Change, compare};
pub use crate::document::Document;
pub use crate::error::{Error, Problem};
pub use crate::generate::{Options, generate};
pub use crate::output::Generated;

/// The part of IdentityX's schema that authentication needs. `identityx-auth` includes the same.
pub const SCHEMA: &str = include_str!("../schema/identityx.graphql");

/// The query that asks a service for its schema. [`generate`] and [`compare`] read the response.
pub const INTROSPECTION: &str = include_str!("introspection.graphql");
