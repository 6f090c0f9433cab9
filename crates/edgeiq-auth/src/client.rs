//! One method for each of EdgeIQ's calls.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    AuthHeaders, Error as CoreError, Http, Idempotency, Operation, Request, Response, StoreKey,
    format_date_time, operation,
};
use secrecy::SecretString;

use crate::types::account;
use crate::wire::{self, credentials_refused};
use crate::{
    ApiToken, Authenticated, ClientBuilder, Error, Lifetime, Login, Renewer, ResetEmail,
    ResetToken, Session, SessionBuilder, User,
};

const AUTHENTICATE: Operation = operation!("edgeiq.authenticate");
const RESET_API_TOKEN: Operation = operation!("edgeiq.reset_api_token");
const ME: Operation = operation!("edgeiq.me");
const REQUEST_PASSWORD_RESET: Operation = operation!("edgeiq.request_password_reset");
const SET_PASSWORD: Operation = operation!("edgeiq.set_password");

/// EdgeIQ. A cheap clone.
///
/// Its methods need no particular runtime, and none at all.
#[derive(Clone)]
pub struct Client(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) http: Http,
    pub(crate) reset_url: String,
    pub(crate) session_lifetime: Lifetime,
}

impl Client {
    /// A builder. EdgeIQ knows users, and no client ids.
    ///
    /// # Example
    ///
    /// ```
    /// # fn main() -> Result<(), edgeiq_auth::Error> {
    /// use edgeiq_auth::Client;
    ///
    /// let client = Client::builder().build()?;
    /// # Ok(()) }
    /// ```
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    pub(crate) fn from_parts(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    pub(crate) fn session_lifetime(&self) -> Lifetime {
        self.0.session_lifetime
    }

    /// A session that starts from `login`: a password, a provider that is asked for one, an
    /// [`ApiToken`], a [`Token`](crate::Token), or what a store holds.
    ///
    /// Nothing is sent before the session is used.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), edgeiq_auth::Error> {
    /// use edgeiq_auth::{Client, Login};
    ///
    /// let client = Client::builder().build()?;
    /// let session = client.session(Login::password("user@example.com", "password")).build()?;
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

    /// The key under which a store keeps the token of `email`.
    ///
    /// # Example
    ///
    /// ```
    /// # fn main() -> Result<(), edgeiq_auth::Error> {
    /// use edgeiq_auth::Client;
    ///
    /// let client = Client::builder().build()?;
    /// assert_eq!(client.store_key(" user@example.com").account, "user@example.com");
    /// # Ok(()) }
    /// ```
    pub fn store_key(&self, email: impl AsRef<str>) -> StoreKey {
        StoreKey::new("edgeiq", account(email.as_ref()), "", self.0.http.base())
    }

    /// Logs in: returns a session token that lives for `lifetime`, and the user's profile. The name to
    /// log in with need not be an e-mail address.
    ///
    /// The token ends at the response's `session_expires_at`. Where that is missing or unreadable,
    /// it ends at the moment that was asked for, else 4 hours after the request was sent.
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
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(password: edgeiq_auth::SecretString) -> Result<(), edgeiq_auth::Error> {
    /// use std::time::Duration;
    ///
    /// use edgeiq_auth::Client;
    ///
    /// let client = Client::builder().build()?;
    /// let day = Duration::from_secs(24 * 60 * 60);
    /// let authenticated = client
    ///     .authenticate("user@example.com", &password, day.into())
    ///     .await?;
    /// println!("{:?}", authenticated.user.company_id);
    /// # Ok(()) }
    /// ```
    pub async fn authenticate(
        &self,
        email: &str,
        password: &SecretString,
        lifetime: Lifetime,
    ) -> Result<Authenticated, Error> {
        let asked = lifetime.ends_at(self.0.http.clock().now().wall())?;
        let body = wire::Authenticate {
            email,
            password,
            token_expiry: asked.and_then(format_date_time),
        };
        let request = Request::post(AUTHENTICATE, "user/authenticate")
            .json(&body)
            .idempotency(Idempotency::Yes);
        let response = self.send(request).await?;
        let mut authenticated = wire::authenticated(&response, asked, credentials_refused)?;
        authenticated.token = authenticated.token.with_account(email);
        Ok(authenticated)
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
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(password: edgeiq_auth::SecretString) -> Result<(), edgeiq_auth::Error> {
    /// use edgeiq_auth::Client;
    ///
    /// let client = Client::builder().build()?;
    /// let token = client.reset_api_token("user@example.com", &password).await?;
    /// let session = client.session(token).build()?;
    /// # Ok(()) }
    /// ```
    pub async fn reset_api_token(
        &self,
        email: &str,
        password: &SecretString,
    ) -> Result<ApiToken, Error> {
        let body = wire::Authenticate {
            email,
            password,
            token_expiry: None,
        };
        let request = Request::post(RESET_API_TOKEN, "user/api_token_reset").json(&body);
        let response = self.send(request).await?;
        wire::api_token(&response, credentials_refused).map(|token| token.with_account(email))
    }

    /// The profile of the user whose token it is.
    ///
    /// The way to ask whether a token is valid: one that is refused is [`Error::TokenRejected`],
    /// and an outage is not.
    ///
    /// Source: EdgeIQ, "Authentication", *Basic Token Authentication*: 403 with `Not Authorized`.
    ///
    /// # Errors
    ///
    /// [`Error::TokenRejected`] if the token is wrong or dead (report it by
    /// [`Session::invalidate`]).
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(session: edgeiq_auth::Session) -> Result<(), edgeiq_auth::Error> {
    /// use edgeiq_auth::Client;
    ///
    /// let client = Client::builder().build()?;
    /// let user = client.me(&session.auth_headers().await?).await?;
    /// println!("{:?}", user.email);
    /// # Ok(()) }
    /// ```
    pub async fn me(&self, headers: &AuthHeaders) -> Result<User, Error> {
        let response = self
            .send(Request::get(ME, "me").auth_headers(headers))
            .await?;
        wire::user(&response, |refusal| {
            let variant = |message, http_status| Error::TokenRejected {
                message,
                http_status,
            };
            refusal.is_not_authorized().then(|| refusal.error(variant))
        })
    }

    /// What it means that a data call was answered with 403 and *not authorized*: the token is wrong, or
    /// the user lacks the right. A 401 always means the former.
    ///
    /// Asks by [`Client::me`]. A session does the same before it gives up a token that was reported by
    /// [`Session::invalidate`].
    ///
    /// Source: EdgeIQ's own JavaScript client, whose text for 403 is "not authorized to perform this
    /// action".
    ///
    /// # Errors
    ///
    /// [`Error::NotAllowed`] if the token is valid. [`Error::TokenRejected`] if it is not. Another error
    /// if that could not be found out.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: edgeiq_auth::Client, session: edgeiq_auth::Session) -> Result<(), edgeiq_auth::Error> {
    /// use edgeiq_auth::ErrorKind;
    ///
    /// let headers = session.auth_headers().await?;
    /// // A data call with these headers was answered with 403.
    /// let error = client.why_not_authorized(&headers).await;
    /// if error.kind() == ErrorKind::TokenRejected {
    ///     session.invalidate(&headers);
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn why_not_authorized(&self, headers: &AuthHeaders) -> Error {
        match self.me(headers).await {
            Ok(_) => Error::NotAllowed,
            Err(error) => error,
        }
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
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), edgeiq_auth::Error> {
    /// use edgeiq_auth::{Client, ResetEmail};
    ///
    /// let client = Client::builder().build()?;
    /// client
    ///     .request_password_reset("user@example.com", &ResetEmail::new())
    ///     .await?;
    /// # Ok(()) }
    /// ```
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
                (404, _) => Some(refusal.error(|message, http_status| Error::UnknownEmail {
                    message,
                    http_status,
                })),
                (500, Some(from_address)) => Some(Error::SenderNotWhitelisted {
                    from_address: from_address.to_owned(),
                    message: refusal.message(),
                    http_status: Some(refusal.status()),
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
    /// [`Error::ResetTokenRejected`] if the token is wrong, has expired or was used: ask for a new
    /// e-mail. [`Error::ResetRefused`] if the vendor refuses for another reason.
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the password may have been set: try
    /// to log in with it.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # use edgeiq_auth::{Error, SecretString};
    /// # async fn example(link: SecretString, password: SecretString) -> Result<(), Error> {
    /// use edgeiq_auth::{Client, ResetToken};
    ///
    /// let client = Client::builder().build()?;
    /// client.set_password(&ResetToken::from_link(&link)?, &password).await?;
    /// # Ok(()) }
    /// ```
    pub async fn set_password(
        &self,
        token: &ResetToken,
        new_password: &SecretString,
    ) -> Result<(), Error> {
        let body = wire::SetPassword {
            password: new_password,
            password_confirmation: new_password,
        };
        let request = Request::post(SET_PASSWORD, "user/password_reset")
            .secret_segment(token.secret())
            .json(&body);
        let response = self.send(request).await?;
        // The vendor names no status for it.
        wire::done(&response, |refusal| match refusal.status() {
            408 => None,
            400 if refusal.says("invalid token") => {
                let variant = |message, http_status| Error::ResetTokenRejected {
                    message,
                    http_status,
                };
                Some(refusal.error(variant))
            }
            200..=299 if !refusal.says_something() => None,
            200..=299 | 400..=499 => {
                Some(refusal.error(|message, http_status| Error::ResetRefused {
                    message,
                    http_status,
                }))
            }
            _ => None,
        })
    }

    async fn send(&self, request: Request) -> Result<Response, CoreError> {
        // The vendor wants it on every call, on one without a body, too.
        let request = request.header(wire::CONTENT_TYPE, wire::JSON);
        self.0.http.send(request).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", self.0.http.base())
            .field("session_lifetime", &self.0.session_lifetime)
            .finish_non_exhaustive()
    }
}
