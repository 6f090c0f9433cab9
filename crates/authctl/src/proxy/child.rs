//! The program beside the proxy.

use std::ffi::OsString;
use std::io;
use std::process::{Command, ExitCode, ExitStatus};

use clap::Args;

use crate::context::Context;
use crate::error::Failure;
use crate::exec;

/// How the proxy starts its program: as this program once more, which becomes the other one.
#[derive(Debug, Args)]
pub(crate) struct BesideArgs {
    /// The process that must be the parent
    parent: u32,
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Becomes the program, which then ends with its parent, however that ends.
///
/// The system offers this for the calling process alone, and a program is no sooner the calling one.
pub(crate) fn beside(args: &BesideArgs, context: &Context) -> Result<ExitCode, Failure> {
    let failed = |error: io::Error| Failure::io("cannot follow the proxy", &error);
    follow_parent(args.parent).map_err(failed)?;
    let Some(command) = exec::command(&args.command) else {
        return Err(Failure::usage("there is no program to run"));
    };
    Ok(exec::become_program(command, context))
}

#[cfg(target_os = "linux")]
fn follow_parent(parent: u32) -> io::Result<()> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::TERM))?;
    // The parent may have ended before that.
    let present = getppid().map(|pid| pid.as_raw_nonzero().get());
    if present.and_then(|pid| u32::try_from(pid).ok()) == Some(parent) {
        return Ok(());
    }
    Err(io::Error::other("it has ended"))
}

#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_wraps, reason = "as on Linux")]
fn follow_parent(_: u32) -> io::Result<()> {
    Ok(())
}

/// The program as the proxy starts it.
#[cfg(target_os = "linux")]
pub(super) fn command(words: &[OsString]) -> Option<Command> {
    // Not its path: the file may have been replaced since.
    let mut command = Command::new("/proc/self/exe");
    command
        .arg("beside-the-proxy")
        .arg(std::process::id().to_string())
        .arg("--")
        .args(words);
    (!words.is_empty()).then_some(command)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn command(words: &[OsString]) -> Option<Command> {
    exec::command(words)
}

/// Runs the program to its end, and passes on what asks this process to end.
///
/// What a terminal sends to every process of a group (Ctrl-C, Ctrl-\) reaches the program without this one.
#[cfg(unix)]
pub(super) async fn run(command: Command) -> io::Result<ExitStatus> {
    use rustix::process::{Pid, Signal, kill_process};
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut child = tokio::process::Command::from(command).spawn()?;
    let pid = child
        .id()
        .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let pass_on = |signal| {
        // It fails if the program has just ended.
        pid.map(|pid| kill_process(pid, signal));
    };
    loop {
        tokio::select! {
            status = child.wait() => return status,
            _ = interrupt.recv() => {}
            _ = quit.recv() => {}
            _ = terminate.recv() => pass_on(Signal::TERM),
            _ = hangup.recv() => pass_on(Signal::HUP),
        }
    }
}

#[cfg(not(unix))]
pub(super) async fn run(command: Command) -> io::Result<ExitStatus> {
    let mut child = tokio::process::Command::from(command).spawn()?;
    loop {
        tokio::select! {
            status = child.wait() => return status,
            _ = tokio::signal::ctrl_c() => {}
        }
    }
}

/// The exit code of a program that has ended; as in shells, 128 and the number of the signal.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None::<i32>;
    let code = status.code().or(signal.map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
