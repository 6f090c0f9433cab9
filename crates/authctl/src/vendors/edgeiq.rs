//! EdgeIQ.

use std::time::Duration;

use auth_core::Token;
use clap::{Args, Subcommand};
use edgeiq_auth::{ApiToken, Client, ClientBuilder, Lifetime, Login};

use super::{Address, LogOut, Opened, Parts};
use crate::context::Context;
use crate::error::Failure;
use crate::input::{Input, Secret};
use crate::profile::Profile;

#[derive(Debug, Args)]
pub(crate) struct EdgeIqLogin {
    /// The user's e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Give the user's permanent token in place of the password
    #[arg(long, conflicts_with = "lifetime")]
    api_token: bool,
    /// How long the token lives: 4h unless this says otherwise, 7d at the most
    #[arg(long, value_name = "TIME")]
    lifetime: Option<String>,
    /// The page that mails for a new password lead to
    #[arg(long, value_name = "URL")]
    reset_url: Option<String>,
    #[command(flatten)]
    address: Address,
}

impl EdgeIqLogin {
    pub(crate) fn apply(&self, profile: &mut Profile) {
        profile.set_if("account", self.email.as_deref().map(str::trim));
        let identity = if self.api_token {
            PERMANENT
        } else {
            "password"
        };
        profile.set("identity", identity);
        profile.set_if("lifetime", self.lifetime.as_deref());
        profile.set_if("reset-url", self.reset_url.as_deref());
        self.address.apply(profile);
    }
}

pub(crate) async fn log_in(parts: &Parts<'_>, input: &Input<'_>) -> Result<Token, Failure> {
    let client = client(parts)?;
    let email = parts.profile.account()?;
    if parts.profile.get("identity") == Some(PERMANENT) {
        let token = ApiToken::new(input.secret(Secret::Token, "the permanent token")?);
        // A token that was mistyped is better refused now.
        client.me(&token.auth_headers()?).await?;
        return Ok(token.with_account(email).into());
    }
    let lifetime = match lifetime(parts.profile)? {
        Some(lifetime) => Lifetime::For(lifetime),
        None => Lifetime::Default,
    };
    let password = input.secret(Secret::Password, "the password")?;
    let authenticated = client.authenticate(email, &password, lifetime).await?;
    Ok(authenticated.token.with_account(email).into())
}

fn lifetime(profile: &Profile) -> Result<Option<Duration>, Failure> {
    let text = profile.get("lifetime");
    let lifetime = text.map(humantime::parse_duration).transpose();
    lifetime
        .map_err(|_| Failure::usage("`lifetime` must be a time such as 12h, a week at the most"))
}

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
    let builder = match lifetime(profile)? {
        Some(lifetime) => builder.session_lifetime(lifetime),
        None => builder,
    };
    Ok(builder.build()?)
}

pub(super) fn open(parts: &Parts<'_>) -> Result<Opened, Failure> {
    let profile = parts.profile;
    let account = profile.account()?;
    let client = client(parts)?;
    let login = Login::stored(account);
    let session = parts.session(client.session(login))?;
    Ok(Opened {
        session,
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
