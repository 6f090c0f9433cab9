//! `release check`: everything that must hold before crates are published.

use std::path::Path;

use anyhow::{Result, bail};

pub(crate) fn run(_root: &Path, _crates: &[String]) -> Result<()> {
    bail!("`release check` is not written yet")
}
