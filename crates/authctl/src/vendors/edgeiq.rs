//! EdgeIQ.

use std::process::ExitCode;
use std::time::Duration;

use auth_core::{ExposeSecret as _, Token};
use clap::{Args, Subcommand};
use edgeiq_auth::{ApiToken, Client, ClientBuilder, Lifetime, Login, ResetEmail, ResetToken};
use serde_json::json;

use super::{Address, LogOut, Network, Opened, Parts, Vendor, Whose, no_store};
use crate::context::Context;
use crate::error::Failure;
use crate::input::{Input, StdinArgs, Wanted};
use crate::output;
use crate::profile::Profile;
use crate::store;

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
        let token = ApiToken::new(input.secret(Wanted::Token, "the permanent token")?);
        // A token that was mistyped is better refused now.
        client.me(&token.auth_headers()?).await?;
        return Ok(token.with_account(email).into());
    }
    let lifetime = match lifetime(parts.profile)? {
        Some(lifetime) => Lifetime::For(lifetime),
        None => Lifetime::Default,
    };
    let password = input.secret(Wanted::Password, "the password")?;
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
    /// Show who is logged in
    Me,
    /// Reset the password
    #[command(subcommand)]
    Password(EdgeIqPassword),
    /// Make a new permanent token, which ends the old one: kept if the profile's token is the permanent one,
    /// else printed
    ResetApiToken {
        #[command(flatten)]
        stdin: StdinArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum EdgeIqPassword {
    /// Have EdgeIQ mail a link for a new password
    RequestReset {
        #[command(flatten)]
        whose: Whose,
        /// The subject of the mail
        #[arg(long)]
        subject: Option<String>,
        /// The first line of the mail
        #[arg(long)]
        greeting: Option<String>,
        /// The address that the mail comes from, which EdgeIQ's support must have allowed
        #[arg(long, value_name = "ADDRESS")]
        from: Option<String>,
    },
    /// Set a new password with the mailed link, or the token in it
    Set {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        stdin: StdinArgs,
    },
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

pub(crate) fn run(command: &EdgeIqCommand, context: &Context) -> Result<ExitCode, Failure> {
    match command {
        EdgeIqCommand::Me => me(context),
        EdgeIqCommand::Password(command) => password(command, context),
        EdgeIqCommand::ResetApiToken { stdin } => reset_api_token(stdin, context),
    }
}

fn me(context: &Context) -> Result<ExitCode, Failure> {
    let account = context.account_of(Vendor::EdgeIq)?;
    let user = context.block_on(async {
        let headers = account.auth_headers().await?;
        let client = client(&account.parts(Network::Online))?;
        Ok::<_, Failure>(client.me(&headers).await?)
    })??;
    output::record(
        context,
        &json!({
            "email": user.email,
            "id": user.id,
            "company": user.company_id,
            "first_name": user.first_name,
            "last_name": user.last_name,
        }),
    )
}

fn password(command: &EdgeIqPassword, context: &Context) -> Result<ExitCode, Failure> {
    let (EdgeIqPassword::RequestReset { whose, .. } | EdgeIqPassword::Set { whose, .. }) = command;
    let profile = whose.profile(Vendor::EdgeIq, context)?;
    let client = client(&Parts {
        profile: &profile,
        store: &no_store(),
        client_secret: None,
        network: Network::Online,
    })?;
    context.block_on(async {
        match command {
            EdgeIqPassword::RequestReset {
                subject,
                greeting,
                from,
                ..
            } => {
                let mail = ResetEmail::new();
                let mail = subject.iter().fold(mail, ResetEmail::subject);
                let mail = greeting.iter().fold(mail, ResetEmail::greeting);
                let mail = from.iter().fold(mail, ResetEmail::from_address);
                let email = profile.account()?;
                client.request_password_reset(email, &mail).await?;
                output::note(format_args!("EdgeIQ has sent a mail to {email}."));
            }
            EdgeIqPassword::Set { stdin, .. } => {
                let input = Input::new(stdin);
                let pasted = input.secret(Wanted::Code, "the link or its token")?;
                let token = match pasted.expose_secret().contains("://") {
                    true => ResetToken::from_link(&pasted)?,
                    false => ResetToken::new(pasted)?,
                };
                client.set_password(&token, &input.new_password()?).await?;
                output::note("The password is set: log in with it.");
            }
        }
        Ok(ExitCode::SUCCESS)
    })?
}

fn reset_api_token(stdin: &StdinArgs, context: &Context) -> Result<ExitCode, Failure> {
    let account = context.account_of(Vendor::EdgeIq)?;
    let is_kept = account.profile.get("identity") == Some(PERMANENT);
    let password = Input::new(stdin).secret(Wanted::Password, "the password")?;
    let token = context.block_on(async {
        // Before the old one is dead: a new one that cannot be kept would be lost.
        store::check(&account.store).await?;
        let client = client(&account.parts(Network::Online))?;
        let token = client
            .reset_api_token(account.profile.account()?, &password)
            .await?;
        if is_kept {
            account.set_token(token.clone().into()).await?;
        }
        Ok::<_, Failure>(token)
    })??;
    if is_kept {
        output::note(
            "There is a new permanent token, and the profile has it. The old one is dead.",
        );
    } else {
        output::answer(token.secret().expose_secret())?;
    }
    Ok(ExitCode::SUCCESS)
}
