//! IdentityX.

use std::sync::Arc;

use auth_core::BoxFuture;
use clap::Subcommand;
use identityx_auth::identity::{Administrator, Identity};
use identityx_auth::organization::OrganizationId;
use identityx_auth::{
    AppUser, ApplicationId, AuthHeaders, Client, ClientBuilder, Login, OrgUser, OrgUserApiToken,
};

use super::{LogOut, Opened, Parts};
use crate::context::Context;
use crate::error::Failure;
use crate::profile::Profile;

#[derive(Debug, Subcommand)]
pub(crate) enum IdentityXCommand {
    /// List the organisations that the administrator belongs to
    Organizations,
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
            let login = scoped(Login::<OrgUser>::stored(account), profile)?;
            session(parts, client, &login, ask_org_user, LogOut::Ends)
        }
        Some("api-token") => {
            let login = scoped(Login::<OrgUserApiToken>::stored(account), profile)?;
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
    let session = client
        .session(login.clone())
        .store(Arc::clone(parts.store))
        .build()?;
    let base_url = parts.profile.get("base-url");
    Ok(Opened {
        session: Arc::new(session),
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

/// An administrator's log-in, for the organisation and the application that the profile names.
fn scoped<I: Administrator>(login: Login<I>, profile: &Profile) -> Result<Login<I>, Failure> {
    let login = match profile.get("organization") {
        Some(id) => login.in_organization(&OrganizationId::new(id)?),
        None => login,
    };
    Ok(match profile.get("application") {
        Some(id) => login.in_application(&ApplicationId::new(id)?),
        None => login,
    })
}

pub(crate) fn run(command: &IdentityXCommand, context: &Context) -> Result<(), Failure> {
    let _ = (command, context);
    Err(Failure::usage("this command is not there yet"))
}
