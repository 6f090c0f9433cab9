//! EQ Works.

use std::sync::Arc;

use clap::Subcommand;
use eqworks_auth::{Client, ClientBuilder, Login, Stage};

use super::{LogOut, Opened, Parts};
use crate::context::Context;
use crate::error::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum EqWorksCommand {
    /// Ask the vendor whether the token is good, and what it may do
    Confirm,
}

/// The client of the profile. Sends nothing.
pub(crate) fn client(parts: &Parts<'_>) -> Result<Client, Failure> {
    let profile = parts.profile;
    let stage = match profile.get("stage") {
        None | Some("prod") => Stage::Prod,
        Some("dev") => Stage::Dev,
        Some(_) => return Err(Failure::usage("`stage` must be prod or dev")),
    };
    let product = profile.need("product")?;
    let builder = Client::builder(stage, product).http(|http| parts.http(http));
    Ok(builder.build()?)
}

pub(super) fn open(parts: &Parts<'_>) -> Result<Opened, Failure> {
    let profile = parts.profile;
    let account = profile.account()?;
    let client = client(parts)?;
    let login = Login::stored(account);
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
            Box::pin(async move { Ok(client.confirm(&headers).await?.user) })
        }),
        log_out: LogOut::Lives,
    })
}

pub(crate) fn run(command: &EqWorksCommand, context: &Context) -> Result<(), Failure> {
    let _ = (command, context);
    Err(Failure::usage("this command is not there yet"))
}
