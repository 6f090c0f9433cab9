//! Calls about an account at IdentityX.

use std::process::ExitCode;

use auth_core::{AuthHeaders, ExposeSecret as _};
use clap::{Args, Subcommand};
use identityx_auth::Client;
use identityx_auth::identity::NewAppUser;
use identityx_auth::organization::{OrganizationId, OrganizationRole};
use serde_json::{Value, json};

use super::{application, client, is_app_user};
use crate::account::Account;
use crate::context::Context;
use crate::error::Failure;
use crate::output;
use crate::profile::{Config, Profile};
use crate::store;
use crate::vendors::{Network, Vendor};

#[derive(Debug, Subcommand)]
pub(crate) enum IdentityXCommand {
    /// Show who is logged in
    Me,
    /// List the organizations that the administrator belongs to
    Organizations,
    /// List the applications of an organization
    Applications {
        /// The organization [default: the profile's]
        #[arg(long, value_name = "ID")]
        organization: Option<String>,
    },
    /// Print the administrator's permanent token, or keep it in a profile of its own
    ApiToken {
        /// Keep it in this profile, and print nothing
        #[arg(long, value_name = "NAME")]
        save_as: Option<String>,
    },
    /// Create a user of the profile's application, or show the one who has this address
    CreateAppUser(NewUserArgs),
}

#[derive(Debug, Args)]
pub(crate) struct NewUserArgs {
    /// The user's e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// The user's given name
    #[arg(long, value_name = "NAME")]
    given_name: Option<String>,
    /// The user's family name
    #[arg(long, value_name = "NAME")]
    family_name: Option<String>,
}

pub(crate) fn run(command: &IdentityXCommand, context: &Context) -> Result<ExitCode, Failure> {
    let account = context.account_of(Vendor::IdentityX)?;
    let client = client(&account.parts(Network::Online))?;
    let of = Call {
        context,
        account,
        client,
    };
    context.block_on(async {
        match command {
            IdentityXCommand::Me => of.me().await,
            IdentityXCommand::Organizations => of.organizations().await,
            IdentityXCommand::Applications { organization } => {
                of.applications(organization.as_deref()).await
            }
            IdentityXCommand::ApiToken { save_as } => of.api_token(save_as.as_deref()).await,
            IdentityXCommand::CreateAppUser(user) => of.create_app_user(user).await,
        }
    })?
}

struct Call<'a> {
    context: &'a Context,
    account: Account,
    client: Client,
}

impl Call<'_> {
    async fn headers(&self) -> Result<AuthHeaders, Failure> {
        self.account.auth_headers().await
    }

    async fn me(&self) -> Result<ExitCode, Failure> {
        let headers = self.headers().await?;
        let known = if is_app_user(&self.account.profile) {
            let user = self.client.active_app_user(&headers).await?;
            json!({
                "email": user.email,
                "id": user.id,
                "given_name": user.given_name,
                "family_name": user.family_name,
            })
        } else {
            let user = self.client.active_org_user(&headers).await?;
            json!({
                "email": user.email,
                "id": user.id,
                "given_name": user.given_name,
                "family_name": user.family_name,
            })
        };
        output::record(self.context, &known)
    }

    async fn organizations(&self) -> Result<ExitCode, Failure> {
        let memberships = self.client.organizations(&self.headers().await?).await?;
        let rows = memberships.into_iter().map(|membership| {
            json!({
                "id": membership.organization.id,
                "name": membership.organization.name,
                "role": role(&membership.role),
            })
        });
        output::records(self.context, &["id", "name", "role"], rows.collect())
    }

    async fn applications(&self, organization: Option<&str>) -> Result<ExitCode, Failure> {
        let organization = match organization {
            Some(id) => id,
            None => self.account.profile.get("organization").ok_or_else(|| {
                Failure::usage("the profile names no organization").hint(
                    "name it: `--organization ID`; `authctl identityx organizations` lists them",
                )
            })?,
        };
        let organization = OrganizationId::new(organization)?;
        let headers = self.headers().await?;
        let applications = self.client.applications(&headers, &organization).await?;
        let rows = applications.into_iter().map(|application| {
            json!({
                "id": application.id,
                "name": application.name,
                "description": application.description,
            })
        });
        output::records(self.context, &["id", "name", "description"], rows.collect())
    }

    async fn api_token(&self, save_as: Option<&str>) -> Result<ExitCode, Failure> {
        let token = self.client.create_api_token(&self.headers().await?).await?;
        let Some(name) = save_as else {
            output::answer(token.access_token().expose_secret())?;
            return Ok(ExitCode::SUCCESS);
        };
        let own = &self.account.profile;
        let mut config = Config::load()?;
        if config
            .profile(name)?
            .is_some_and(|it| it.get("identity") != Some("api-token"))
        {
            let what = format!("the profile {name} is another one");
            return Err(Failure::usage(what).hint("choose another name: `--save-as NAME`"));
        }
        let mut profile = Profile::new(name, Vendor::IdentityX)?;
        for key in crate::profile::KEYS {
            profile.set_if(key, own.get(key));
        }
        profile.set("identity", "api-token");
        config.put(&profile)?;
        let token = super::in_place(token, &profile)?.with_account(profile.account()?);
        let store = store::open(&profile).await?;
        Account::with(profile, store, None)?
            .set_token(token.into())
            .await?;
        output::note(format_args!(
            "The permanent token is kept in the profile {name}."
        ));
        Ok(ExitCode::SUCCESS)
    }

    async fn create_app_user(&self, args: &NewUserArgs) -> Result<ExitCode, Failure> {
        let application = application(&self.account.profile)?;
        let user = NewAppUser::new(&args.email);
        let user = args.given_name.iter().fold(user, NewAppUser::given_name);
        let user = args.family_name.iter().fold(user, NewAppUser::family_name);
        let user = self.client.create_app_user(&application, &user).await?;
        output::record(
            self.context,
            &json!({
                "email": user.email,
                "id": user.id,
                "given_name": user.given_name,
                "family_name": user.family_name,
            }),
        )
    }
}

fn role(role: &OrganizationRole) -> Value {
    match role {
        OrganizationRole::Owner => "owner".into(),
        OrganizationRole::Administrator => "administrator".into(),
        OrganizationRole::Member => "member".into(),
        OrganizationRole::Guest => "guest".into(),
        OrganizationRole::Other(other) => other.as_str().into(),
        _ => Value::Null,
    }
}
