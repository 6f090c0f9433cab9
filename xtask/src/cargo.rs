//! Starting programs and printing, each in one way.

use std::env;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

pub(crate) fn root() -> PathBuf {
    // `cargo run` says where this package lies now, and a binary that is started by hand where it did.
    let package = env::var_os("CARGO_MANIFEST_DIR");
    PathBuf::from(package.unwrap_or(env!("CARGO_MANIFEST_DIR").into())).with_file_name("")
}

/// Where cargo builds.
pub(crate) fn target(root: &Path) -> Result<PathBuf> {
    let metadata = metadata(root, "--no-deps")?;
    Ok(metadata["target_directory"].as_str().context("cargo names no target folder")?.into())
}

pub(crate) fn metadata(folder: &Path, words: &str) -> Result<Value> {
    let mut metadata = cargo(folder, &format!("metadata --format-version=1 {words}"));
    Ok(serde_json::from_str(&output(&mut metadata)?)?)
}

/// Prints a line to stdout. Where the reader has gone away (`| head`), the program ends quietly.
pub(crate) fn say(text: impl Display) {
    if let Err(error) = writeln!(io::stdout(), "{text}") {
        process::exit(i32::from(error.kind() != ErrorKind::BrokenPipe));
    }
}

pub(crate) fn note(text: impl Display) {
    // There is no other place where the failure could be told.
    let _ = writeln!(io::stderr(), "{text}");
}

pub(crate) fn cargo(folder: &Path, words: &str) -> Command {
    program("cargo", folder, words)
}

/// A program that may call cargo, in `folder`.
pub(crate) fn program(program: impl AsRef<Path>, folder: &Path, words: &str) -> Command {
    let mut command = Command::new(program.as_ref());
    command.current_dir(folder).args(words.split_whitespace()).stdin(Stdio::null());
    // `cargo run` describes this package in them. Build scripts that watch them (ring's does) would
    // run again each time that cargo is called once by hand and once from here.
    for (name, _) in env::vars_os() {
        let prefixes = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
        if prefixes.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    if env::var_os("CI").is_some() {
        // A build that is made once is not worth preparing for the next, and no debugger comes.
        command.env("CARGO_INCREMENTAL", "0").env("CARGO_PROFILE_DEV_DEBUG", "0");
        // The compiler's allocator: with large pages that are kept it needs a twentieth less time.
        command.env("MALLOC_CONF", "thp:always,dirty_decay_ms:-1,muzzy_decay_ms:-1");
    }
    command
}

/// The call as a line for a shell.
pub(crate) fn line(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_stem().unwrap_or_default();
    let words = [name].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Shows the call and lets it print.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line(command);
    note(format_args!("    {line}"));
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    ensure!(status.success(), "`{line}` ended with {status}");
    Ok(())
}

/// What the command prints; an error, with what it complained about, if it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = line(command);
    let output = command.output().with_context(|| format!("cannot start `{line}`"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{line}` failed: {}", said.trim());
    String::from_utf8(output.stdout).with_context(|| format!("`{line}` printed no UTF-8"))
}
