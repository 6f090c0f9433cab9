//! The program itself, against the sandbox.

#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    reason = "a test starts programs with an environment"
)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod completions;
mod credential_helper;
mod doctor;
mod env;
mod exec;
mod fleet;
mod header;
mod login;
mod machine;
mod prepared;
mod proxy;
mod status;
mod stores;
mod terminal;
