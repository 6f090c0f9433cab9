//! `release prepare`: new versions and changelogs, in one commit.

use std::path::Path;

use anyhow::{Result, bail};

use super::Selection;

pub(crate) fn run(_root: &Path, _crates: &Selection) -> Result<()> {
    bail!("`release prepare` is not written yet")
}
