//! One method for each of EdgeIQ's calls.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    AuthHeaders, BoxFuture, Error as CoreError, Http, Idempotency, Operation, Request, Response,
    SessionBuilder, StoreKey, format_date_time, operation,
};
use secrecy::{ExposeSecret, SecretString};

use crate::renew::Login;
use crate::wire::{self, Refusal};
use crate::{
    ApiToken, Authenticated, ClientBuilder, Error, Lifetime, Renewer, ResetEmail, ResetToken,
    Session, Token, User,
};

const AUTHENTICATE: Operation = operation!("edgeiq.authenticate");
const RESET_API_TOKEN: Operation = operation!("edgeiq.reset_api_token");
const ME: Operation = operation!("edgeiq.me");
const REQUEST_PASSWORD_RESET: Operation = operation!("edgeiq.request_password_reset");
const SET_PASSWORD: Operation = operation!("edgeiq.set_password");

/// EdgeIQ. A cheap clone.
///
/// Its methods need a Tokio runtime; a [`Session`] does not.
#[derive(Clone)]
pub struct Client(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) http: Http,
    pub(crate) reset_url: String,
    pub(crate) session_lifetime: Lifetime,
}

impl Client {
    /// Begins a client. EdgeIQ knows users, and no client ids.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    pub(crate) fn from_parts(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    pub(crate) fn session_lifetime(&self) -> Lifetime {
        self.0.session_lifetime
    }

    /// A session that begins with `token` and keeps no password: when the token has ended,
    /// somebody must log in.
    ///
    /// # Errors
    ///
    /// [`Error::Core`] if the token holds characters that no header can carry.
    pub fn session(&self, token: Token) -> Result<Session, Error> {
        self.session_builder().token(token.into()).build()
    }

    auth_core::password_session_methods!();

    /// A session that keeps no password: `provider` gives it one for each log-in.
    ///
    /// # Errors
    ///
    /// None at present.
    pub fn session_with_provider(
        &self,
        email: impl Into<String>,
        provider: impl Fn() -> BoxFuture<'static, Result<SecretString, Error>> + Send + Sync + 'static,
    ) -> Result<Session, Error> {
        self.session_builder_with_provider(email, provider).build()
    }

    /// A session with a permanent token: it never renews.
    ///
    /// # Errors
    ///
    /// [`Error::Core`] if the token is empty, or holds characters that no header can carry.
    pub fn session_with_api_token(&self, token: ApiToken) -> Result<Session, Error> {
        self.session_builder().token(token.into()).build()
    }

    /// Begins a session with more choices: a token store, other hosts. Like
    /// [`Client::session`], it cannot log in, so it wants a token from its store or
    /// [`SessionBuilder::token`].
    pub fn session_builder(&self) -> SessionBuilder<Renewer> {
        self.0.http.session(Renewer::new(self.clone()))
    }

    /// As [`Client::session_builder`]; it also logs in, with a password from `provider`.
    ///
    /// The provider is asked each time, inside the Tokio runtime of a thread that it must not
    /// block. Its error is the session's: one that is transient is asked again after a pause,
    /// [`Error::LoginRequired`] (the person will not) is remembered.
    pub fn session_builder_with_provider(
        &self,
        email: impl Into<String>,
        provider: impl Fn() -> BoxFuture<'static, Result<SecretString, Error>> + Send + Sync + 'static,
    ) -> SessionBuilder<Renewer> {
        let login = Login::asking(email.into(), provider);
        self.0
            .http
            .session(Renewer::with_login(self.clone(), login))
    }

    /// The key under which a store keeps the token of `email`.
    pub fn store_key(&self, email: impl Into<String>) -> StoreKey {
        self.0.http.store_key("edgeiq", email, "")
    }

    /// Logs in for a session token that lives for `lifetime`.
    ///
    /// The token ends at the response's `session_expires_at`; where that is missing or unreadable,
    /// at the moment that was asked for, else 4 hours after the request was sent.
    ///
    /// Repeated where the response was lost: it only makes another token.
    ///
    /// Source: EdgeIQ, "Authentication", *Basic Token Authentication*.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCredentials`]: ask the user again.
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig), before anything is sent, if the
    /// lifetime would end in the past or more than a week ahead.
    pub async fn authenticate(
        &self,
        email: &str,
        password: &SecretString,
        lifetime: Lifetime,
    ) -> Result<Authenticated, Error> {
        let asked = lifetime.ends_at(self.0.http.clock().now().wall())?;
        let body = wire::Authenticate {
            email,
            password: password.expose_secret(),
            token_expiry: asked.and_then(format_date_time),
        };
        let request = Request::post(AUTHENTICATE, "user/authenticate")
            .json(&body)
            .secret(password)
            .idempotency(Idempotency::Yes);
        let response = self.send(request).await?;
        wire::authenticated(&response, asked, credentials_refused)
    }

    /// Makes a new permanent token for the user. The old one is dead from then on, wherever it is
    /// in use.
    ///
    /// Not repeated where it may have happened.
    ///
    /// Source: EdgeIQ, "Authentication", *Basic Token Authentication*.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCredentials`]: ask the user again.
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the old token may be dead: reset it
    /// again for one that works.
    pub async fn reset_api_token(
        &self,
        email: &str,
        password: &SecretString,
    ) -> Result<ApiToken, Error> {
        let body = wire::Authenticate {
            email,
            password: password.expose_secret(),
            token_expiry: None,
        };
        let request = Request::post(RESET_API_TOKEN, "user/api_token_reset")
            .json(&body)
            .secret(password);
        let response = self.send(request).await?;
        wire::api_token(&response, credentials_refused)
    }

    /// Whose token it is, if it is good.
    ///
    /// A refused token is told from an outage: it is [`Error::TokenRejected`] alone.
    ///
    /// Source: EdgeIQ, "Authentication", *Basic Token Authentication*: 403 with `Not Authorized`.
    ///
    /// # Errors
    ///
    /// [`Error::TokenRejected`] if the token is wrong or dead (report it by
    /// [`Session::invalidate`]).
    pub async fn me(&self, auth_headers: &AuthHeaders) -> Result<User, Error> {
        let response = self
            .send(Request::get(ME, "me").auth_headers(auth_headers))
            .await?;
        wire::user(&response, |refusal| {
            refusal.is_not_authorized().then(|| Error::TokenRejected {
                message: refusal.message(),
            })
        })
    }

    /// Asks EdgeIQ to mail the user a link for a new password.
    ///
    /// Not repeated where it may have happened: the user would get a second e-mail.
    ///
    /// Source: EdgeIQ, "Authentication", *Resetting Your Password* and *Customizing The Password
    /// Reset Email*.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEmail`]. [`Error::SenderNotWhitelisted`] after a 500, if `mail` names an
    /// address to come from: no e-mail was sent.
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if it may have been sent.
    pub async fn request_password_reset(
        &self,
        email: &str,
        mail: &ResetEmail,
    ) -> Result<(), Error> {
        let body = wire::RequestReset {
            email,
            url: &self.0.reset_url,
            custom: mail,
        };
        let request =
            Request::post(REQUEST_PASSWORD_RESET, "user/password_reset_request").json(&body);
        let response = self.send(request).await?;
        wire::done(&response, |refusal| {
            match (refusal.status(), mail.sender()) {
                (404, _) => Some(Error::UnknownEmail {
                    message: refusal.message(),
                }),
                (500, Some(from_address)) => Some(Error::SenderNotWhitelisted {
                    from_address: from_address.to_owned(),
                    message: refusal.body(),
                }),
                _ => None,
            }
        })
    }

    /// Sets a new password with the token from a reset e-mail.
    ///
    /// Not repeated where it may have happened: a token can be used once.
    ///
    /// Source: EdgeIQ, "Authentication", *Resetting Your Password*.
    ///
    /// # Errors
    ///
    /// [`Error::ResetRefused`] if the token has expired or was used: ask for a new e-mail.
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the password may have been set: try
    /// to log in with it.
    pub async fn set_password(
        &self,
        token: &ResetToken,
        new_password: &SecretString,
    ) -> Result<(), Error> {
        let body = wire::SetPassword {
            password: new_password.expose_secret(),
            password_confirmation: new_password.expose_secret(),
        };
        let request = Request::post(SET_PASSWORD, "user/password_reset")
            .segment(token.secret().expose_secret())
            .json(&body)
            .secret(token.secret())
            .secret(new_password);
        let response = self.send(request).await?;
        // The vendor names no status for it.
        wire::done(&response, |refusal| match refusal.status() {
            408 | 429 => None,
            400..=499 => Some(Error::ResetRefused {
                message: refusal.message(),
            }),
            _ => None,
        })
    }

    async fn send(&self, request: Request) -> Result<Response, CoreError> {
        // On every call, says the vendor: on one without a body, too.
        let request = request.header(wire::CONTENT_TYPE, wire::JSON);
        self.0.http.send(request).await
    }
}

fn credentials_refused(refusal: &Refusal<'_>) -> Option<Error> {
    refusal
        .is_not_authorized()
        .then(|| Error::InvalidCredentials {
            message: refusal.message(),
        })
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", self.0.http.base())
            .field("session_lifetime", &self.0.session_lifetime)
            .finish_non_exhaustive()
    }
}
