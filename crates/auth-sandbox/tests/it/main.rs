//! The sandbox, as a client sees it over HTTP.

#![allow(
    clippy::unwrap_used,
    reason = "a failed unwrap in a test is a failed test"
)]

mod caller;
mod life;
