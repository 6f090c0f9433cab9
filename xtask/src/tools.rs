//! What the checks need beyond the Rust toolchain: found, or installed where that is possible.

pub(crate) mod pypi;

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// How to see whether a tool is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    /// A program on the path.
    Program(&'static str),
    /// A file of the system.
    File(&'static str),
    /// A module of Python's.
    Module(&'static str),
    /// A library that pkg-config knows, unless the variable says where it lies.
    Library {
        name: &'static str,
        or_variable: &'static str,
    },
}

/// Something that a check needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tool {
    pub(crate) probe: Probe,
    /// Who needs it.
    pub(crate) used_by: &'static str,
    /// The Debian package that brings it.
    pub(crate) package: &'static str,
}

/// What compiling the workspace with all features needs.
///
/// cmake is absent on purpose: aws-lc-sys builds with the C compiler alone on the platforms that we
/// check on.
pub(crate) fn for_compiling() -> Vec<Tool> {
    let mut tools = vec![Tool {
        probe: Probe::Program("cc"),
        used_by: "ring, aws-lc-rs and linking",
        package: "gcc",
    }];
    if cfg!(target_os = "linux") {
        tools.extend([
            Tool {
                probe: Probe::File("/usr/include/stdlib.h"),
                used_by: "ring and aws-lc-rs",
                package: "libc6-dev",
            },
            Tool {
                probe: Probe::Program("pkg-config"),
                used_by: "native-tls",
                package: "pkg-config",
            },
            Tool {
                probe: Probe::Library {
                    name: "openssl",
                    or_variable: "OPENSSL_DIR",
                },
                used_by: "native-tls",
                package: "libssl-dev",
            },
        ]);
    }
    tools
}

/// What the tests start beyond our own programs: real servers, for auth-store, and git.
pub(crate) fn for_testing() -> Vec<Tool> {
    let mut tools = vec![Tool {
        probe: Probe::Program("git"),
        used_by: "the proofs of releases",
        package: "git",
    }];
    if cfg!(unix) {
        tools.push(Tool {
            probe: Probe::Program("redis-server"),
            used_by: "auth-store's tests",
            package: "redis-server",
        });
    }
    if cfg!(target_os = "linux") {
        tools.extend([
            Tool {
                probe: Probe::Program("gnome-keyring-daemon"),
                used_by: "auth-store's tests",
                package: "gnome-keyring",
            },
            Tool {
                probe: Probe::Program("dbus-run-session"),
                used_by: "auth-store's tests",
                package: "dbus",
            },
        ]);
    }
    tools
}

/// Makes sure that every tool is there: installs what is missing as root on Debian, and names it
/// elsewhere.
pub(crate) fn require(tools: &[Tool]) -> Result<()> {
    let missing = missing(tools, is_there);
    if missing.is_empty() {
        return Ok(());
    }
    let packages = packages(&missing);
    if !(is_root() && on_debian()) {
        bail!("{}", request(&missing, &packages));
    }
    eprintln!("==> tools: installing {}", packages.join(" "));
    // Stale package lists are a nuisance only if the install then fails, which is reported.
    if !apt_get(&["update"])? {
        eprintln!("    `apt-get update` failed; trying with the package lists that are here");
    }
    let mut words = vec!["install", "--yes", "--no-install-recommends"];
    words.extend(&packages);
    if !apt_get(&words)? {
        bail!(
            "`apt-get {}` failed; {}",
            words.join(" "),
            request(&missing, &packages)
        );
    }
    let still_missing = self::missing(tools, is_there);
    if !still_missing.is_empty() {
        bail!("installed, and still not found: {still_missing:?}");
    }
    Ok(())
}

fn missing(tools: &[Tool], is_there: impl Fn(Probe) -> bool) -> Vec<Tool> {
    tools
        .iter()
        .filter(|tool| !is_there(tool.probe))
        .copied()
        .collect()
}

fn packages(missing: &[Tool]) -> Vec<&'static str> {
    let mut packages: Vec<_> = missing.iter().map(|tool| tool.package).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

fn request(missing: &[Tool], packages: &[&str]) -> String {
    let lines: Vec<_> = missing
        .iter()
        .map(|tool| {
            let what = match tool.probe {
                Probe::Program(name) | Probe::File(name) => name.to_owned(),
                Probe::Module(name) => format!("the Python module {name}"),
                Probe::Library { name, .. } => format!("the headers of {name}"),
            };
            format!("  {what}, used by {}", tool.used_by)
        })
        .collect();
    format!(
        "some tools are missing:\n{}\n\
         on Debian and Ubuntu: sudo apt-get install {}\n\
         elsewhere: whatever your system calls these packages",
        lines.join("\n"),
        packages.join(" ")
    )
}

fn is_there(probe: Probe) -> bool {
    match probe {
        Probe::Program(name) => on_path(name).is_some(),
        Probe::File(path) => Path::new(path).exists(),
        Probe::Module(name) => answers(Command::new("python3").args(["-m", name, "--version"])),
        Probe::Library { name, or_variable } => {
            env::var_os(or_variable).is_some()
                || answers(Command::new("pkg-config").args(["--exists", name]))
        }
    }
}

fn answers(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn on_path(program: &str) -> Option<PathBuf> {
    let file = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(&file))
        .find(|candidate| candidate.is_file())
}

fn on_debian() -> bool {
    Path::new("/etc/debian_version").exists() && on_path("apt-get").is_some()
}

#[cfg(unix)]
fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

fn apt_get(words: &[&str]) -> Result<bool> {
    let status = Command::new("apt-get")
        .args(words)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .status()
        .context("cannot start apt-get")?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPILER: Tool = Tool {
        probe: Probe::Program("cc"),
        used_by: "linking",
        package: "gcc",
    };
    const HEADERS: Tool = Tool {
        probe: Probe::Library {
            name: "openssl",
            or_variable: "OPENSSL_DIR",
        },
        used_by: "native-tls",
        package: "libssl-dev",
    };

    #[test]
    fn only_what_the_probe_does_not_find_is_missing() {
        let found = missing(&[COMPILER, HEADERS], |probe| probe == COMPILER.probe);
        assert_eq!(found, [HEADERS]);
    }

    #[test]
    fn the_request_names_the_tool_its_user_and_every_package_once() {
        let missing = [HEADERS, COMPILER, COMPILER];
        let packages = packages(&missing);
        assert_eq!(packages, ["gcc", "libssl-dev"]);
        let request = request(&missing, &packages);
        for word in [
            "cc, used by linking",
            "headers of openssl",
            "apt-get install gcc libssl-dev",
        ] {
            assert!(request.contains(word), "{request}");
        }
    }

    #[test]
    fn probes_tell_what_is_there_from_what_is_not() {
        // Cargo itself is on the path wherever these tests run.
        assert!(is_there(Probe::Program("cargo")));
        assert!(!is_there(Probe::Program("no-such-program-anywhere")));
        assert!(is_there(Probe::File(env!("CARGO_MANIFEST_DIR"))));
        assert!(!is_there(Probe::File("/no/such/file/anywhere")));
        assert!(!is_there(Probe::Module("no_such_module_anywhere")));
        assert!(!is_there(Probe::Library {
            name: "no-such-library-anywhere",
            or_variable: "NO_SUCH_VARIABLE_ANYWHERE"
        }));
    }
}
