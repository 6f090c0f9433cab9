#![doc = include_str!("../README.md")]
#![allow(clippy::disallowed_methods, reason = "a program reads its environment")]

mod account;
mod cli;
mod completions;
mod context;
mod credential_helper;
mod doctor;
mod env;
mod error;
mod exec;
mod header;
mod input;
mod login;
mod output;
mod pending;
mod profile;
mod proxy;
mod session;
mod status;
mod store;
mod time;
mod vendors;

use std::process::ExitCode;

use clap::Parser as _;
#[cfg(target_os = "linux")]
use rustix::process::DumpableBehavior;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cli::{Cli, Command};
use crate::context::Context;
use crate::error::Failure;
use crate::vendors::{edgeiq, eqworks, identityx, iqm};

fn main() -> ExitCode {
    // No core dump holds a token, and no other program of the user reads the memory. A program that this
    // one starts is as it would be.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refused(&error),
    };
    log(cli.global.verbose);
    let context = Context::new(&cli.global);
    match run(&cli.command, &context) {
        Ok(code) => code,
        Err(failure) => {
            output::failure(&failure, context.json);
            failure.exit_code()
        }
    }
}

fn run(command: &Command, context: &Context) -> Result<ExitCode, Failure> {
    match command {
        Command::Login(args) => login::run(args, context)?,
        Command::Status(args) => return status::status(args, context),
        Command::Token => session::token(context)?,
        Command::Header(args) => return header::run(args, context),
        Command::Env(args) => return env::run(args, context),
        Command::Exec(args) => return exec::run(args, context),
        Command::Proxy(args) => return proxy::run(args, context),
        Command::BesideTheProxy(args) => return proxy::beside(args, context),
        Command::CredentialHelper(args) => return credential_helper::run(args, context),
        Command::Refresh(args) => session::refresh(args, context)?,
        Command::Logout => session::log_out(context)?,
        Command::Profiles(args) => status::profiles(args, context)?,
        Command::Doctor(args) => return doctor::run(args, context),
        Command::Completions(args) => return completions::completions(args),
        Command::Man(args) => return completions::man(args),
        Command::Iqm(command) => return iqm::run(command, context),
        Command::Edgeiq(command) => return edgeiq::run(command, context),
        Command::Eqworks(command) => return eqworks::run(command, context),
        Command::Identityx(command) => return identityx::run(command, context),
    }
    Ok(ExitCode::SUCCESS)
}

/// What clap says of a command line: help and the version are no failures.
fn refused(error: &clap::Error) -> ExitCode {
    let is_json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && is_json {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        let what = line.strip_prefix("error: ").unwrap_or(line);
        output::note(Failure::usage(what).json());
    } else {
        let _ = error.print();
    }
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

/// Whose events are shown: not those of the libraries below, which do not promise to keep secrets out.
const OF: [&str; 7] = [
    "auth_core",
    "auth_store",
    "authctl",
    "edgeiq_auth",
    "eqworks_auth",
    "identityx_auth",
    "iqm_auth",
];

/// The log of the SDKs, which holds no secret, on stderr.
fn log(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let colours = anstream::AutoStream::choice(&std::io::stderr());
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(colours != anstream::ColorChoice::Never);
    let targets = Targets::new().with_targets(OF.map(|target| (target, level)));
    tracing_subscriber::registry()
        .with(lines)
        .with(targets)
        .init();
}
