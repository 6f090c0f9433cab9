//! Calls about an account at IQM.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::client;
use crate::context::Context;
use crate::error::Failure;
use crate::input::{Input, StdinArgs, Wanted};
use crate::output;
use crate::vendors::{Network, Parts, Vendor, Whose, no_store};

#[derive(Debug, Subcommand)]
pub(crate) enum IqmCommand {
    /// Show who is logged in
    Me,
    /// List the workspaces that the user may work in: `login --workspace ID` chooses one
    Workspaces,
    /// Change or reset the password
    #[command(subcommand)]
    Password(IqmPassword),
}

#[derive(Debug, Subcommand)]
pub(crate) enum IqmPassword {
    /// Change the password of the user who is logged in
    Change {
        #[command(flatten)]
        stdin: StdinArgs,
    },
    /// Have IQM mail a link for a new password
    RequestReset {
        #[command(flatten)]
        whose: Whose,
    },
    /// Ask whether the hash of a mailed link can still be used
    CheckReset {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        stdin: StdinArgs,
    },
    /// Set a new password with the hash of a mailed link
    Set {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        stdin: StdinArgs,
    },
}

pub(crate) fn run(command: &IqmCommand, context: &Context) -> Result<ExitCode, Failure> {
    match command {
        IqmCommand::Me => me(context),
        IqmCommand::Workspaces => workspaces(context),
        IqmCommand::Password(command) => password(command, context),
    }
}

fn me(context: &Context) -> Result<ExitCode, Failure> {
    let account = context.account_of(Vendor::Iqm)?;
    let user = context.block_on(async {
        let headers = account.auth_headers().await?;
        let client = client(&account.parts(Network::Online))?;
        Ok::<_, Failure>(client.profile(&headers).await?)
    })??;
    output::record(
        context,
        &json!({
            "email": user.email,
            "workspace": user.ow_id,
            "organization": user.organization_name,
            "first_name": user.first_name,
            "last_name": user.last_name,
        }),
    )
}

fn workspaces(context: &Context) -> Result<ExitCode, Failure> {
    let account = context.account_of(Vendor::Iqm)?;
    let (workspaces, own) = context.block_on(async {
        let headers = account.auth_headers().await?;
        let own = headers.headers().get("x-iaa-ow-id").cloned();
        let client = client(&account.parts(Network::Online))?;
        Ok::<_, Failure>((client.workspaces(&headers).await?, own))
    })??;
    let rows = workspaces.iter().map(|workspace| {
        let id = workspace.ow_id.to_string();
        json!({
            "id": workspace.ow_id,
            "organization": workspace.organization_name,
            "domain": workspace.workspace_domain,
            "current": own.as_ref().is_some_and(|own| own.as_bytes() == id.as_bytes()),
        })
    });
    let columns = ["id", "organization", "domain", "current"];
    output::records(context, &columns, rows.collect())
}

fn password(command: &IqmPassword, context: &Context) -> Result<ExitCode, Failure> {
    let (whose, stdin) = match command {
        IqmPassword::Change { stdin } => return change(stdin, context),
        IqmPassword::RequestReset { whose } => (whose, &StdinArgs::default()),
        IqmPassword::CheckReset { whose, stdin } | IqmPassword::Set { whose, stdin } => {
            (whose, stdin)
        }
    };
    let mut profile = whose.profile(Vendor::Iqm, context)?;
    if profile.get("client-id").is_none() {
        // These calls carry none.
        profile.set("client-id", "none");
    }
    let client = client(&Parts {
        profile: &profile,
        store: &no_store(),
        client_secret: Some("".into()),
        network: Network::Online,
    })?;
    let email = profile.account()?;
    let input = Input::new(stdin);
    context.block_on(async {
        match command {
            IqmPassword::CheckReset { .. } => {
                let hash = input.secret(Wanted::Code, "the hash of the link")?;
                let link = client.validate_password_reset(&hash).await?;
                output::record(
                    context,
                    &json!({
                        "valid": link.is_valid,
                        "email": link.email,
                        "reason": link.invalid_reason,
                    }),
                )?;
                // As for a link that was refused.
                return Ok(ExitCode::from(if link.is_valid { 0 } else { 4 }));
            }
            IqmPassword::Set { .. } => {
                let hash = input.secret(Wanted::Code, "the hash of the link")?;
                let new = input.new_password()?;
                client.set_password(email, &new, Some(&hash)).await?;
                output::note("The password is set: log in with it.");
            }
            _ => {
                let text = client.request_password_reset(email).await?;
                output::note(text);
            }
        }
        Ok(ExitCode::SUCCESS)
    })?
}

fn change(stdin: &StdinArgs, context: &Context) -> Result<ExitCode, Failure> {
    let account = context.account_of(Vendor::Iqm)?;
    let input = Input::new(stdin);
    context.block_on(async {
        let headers = account.auth_headers().await?;
        let old = input.secret(Wanted::Password, "the present password")?;
        let new = input.new_password()?;
        let client = client(&account.parts(Network::Online))?;
        client.change_password(&headers, &old, &new).await?;
        output::note("The password is changed.");
        Ok(ExitCode::SUCCESS)
    })?
}
