//! EQ Works.

use std::process::ExitCode;

use auth_core::{ErrorKind, SecretString, Token};
use clap::{Args, Subcommand};
use eqworks_auth::token::Revocation;
use eqworks_auth::{Client, ClientBuilder, Login, Stage};
use serde_json::json;

use super::{Address, LogOut, Network, Opened, Parts, Vendor};
use crate::context::Context;
use crate::error::Failure;
use crate::input::Input;
use crate::output;
use crate::profile::Profile;
use crate::time;

#[derive(Debug, Args)]
pub(crate) struct EqWorksLogin {
    /// The user's e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// What the token is good for: atom or locus
    #[arg(long, value_name = "NAME")]
    product: Option<String>,
    /// The vendor's stage
    #[arg(long, value_parser = ["prod", "dev"])]
    stage: Option<String>,
    #[command(flatten)]
    address: Address,
}

impl EqWorksLogin {
    pub(crate) fn apply(&self, profile: &mut Profile) {
        profile.set_if("account", self.email.as_deref().map(str::trim));
        profile.set_if("product", self.product.as_deref());
        profile.set_if("stage", self.stage.as_deref());
        self.address.apply(profile);
    }
}

/// Asks for the settings that nothing has named.
pub(super) fn complete(profile: &mut Profile, input: &Input<'_>) -> Result<(), Failure> {
    input.fill(profile, "account", "the e-mail address", "--email ADDRESS")?;
    input.fill(
        profile,
        "product",
        "the product (atom or locus)",
        "--product NAME",
    )
}

/// Has EQ Works mail a passcode.
pub(crate) async fn send(parts: &Parts<'_>) -> Result<(), Failure> {
    client(parts)?
        .request_passcode(parts.profile.account()?)
        .await?;
    Ok(())
}

/// Trades what was pasted for a token.
pub(crate) async fn redeem(parts: &Parts<'_>, pasted: &SecretString) -> Result<Token, Failure> {
    let pending = client(parts)?.pending_login(parts.profile.account()?);
    Ok(pending.complete(pasted).await?.into())
}

#[derive(Debug, Subcommand)]
pub(crate) enum EqWorksCommand {
    /// Ask the vendor whether the token is good, and what it may do
    Confirm {
        /// Have the signature checked only: a token that was revoked passes
        #[arg(long)]
        light: bool,
    },
    /// Refresh the token, and end all older ones of the user, on every device
    RevokeOlder,
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
    let session = parts.session(client.session(login))?;
    Ok(Opened {
        session,
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

pub(crate) fn run(command: &EqWorksCommand, context: &Context) -> Result<ExitCode, Failure> {
    match command {
        EqWorksCommand::Confirm { light } => confirm(*light, context),
        EqWorksCommand::RevokeOlder => revoke_older(context),
    }
}

fn confirm(light: bool, context: &Context) -> Result<ExitCode, Failure> {
    let account = context.account_of(Vendor::EqWorks)?;
    let confirmed = context.block_on(async {
        let headers = account.auth_headers().await?;
        let client = client(&account.parts(Network::Online))?;
        Ok::<_, Failure>(if light {
            client.confirm_light(&headers).await?
        } else {
            client.confirm(&headers).await?
        })
    })??;
    output::record(
        context,
        &json!({
            "user": confirmed.user,
            "product": confirmed.product.as_str(),
            "light": confirmed.is_light,
            "seconds_left": confirmed.time_left.map(|left| left.as_secs()),
            "access_expires_at": confirmed.access_expiry.and_then(time::rfc3339),
        }),
    )
}

fn revoke_older(context: &Context) -> Result<ExitCode, Failure> {
    let account = context.account_of(Vendor::EqWorks)?;
    let revocation = context.block_on(async {
        account.auth_headers().await?;
        // No other process renews the token that is about to end.
        let lease = account.store.lease(account.key()).await?;
        let Some(stored) = account.stored().await? else {
            lease.release().await?;
            return Err(Failure::new(
                ErrorKind::InteractionRequired,
                "the profile is logged out",
            ));
        };
        let client = client(&account.parts(Network::Online))?;
        let refreshed = client
            .refresh_and_revoke_older(&stored.clone().into())
            .await;
        let revocation = match refreshed {
            Ok((next, revocation)) => {
                let next = Token::from(next).with_generation(stored.generation() + 1);
                let _saved = account.store.save(account.key(), &next).await?;
                revocation
            }
            Err(error) => {
                lease.release().await?;
                return Err(error.into());
            }
        };
        lease.release().await?;
        Ok(revocation)
    })??;
    let (name, text) = match revocation {
        Revocation::Done => ("done", "All older tokens of the user have ended."),
        Revocation::Nothing => (
            "nothing",
            "The vendor revokes nothing for this account: older tokens work until they expire.",
        ),
        _ => (
            "unknown",
            "The vendor does not say whether older tokens have ended.",
        ),
    };
    if context.json {
        output::answer(json!({ "revocation": name }))?;
    } else {
        output::note(text);
    }
    Ok(ExitCode::SUCCESS)
}
