//! The matrix of faults, printed: what the tests of `examples` see, beside what they check.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::cargo;

const CALL: &str = "test --package examples --test faults -- --nocapture --test-threads 1";

/// The tests print the table if they find this in their environment.
const TABLE: (&str, &str) = ("AUTH_FAULTS_TABLE", "1");

/// Runs the tests, which print a table for each vendor; fails if they do.
pub(crate) fn run(root: &Path) -> Result<()> {
    let status = cargo::command(root)
        .args(CALL.split_whitespace())
        .envs([TABLE])
        .stdin(Stdio::null())
        .status()
        .context("cannot start cargo")?;
    if !status.success() {
        bail!("`cargo {CALL}` ended with {status}");
    }
    Ok(())
}
