//! What most tests begin with.

use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use auth_sandbox::{Sandbox, SandboxClock};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use httpmock::MockServer;
use identityx_auth::graphql::graphql_client::QueryBody;
use identityx_auth::graphql::{GraphQLQuery, Json};
use identityx_auth::http::RetryPolicy;
use identityx_auth::identity::{Identity, Renewer};
use identityx_auth::organization::OrganizationId;
use identityx_auth::store::{MemoryStore, StoreKey, Token};
use identityx_auth::{
    AppUser, ApplicationId, AuthHeaders, Client, ClientBuilder, Error, Login, LoginLink,
    LoginLinkMail, OrgUser, OrgUserApiToken,
};

use vendor_tests::Url;
pub(crate) use vendor_tests::{always, assert_refused, only, sandbox, settled, shown};

/// The session of an app user stands for all of them where the kind does not matter.
pub(crate) type Session = identityx_auth::Session<AppUser>;

/// How long a login link lives.
pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);

pub(crate) const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The log-in page of a program, which does not exist.
pub(crate) const AUTH_URL: &str = "https://www.example.test/user/authenticate";

pub(crate) struct IdentityX;

vendor_tests::functions! { IdentityX:
    builder -> ClientBuilder,
    client -> Client,
    email -> &'static str,
    log_in -> impl Future<Output = AppUser>,
    session -> Session
}

impl vendor_tests::Vendor for IdentityX {
    type Client = Client;
    type ClientBuilder = ClientBuilder;
    type Token = AppUser;
    type Error = Error;
    type Renewer = Renewer<AppUser>;

    /// A session does not renew: it asks the vendor whether its token is valid.
    const RENEWAL: &'static str = "identityx.active_app_user";
    /// It makes no difference to a session that has no end.
    const RENEWS_AT: Duration = Duration::from_secs(60);

    vendor_tests::vendor_methods!();

    fn base_url(sandbox: &Sandbox) -> Url {
        sandbox.identityx().base_url()
    }

    fn builder(sandbox: &Sandbox) -> ClientBuilder {
        Client::builder()
            .base_url(Self::base_url(sandbox))
            .clock(sandbox.clock())
            .http(|http| http.retry(RetryPolicy::default().pauses(Duration::ZERO, Duration::ZERO)))
    }

    /// This user is the sandbox's app user.
    fn email(sandbox: &Sandbox) -> &'static str {
        sandbox.identityx().app_user().email
    }

    async fn log_in_by(sandbox: &Sandbox, client: &Client) -> AppUser {
        let application = application(sandbox);
        let link = link(client, sandbox).await;
        let login = client.log_in_app_user(&application, &link).await;
        login.unwrap().user
    }

    /// As [`new_session`], after a report that its token was refused: its first caller asks the
    /// vendor, which is all the renewing that there is.
    fn session(sandbox: &Sandbox) -> Session {
        let session = new_session(sandbox);
        let mut context = Context::from_waker(Waker::noop());
        let headers = pin!(session.auth_headers()).as_mut().poll(&mut context);
        let Poll::Ready(Ok(headers)) = headers else {
            panic!("a session with a token does not have it at hand")
        };
        session.invalidate(&headers);
        session
    }

    fn session_in_store(sandbox: &Sandbox, store: MemoryStore) -> Session {
        let session = client(sandbox).session(stored(sandbox)).store(store);
        session.build().unwrap()
    }

    fn key(sandbox: &Sandbox) -> StoreKey {
        client(sandbox).store_key(&stored(sandbox)).unwrap()
    }
}

impl vendor_tests::InteractiveLogin for IdentityX {
    fn session_without_token(sandbox: &Sandbox) -> Session {
        let session = client(sandbox).session(stored(sandbox));
        session.store(MemoryStore::new()).build().unwrap()
    }

    fn is_login_required(error: &Error) -> bool {
        matches!(error, Error::LoginRequired { .. })
    }

    fn assert_users(sandbox: &Sandbox, token: Token) {
        let user = AppUser::from(token);
        assert_eq!(user.application(), Some(application(sandbox)));
    }
}

/// What a store holds for the sandbox's app user.
pub(crate) fn stored(sandbox: &Sandbox) -> Login<AppUser> {
    Login::<AppUser>::stored(email(sandbox), &application(sandbox))
}

/// The headers of an identity, in the default style.
pub(crate) fn headers<I: Identity>(identity: &I) -> AuthHeaders {
    static CLIENT: LazyLock<Client> = LazyLock::new(|| Client::builder().build().unwrap());
    CLIENT.auth_headers(identity).unwrap()
}

/// The address of the sandbox's administrator.
pub(crate) fn org_email(sandbox: &Sandbox) -> &'static str {
    sandbox.identityx().org_user().email
}

pub(crate) fn application(sandbox: &Sandbox) -> ApplicationId {
    ApplicationId::new(sandbox.identityx().application_id()).unwrap()
}

pub(crate) fn organization(sandbox: &Sandbox) -> OrganizationId {
    OrganizationId::new(sandbox.identityx().organization_id()).unwrap()
}

pub(crate) fn mail(sandbox: &Sandbox) -> LoginLinkMail {
    LoginLinkMail::new(email(sandbox), AUTH_URL).unwrap()
}

/// The link in the app user's latest mail.
pub(crate) fn mailed(sandbox: &Sandbox) -> LoginLink {
    latest(sandbox, email(sandbox))
}

/// The link in the administrator's latest mail.
pub(crate) fn org_mailed(sandbox: &Sandbox) -> LoginLink {
    latest(sandbox, org_email(sandbox))
}

fn latest(sandbox: &Sandbox, email: &str) -> LoginLink {
    let mail = sandbox.inbox(email).latest().unwrap();
    LoginLink::parse(&mail.link_text().unwrap().into()).unwrap()
}

/// An app user's link, after asking for it.
pub(crate) async fn link(client: &Client, sandbox: &Sandbox) -> LoginLink {
    let (application, mail) = (application(sandbox), mail(sandbox));
    let sent = client.send_app_user_login_link(&application, &mail);
    sent.await.unwrap();
    mailed(sandbox)
}

/// An administrator's link, after asking for it.
pub(crate) async fn org_link(client: &Client, sandbox: &Sandbox) -> LoginLink {
    let sent = client.send_org_user_login_link(org_email(sandbox));
    sent.await.unwrap();
    org_mailed(sandbox)
}

/// The sandbox's app user, without a log-in.
pub(crate) fn app_user(sandbox: &Sandbox) -> AppUser {
    let identityx = sandbox.identityx();
    let jwt = identityx.mint_app_user_session(identityx.application_id(), email(sandbox));
    AppUser::from_jwt(jwt, &application(sandbox)).unwrap()
}

/// The sandbox's administrator, likewise.
pub(crate) fn org_user(sandbox: &Sandbox) -> OrgUser {
    let jwt = sandbox
        .identityx()
        .mint_org_user_session(org_email(sandbox));
    OrgUser::from_jwt(jwt).unwrap()
}

/// The API token of the sandbox's administrator.
pub(crate) fn api_token(sandbox: &Sandbox) -> OrgUserApiToken {
    let jwt = sandbox.identityx().mint_api_token(org_email(sandbox));
    OrgUserApiToken::from_jwt(jwt).unwrap()
}

/// A session of the sandbox's app user, whose token is brand new.
pub(crate) fn new_session(sandbox: &Sandbox) -> Session {
    client(sandbox).session(app_user(sandbox)).build().unwrap()
}

/// A vendor that responds with what the test says, and a client of it.
pub(crate) struct Vendor {
    server: MockServer,
    pub(crate) client: Client,
}

impl Vendor {
    pub(crate) async fn start() -> Self {
        let server = MockServer::start_async().await;
        let client = Client::builder()
            .base_url(server.base_url())
            .clock(SandboxClock::frozen())
            .http(|http| http.retry(RetryPolicy::never()))
            .build()
            .unwrap();
        Self { server, client }
    }

    /// From now on, whatever is asked.
    pub(crate) async fn response(&self, status: u16, body: &str) {
        self.server.reset_async().await;
        self.server
            .mock_async(|when, then| {
                when.any_request();
                then.status(status).body(body);
            })
            .await;
    }
}

/// A JWT with these claims and an invalid signature.
pub(crate) fn jwt(claims: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    format!("{header}.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims))
}

/// Operations of a program's own, with the types of their data.
macro_rules! operations {
    ($($(#[$docs:meta])* $name:ident: $data:ty = $query:literal;)*) => {
        $(
            $(#[$docs])*
            pub(crate) struct $name;

            impl GraphQLQuery for $name {
                type Variables = Json;
                type ResponseData = $data;

                fn build_query(variables: Json) -> QueryBody<Json> {
                    QueryBody {
                        variables,
                        query: $query,
                        operation_name: "Mine",
                    }
                }
            }
        )*
    };
}

operations! {
    MyAppUser: Json = "query Mine { activeAppUser { id email } }";
    MyUser: Json = "query Mine { activeUser { id email } }";
    MyTypedUser: ActiveUser = "query Mine { activeUser { id email } }";
    MyMemberships: Json = "query Mine { userOrganizations { role organization { id name } } }";
    MyApplications: Json = "query Mine { organizationApplications { id } }";
    MyMail: Json = "mutation Mine($input: SendUserLoginLinkMutationInput!) {
        sendUserLoginLink(input: $input)
    }";
    MyAppMail: Json = "mutation Mine($input: SendAppUserLoginLinkMutationInput!) {
        sendAppUserLoginLink(input: $input)
    }";
    /// Of two fields, so that the sandbox knows it from [`Client::ping`].
    MyPings: Json = "query Mine { ping again: ping }";
    MySchema: Json = "query Mine { __schema { queryType { name } } }";
    MyPingingMutation: Json = "mutation Mine { ping again: ping }";
    Unreadable: Json = "query Mine {";
    Outdated: Json = "query Mine { activeUser { shoeSize } }";
}

/// What [`MyTypedUser`] gives, which may not be null.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ActiveUser {
    pub(crate) active_user: User,
}

#[derive(Debug, serde::Deserialize)]
pub(crate) struct User {
    pub(crate) email: String,
}
