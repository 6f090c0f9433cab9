//! The program itself, against the sandbox.

#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    reason = "a test starts programs with an environment"
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed set-up is a failed test"
)]

mod canaries;
mod commands;
mod completions;
mod credential_helper;
mod doctor;
mod env;
mod exec;
mod exit_codes;
mod fleet;
mod header;
mod login;
mod machine;
mod prepared;
mod proxy;
mod readme;
mod status;
mod stores;
mod terminal;
mod upstream;
