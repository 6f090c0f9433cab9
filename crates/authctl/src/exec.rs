//! Runs a program with the headers in its environment.

use std::process::ExitCode;

use clap::Args;

use crate::context::Context;
use crate::error::Failure;

#[derive(Debug, Args)]
pub(crate) struct ExecArgs {}

pub(crate) fn run(args: &ExecArgs, context: &Context) -> Result<ExitCode, Failure> {
    let _ = (args, context);
    Err(Failure::usage("this command is not there yet"))
}
