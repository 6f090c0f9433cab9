//! The xtask's commands as they are typed: against the sandbox, and on copies of this repository.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed unwrap is a failed test"
)]

mod check;
mod newcomer;
mod plan;
mod prepare;
mod publish;
mod registry;
mod repository;
mod schema;
mod workshop;
