//! The completions of shells, and manual pages.

use std::process::ExitCode;

use clap::Args;

use crate::error::Failure;

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {}

pub(crate) fn completions(args: &CompletionsArgs) -> Result<ExitCode, Failure> {
    let _ = args;
    Err(Failure::usage("this command is not there yet"))
}

pub(crate) fn man(args: &ManArgs) -> Result<ExitCode, Failure> {
    let _ = args;
    Err(Failure::usage("this command is not there yet"))
}
