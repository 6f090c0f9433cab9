//! The program itself, against the sandbox.

#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    reason = "a test starts programs with an environment"
)]

mod canaries;
mod commands;
mod exit_codes;
mod fleet;
mod login;
mod machine;
mod readme;
mod status;
mod stores;
mod terminal;
