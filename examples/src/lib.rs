//! Compiles and runs what stands in the repository's README, and holds what the examples share.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

use std::error::Error;

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
        ["--live"] => Ok(true),
        _ => Err("usage: without arguments on the sandbox, with --live against the vendor".into()),
    }
}
