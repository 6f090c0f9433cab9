//! The program as its users run it, against the sandbox.

mod completions;
mod credential_helper;
mod env;
mod exec;
mod header;
mod prepared;
mod proxy;
