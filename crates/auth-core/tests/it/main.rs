//! auth-core from the outside: sessions with a scripted vendor, HTTP with a mock server.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::unchecked_time_subtraction,
    reason = "a test that ends like this has failed, which is what it is for"
)]

mod authorize;
mod authorizer;
mod background_refresh;
mod blocking;
mod clocks;
mod elsewhere;
mod failure;
mod foreground;
mod foreign_code;
mod given_token;
mod http;
mod listed;
mod log_out;
mod moody;
mod pool;
mod redaction;
mod refresh_ahead;
mod renewal;
mod runtimes;
mod second_look;
#[cfg(all(feature = "middleware", feature = "tower"))]
mod send;
mod settle;
mod shared_store;
mod spacing;
mod states;
mod store;
mod vendor;
