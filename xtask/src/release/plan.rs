//! `release plan`: what has changed in each crate since its last tag, and what that asks for.

use std::path::Path;

use anyhow::{Result, bail};

pub(crate) fn run(_root: &Path, _json: bool) -> Result<()> {
    bail!("`release plan` is not written yet")
}
