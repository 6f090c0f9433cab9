//! The token itself: printed, renewed, forgotten.

use auth_core::ExposeSecret as _;
use clap::Args;

use crate::context::Context;
use crate::error::Failure;
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct RefreshArgs {
    /// Renew although the token is not due
    #[arg(long)]
    force: bool,
}

pub(crate) fn token(context: &Context) -> Result<(), Failure> {
    let account = context.account()?;
    let headers = context.block_on(account.auth_headers())??;
    output::answer(headers.token().access().expose_secret())
}

pub(crate) fn refresh(args: &RefreshArgs, context: &Context) -> Result<(), Failure> {
    let _ = (args.force, context);
    Err(Failure::usage("this command is not there yet"))
}

pub(crate) fn log_out(context: &Context) -> Result<(), Failure> {
    let _ = context;
    Err(Failure::usage("this command is not there yet"))
}
