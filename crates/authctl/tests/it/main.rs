//! The program as its users run it, against the sandbox.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests, also beside their functions; they place programs on the path"
)]

mod completions;
mod credential_helper;
mod env;
mod exec;
mod header;
mod prepared;
mod proxy;
