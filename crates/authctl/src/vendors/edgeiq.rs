//! EdgeIQ.

use std::sync::Arc;

use clap::Subcommand;
use edgeiq_auth::{Client, ClientBuilder, Login};

use super::{LogOut, Opened, Parts};
use crate::context::Context;
use crate::error::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum EdgeIqCommand {
    /// Show the user's profile
    Me,
}

/// What the profile's token is: one of a session, or the permanent one.
pub(crate) const PERMANENT: &str = "api-token";

/// The client of the profile. Sends nothing.
pub(crate) fn client(parts: &Parts<'_>) -> Result<Client, Failure> {
    let profile = parts.profile;
    let builder = Client::builder().http(|http| parts.http(http));
    let builder = match profile.get("reset-url") {
        Some(url) => builder.reset_url(url),
        None => builder,
    };
    let builder = match profile.get("lifetime") {
        None => builder,
        Some(text) => builder.session_lifetime(humantime::parse_duration(text).map_err(|_| {
            Failure::usage("`lifetime` must be a time such as 12h, a week at the most")
        })?),
    };
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
        ask: Box::new({
            let account = account.to_owned();
            move |headers| {
                let (client, account) = (client.clone(), account.clone());
                Box::pin(async move { Ok(client.me(&headers).await?.email.unwrap_or(account)) })
            }
        }),
        log_out: match profile.get("identity") {
            Some(PERMANENT) => LogOut::LivesForever,
            _ => LogOut::Lives,
        },
    })
}

pub(crate) fn run(command: &EdgeIqCommand, context: &Context) -> Result<(), Failure> {
    let _ = (command, context);
    Err(Failure::usage("this command is not there yet"))
}
