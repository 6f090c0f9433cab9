//! Starting programs and printing, each in one way.

use std::env;
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};

use anyhow::{Context, Result, bail};

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    // `cargo run` says where this package lies now; a binary that is started by hand knows where it did.
    let package =
        env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    PathBuf::from(package).with_file_name("")
}

/// Where cargo builds.
pub(crate) fn target(root: &Path) -> Result<PathBuf> {
    let metadata = output(&mut cargo(root, "metadata --format-version=1 --no-deps"))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    Ok(metadata["target_directory"]
        .as_str()
        .context("cargo names no target folder")?
        .into())
}

/// Prints a line to stdout. Where the reader has gone away (`| head`), the program ends quietly.
pub(crate) fn say(text: impl Display) {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => process::exit(0),
        Err(_) => process::exit(1),
        Ok(()) => {}
    }
}

/// Prints a line to stderr.
pub(crate) fn note(text: impl Display) {
    // There is no other place where the failure could be told.
    let _ = writeln!(io::stderr(), "{text}");
}

/// A call of cargo with these words, in `folder`.
pub(crate) fn cargo(folder: &Path, line: &str) -> Command {
    let mut command = program("cargo", folder);
    command.args(line.split_whitespace());
    command
}

/// A program that may call cargo, in `folder`.
pub(crate) fn program(program: impl AsRef<Path>, folder: &Path) -> Command {
    let mut command = Command::new(program.as_ref());
    command.current_dir(folder).stdin(Stdio::null());
    // `cargo run` describes the xtask package in these. Build scripts that watch them (ring's does) would run again
    // each time that cargo is called once by hand and once from here.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let describes = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
            "CARGO_PRIMARY_",
        ];
        if describes.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    if env::var_os("CI").is_some() {
        // A build that is made once is not worth preparing for the next, and no debugger comes.
        command
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "0");
    }
    if env::var_os("CARGO_TERM_COLOR").is_none() {
        let colour = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none();
        command.env("CARGO_TERM_COLOR", if colour { "always" } else { "never" });
    }
    command
}

/// The call as a line for a shell.
pub(crate) fn line(command: &Command) -> String {
    let name = Path::new(command.get_program())
        .file_stem()
        .unwrap_or_default();
    let words = command.get_args().map(|word| word.to_string_lossy());
    [name.to_string_lossy()]
        .into_iter()
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Shows the call and lets it print.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    note(format_args!("    {}", line(command)));
    let status = command
        .status()
        .with_context(|| format!("cannot start `{}`", line(command)))?;
    if !status.success() {
        bail!("`{}` ended with {status}", line(command));
    }
    Ok(())
}

/// What the command prints; an error, with what it complained about, if it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot start `{}`", line(command)))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed: {}", line(command), complaint.trim());
    }
    let name = line(command);
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{name}` printed something that is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_call_is_reported_with_its_words() {
        for outcome in [
            run(&mut cargo(Path::new("."), "no-such-command")),
            output(&mut cargo(Path::new("."), "no-such-command")).map(drop),
        ] {
            let error = outcome.unwrap_err().to_string();
            assert!(error.contains("`cargo no-such-command`"), "{error}");
        }
    }
}
