//! EQ Works.

use auth_core::{SecretString, Token};
use clap::{Args, Subcommand};
use eqworks_auth::{Client, ClientBuilder, Login, Stage};

use super::{Address, LogOut, Opened, Parts};
use crate::context::Context;
use crate::error::Failure;
use crate::input::Input;
use crate::profile::Profile;

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

pub(crate) fn run(command: &EqWorksCommand, context: &Context) -> Result<(), Failure> {
    let _ = (command, context);
    Err(Failure::usage("this command is not there yet"))
}
