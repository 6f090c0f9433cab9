//! IQM's calls.

use std::time::Duration;

use auth_core::AuthHeaders;
use auth_sandbox::{IqmAccount, Sandbox};
use iqm_auth::{
    Client, Error, ErrorKind, ExposeSecret as _, Login, PendingLogin, Renewer, SecretString,
    Session, Token,
};
use vendor_tests::Url;

use crate::matrix::{Vendor, within};
use crate::rules::{Call, Class};

const REDIRECT: &str = "https://app.example/callback";
const NEW_PASSWORD: &str = "New-Pass-1!";

/// A log-in says of each of these that the user is to be asked again.
const LOG_IN: &[(u16, ErrorKind)] = &[
    (400, ErrorKind::InvalidCredentials),
    (401, ErrorKind::InvalidCredentials),
    (403, ErrorKind::InvalidCredentials),
];
/// No document says how a dead refresh token is refused.
const REFRESH: &[(u16, ErrorKind)] = &[
    (400, ErrorKind::TokenRejected),
    (401, ErrorKind::TokenRejected),
    (403, ErrorKind::TokenRejected),
];
const UNAUTHORIZED: &[(u16, ErrorKind)] = &[(401, ErrorKind::InvalidCredentials)];

/// What the calls need.
pub(crate) struct Ready {
    token: Token,
    auth_headers: AuthHeaders,
    authorization_code: SecretString,
    mfa_code: SecretString,
    reset_hash: SecretString,
    user: IqmAccount,
    invited: IqmAccount,
    mailed: IqmAccount,
    pending: PendingLogin,
}

impl Ready {
    async fn log_in(&self, client: &Client, password: &str) -> Result<(), Error> {
        client
            .log_in(self.user.email, &password.into())
            .await
            .map(drop)
    }
}

impl Vendor for Ready {
    const NAME: &'static str = "IQM";
    const RENEWAL: &'static str = "iqm.refresh";
    const DATA: (&'static str, &'static str) = ("profile", "iqm.profile");
    const CALLS: &'static [Call] = &[
        Call::new("sign_up", "iqm.sign_up", Class::Never)
            .refusals(UNAUTHORIZED)
            .refused_in_success(ErrorKind::Denied),
        Call::new("log_in", "iqm.log_in", Class::LogIn)
            .refusals(LOG_IN)
            .refused_in_success(ErrorKind::InvalidCredentials),
        Call::new("log_in_oauth", "iqm.log_in_oauth", Class::LogIn)
            .refusals(LOG_IN)
            .refused_in_success(ErrorKind::InvalidCredentials),
        Call::new("refresh", "iqm.refresh", Class::Refresh)
            .refusals(REFRESH)
            .refused_in_success(ErrorKind::TokenRejected),
        Call::new("exchange_code", "iqm.authorization_code", Class::Never)
            .refusals(LOG_IN)
            .refused_in_success(ErrorKind::InvalidCredentials),
        Call::new("log_out", "iqm.log_out", Class::LogOut),
        Call::new("profile", "iqm.profile", Class::Read),
        Call::new("ow_id", "iqm.ow_id", Class::Read),
        Call::new("workspaces", "iqm.workspaces", Class::Read),
        Call::new("send_mfa_code", "iqm.mfa_send", Class::Never)
            .refusals(&[(400, ErrorKind::NotFound)]),
        Call::new("verify_mfa_code", "iqm.mfa_verify", Class::Never)
            .refusals(UNAUTHORIZED)
            .refused_in_success(ErrorKind::InvalidCredentials),
        Call::new(
            "request_password_reset",
            "iqm.request_password_reset",
            Class::Never,
        )
        .refusals(&[(400, ErrorKind::NotFound)]),
        Call::new(
            "validate_password_reset",
            "iqm.validate_password_reset",
            Class::Read,
        )
        .refusals(&[(422, ErrorKind::InvalidCredentials)]),
        Call::new("set_password", "iqm.set_password", Class::Never)
            .refused_in_success(ErrorKind::Denied),
        Call::new("change_password", "iqm.change_password", Class::Never),
    ];
    type Client = Client;
    type Error = Error;
    type Renewer = Renewer;

    fn base_url(sandbox: &Sandbox) -> Url {
        sandbox.iqm().base_url()
    }

    fn client_at(base: Url, sandbox: &Sandbox, time_limit: Duration) -> Client {
        let iqm = sandbox.iqm();
        Client::builder(iqm.client_id(), iqm.client_secret())
            .base_url(base)
            .clock(sandbox.clock())
            .http(|http| within(http, time_limit))
            .build()
            .unwrap()
    }

    async fn ready(sandbox: &Sandbox, client: &Client) -> Self {
        let iqm = sandbox.iqm();
        let user = iqm.user();
        let password = user.password.into();
        let token = client.log_in(user.email, &password).await.unwrap();
        client.request_password_reset(user.email).await.unwrap();
        let reset_hash = iqm.reset_hash(user.email).unwrap().into();
        client.validate_password_reset(&reset_hash).await.unwrap();
        let mfa = iqm.mfa_user();
        let logged_in = client.log_in(mfa.email, &mfa.password.into()).await;
        let Err(Error::MfaRequired { login, .. }) = logged_in else {
            unreachable!("{logged_in:?}")
        };
        let pending = *login;
        client.send_mfa_code(&pending).await.unwrap();
        Self {
            auth_headers: token.auth_headers().unwrap(),
            token,
            authorization_code: iqm.authorization_code(user.email, REDIRECT).into(),
            mfa_code: iqm.mfa_code(mfa.email).unwrap().into(),
            reset_hash,
            user,
            invited: iqm.invited_user(),
            mailed: iqm.workspace_user(),
            pending,
        }
    }

    async fn make(&self, client: &Client, call: &str) -> Result<(), Error> {
        let (user, new) = (self.user, NEW_PASSWORD.into());
        let old = user.password.into();
        match call {
            "sign_up" => {
                let password = self.invited.password.into();
                client
                    .sign_up(self.invited.email, &password)
                    .await
                    .map(drop)
            }
            "log_in" => client.log_in(user.email, &old).await.map(drop),
            "log_in_oauth" => client.log_in_oauth(user.email, &old).await.map(drop),
            "refresh" => client.refresh(&self.token).await.map(drop),
            "exchange_code" => {
                let code = &self.authorization_code;
                client.exchange_code(code, REDIRECT, None).await.map(drop)
            }
            "log_out" => client.log_out(&self.auth_headers).await,
            "profile" => client.profile(&self.auth_headers).await.map(drop),
            "ow_id" => client.ow_id(&self.auth_headers).await.map(drop),
            "workspaces" => client.workspaces(&self.auth_headers).await.map(drop),
            "send_mfa_code" => client.send_mfa_code(&self.pending).await,
            "verify_mfa_code" => {
                let verified = client.verify_mfa_code(&self.pending, &self.mfa_code);
                verified.await.map(drop)
            }
            "request_password_reset" => {
                let email = self.mailed.email;
                client.request_password_reset(email).await.map(drop)
            }
            "validate_password_reset" => {
                let hash = &self.reset_hash;
                client.validate_password_reset(hash).await.map(drop)
            }
            "set_password" => client.set_password(user.email, &new, None).await,
            "change_password" => client.change_password(&self.auth_headers, &old, &new).await,
            other => unreachable!("{other} is no call"),
        }
    }

    async fn go_on(&self, sandbox: &Sandbox, client: &Client, call: &str) -> Result<(), Error> {
        let iqm = sandbox.iqm();
        match call {
            "sign_up" => {
                let password = self.invited.password.into();
                client.log_in(self.invited.email, &password).await.map(drop)
            }
            // The refresh token is spent, so that only the password is left.
            "refresh" => self.log_in(client, self.user.password).await,
            "exchange_code" => {
                let code = iqm.authorization_code(self.user.email, REDIRECT).into();
                client.exchange_code(&code, REDIRECT, None).await.map(drop)
            }
            "verify_mfa_code" => {
                client.send_mfa_code(&self.pending).await?;
                let code = iqm.mfa_code(iqm.mfa_user().email).unwrap().into();
                client.verify_mfa_code(&self.pending, &code).await.map(drop)
            }
            "set_password" | "change_password" => self.log_in(client, NEW_PASSWORD).await,
            // Another e-mail.
            mail => self.make(client, mail).await,
        }
    }

    async fn session(&self, client: &Client) -> Session {
        let login = Login::password(self.user.email, self.user.password);
        let builder = client.session(login).token(self.token.clone());
        builder.build().unwrap()
    }

    fn revoke(&self, sandbox: &Sandbox) {
        sandbox.iqm().revoke_access_tokens(self.user.email);
    }

    fn accepts(sandbox: &Sandbox, auth_headers: &AuthHeaders) -> bool {
        let token = auth_headers.token().access().expose_secret();
        sandbox.iqm().accepts(token)
    }
}
