//! EdgeIQ's calls.

use std::time::Duration;

use auth_core::AuthHeaders;
use auth_sandbox::{EdgeIqAccount, Sandbox};
use edgeiq_auth::{
    Client, Error, ErrorKind, ExposeSecret as _, Lifetime, Login, Renewer, ResetEmail, ResetToken,
    Session, Token,
};
use vendor_tests::Url;

use crate::matrix::{Vendor, within};
use crate::rules::{Call, Class};

const SENDER: &str = "help@company.example";
const NEW_PASSWORD: &str = "New-Pass-1!";

/// The vendor says "not authorized" with either.
const LOG_IN: &[(u16, ErrorKind)] = &[
    (401, ErrorKind::InvalidCredentials),
    (403, ErrorKind::InvalidCredentials),
];
const ME: &[(u16, ErrorKind)] = &[
    (401, ErrorKind::TokenRejected),
    (403, ErrorKind::TokenRejected),
];
/// The vendor names no status for a token that has expired or was used.
const SET_PASSWORD: &[(u16, ErrorKind)] = &[(401, ErrorKind::Denied), (404, ErrorKind::Denied)];
/// The address that the e-mail is to come from is not whitelisted: there was no e-mail.
const SENDER_REFUSED: &[(u16, ErrorKind)] = &[(500, ErrorKind::Denied)];

/// What the calls need.
pub(crate) struct Ready {
    token: Token,
    auth_headers: AuthHeaders,
    reset_token: ResetToken,
    user: EdgeIqAccount,
    mailed: EdgeIqAccount,
}

impl Ready {
    async fn log_in(&self, client: &Client, password: &str) -> Result<Token, Error> {
        let (email, password) = (self.user.email, password.into());
        let done = client.authenticate(email, &password, Lifetime::Default);
        Ok(done.await?.token)
    }
}

impl Vendor for Ready {
    const NAME: &'static str = "EdgeIQ";
    const RENEWAL: &'static str = "edgeiq.authenticate";
    const DATA: (&'static str, &'static str) = ("me", "edgeiq.me");
    const CALLS: &'static [Call] = &[
        Call::new("authenticate", "edgeiq.authenticate", Class::LogIn)
            .refusals(LOG_IN)
            .refused_in_success(ErrorKind::InvalidCredentials),
        Call::new("reset_api_token", "edgeiq.reset_api_token", Class::Never)
            .refusals(LOG_IN)
            .refused_in_success(ErrorKind::InvalidCredentials),
        Call::new("me", "edgeiq.me", Class::Read).refusals(ME),
        Call::new(
            "request_password_reset",
            "edgeiq.request_password_reset",
            Class::Never,
        )
        .without_an_answer(),
        Call::new(
            "request_password_reset from",
            "edgeiq.request_password_reset",
            Class::Never,
        )
        .refusals(SENDER_REFUSED)
        .without_an_answer(),
        Call::new("set_password", "edgeiq.set_password", Class::Never)
            .refusals(SET_PASSWORD)
            .refused_in_success(ErrorKind::Denied)
            .without_an_answer(),
    ];
    type Client = Client;
    type Error = Error;
    type Renewer = Renewer;

    fn base_url(sandbox: &Sandbox) -> Url {
        sandbox.edgeiq().base_url()
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
        let edgeiq = sandbox.edgeiq();
        let user = edgeiq.user();
        edgeiq.whitelist_sender(SENDER);
        let mail = ResetEmail::new();
        client
            .request_password_reset(user.email, &mail)
            .await
            .unwrap();
        let link = sandbox.inbox(user.email).latest().unwrap();
        let link = link.link().unwrap().as_str().into();
        let token = client
            .authenticate(user.email, &user.password.into(), Lifetime::Default)
            .await
            .unwrap()
            .token;
        Self {
            auth_headers: token.auth_headers().unwrap(),
            token,
            reset_token: ResetToken::from_link(&link).unwrap(),
            user,
            mailed: edgeiq.other_user(),
        }
    }

    async fn make(&self, client: &Client, call: &str) -> Result<(), Error> {
        let (user, mail) = (self.user, ResetEmail::new());
        match call {
            "authenticate" => self.log_in(client, user.password).await.map(drop),
            "reset_api_token" => {
                let password = user.password.into();
                client
                    .reset_api_token(user.email, &password)
                    .await
                    .map(drop)
            }
            "me" => client.me(&self.auth_headers).await.map(drop),
            // To an address of its own: a second e-mail ends the token of the first.
            "request_password_reset" => {
                client
                    .request_password_reset(self.mailed.email, &mail)
                    .await
            }
            "request_password_reset from" => {
                let mail = mail.from_address(SENDER);
                client
                    .request_password_reset(self.mailed.email, &mail)
                    .await
            }
            "set_password" => {
                let new = NEW_PASSWORD.into();
                client.set_password(&self.reset_token, &new).await
            }
            other => unreachable!("{other} is no call"),
        }
    }

    async fn go_on(&self, _: &Sandbox, client: &Client, call: &str) -> Result<(), Error> {
        match call {
            "set_password" => self.log_in(client, NEW_PASSWORD).await.map(drop),
            // Another token, or another e-mail.
            again => self.make(client, again).await,
        }
    }

    async fn session(&self, client: &Client) -> Session {
        let login = Login::password(self.user.email, self.user.password);
        let builder = client.session(login).token(self.token.clone());
        builder.build().unwrap()
    }

    fn revoke(&self, sandbox: &Sandbox) {
        sandbox.edgeiq().revoke_sessions(self.user.email);
    }

    fn accepts(sandbox: &Sandbox, auth_headers: &AuthHeaders) -> bool {
        let token = auth_headers.token().access().expose_secret();
        sandbox.edgeiq().accepts(token)
    }
}
