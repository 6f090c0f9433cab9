//! A reverse proxy on the loopback interface that adds the headers.

use std::process::ExitCode;

use clap::Args;

use crate::context::Context;
use crate::error::Failure;

#[derive(Debug, Args)]
pub(crate) struct ProxyArgs {}

pub(crate) fn run(args: &ProxyArgs, context: &Context) -> Result<ExitCode, Failure> {
    let _ = (args, context);
    Err(Failure::usage("this command is not there yet"))
}
