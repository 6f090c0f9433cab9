//! identityx-auth from the outside: against the sandbox, and against the vendor's own forms.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed unwrap in a test is a failed test"
)]

mod builder;
mod contract;
mod faults;
mod login_link;
mod redaction;
mod session;
mod set_up;
mod wire;
