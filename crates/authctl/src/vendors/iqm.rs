//! IQM.

mod browser;
mod commands;

use auth_core::{ErrorKind, Token};
use clap::Args;
use iqm_auth::{Client, ClientBuilder, Error, Login, PendingLogin};

pub(crate) use self::commands::{IqmCommand, run};
use super::{Address, LogOut, Network, Opened, Parts};
use crate::error::Failure;
use crate::input::{Input, Wanted};
use crate::output;
use crate::profile::Profile;

/// How often a person may mistype a code.
const ATTEMPTS: u32 = 3;

/// The first log-in of an invited user.
const SIGN_UP: &str = "sign-up";

#[derive(Debug, Args)]
pub(crate) struct IqmLogin {
    /// The user's e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// What IQM's support issued, beside the client secret
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The host of the workspace, if it has one of its own
    #[arg(long, value_name = "HOST")]
    workspace_host: Option<String>,
    /// Work in another workspace of the user: `authctl iqm workspaces` lists them
    #[arg(long, value_name = "ID")]
    workspace: Option<u64>,
    /// Set the first password of an invited user
    #[arg(long, conflicts_with = "browser")]
    sign_up: bool,
    /// Log in with a browser in place of the password
    #[arg(long)]
    browser: bool,
    /// The port on this machine that the browser is sent back to [default: any free one]
    #[arg(long, value_name = "PORT", requires = "browser", default_value_t = 0)]
    redirect_port: u16,
    /// The address of IQM's web application
    #[arg(long, value_name = "URL")]
    web_url: Option<String>,
    #[command(flatten)]
    address: Address,
}

impl IqmLogin {
    pub(crate) fn apply(&self, profile: &mut Profile) {
        profile.set_if("account", self.email.as_deref().map(str::trim));
        profile.set_if("client-id", self.client_id.as_deref());
        profile.set_if("workspace-host", self.workspace_host.as_deref());
        profile.set_if("web-url", self.web_url.as_deref());
        profile.set_if("workspace", self.workspace.map(|id| id.to_string()));
        if self.browser {
            profile.set("identity", format!("browser:{}", self.redirect_port));
        } else {
            // Also where an earlier log-in was another one.
            let identity = if self.sign_up { SIGN_UP } else { "password" };
            profile.set("identity", identity);
        }
        self.address.apply(profile);
    }
}

/// Asks for the settings that nothing has named. A browser's log-in says itself whose it is.
pub(super) fn complete(profile: &mut Profile, input: &Input<'_>) -> Result<(), Failure> {
    input.fill(profile, "client-id", "the client id", "--client-id ID")?;
    if redirect_port(profile).is_none() {
        input.fill(profile, "account", "the e-mail address", "--email ADDRESS")?;
    }
    Ok(())
}

/// The port to be sent back to, if the profile logs in with a browser.
fn redirect_port(profile: &Profile) -> Option<u16> {
    let port = profile.get("identity")?.strip_prefix("browser:")?;
    port.parse().ok()
}

pub(crate) async fn log_in(parts: &Parts<'_>, input: &Input<'_>) -> Result<Token, Failure> {
    let client = client(parts)?;
    if let Some(port) = redirect_port(parts.profile) {
        let token = browser::log_in(&client, port).await?;
        let headers = token.auth_headers()?;
        let email = client.profile(&headers).await?.email;
        return Ok(token.with_account(email).into());
    }
    let email = parts.profile.account()?;
    if parts.profile.get("identity") == Some(SIGN_UP) {
        return sign_up(&client, email, input).await;
    }
    let password = input.secret(Wanted::Password, "the password")?;
    match client.log_in(email, &password).await {
        Ok(token) => Ok(token.with_account(email).into()),
        Err(Error::MfaRequired { login, .. }) => second_factor(&client, &login, input).await,
        Err(error @ Error::InvalidCredentials { .. }) => Err(Failure::from(error).hint(
            "check the e-mail address, the password and the client secret (--client-secret-stdin \
             replaces the one that is kept)",
        )),
        Err(error) => Err(error.into()),
    }
}

async fn sign_up(client: &Client, email: &str, input: &Input<'_>) -> Result<Token, Failure> {
    let password = input.new_password()?;
    let token = client.sign_up(email, &password).await?;
    // An invitation is used once: the token is kept whatever becomes of the question.
    Ok(match client.ow_id(&token.auth_headers()?).await {
        Ok(ow_id) => token.with_ow_id(ow_id).into(),
        Err(error) => {
            output::note(format_args!(
                "The workspace is not known yet ({error}): log in once more."
            ));
            token.into()
        }
    })
}

async fn second_factor(
    client: &Client,
    login: &PendingLogin,
    input: &Input<'_>,
) -> Result<Token, Failure> {
    input.expect(Wanted::Code, "the code of the second factor")?;
    client.send_mfa_code(login).await?;
    output::note("IQM has sent a code for the second factor.");
    let mut attempts = 1;
    loop {
        let code = input.secret(Wanted::Code, "the code of the second factor")?;
        match client.verify_mfa_code(login, &code).await {
            Ok(token) => return Ok(token.into()),
            Err(error)
                if error.kind() == ErrorKind::InvalidCredentials
                    && input.can_ask_again(Wanted::Code)
                    && attempts < ATTEMPTS =>
            {
                attempts += 1;
                output::note(format_args!("{error}; type it again"));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// The client of the profile. Sends nothing.
pub(crate) fn client(parts: &Parts<'_>) -> Result<Client, Failure> {
    let profile = parts.profile;
    let id = profile.need("client-id")?;
    let secret = match (&parts.client_secret, parts.network) {
        (Some(secret), _) => secret.clone(),
        // It is needed for calls alone.
        (None, Network::Offline) => "".into(),
        (None, Network::Online | Network::Serving) => {
            let what = "the client secret is not in the store";
            let kind = ErrorKind::InteractionRequired;
            return Err(Failure::new(kind, what).hint("log in again, or set AUTHCTL_CLIENT_SECRET"));
        }
    };
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
            Box::pin(async move { Ok(client.profile(&headers).await?.email) })
        }),
        log_out: LogOut::Ends,
    })
}
