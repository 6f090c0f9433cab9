//! auth-core from the outside: sessions with a scripted vendor, HTTP with a mock server.

mod authorize;
mod clocks;
mod failure;
mod flight;
mod http;
mod keep_fresh;
mod redaction;
mod refresh_ahead;
mod runtimes;
mod states;
mod store;
mod vendor;
