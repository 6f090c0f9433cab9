//! IdentityX's calls.

use std::time::Duration;

use auth_core::AuthHeaders;
use auth_sandbox::Sandbox;
use identityx_auth::graphql::Execute as _;
use identityx_auth::identity::{NewAppUser, Renewer};
use identityx_auth::organization::OrganizationId;
use identityx_auth::{
    AppUser, ApplicationId, Client, Error, ExposeSecret as _, LoginLink, LoginLinkMail, OrgUser,
    Session,
};
use vendor_tests::Url;

use crate::matrix::{Vendor, within};
use crate::rules::{Call, Class};
use examples::operations::{change, who_am_i};

const AUTH_URL: &str = "https://www.example.test/user/authenticate";

const fn call(name: &'static str, operation: &'static str, class: Class) -> Call {
    Call::new(name, operation, class).refused_with_200()
}

/// What the calls need.
pub(crate) struct Ready {
    application: ApplicationId,
    organization: OrganizationId,
    app_user: AppUser,
    org_user: OrgUser,
    app_link: LoginLink,
    org_link: LoginLink,
    app_email: &'static str,
    org_email: &'static str,
}

fn mail(email: &str) -> LoginLinkMail {
    LoginLinkMail::new(email, AUTH_URL).unwrap()
}

fn mailed_link(sandbox: &Sandbox, email: &str) -> LoginLink {
    let mail = sandbox.inbox(email).latest().unwrap();
    LoginLink::parse(&mail.link_text().unwrap().into()).unwrap()
}

impl Vendor for Ready {
    const NAME: &'static str = "IdentityX";
    const RENEWAL: &'static str = "identityx.active_org_user";
    const DATA: (&'static str, &'static str) = ("organizations", "identityx.organizations");
    /// The vendor answers a refusal with status 200 and errors.
    const READS_EVERY_BODY: bool = true;
    const CALLS: &'static [Call] = &[
        call(
            "send_app_user_login_link",
            "identityx.send_app_user_login_link",
            Class::Never,
        ),
        call("log_in_app_user", "identityx.log_in_app_user", Class::LogIn),
        call(
            "log_out_app_user",
            "identityx.log_out_app_user",
            Class::LogOut,
        ),
        call("active_app_user", "identityx.active_app_user", Class::Read),
        call("create_app_user", "identityx.create_app_user", Class::Read),
        call(
            "send_org_user_login_link",
            "identityx.send_org_user_login_link",
            Class::Never,
        ),
        call("log_in_org_user", "identityx.log_in_org_user", Class::LogIn),
        call(
            "log_out_org_user",
            "identityx.log_out_org_user",
            Class::LogOut,
        ),
        call(
            "create_api_token",
            "identityx.create_api_token",
            Class::Read,
        ),
        call("active_org_user", "identityx.active_org_user", Class::Read),
        call("organizations", "identityx.organizations", Class::Read),
        call("applications", "identityx.applications", Class::Read),
        call("ping", "identityx.ping", Class::Read),
        call("execute query", "identityx.other", Class::Read),
        call("execute mutation", "identityx.ping", Class::Never),
    ];
    type Client = Client;
    type Error = Error;
    type Renewer = Renewer<OrgUser>;

    fn base_url(sandbox: &Sandbox) -> Url {
        sandbox.identityx().base_url()
    }

    fn client_at(base: Url, sandbox: &Sandbox, time_limit: Duration) -> Client {
        Client::builder()
            .base_url(base)
            .clock(sandbox.clock())
            .http(|http| within(http, time_limit))
            .build()
            .unwrap()
    }

    async fn ready(sandbox: &Sandbox, client: &Client) -> Self {
        let identityx = sandbox.identityx();
        let application = ApplicationId::new(identityx.application_id()).unwrap();
        let (app_email, org_email) = (identityx.app_user().email, identityx.org_user().email);
        client
            .send_app_user_login_link(&application, &mail(app_email))
            .await
            .unwrap();
        client.send_org_user_login_link(org_email).await.unwrap();
        let app_session = identityx.mint_app_user_session(application.as_str(), app_email);
        let org_session = identityx.mint_org_user_session(org_email);
        Self {
            organization: OrganizationId::new(identityx.organization_id()).unwrap(),
            app_user: AppUser::from_jwt(app_session, &application).unwrap(),
            org_user: OrgUser::from_jwt(org_session).unwrap(),
            app_link: mailed_link(sandbox, app_email),
            org_link: mailed_link(sandbox, org_email),
            application,
            app_email,
            org_email,
        }
    }

    async fn make(&self, client: &Client, call: &str) -> Result<(), Error> {
        let application = &self.application;
        let app_user = client.auth_headers(&self.app_user)?;
        let org_user = client.auth_headers(&self.org_user)?;
        match call {
            "send_app_user_login_link" => {
                let mail = mail(self.app_email);
                client.send_app_user_login_link(application, &mail).await
            }
            "log_in_app_user" => {
                let login = client.log_in_app_user(application, &self.app_link);
                login.await.map(drop)
            }
            "log_out_app_user" => client.log_out_app_user(&app_user).await,
            "active_app_user" => client.active_app_user(&app_user).await.map(drop),
            "create_app_user" => {
                let user = NewAppUser::new("new@identityx.example");
                client.create_app_user(application, &user).await.map(drop)
            }
            "send_org_user_login_link" => client.send_org_user_login_link(self.org_email).await,
            "log_in_org_user" => client.log_in_org_user(&self.org_link).await.map(drop),
            "log_out_org_user" => client.log_out_org_user(&org_user).await,
            "create_api_token" => client.create_api_token(&org_user).await.map(drop),
            "active_org_user" => client.active_org_user(&org_user).await.map(drop),
            "organizations" => client.organizations(&org_user).await.map(drop),
            "applications" => {
                let found = client.applications(&org_user, &self.organization);
                found.await.map(drop)
            }
            "ping" => client.ping().await,
            "execute query" => {
                use who_am_i::{Variables, WhoAmI};
                let caller = client.with_auth_headers(&org_user);
                caller
                    .execute::<WhoAmI>(Variables::new(true))
                    .await
                    .map(drop)
            }
            "execute mutation" => {
                use change::{Change, Variables};
                client.execute::<Change>(Variables).await.map(drop)
            }
            other => unreachable!("{other} is no call"),
        }
    }

    async fn go_on(&self, sandbox: &Sandbox, client: &Client, call: &str) -> Result<(), Error> {
        match call {
            // The mail was sent: its link works.
            "send_app_user_login_link" => {
                let link = mailed_link(sandbox, self.app_email);
                let login = client.log_in_app_user(&self.application, &link);
                login.await.map(drop)
            }
            "send_org_user_login_link" => {
                let link = mailed_link(sandbox, self.org_email);
                client.log_in_org_user(&link).await.map(drop)
            }
            again => self.make(client, again).await,
        }
    }

    async fn session(&self, client: &Client) -> Session<OrgUser> {
        client.session(self.org_user.clone()).build().unwrap()
    }

    fn revoke(&self, sandbox: &Sandbox) {
        let token = self.org_user.access_token().expose_secret();
        sandbox.identityx().end_session(token);
    }

    fn accepts(sandbox: &Sandbox, auth_headers: &AuthHeaders) -> bool {
        let token = auth_headers.token().access().expose_secret();
        sandbox.identityx().accepts(token)
    }
}
