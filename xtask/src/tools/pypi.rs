//! Tools that the Python package index has ready for every platform, in the versions that we know, below target/.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

const PINNED: [(&str, &str); 1] = [("git-cliff", "2.14.2")];

/// The tool's program; installs it first if it is not there.
pub(crate) fn pinned(root: &Path, name: &str) -> Result<PathBuf> {
    let Some((_, version)) = PINNED.iter().find(|(known, _)| *known == name) else {
        bail!("`{name}` has no version here");
    };
    let tools = root.join("target/tools");
    let folder = tools.join(format!("{name}-{version}"));
    let program = folder
        .join(if cfg!(windows) { "Scripts" } else { "bin" })
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if program.is_file() {
        return Ok(program);
    }
    fs::create_dir_all(&tools).context("cannot make target/tools")?;
    // Beside, and moved when it is whole: others may install it at the same moment.
    let beside = tempfile::tempdir_in(&tools)?;
    let output = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--no-deps", "--prefix"])
        .arg(beside.path())
        .arg(format!("{name}=={version}"))
        .output()
        .context("cannot start python3, which installs the tools")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("pip cannot install {name} {version}: {}", said.trim());
    }
    if fs::rename(beside.path(), &folder).is_ok() {
        let _ = beside.keep();
    }
    if !program.is_file() {
        bail!(
            "pip installed {name} {version} without {}",
            program.display()
        );
    }
    Ok(program)
}
