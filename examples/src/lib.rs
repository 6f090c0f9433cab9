//! Compiles and runs what stands in the READMEs of the repository, of auth-sandbox and of auth-store,
//! and holds what the examples share.

#![allow(clippy::disallowed_methods, reason = "a program reads its environment")]
#![allow(clippy::print_stdout, reason = "an example explains what it does")]

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

// Not in their own crates, which depend on no vendor's.
#[cfg(doctest)]
#[doc = include_str!("../../crates/auth-sandbox/README.md")]
mod sandbox_readme {}

#[cfg(doctest)]
#[doc = include_str!("../../crates/auth-store/README.md")]
mod store_readme {}

#[cfg(feature = "clients")]
pub mod clients;
pub mod fleet;
pub mod short_lived;
#[cfg(feature = "sqlite")]
pub mod sqlite;

/// GraphQL operations of a program's own, generated from `graphql/`.
pub mod operations {
    include!("operations.rs");
}

/// The same for an invented service, whose schema has an interface.
pub mod shop {
    include!("shop.rs");
}

use std::error::Error;

use iqm_auth::Expiry;
use iqm_auth::clock::Clock;

/// What an example ends with.
pub type Outcome = Result<(), Box<dyn Error>>;

/// A variable of the environment that `--live` needs.
///
/// # Errors
///
/// If it is not set: the message names it.
pub fn needed(name: &str) -> Result<String, Box<dyn Error>> {
    std::env::var(name).map_err(|_| format!("--live needs {name} in the environment").into())
}

/// Whether the example was started with `--live`.
///
/// # Errors
///
/// If it was started with anything else.
pub fn is_live() -> Result<bool, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Ok(false),
        ["--live"] if cfg!(feature = "live") => Ok(true),
        ["--live"] => Err("--live needs TLS: cargo run -p examples --features live …".into()),
        _ => Err("usage: without arguments on the sandbox, with --live against the vendor".into()),
    }
}

/// Runs one of the two, as the command line says.
///
/// # Errors
///
/// What goes wrong in it, or with the command line.
pub async fn run(
    on_the_sandbox: impl AsyncFnOnce() -> Outcome,
    live: impl AsyncFnOnce() -> Outcome,
) -> Outcome {
    if is_live()? {
        live().await
    } else {
        on_the_sandbox().await
    }
}

/// Where the vendor is called with `--live`: what the variable of the environment says, or the
/// vendor's own address.
pub fn address(variable: &str, default: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| default.to_owned())
}

/// Says what comes next.
pub fn step(number: u32, what: &str) {
    println!("{number}. {what}");
}

/// When something ends, in words.
pub fn ends_in(expiry: Option<Expiry>, clock: &dyn Clock) -> String {
    let left = expiry.and_then(|expiry| expiry.left(clock.now().wall()));
    left.map_or("without an end".to_owned(), |left| {
        let minutes = left.as_secs() / 60;
        match minutes / 60 {
            hours @ 0..48 => format!("ends in {hours} h {} min", minutes % 60),
            hours => format!("ends in {} days", hours / 24),
        }
    })
}
