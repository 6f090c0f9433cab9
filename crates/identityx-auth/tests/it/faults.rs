//! What goes wrong on the way: what the caller is told, and what is sent again.

#[path = "../../../auth-core/tests/vendor/faults.rs"]
mod every_vendor;

use auth_sandbox::{Fault, Sandbox};
use identityx_auth::{
    AppUser, ApplicationId, Client, Error, ErrorKind, Execute as _, LoginLink, LoginLinkMail,
    NewAppUser, OrgUser, OrganizationId,
};
use serde_json::json;

use crate::set_up::{
    MyMail, MyPingingMutation, MySchema, MyUser, app_user, application, client, link, mail, mailed,
    only, org_email, org_link, org_mailed, org_user, organization, sandbox, session,
};

/// Every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    SendAppUserLoginLink,
    LogInAppUser,
    ActiveAppUser,
    CreateAppUser,
    LogOutAppUser,
    SendOrgUserLoginLink,
    LogInOrgUser,
    ActiveOrgUser,
    Organizations,
    Applications,
    CreateApiToken,
    LogOutOrgUser,
    Ping,
    Query,
    Mutation,
}

use Call::{
    ActiveAppUser, ActiveOrgUser, Applications, CreateApiToken, CreateAppUser, LogInAppUser,
    LogInOrgUser, LogOutAppUser, LogOutOrgUser, Mutation, Organizations, Ping, Query,
    SendAppUserLoginLink, SendOrgUserLoginLink,
};

const CALLS: [Call; 15] = [
    SendAppUserLoginLink,
    LogInAppUser,
    ActiveAppUser,
    CreateAppUser,
    LogOutAppUser,
    SendOrgUserLoginLink,
    LogInOrgUser,
    ActiveOrgUser,
    Organizations,
    Applications,
    CreateApiToken,
    LogOutOrgUser,
    Ping,
    Query,
    Mutation,
];
const READ: [Call; 15] = CALLS;

impl Call {
    fn operation(self) -> &'static str {
        match self {
            SendAppUserLoginLink => "identityx.send_app_user_login_link",
            LogInAppUser => "identityx.log_in_app_user",
            ActiveAppUser => "identityx.active_app_user",
            CreateAppUser => "identityx.create_app_user",
            LogOutAppUser => "identityx.log_out_app_user",
            SendOrgUserLoginLink => "identityx.send_org_user_login_link",
            LogInOrgUser => "identityx.log_in_org_user",
            ActiveOrgUser => "identityx.active_org_user",
            Organizations => "identityx.organizations",
            Applications => "identityx.applications",
            CreateApiToken => "identityx.create_api_token",
            LogOutOrgUser => "identityx.log_out_org_user",
            Ping => "identityx.ping",
            Query => "identityx.introspect",
            Mutation => "identityx.other",
        }
    }

    /// A mail, or a mutation of which nothing is known, must not happen twice; a link can be used
    /// twice, and all other calls do no harm.
    fn happens_once(self) -> bool {
        matches!(self, SendAppUserLoginLink | SendOrgUserLoginLink | Mutation)
    }

    /// How often it is sent if every attempt may have had its effect.
    fn most_attempts(self) -> usize {
        if self.happens_once() { 1 } else { 3 }
    }

    /// What the caller is told if no attempt gave an response.
    fn lost(self) -> ErrorKind {
        if self.happens_once() {
            ErrorKind::OutcomeUnknown
        } else {
            ErrorKind::Unavailable
        }
    }

    /// What the caller is told if every response was a server error.
    fn broken(self) -> ErrorKind {
        self.lost()
    }
}

/// What the calls need, got before anything goes wrong.
#[derive(Clone)]
struct Ready {
    client: Client,
    application: ApplicationId,
    organization: OrganizationId,
    mail: LoginLinkMail,
    link: LoginLink,
    org_link: LoginLink,
    user: AppUser,
    administrator: OrgUser,
    /// Those who log out are of use for nothing else.
    leaving_user: AppUser,
    leaving_administrator: OrgUser,
    org_email: &'static str,
}

impl Ready {
    async fn new(sandbox: &Sandbox, client: Client) -> Self {
        // That one may be in a hurry.
        let patient = self::client(sandbox);
        let ready = Self {
            client,
            application: application(sandbox),
            organization: organization(sandbox),
            mail: mail(sandbox),
            link: link(&patient, sandbox).await,
            org_link: org_link(&patient, sandbox).await,
            user: app_user(sandbox),
            administrator: org_user(sandbox),
            leaving_user: app_user(sandbox),
            leaving_administrator: org_user(sandbox),
            org_email: org_email(sandbox),
        };
        sandbox.log().clear();
        ready
    }

    async fn call(&self, call: Call) -> Result<(), Error> {
        let (client, application) = (&self.client, &self.application);
        let administrator = &self.administrator;
        match call {
            SendAppUserLoginLink => {
                client
                    .send_app_user_login_link(application, &self.mail)
                    .await
            }
            LogInAppUser => client
                .log_in_app_user(application, &self.link)
                .await
                .map(drop),
            ActiveAppUser => client.active_app_user(&self.user).await.map(drop),
            CreateAppUser => {
                let new = NewAppUser::new("new@example.test");
                client.create_app_user(application, &new).await.map(drop)
            }
            LogOutAppUser => client.log_out_app_user(&self.leaving_user).await,
            SendOrgUserLoginLink => client.send_org_user_login_link(self.org_email).await,
            LogInOrgUser => client.log_in_org_user(&self.org_link).await.map(drop),
            ActiveOrgUser => client.active_org_user(administrator).await.map(drop),
            Organizations => client.organizations(administrator).await.map(drop),
            Applications => {
                let found = client.applications(administrator, &self.organization);
                found.await.map(drop)
            }
            CreateApiToken => client.create_api_token(administrator).await.map(drop),
            LogOutOrgUser => client.log_out_org_user(&self.leaving_administrator).await,
            Ping => client.ping().await,
            Query => client.execute::<MySchema>(json!({})).await.map(drop),
            Mutation => {
                let pings = client.execute::<MyPingingMutation>(json!({}));
                pings.await.map(drop)
            }
        }
    }
}

#[tokio::test]
async fn a_mail_whose_answer_was_lost_is_not_asked_for_again_and_can_be_used() {
    let sandbox = sandbox();
    let (client, application) = (client(&sandbox), application(&sandbox));
    sandbox.fault(Fault::lost_answer().times(2));
    let app_mail = mail(&sandbox);
    for error in [
        client
            .send_app_user_login_link(&application, &app_mail)
            .await
            .unwrap_err(),
        client
            .send_org_user_login_link(org_email(&sandbox))
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error:?}");
    }
    only(&sandbox, "identityx.send_app_user_login_link");
    only(&sandbox, "identityx.send_org_user_login_link");
    assert_eq!(sandbox.inbox(org_email(&sandbox)).count(), 1);
    let link = mailed(&sandbox);
    client.log_in_app_user(&application, &link).await.unwrap();
    client.log_in_org_user(&org_mailed(&sandbox)).await.unwrap();
}

#[tokio::test]
async fn a_log_in_whose_answer_was_lost_is_made_again_and_leaves_a_session_behind() {
    let sandbox = sandbox();
    let (client, application) = (client(&sandbox), application(&sandbox));
    let (link, org_link) = (
        link(&client, &sandbox).await,
        org_link(&client, &sandbox).await,
    );
    for operation in ["identityx.log_in_app_user", "identityx.log_in_org_user"] {
        sandbox.fault(Fault::lost_answer().on(operation));
    }
    let login = client.log_in_app_user(&application, &link).await.unwrap();
    client.active_app_user(&login.user).await.unwrap();
    assert_eq!(sandbox.identityx().issued(), 2);
    let login = client.log_in_org_user(&org_link).await.unwrap();
    client.active_org_user(&login.user).await.unwrap();
    assert_eq!(sandbox.identityx().issued(), 4);
}

#[tokio::test]
async fn a_log_out_whose_answer_was_lost_has_succeeded_and_a_second_one_is_refused() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let (user, administrator) = (app_user(&sandbox), org_user(&sandbox));
    sandbox.fault(Fault::lost_answer().on("identityx.log_out_app_user"));
    sandbox.fault(Fault::lost_answer().on("identityx.log_out_org_user"));
    client.log_out_app_user(&user).await.unwrap();
    client.log_out_org_user(&administrator).await.unwrap();
    for operation in ["identityx.log_out_app_user", "identityx.log_out_org_user"] {
        sandbox.log().assert_count(operation, 2);
    }
    for error in [
        client.log_out_app_user(&user).await.unwrap_err(),
        client.log_out_org_user(&administrator).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::TokenRejected { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_query_whose_answer_was_lost_is_repeated_and_a_mutation_is_not_whoever_sends_it() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let administrator = org_user(&sandbox);
    let caller = client.as_identity(&administrator).unwrap();
    let org_session = client.session(administrator).unwrap();
    let read = "identityx.active_org_user";
    sandbox.fault(Fault::lost_answer().on(read).times(2));
    caller.execute::<MyUser>(json!({})).await.unwrap();
    sandbox.fault(Fault::lost_answer().on(read).times(2));
    org_session.execute::<MyUser>(json!({})).await.unwrap();
    sandbox.log().assert_count(read, 6);

    let input = json!({ "input": { "email": org_email(&sandbox) } });
    let changing = "identityx.send_org_user_login_link";
    sandbox.fault(Fault::lost_answer().on(changing).times(3));
    let app_session = session(&sandbox);
    for (sent, error) in [
        client.execute::<MyMail>(input.clone()).await.unwrap_err(),
        caller.execute::<MyMail>(input.clone()).await.unwrap_err(),
        app_session
            .execute::<MyMail>(input.clone())
            .await
            .unwrap_err(),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{sent}: {error:?}");
    }
    sandbox.log().assert_count(changing, 3);
    assert_eq!(sandbox.inbox(org_email(&sandbox)).count(), 3);
}
