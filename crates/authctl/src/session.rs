//! The token itself: printed, renewed, forgotten.

use auth_core::{AuthHeaders, ExposeSecret as _};
use clap::Args;
use serde_json::json;

use crate::context::Context;
use crate::error::Failure;
use crate::output;
use crate::pending;
use crate::time;
use crate::vendors::LogOut;

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
    let account = context.account()?;
    let (before, headers) = context.block_on(async {
        let before = account.stored().await?;
        let headers = if args.force {
            account.renew(before.as_ref()).await?
        } else {
            account.auth_headers().await?
        };
        Ok::<_, Failure>((before, headers))
    })??;
    let is_new = before.is_none_or(|token| token.fingerprint() != headers.fingerprint());
    tell(&headers, is_new, context)
}

fn tell(headers: &AuthHeaders, is_new: bool, context: &Context) -> Result<(), Failure> {
    let expiry = headers.expiry();
    if context.json {
        return output::answer(json!({
            "renewed": is_new,
            "expires_at": time::rfc3339(expiry),
            "expires_at_epoch": time::epoch(expiry),
        }));
    }
    let what = if is_new { "Renewed" } else { "Not due" };
    output::note(format_args!(
        "{what}: the token is valid {}.",
        time::until(expiry)
    ));
    Ok(())
}

pub(crate) fn log_out(context: &Context) -> Result<(), Failure> {
    let account = context.account()?;
    let (profile, vendor) = (account.profile.name.clone(), account.profile.vendor.title());
    pending::forget(&profile);
    let Some(revoked) = context.block_on(account.log_out())?? else {
        output::note(format_args!(
            "The profile {profile} was logged out already."
        ));
        return Ok(());
    };
    if let Err(failure) = revoked {
        let what = format!(
            "the token is forgotten here, and {vendor} was not told: {}",
            failure.what()
        );
        return Err(Failure::new(failure.kind(), what)
            .hint("it ends by itself, or at the vendor's own pages"));
    }
    output::note(format_args!(
        "Logged out of the profile {profile}. {}",
        match account.at_log_out() {
            LogOut::Ends => format!("{vendor} has ended the token."),
            LogOut::Lives => format!(
                "{vendor} has no call that ends a token: copies of it work until it expires."
            ),
            LogOut::LivesForever => format!(
                "{vendor} has no call that ends a permanent token: copies of it work until it is reset."
            ),
        }
    ));
    Ok(())
}
