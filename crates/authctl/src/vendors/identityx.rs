//! IdentityX.

mod commands;

use auth_core::{BoxFuture, SecretString, Token};
use clap::Args;
use identityx_auth::identity::{Administrator, Identity};
use identityx_auth::organization::OrganizationId;
use identityx_auth::{
    AppUser, ApplicationId, AuthHeaders, Client, ClientBuilder, Login, OrgUser, OrgUserApiToken,
};
use identityx_auth::{LoginLink, LoginLinkMail};

pub(crate) use self::commands::{IdentityXCommand, run};
use super::{Address, LogOut, Opened, Parts};
use crate::error::Failure;
use crate::input::{Input, Wanted};
use crate::profile::Profile;

#[derive(Debug, Args)]
pub(crate) struct IdentityXLogin {
    /// Log in as: a user of an application, an administrator, or an administrator's permanent token
    #[arg(long = "as", value_name = "WHO", value_parser = ["app-user", "org-user", "api-token"])]
    identity: Option<String>,
    /// The user's e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The application: required for its users
    #[arg(long, value_name = "ID")]
    application: Option<String>,
    /// The organization that an administrator works for
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// Where the mailed link of an application's user leads: a page of the application
    #[arg(long, value_name = "URL")]
    auth_url: Option<String>,
    #[command(flatten)]
    address: Address,
}

impl IdentityXLogin {
    pub(crate) fn apply(&self, profile: &mut Profile) {
        profile.set_if("identity", self.identity.as_deref());
        profile.set_if("account", self.email.as_deref().map(str::trim));
        profile.set_if("application", self.application.as_deref());
        profile.set_if("organization", self.organization.as_deref());
        profile.set_if("auth-url", self.auth_url.as_deref());
        self.address.apply(profile);
    }
}

/// Asks for the settings that nothing has named.
pub(super) fn complete(profile: &mut Profile, input: &Input<'_>) -> Result<(), Failure> {
    input.fill(profile, "account", "the e-mail address", "--email ADDRESS")?;
    if is_app_user(profile) {
        input.fill(
            profile,
            "application",
            "the application's id",
            "--application ID",
        )?;
        let name = "the page that the mailed link leads to";
        input.fill(profile, "auth-url", name, "--auth-url URL")?;
        application(profile)?;
    }
    Ok(())
}

fn is_app_user(profile: &Profile) -> bool {
    matches!(profile.get("identity"), None | Some("app-user"))
}

/// Whether the profile has a permanent token, which no mail brings.
pub(crate) fn is_by_token(profile: &Profile) -> bool {
    profile.get("identity") == Some("api-token")
}

/// Has IdentityX mail a login link.
pub(crate) async fn send(parts: &Parts<'_>) -> Result<(), Failure> {
    let profile = parts.profile;
    let client = client(parts)?;
    let email = profile.account()?;
    if is_app_user(profile) {
        let mail = LoginLinkMail::new(email, profile.need("auth-url")?)?;
        client
            .send_app_user_login_link(&application(profile)?, &mail)
            .await?;
    } else {
        client.send_org_user_login_link(email).await?;
    }
    Ok(())
}

/// Trades what was pasted for a token.
pub(crate) async fn redeem(parts: &Parts<'_>, pasted: &SecretString) -> Result<Token, Failure> {
    let profile = parts.profile;
    let client = client(parts)?;
    let link = LoginLink::parse(pasted)?;
    if is_app_user(profile) {
        let login = client
            .log_in_app_user(&application(profile)?, &link)
            .await?;
        return Ok(login.user.into());
    }
    let user = client.log_in_org_user(&link).await?.user;
    Ok(in_place(user, profile)?.into())
}

/// Takes a permanent token.
pub(crate) async fn log_in_by_token(
    parts: &Parts<'_>,
    input: &Input<'_>,
) -> Result<Token, Failure> {
    let profile = parts.profile;
    let client = client(parts)?;
    let token = input.secret(Wanted::Token, "the api token")?;
    let token = in_place(OrgUserApiToken::from_jwt(token)?, profile)?;
    // A token that was mistyped is better refused now, and the vendor knows whose it is.
    let user = client
        .active_org_user(&client.auth_headers(&token)?)
        .await?;
    Ok(token.with_account(user.email).into())
}

/// The client of the profile. Sends nothing.
pub(crate) fn client(parts: &Parts<'_>) -> Result<Client, Failure> {
    let builder = Client::builder().http(|http| parts.http(http));
    Ok(builder.build()?)
}

pub(super) fn open(parts: &Parts<'_>) -> Result<Opened, Failure> {
    let profile = parts.profile;
    let account = profile.account()?;
    let client = client(parts)?;
    match profile.get("identity") {
        None | Some("app-user") => {
            let login = Login::<AppUser>::stored(account, &application(profile)?);
            let ask = |client: Client, headers: AuthHeaders| -> BoxFuture<'static, _> {
                Box::pin(async move { Ok(client.active_app_user(&headers).await?.email) })
            };
            session(parts, client, &login, ask, LogOut::Ends)
        }
        Some("org-user") => {
            let login = in_place(Login::<OrgUser>::stored(account), profile)?;
            session(parts, client, &login, ask_org_user, LogOut::Ends)
        }
        Some("api-token") => {
            let login = in_place(Login::<OrgUserApiToken>::stored(account), profile)?;
            session(parts, client, &login, ask_org_user, LogOut::LivesForever)
        }
        Some(_) => Err(Failure::usage(
            "`identity` must be app-user, org-user or api-token",
        )),
    }
}

fn ask_org_user(
    client: Client,
    headers: AuthHeaders,
) -> BoxFuture<'static, Result<String, Failure>> {
    Box::pin(async move { Ok(client.active_org_user(&headers).await?.email) })
}

fn session<I: Identity>(
    parts: &Parts<'_>,
    client: Client,
    login: &Login<I>,
    ask: impl Fn(Client, AuthHeaders) -> BoxFuture<'static, Result<String, Failure>>
    + Send
    + Sync
    + 'static,
    log_out: LogOut,
) -> Result<Opened, Failure> {
    let Some(key) = client.store_key(login) else {
        return Err(Failure::usage("the profile names no account"));
    };
    let session = parts.session(client.session(login.clone()))?;
    let base_url = parts.profile.get("base-url");
    Ok(Opened {
        session,
        key,
        base_url: base_url
            .unwrap_or(ClientBuilder::DEFAULT_BASE_URL)
            .to_owned(),
        ask: Box::new(move |headers| ask(client.clone(), headers)),
        log_out,
    })
}

/// The application of the profile.
pub(crate) fn application(profile: &Profile) -> Result<ApplicationId, Failure> {
    Ok(ApplicationId::new(profile.need("application")?)?)
}

/// An administrator's token, for the organisation and the application that the profile names.
trait InPlace: Sized {
    fn organization(self, id: &OrganizationId) -> Self;
    fn application(self, id: &ApplicationId) -> Self;
}

macro_rules! in_place {
    ($($identity:ty),*) => {
        $(impl InPlace for $identity {
            fn organization(self, id: &OrganizationId) -> Self {
                self.in_organization(id)
            }

            fn application(self, id: &ApplicationId) -> Self {
                self.in_application(id)
            }
        })*
    };
}

in_place!(OrgUser, OrgUserApiToken);

impl<I: Administrator> InPlace for Login<I> {
    fn organization(self, id: &OrganizationId) -> Self {
        self.in_organization(id)
    }

    fn application(self, id: &ApplicationId) -> Self {
        self.in_application(id)
    }
}

fn in_place<T: InPlace>(of: T, profile: &Profile) -> Result<T, Failure> {
    let of = match profile.get("organization") {
        Some(id) => of.organization(&OrganizationId::new(id)?),
        None => of,
    };
    Ok(match profile.get("application") {
        Some(id) => of.application(&ApplicationId::new(id)?),
        None => of,
    })
}
