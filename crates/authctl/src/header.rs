//! The headers, in the form that another program reads.

use std::process::ExitCode;

use clap::Args;

use crate::context::Context;
use crate::error::Failure;

#[derive(Debug, Args)]
pub(crate) struct HeaderArgs {}

pub(crate) fn run(args: &HeaderArgs, context: &Context) -> Result<ExitCode, Failure> {
    let _ = (args, context);
    Err(Failure::usage("this command is not there yet"))
}
