//! The program itself, against the sandbox.

#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    reason = "a test starts programs with an environment"
)]

mod fleet;
mod login;
mod machine;
mod status;
mod stores;
mod terminal;
