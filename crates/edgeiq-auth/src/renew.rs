//! How a session with EdgeIQ renews: by logging in again, as there is no refresh call.

use std::fmt;

use auth_core::{Header, PasswordSource, Reason, Renew};

use crate::types::headers;
use crate::{Client, Error, Login};

/// A session with EdgeIQ: a token that is kept valid. [`Client::session`] starts one.
pub type Session = auth_core::Session<Renewer>;

/// Builds a [`Session`].
pub type SessionBuilder = auth_core::SessionBuilder<Renewer>;

/// The sessions of many users, one for each key.
pub type SessionPool<K> = auth_core::SessionPool<K, Renewer>;

/// Renews a session's token by logging in again, where the [`Login`] has a password.
pub struct Renewer {
    client: Client,
    /// The e-mail address, and where its password comes from.
    login: Option<(String, PasswordSource<Error>)>,
}

impl Renewer {
    pub(crate) fn new(client: Client, login: &Login) -> Self {
        let login = login.account.clone().zip(login.password.clone());
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
        let Some((email, password)) = &self.login else {
            let reason = "edgeiq has no refresh call, and no password is held".to_owned();
            return Err(Error::LoginRequired { reason });
        };
        let password = password.get().await?;
        let lifetime = self.client.session_lifetime();
        let authenticated = self.client.authenticate(email, &password, lifetime).await?;
        Ok(authenticated.token.into())
    }

    fn headers(&self, token: &auth_core::Token) -> Result<Vec<Header>, Error> {
        headers(token)
    }
}

impl fmt::Debug for Renewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewer")
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}
