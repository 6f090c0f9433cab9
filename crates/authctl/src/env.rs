//! The headers as variables of a shell.

use std::process::ExitCode;

use clap::Args;

use crate::context::Context;
use crate::error::Failure;

#[derive(Debug, Args)]
pub(crate) struct EnvArgs {}

pub(crate) fn run(args: &EnvArgs, context: &Context) -> Result<ExitCode, Failure> {
    let _ = (args, context);
    Err(Failure::usage("this command is not there yet"))
}
