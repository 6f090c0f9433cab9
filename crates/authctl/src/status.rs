//! What is known without asking the vendor, and what the vendor says where it is asked.

use clap::Args;

use crate::context::Context;
use crate::error::Failure;

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {}

#[derive(Debug, Args)]
pub(crate) struct ProfilesArgs {}

pub(crate) fn status(args: &StatusArgs, context: &Context) -> Result<(), Failure> {
    let _ = (args, context);
    Err(Failure::usage("this command is not there yet"))
}

pub(crate) fn profiles(args: &ProfilesArgs, context: &Context) -> Result<(), Failure> {
    let _ = (args, context);
    Err(Failure::usage("this command is not there yet"))
}
