//! `authctl exec`: a program with the headers in its environment.

use std::ffi::OsString;
use std::io;
use std::process::{Command, ExitCode};

use clap::Args;

use crate::context::Context;
use crate::env::{self, HEADER_PREFIX};
use crate::error::{Failure, Kind};
use crate::output;

/// The names of the profiles for which the programs around this one were started.
const ACTIVE: &str = "AUTHCTL_ACTIVE";

/// The options of `authctl exec`.
#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    /// Run although a program around this one was started for the same profile
    #[arg(long)]
    nested: bool,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Becomes the program.
pub(crate) fn run(args: &ExecArgs, context: &Context) -> Result<ExitCode, Failure> {
    let account = context.account()?;
    let active = active(&account.profile.name, args.nested)?;
    let headers = context.block_on(account.auth_headers())??;
    let Some(mut command) = command(&args.command) else {
        return Err(Failure::usage("there is no program to run"));
    };
    for variable in env::variables(&headers, account.base_url())? {
        command.env(variable.name, variable.value);
    }
    command.env(ACTIVE, active);
    command.env("AUTHCTL_PROFILE", &account.profile.name);
    // The store's threads and locks end before the program begins.
    drop(account);
    Ok(become_program(command, context))
}

/// The profiles that are active in the program, or a failure if this one is already.
fn active(profile: &str, nested: bool) -> Result<String, Failure> {
    let around = std::env::var(ACTIVE).unwrap_or_default();
    let mut names: Vec<&str> = around.split(',').filter(|name| !name.is_empty()).collect();
    if names.contains(&profile) {
        if !nested {
            let what =
                format!("this program already runs with the headers of the profile {profile}");
            return Err(Failure::usage(what).hint(
                "use those, or add `--nested` to get a fresh token; the program around this one \
                 keeps its own",
            ));
        }
    } else {
        names.push(profile);
    }
    Ok(names.join(","))
}

/// The program, without the headers that this process was itself started with.
pub(crate) fn command(words: &[OsString]) -> Option<Command> {
    let (program, arguments) = words.split_first()?;
    let mut command = Command::new(program);
    command.args(arguments);
    let name = |(name, _): (OsString, OsString)| name.into_string().ok();
    for name in std::env::vars_os().filter_map(name) {
        if name.starts_with(HEADER_PREFIX) {
            command.env_remove(name);
        }
    }
    Some(command)
}

/// Puts the program in this process's place, so that its exit code and its signals are its own.
#[cfg(unix)]
pub(crate) fn become_program(mut command: Command, context: &Context) -> ExitCode {
    use std::os::unix::process::CommandExt as _;
    let error = command.exec();
    not_started(&command, &error, context)
}

/// Runs the program and ends as it did: no process can become another here.
#[cfg(not(unix))]
pub(crate) fn become_program(mut command: Command, context: &Context) -> ExitCode {
    match command.status() {
        Ok(status) => crate::proxy::exit_code(status),
        Err(error) => not_started(&command, &error, context),
    }
}

/// The exit codes of shells: 127 for a program that is not there, 126 for one that cannot be run.
pub(crate) fn not_started(command: &Command, error: &io::Error, context: &Context) -> ExitCode {
    let program = command.get_program().to_string_lossy();
    let failure = Failure::new(Kind::Other, format!("cannot run {program}: {error}"));
    let failure = failure.hint("check its name, and that it may be executed");
    output::failure(&failure, context.json);
    let is_absent = error.kind() == io::ErrorKind::NotFound;
    ExitCode::from(if is_absent { 127 } else { 126 })
}
