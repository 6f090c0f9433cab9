//! edgeiq-auth from the outside: against the sandbox, and against the vendor's published samples.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed unwrap in a test is a failed test"
)]

mod builder;
mod contract;
mod faults;
mod password_reset;
mod redaction;
mod session;
mod set_up;
mod wire;
