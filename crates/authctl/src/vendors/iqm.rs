//! IQM.

use std::sync::Arc;

use clap::Subcommand;
use iqm_auth::{Client, ClientBuilder, Login};

use super::{LogOut, Opened, Parts};
use crate::context::Context;
use crate::error::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum IqmCommand {
    /// List the workspaces that the user may work in
    Workspaces,
}

/// The client of the profile. Sends nothing.
pub(crate) fn client(parts: &Parts<'_>) -> Result<Client, Failure> {
    let profile = parts.profile;
    let id = profile.need("client-id")?;
    let secret = parts.client_secret.clone().unwrap_or_default();
    let builder = Client::builder(id, secret).http(|http| parts.http(http));
    let builder = match profile.get("workspace-host") {
        Some(host) => builder.workspace_host(host),
        None => builder,
    };
    let builder = match profile.get("web-url") {
        Some(url) => builder.web_url(url),
        None => builder,
    };
    Ok(builder.build()?)
}

pub(super) fn open(parts: &Parts<'_>) -> Result<Opened, Failure> {
    let profile = parts.profile;
    let account = profile.account()?;
    let client = client(parts)?;
    let login = Login::stored(account);
    let login = match profile.get("workspace") {
        None => login,
        Some(text) => {
            let id = text
                .parse()
                .map_err(|_| Failure::usage("`workspace` must be a number"))?;
            login.workspace(id)
        }
    };
    let session = client
        .session(login)
        .store(Arc::clone(parts.store))
        .build()?;
    Ok(Opened {
        session: Arc::new(session),
        key: client.store_key(account),
        base_url: profile
            .get("base-url")
            .unwrap_or(ClientBuilder::DEFAULT_BASE_URL)
            .to_owned(),
        ask: Box::new(move |headers| {
            let client = client.clone();
            Box::pin(async move { Ok(client.profile(&headers).await?.email) })
        }),
        log_out: LogOut::Ends,
    })
}

pub(crate) fn run(command: &IqmCommand, context: &Context) -> Result<(), Failure> {
    let _ = (command, context);
    Err(Failure::usage("this command is not there yet"))
}
