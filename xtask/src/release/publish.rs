//! `release publish`: uploads and tags, dependencies first.

use std::path::Path;

use anyhow::{Result, bail};

/// What the command line says.
#[derive(Debug)]
pub(crate) struct Options {
    /// Dependencies first, each once.
    pub(crate) crates: Vec<String>,
    pub(crate) registry: Option<String>,
    pub(crate) dry_run: bool,
    pub(crate) yes: bool,
}

pub(crate) fn run(_root: &Path, _options: &Options) -> Result<()> {
    bail!("`release publish` is not written yet")
}
