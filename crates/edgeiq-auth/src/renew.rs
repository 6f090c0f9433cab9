//! How a session with EdgeIQ stays alive: by logging in again, as there is no refresh call.

use std::fmt;
use std::sync::Arc;

use auth_core::{BoxFuture, Header, Reason, Renew};
use secrecy::SecretString;

use crate::types::headers;
use crate::{Client, Error};

/// A session with EdgeIQ.
pub type Session = auth_core::Session<Renewer>;

/// Renews a session's token by logging in again: with the password that the caller let it keep,
/// or with one that the caller gives each time. Without either, somebody must log in.
pub struct Renewer {
    client: Client,
    login: Option<Login>,
}

/// Who logs in, and where the password comes from.
pub(crate) struct Login {
    email: String,
    password: Password,
}

enum Password {
    Held(SecretString),
    Asked(Arc<dyn Fn() -> BoxFuture<'static, Result<SecretString, Error>> + Send + Sync>),
}

impl Login {
    pub(crate) fn asking(
        email: String,
        provider: impl Fn() -> BoxFuture<'static, Result<SecretString, Error>> + Send + Sync + 'static,
    ) -> Self {
        let password = Password::Asked(Arc::new(provider));
        Self { email, password }
    }

    async fn password(&self) -> Result<SecretString, Error> {
        match &self.password {
            Password::Held(password) => Ok(password.clone()),
            Password::Asked(provider) => provider().await,
        }
    }
}

impl Renewer {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            login: None,
        }
    }

    pub(crate) fn with_password(client: Client, email: String, password: SecretString) -> Self {
        let password = Password::Held(password);
        let login = Some(Login { email, password });
        Self { client, login }
    }

    pub(crate) fn with_login(client: Client, login: Login) -> Self {
        let login = Some(login);
        Self { client, login }
    }
}

impl Renew for Renewer {
    type Error = Error;

    async fn renew(
        &self,
        _current: Option<&auth_core::Token>,
        _reason: Reason,
    ) -> Result<auth_core::Token, Error> {
        let Some(login) = &self.login else {
            let reason = "no password is held, and nobody can be asked for one".to_owned();
            return Err(Error::LoginRequired { reason });
        };
        let password = login.password().await?;
        let lifetime = self.client.session_lifetime();
        let authenticated = self
            .client
            .authenticate(&login.email, &password, lifetime)
            .await?;
        Ok(authenticated.token.into())
    }

    fn headers(&self, token: &auth_core::Token) -> Result<Vec<Header>, Error> {
        headers(token)
    }
}

impl fmt::Debug for Renewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewer")
            .field("email", &self.login.as_ref().map(|login| &login.email))
            .finish_non_exhaustive()
    }
}
