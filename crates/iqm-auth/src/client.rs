//! One method for each of IQM's calls. Log-ins with a browser are in `client/authorization.rs`, calls
//! about the user and second factors in `client/account.rs`, those about passwords in
//! `client/password.rs`.

mod account;
mod authorization;
mod password;

use std::fmt;
use std::sync::Arc;

use auth_core::{
    AuthHeaders, Error as CoreError, Http, Idempotency, Operation, Request, Response, StoreKey,
    operation,
};
use secrecy::SecretString;
use serde::de::IgnoredAny;
use url::Url;

use crate::types::account;
use crate::wire::{self, Refusal};
use crate::{ClientBuilder, Error, Login, Renewer, Session, SessionBuilder, Token};

const SIGN_UP: Operation = operation!("iqm.sign_up");
const LOG_IN: Operation = operation!("iqm.log_in");
const LOG_IN_OAUTH: Operation = operation!("iqm.log_in_oauth");
const REFRESH: Operation = operation!("iqm.refresh");
const LOG_OUT: Operation = operation!("iqm.log_out");

const TOKEN_ENDPOINT: &str = "api/v3/ua/oauth/token";

/// IQM, called with one client id and secret. A cheap clone.
///
/// Its methods need no particular runtime, and none at all.
#[derive(Clone)]
pub struct Client(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) http: Http,
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretString,
    pub(crate) workspace_host: Option<String>,
    pub(crate) web_url: Url,
    pub(crate) json_grants: bool,
}

impl Client {
    /// A builder with what IQM's support issued: a client id and a client secret.
    ///
    /// # Example
    ///
    /// ```
    /// # fn main() -> Result<(), iqm_auth::Error> {
    /// use iqm_auth::Client;
    ///
    /// let client = Client::builder("client id", "client secret").build()?;
    /// # Ok(()) }
    /// ```
    pub fn builder(
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
    ) -> ClientBuilder {
        ClientBuilder::new(&client_id.into(), &client_secret.into())
    }

    pub(crate) fn from_parts(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// A session that starts from `login`: a password, a provider that is asked for one, a
    /// [`Token`], or what a store holds.
    ///
    /// Nothing is sent before the session is used.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), iqm_auth::Error> {
    /// use iqm_auth::{Client, Login};
    ///
    /// let client = Client::builder("client id", "client secret").build()?;
    /// let session = client.session(Login::password("user1@iqm.com", "123456")).build()?;
    /// let headers = session.headers().await?; // logs in; later calls renew where necessary
    /// # Ok(()) }
    /// ```
    pub fn session(&self, login: impl Into<Login>) -> SessionBuilder {
        let login = login.into();
        let builder = Session::builder(Renewer::new(self.clone(), &login)).http(&self.0.http);
        let builder = match &login.account {
            Some(account) => builder.key(self.store_key(account)),
            None => builder,
        };
        match login.token {
            Some(token) => builder.token(token),
            None if login.password.is_none() => builder.needs_store(),
            None => builder,
        }
    }

    /// The key under which a store keeps the token of `email`. The client's workspace host, where
    /// one is set, is part of it.
    ///
    /// # Example
    ///
    /// ```
    /// # fn main() -> Result<(), iqm_auth::Error> {
    /// use iqm_auth::Client;
    ///
    /// let client = Client::builder("client id", "client secret").build()?;
    /// let key = client.store_key(" user1@iqm.com");
    /// assert_eq!((key.vendor.as_str(), key.account.as_str()), ("iqm", "user1@iqm.com"));
    /// # Ok(()) }
    /// ```
    pub fn store_key(&self, email: impl AsRef<str>) -> StoreKey {
        let scope = self.0.workspace_host.as_deref().unwrap_or_default();
        StoreKey::new("iqm", account(email.as_ref()), scope, self.0.http.base())
    }

    /// Sets the first password of an invited user, and logs the user in. The token has no
    /// workspace id.
    ///
    /// Not repeated where it may have happened.
    ///
    /// Source: IQM, "Sign Up and Authenticate", *Sign Up*.
    ///
    /// # Errors
    ///
    /// [`Error::NotInvited`] if the user is not invited, or the invitation has been used or has
    /// expired. [`Error::InvalidCredentials`] if the client id or secret is refused.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: iqm_auth::Client) -> Result<(), iqm_auth::Error> {
    /// let token = client.sign_up("invited@iqm.com", &"Invited-1!".into()).await?;
    /// let session = client.session(token).build()?;
    /// # Ok(()) }
    /// ```
    pub async fn sign_up(&self, email: &str, password: &SecretString) -> Result<Token, Error> {
        let body = wire::SignUp { email, password };
        let request = Request::post(SIGN_UP, "api/v3/ua/sign-up").json(&body);
        let response = self.send(self.basic(request)).await?;
        let of = |token: Token| token.with_account(email);
        wire::token(&response, of, |refusal| match refusal.status() {
            // A refusal with 200 says `success: false`.
            200..=299 | 403 => refusal.error(|message, http_status| Error::NotInvited {
                message,
                http_status,
            }),
            401 => refusal.error(|message, http_status| Error::InvalidCredentials {
                message,
                http_status,
            }),
            _ => wire::by_status(refusal),
        })
    }

    /// Logs in. With [`ClientBuilder::workspace_host`], to that workspace.
    ///
    /// Repeated where the response was lost: it only makes another token.
    ///
    /// Source: IQM, "Sign Up and Authentication Quickstart Guide", *Log In*.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCredentials`]: ask the user again. [`Error::OnHold`]: show its texts.
    /// [`Error::MfaRequired`]: the password is right, and the user has a second factor.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: iqm_auth::Client) -> Result<(), iqm_auth::Error> {
    /// let token = client.log_in("user1@iqm.com", &"123456".into()).await?;
    /// println!("workspace {:?}", token.ow_id());
    /// let session = client.session(token).build()?; // keeps no password
    /// # Ok(()) }
    /// ```
    pub async fn log_in(&self, email: &str, password: &SecretString) -> Result<Token, Error> {
        let body = wire::LogIn {
            grant_type: "password",
            email,
            password,
        };
        let mut request = Request::post(LOG_IN, "api/v3/ua/login").json(&body);
        if let Some(host) = &self.0.workspace_host {
            request = request.header(wire::X_IAA_HOST, host);
        }
        self.password_grant(request, email).await
    }

    /// Logs in at the OAuth token endpoint, which knows no workspace host.
    ///
    /// Repeated where the response was lost: it only makes another token.
    ///
    /// Source: IQM, "Sign Up and Authenticate", *Log In*; its heading names this endpoint, its
    /// TypeScript sample that of [`Client::log_in`].
    ///
    /// # Errors
    ///
    /// As [`Client::log_in`].
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: iqm_auth::Client) -> Result<(), iqm_auth::Error> {
    /// let token = client.log_in_oauth("user1@iqm.com", &"123456".into()).await?;
    /// let session = client.session(token).build()?;
    /// # Ok(()) }
    /// ```
    pub async fn log_in_oauth(&self, email: &str, password: &SecretString) -> Result<Token, Error> {
        let request = Request::post(LOG_IN_OAUTH, TOKEN_ENDPOINT);
        let request = if self.0.json_grants {
            request.json(&wire::LogIn {
                grant_type: "password",
                email,
                password,
            })
        } else {
            request.form(
                &[("grant_type", "password"), ("username", email)],
                &[("password", password)],
            )
        };
        self.password_grant(request, email).await
    }

    /// Exchanges the refresh token for a new [`Token`]. The workspace id is kept.
    ///
    /// The new token is valid for `expires_in` **seconds** from the moment the request was sent.
    /// IQM's samples say 35,999; its prose says 24 hours. The number in the response decides. The
    /// new token carries the old refresh token if the vendor sent none.
    ///
    /// A refresh whose response was lost is sent once more. A [`Session`] refreshes by itself.
    ///
    /// Source: IQM, "Sign Up and Authenticate", *Refresh Token*.
    ///
    /// # Errors
    ///
    /// [`Error::TokenRejected`] if the refresh token is no longer valid: log in again.
    /// [`Error::RefreshLost`] if it was refused after a response was lost. [`Error::LoginRequired`]
    /// if `token` has no refresh token. [`Error::RateLimited`] after 20 calls in a minute: wait for
    /// `retry_after`.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: iqm_auth::Client, token: iqm_auth::Token) -> Result<(), iqm_auth::Error> {
    /// let token = client.refresh(&token).await?;
    /// let headers = token.auth_headers()?;
    /// # Ok(()) }
    /// ```
    pub async fn refresh(&self, token: &Token) -> Result<Token, Error> {
        let Some(refresh_token) = token.refresh_token() else {
            let reason = "the token has no refresh token".to_owned();
            return Err(Error::LoginRequired { reason });
        };
        let request = Request::post(REFRESH, TOKEN_ENDPOINT);
        let request = if self.0.json_grants {
            request.json(&wire::Refresh {
                grant_type: "refresh_token",
                refresh_token,
            })
        } else {
            request.form(
                &[("grant_type", "refresh_token")],
                &[("refresh_token", refresh_token)],
            )
        };
        let request = request.idempotency(Idempotency::OnceMore);
        let response = self.send(self.basic(request)).await?;
        let of = |renewed: Token| {
            let next = renewed.refresh_token().unwrap_or(refresh_token).clone();
            let renewed = renewed.with_refresh_token(next).or_ow_id(token.ow_id());
            renewed.or_account(token.account())
        };
        wire::token(&response, of, |refusal| match refusal.status() {
            // No document says how an expired refresh token is refused.
            200..=299 | 400 | 401 | 403 if response.follows_a_lost_attempt() => {
                Error::RefreshLost {
                    retry_after: None,
                    http_status: Some(refusal.status()),
                }
            }
            200..=299 | 400 | 401 | 403 => {
                refusal.error(|message, http_status| Error::TokenRejected {
                    message,
                    http_status,
                })
            }
            _ => wire::by_status(refusal),
        })
    }

    /// Logs out: the token cannot be used any more. [`Session::log_out`] also forgets it.
    ///
    /// Repeated where the response was lost: a token that has ended already is no error then.
    ///
    /// Source: IQM's *Logout* page.
    ///
    /// # Errors
    ///
    /// [`Error::TokenRejected`] if the token could not be used already.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: iqm_auth::Client, token: iqm_auth::Token) -> Result<(), iqm_auth::Error> {
    /// client.log_out(&token.auth_headers()?).await?;
    /// # Ok(()) }
    /// ```
    pub async fn log_out(&self, headers: &AuthHeaders) -> Result<(), Error> {
        let request = Request::post(LOG_OUT, "api/v3/ua/logout")
            .auth_headers(headers)
            .idempotency(Idempotency::Yes);
        let response = self.send(request).await?;
        let logged_out = wire::data::<Option<IgnoredAny>>(&response, wire::by_status);
        match logged_out {
            // The attempt whose response was lost did it.
            Err(Error::TokenRejected { .. }) if response.follows_a_lost_attempt() => Ok(()),
            other => other.map(|_| ()),
        }
    }

    async fn password_grant(&self, request: Request, email: &str) -> Result<Token, Error> {
        let request = request.idempotency(Idempotency::Yes);
        let response = self.send(self.basic(request)).await?;
        let of = |token: Token| token.with_account(email);
        wire::token(&response, of, |refusal| {
            let on_hold = refusal.on_hold();
            on_hold.unwrap_or_else(|| credentials_refused(refusal))
        })
    }

    fn basic(&self, request: Request) -> Request {
        request.basic(&self.0.client_id, &self.0.client_secret)
    }

    async fn send(&self, request: Request) -> Result<Response, CoreError> {
        self.0.http.send(request).await
    }
}

fn credentials_refused(refusal: &Refusal<'_>) -> Error {
    match refusal.status() {
        // A refusal with 200 says `success: false`, or has a field `error`.
        200..=299 | 400 | 401 | 403 => {
            refusal.error(|message, http_status| Error::InvalidCredentials {
                message,
                http_status,
            })
        }
        _ => wire::by_status(refusal),
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", self.0.http.base())
            .field("client_id", &self.0.client_id)
            .finish_non_exhaustive()
    }
}
