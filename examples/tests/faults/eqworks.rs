//! EQ Works' calls.

use std::time::Duration;

use auth_core::AuthHeaders;
use auth_sandbox::Sandbox;
use eqworks_auth::magic_link::PasscodeMail;
use eqworks_auth::{
    Client, Error, ErrorKind, ExposeSecret as _, Product, Renewer, SecretString, Session, Stage,
    Token,
};
use vendor_tests::Url;

use crate::matrix::{Vendor, within};
use crate::rules::{Call, Class};
use crate::trouble::Trouble;

/// A 403 with an unknown text is about the passcode, or about the token.
const VERIFY: &[(u16, ErrorKind)] = &[(403, ErrorKind::InvalidCredentials)];
const TOKEN: &[(u16, ErrorKind)] = &[(403, ErrorKind::TokenRejected)];

const SEND: &str = "eqworks.request_passcode";

/// What the calls need.
pub(crate) struct Ready {
    token: Token,
    auth_headers: AuthHeaders,
    passcode: SecretString,
    user: &'static str,
    mailed: &'static str,
}

/// The passcode that is in the user's mailbox.
fn mailed_passcode(sandbox: &Sandbox, user: &str) -> SecretString {
    let mail = sandbox.inbox(user).latest().unwrap();
    mail.code().unwrap().into()
}

async fn log_in(sandbox: &Sandbox, client: &Client, user: &str) -> Result<(), Error> {
    let pending = client.request_passcode(user).await?;
    let passcode = mailed_passcode(sandbox, user);
    pending.complete(&passcode).await.map(drop)
}

impl Vendor for Ready {
    const NAME: &'static str = "EQ Works";
    const RENEWAL: &'static str = "eqworks.refresh";
    const DATA: (&'static str, &'static str) = ("confirm", "eqworks.confirm");
    const CALLS: &'static [Call] = &[
        Call::new("request_passcode", SEND, Class::Never),
        Call::new("request_passcode_with", SEND, Class::Never),
        Call::new("verify", "eqworks.verify", Class::Never)
            .refusals(VERIFY)
            .refused_in_success(ErrorKind::InvalidCredentials),
        Call::new("verify_and_revoke_older", "eqworks.verify", Class::Never)
            .refusals(VERIFY)
            .refused_in_success(ErrorKind::InvalidCredentials),
        Call::new("confirm", "eqworks.confirm", Class::Read).refusals(TOKEN),
        Call::new("confirm_light", "eqworks.confirm", Class::Read).refusals(TOKEN),
        Call::new("refresh", "eqworks.refresh", Class::Refresh).refusals(TOKEN),
        Call::new(
            "refresh_and_revoke_older",
            "eqworks.refresh",
            Class::Refresh,
        )
        .refusals(TOKEN),
    ];
    type Client = Client;
    type Error = Error;
    type Renewer = Renewer;

    fn base_url(sandbox: &Sandbox) -> Url {
        sandbox.eqworks().base_url()
    }

    fn client_at(base: Url, sandbox: &Sandbox, time_limit: Duration) -> Client {
        Client::builder(Stage::Prod, Product::ATOM)
            .base_url(base)
            .clock(sandbox.clock())
            .http(|http| within(http, time_limit))
            .build()
            .unwrap()
    }

    async fn ready(sandbox: &Sandbox, client: &Client) -> Self {
        let eqworks = sandbox.eqworks();
        let user = eqworks.user().email;
        client.request_passcode(user).await.unwrap();
        let token = Token::from_jwt(eqworks.mint_token(user, "atom")).unwrap();
        Self {
            auth_headers: token.auth_headers().unwrap(),
            token,
            passcode: mailed_passcode(sandbox, user),
            user,
            mailed: eqworks.atom_user().email,
        }
    }

    async fn make(&self, client: &Client, call: &str) -> Result<(), Error> {
        let (user, passcode) = (self.user, &self.passcode);
        match call {
            "request_passcode" => client.request_passcode(self.mailed).await.map(drop),
            "request_passcode_with" => {
                let mail = PasscodeMail::new().without_link();
                let asked = client.request_passcode_with(self.mailed, &mail);
                asked.await.map(drop)
            }
            "verify" => client.verify(user, passcode).await.map(drop),
            "verify_and_revoke_older" => {
                let traded = client.verify_and_revoke_older(user, passcode);
                traded.await.map(drop)
            }
            "confirm" => client.confirm(&self.auth_headers).await.map(drop),
            "confirm_light" => client.confirm_light(&self.auth_headers).await.map(drop),
            "refresh" => client.refresh(&self.token).await.map(drop),
            "refresh_and_revoke_older" => {
                client.refresh_and_revoke_older(&self.token).await.map(drop)
            }
            other => unreachable!("{other} is no call"),
        }
    }

    async fn go_on(&self, sandbox: &Sandbox, client: &Client, call: &str) -> Result<(), Error> {
        match call {
            // The mail was sent: its passcode works.
            "request_passcode" | "request_passcode_with" => {
                let passcode = mailed_passcode(sandbox, self.mailed);
                let pending = client.pending_login(self.mailed);
                pending.complete(&passcode).await.map(drop)
            }
            // The old token stays valid.
            "refresh" => self.make(client, call).await,
            _ => log_in(sandbox, client, self.user).await,
        }
    }

    async fn session(&self, client: &Client) -> Session {
        client.session(self.token.clone()).build().unwrap()
    }

    /// The auth service refuses one with 403 and words of its own, which no fault has.
    fn refuses_token(_: Trouble) -> bool {
        false
    }

    fn revoke(&self, sandbox: &Sandbox) {
        sandbox.eqworks().revoke(self.user);
    }

    fn accepts(sandbox: &Sandbox, auth_headers: &AuthHeaders) -> bool {
        let token = auth_headers.token().access().expose_secret();
        sandbox.eqworks().accepts(token)
    }
}
