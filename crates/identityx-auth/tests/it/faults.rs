//! What goes wrong on the way: what the caller is told, and what is sent again.

use auth_sandbox::{Fault, Sandbox};
use identityx_auth::ErrorKind::{OutcomeUnknown, Unavailable};
use identityx_auth::graphql::Execute as _;
use identityx_auth::identity::NewAppUser;
use identityx_auth::organization::OrganizationId;
use identityx_auth::{
    ApplicationId, AuthHeaders, Client, Error, ErrorKind, LoginLink, LoginLinkMail,
};
use serde_json::json;
use vendor_tests::{Call, Calls};

use crate::set_up::{
    self, IdentityX, MyMail, MyPingingMutation, MySchema, MyUser, app_user, application,
    assert_refused, client, headers, link, mail, mailed, only, org_email, org_link, org_mailed,
    org_user, organization, sandbox, session,
};

vendor_tests::answers!(IdentityX);
vendor_tests::canaries!(IdentityX);
vendor_tests::faults!(IdentityX);

/// What the calls need, got before anything goes wrong.
#[derive(Clone)]
pub(crate) struct Ready {
    pub(crate) client: Client,
    pub(crate) application: ApplicationId,
    pub(crate) organization: OrganizationId,
    pub(crate) mail: LoginLinkMail,
    pub(crate) link: LoginLink,
    pub(crate) org_link: LoginLink,
    pub(crate) user: AuthHeaders,
    pub(crate) administrator: AuthHeaders,
    /// Those who log out are of use for nothing else.
    pub(crate) leaving_user: AuthHeaders,
    pub(crate) leaving_administrator: AuthHeaders,
    pub(crate) org_email: &'static str,
}

/// A call that does no harm when it is repeated. A link can be used twice.
const fn repeated(operation: &'static str) -> Call {
    Call::new(operation, 3, Unavailable, Unavailable)
}

/// A mail, or a mutation of which nothing is known, must not happen twice.
const fn once(operation: &'static str) -> Call {
    Call::new(operation, 1, OutcomeUnknown, OutcomeUnknown)
}

impl Calls for IdentityX {
    type Ready = Ready;

    /// Every call.
    const CALLS: &'static [Call] = &[
        once("identityx.send_app_user_login_link"),
        repeated("identityx.log_in_app_user"),
        repeated("identityx.active_app_user"),
        repeated("identityx.create_app_user"),
        repeated("identityx.log_out_app_user"),
        once("identityx.send_org_user_login_link"),
        repeated("identityx.log_in_org_user"),
        repeated("identityx.active_org_user"),
        repeated("identityx.organizations"),
        repeated("identityx.applications"),
        repeated("identityx.create_api_token"),
        repeated("identityx.log_out_org_user"),
        repeated("identityx.ping"),
        repeated("identityx.introspect"),
        once("identityx.other"),
    ];
    /// What the schema says is never null.
    const NEEDED: &'static [(&'static str, &'static [&'static str])] = &[
        ("identityx.send_app_user_login_link", &["data"]),
        (
            "identityx.log_in_app_user",
            &[
                "data",
                "loginAppUser",
                "token",
                "id",
                "value",
                "user",
                "email",
                "domain",
            ],
        ),
        (
            "identityx.active_app_user",
            &["data", "activeAppUser", "id", "email", "domain"],
        ),
        (
            "identityx.create_app_user",
            &["data", "createAppUser", "id", "email", "domain"],
        ),
        ("identityx.log_out_app_user", &["data", "logoutAppUser"]),
        ("identityx.send_org_user_login_link", &["data"]),
        (
            "identityx.log_in_org_user",
            &["data", "userLogin", "token", "id", "value", "user", "email"],
        ),
        (
            "identityx.active_org_user",
            &["data", "activeUser", "id", "email"],
        ),
        (
            "identityx.organizations",
            &[
                "data",
                "userOrganizations",
                "id",
                "role",
                "organization",
                "name",
            ],
        ),
        (
            "identityx.applications",
            &["data", "organizationApplications", "id", "name"],
        ),
        (
            "identityx.create_api_token",
            &["data", "createActiveUserApiToken"],
        ),
        ("identityx.log_out_org_user", &["data", "userLogout"]),
        ("identityx.ping", &["data", "ping"]),
        ("identityx.introspect", &["data"]),
        ("identityx.other", &["data"]),
    ];

    async fn ready(sandbox: &Sandbox, client: Client) -> Ready {
        // `client` may have a short time limit.
        let patient = set_up::client(sandbox);
        let ready = Ready {
            client,
            application: application(sandbox),
            organization: organization(sandbox),
            mail: mail(sandbox),
            link: link(&patient, sandbox).await,
            org_link: org_link(&patient, sandbox).await,
            user: headers(&app_user(sandbox)),
            administrator: headers(&org_user(sandbox)),
            leaving_user: headers(&app_user(sandbox)),
            leaving_administrator: headers(&org_user(sandbox)),
            org_email: org_email(sandbox),
        };
        sandbox.log().clear();
        ready
    }

    async fn call(ready: &Ready, operation: &str) -> Result<(), Error> {
        let (client, application) = (&ready.client, &ready.application);
        let administrator = &ready.administrator;
        match operation {
            "identityx.send_app_user_login_link" => {
                client
                    .send_app_user_login_link(application, &ready.mail)
                    .await
            }
            "identityx.log_in_app_user" => client
                .log_in_app_user(application, &ready.link)
                .await
                .map(drop),
            "identityx.active_app_user" => client.active_app_user(&ready.user).await.map(drop),
            "identityx.create_app_user" => {
                let new = NewAppUser::new("new@example.test");
                client.create_app_user(application, &new).await.map(drop)
            }
            "identityx.log_out_app_user" => client.log_out_app_user(&ready.leaving_user).await,
            "identityx.send_org_user_login_link" => {
                client.send_org_user_login_link(ready.org_email).await
            }
            "identityx.log_in_org_user" => client.log_in_org_user(&ready.org_link).await.map(drop),
            "identityx.active_org_user" => client.active_org_user(administrator).await.map(drop),
            "identityx.organizations" => client.organizations(administrator).await.map(drop),
            "identityx.applications" => {
                let found = client.applications(administrator, &ready.organization);
                found.await.map(drop)
            }
            "identityx.create_api_token" => client.create_api_token(administrator).await.map(drop),
            "identityx.log_out_org_user" => {
                client.log_out_org_user(&ready.leaving_administrator).await
            }
            "identityx.ping" => client.ping().await,
            "identityx.introspect" => client.execute::<MySchema>(json!({})).await.map(drop),
            "identityx.other" => {
                let pings = client.execute::<MyPingingMutation>(json!({}));
                pings.await.map(drop)
            }
            other => panic!("no call of {other}"),
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
    client.active_app_user(&headers(&login.user)).await.unwrap();
    assert_eq!(sandbox.identityx().issued(), 2);
    let login = client.log_in_org_user(&org_link).await.unwrap();
    client.active_org_user(&headers(&login.user)).await.unwrap();
    assert_eq!(sandbox.identityx().issued(), 4);
}

#[tokio::test]
async fn a_log_out_whose_answer_was_lost_has_succeeded_and_a_second_one_is_refused() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let (user, administrator) = (app_user(&sandbox), org_user(&sandbox));
    sandbox.fault(Fault::lost_answer().on("identityx.log_out_app_user"));
    sandbox.fault(Fault::lost_answer().on("identityx.log_out_org_user"));
    client.log_out_app_user(&headers(&user)).await.unwrap();
    client
        .log_out_org_user(&headers(&administrator))
        .await
        .unwrap();
    for operation in ["identityx.log_out_app_user", "identityx.log_out_org_user"] {
        sandbox.log().assert_count(operation, 2);
    }
    for error in [
        client.log_out_app_user(&headers(&user)).await.unwrap_err(),
        client
            .log_out_org_user(&headers(&administrator))
            .await
            .unwrap_err(),
    ] {
        assert_refused(&error, ErrorKind::TokenRejected, "the token was refused");
    }
}

#[tokio::test]
async fn a_query_whose_answer_was_lost_is_repeated_and_a_mutation_is_not_by_any_caller() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let administrator = org_user(&sandbox);
    let caller = client.with_auth_headers(&headers(&administrator));
    let org_session = client.session(administrator).build().unwrap();
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
