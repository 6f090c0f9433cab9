//! auth-store from the outside: real files, real processes.

#![allow(
    clippy::disallowed_methods,
    reason = "a child process is told by its environment"
)]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that ends like this has failed, which is what it is for"
)]

#[cfg(feature = "testing")]
mod contract;
#[cfg(all(feature = "file", unix))]
mod file;
#[cfg(all(feature = "keyring", target_os = "linux"))]
mod keyring;
#[cfg(all(feature = "redis", unix))]
mod redis;
#[cfg(all(any(feature = "file", feature = "redis"), unix))]
mod samples;
#[cfg(all(any(feature = "file", feature = "redis"), unix))]
mod surroundings;
#[cfg(all(any(feature = "file", feature = "redis"), unix))]
mod vendor;
