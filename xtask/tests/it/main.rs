//! The xtask's commands as they are typed: against the sandbox, and on repositories and a registry of the tests' own.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a failed unwrap is a failed test, and cargo is configured by the environment"
)]

mod newcomer;
mod plan;
mod publish;
mod registry;
mod repository;
mod schema;
