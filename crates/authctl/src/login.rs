//! Log-ins.

use clap::Args;

use crate::context::Context;
use crate::error::Failure;

#[derive(Debug, Args)]
pub(crate) struct LoginArgs {}

pub(crate) fn run(args: &LoginArgs, context: &Context) -> Result<(), Failure> {
    let _ = (args, context);
    Err(Failure::usage("this command is not there yet"))
}
