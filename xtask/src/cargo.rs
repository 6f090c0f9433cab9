//! Running cargo in the workspace, and finding the vendor crates in it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    // `cargo run` says where this package lies now; the path at compile time is the fallback for a
    // binary that is started by hand.
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package
        .parent()
        .map_or_else(|| package.clone(), Path::to_path_buf)
}

/// A cargo command that runs in `folder`.
pub(crate) fn command(folder: &Path) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    program(cargo.as_ref(), folder)
}

/// Any program that calls cargo, in `folder`.
pub(crate) fn program(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    // `cargo run` describes the xtask package in these. Build scripts that watch them (ring's does)
    // would run again each time that cargo is called once by hand and once from here.
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(describes_a_package) {
            command.env_remove(name);
        }
    }
    if env::var_os("CARGO_TERM_COLOR").is_none() {
        let colour = std::io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none();
        command.env("CARGO_TERM_COLOR", if colour { "always" } else { "never" });
    }
    command
}

fn describes_a_package(variable: &str) -> bool {
    variable.starts_with("CARGO_PKG_")
        || variable.starts_with("CARGO_MANIFEST_")
        || matches!(
            variable,
            "CARGO_BIN_NAME" | "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE"
        )
}

/// Where cargo builds, unless a configuration file names another place.
pub(crate) fn target_folder(root: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}

/// What the command prints; an error, with what it complained about, if it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    if !output.status.success() {
        let arguments: Vec<_> = command
            .get_args()
            .map(|word| word.to_string_lossy())
            .collect();
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`{} {}` failed: {}",
            program_name(command),
            arguments.join(" "),
            complaint.trim()
        );
    }
    let name = program_name(command);
    String::from_utf8(output.stdout)
        .with_context(|| format!("{name} printed something that is not UTF-8"))
}

fn program_name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    program
        .file_stem()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// The names of the vendor crates, `crates/*-auth`, in order.
pub(crate) fn vendors(root: &Path) -> Result<Vec<String>> {
    let mut vendors = Vec::new();
    for entry in fs::read_dir(root.join("crates")).context("cannot list crates/")? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with("-auth") && entry.path().join("Cargo.toml").is_file() {
            vendors.push(name);
        }
    }
    vendors.sort();
    Ok(vendors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_describes_the_package_is_kept_from_the_child() {
        assert!(describes_a_package("CARGO_PKG_VERSION"));
        assert!(describes_a_package("CARGO_MANIFEST_DIR"));
        assert!(!describes_a_package("CARGO_HOME"));
        assert!(!describes_a_package("CARGO_TARGET_DIR"));
    }

    #[test]
    fn vendor_crates_are_the_folders_that_end_in_auth_and_have_a_manifest() {
        let root = tempfile::tempdir().unwrap();
        for name in ["iqm-auth", "edgeiq-auth", "auth-core"] {
            let folder = root.path().join("crates").join(name);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("Cargo.toml"), "").unwrap();
        }
        fs::create_dir_all(root.path().join("crates/left-over-auth")).unwrap();
        assert_eq!(vendors(root.path()).unwrap(), ["edgeiq-auth", "iqm-auth"]);
    }

    #[test]
    fn a_failing_command_is_reported_with_its_words() {
        let error = output(command(Path::new(".")).args(["no-such-command-here"])).unwrap_err();
        assert!(
            error.to_string().contains("no-such-command-here"),
            "{error}"
        );
    }
}
