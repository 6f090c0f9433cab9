//! Finds out what is in the way.

use std::process::ExitCode;

use clap::Args;

use crate::context::Context;
use crate::error::Failure;

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {}

pub(crate) fn run(args: &DoctorArgs, context: &Context) -> Result<ExitCode, Failure> {
    let _ = (args, context);
    Err(Failure::usage("this command is not there yet"))
}
