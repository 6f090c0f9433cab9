//! How a session with IQM renews: by refresh token, else by logging in again.

use std::fmt;

use auth_core::{AuthError as _, AuthHeaders, Header, PasswordSource, Reason, Renew};
use secrecy::ExposeSecret;

use crate::types::{headers, headers_in};
use crate::{Client, Error, ErrorKind, Login, Token};

/// A session with IQM: a token that is kept valid. [`Client::session`] starts one.
#[doc = auth_core::session_methods!()]
pub type Session = auth_core::Session<Renewer>;

/// Builds a [`Session`].
#[doc = auth_core::session_builder_methods!()]
pub type SessionBuilder = auth_core::SessionBuilder<Renewer>;

/// The sessions of many users, one for each key.
#[doc = auth_core::session_pool_methods!()]
pub type SessionPool<K> = auth_core::SessionPool<K, Renewer>;

/// Renews a session's token: by its refresh token, and if that is refused (or there is none) by
/// logging in again, where the [`Login`] has a password.
pub struct Renewer {
    client: Client,
    /// The e-mail address, and where its password comes from.
    login: Option<(String, PasswordSource<Error>)>,
    /// The workspace, where the login chose one.
    ow_id: Option<String>,
}

impl Renewer {
    pub(crate) fn new(client: Client, login: &Login) -> Self {
        Self {
            client,
            login: login.account.clone().zip(login.password.clone()),
            ow_id: login.ow_id.map(|ow_id| ow_id.to_string()),
        }
    }

    async fn refresh(&self, current: &Token, reason: Reason) -> Result<Token, Error> {
        let token = self.client.refresh(current).await?;
        // In IQM's sample a refresh returns the very access token that it replaces. After a 401
        // that one is of no use.
        let is_the_same =
            token.access_token().expose_secret() == current.access_token().expose_secret();
        if reason == Reason::Rejected && is_the_same {
            let message = "the refresh gave back the token that was refused".to_owned();
            return Err(Error::TokenRejected {
                message,
                http_status: None,
            });
        }
        Ok(token)
    }
}

impl Renew for Renewer {
    type Error = Error;

    async fn renew(
        &self,
        current: Option<&auth_core::Token>,
        reason: Reason,
    ) -> Result<auth_core::Token, Error> {
        let current = current.cloned().map(Token::from);
        let refusal = match current.filter(|token| token.refresh_token().is_some()) {
            None => None,
            Some(current) => match self.refresh(&current, reason).await {
                Ok(token) => return Ok(token.into()),
                Err(error) => match error.kind() {
                    ErrorKind::TokenRejected | ErrorKind::OutcomeUnknown => Some(error),
                    _ if error.is_odd_answer() => Some(error),
                    _ => return Err(error),
                },
            },
        };
        match (&self.login, refusal) {
            (Some((email, password)), _) => {
                let password = password.get().await?;
                Ok(self.client.log_in(email, &password).await?.into())
            }
            (None, Some(refusal)) => Err(refusal),
            (None, None) => {
                let reason = "there is no refresh token, and no password is held".to_owned();
                Err(Error::LoginRequired { reason })
            }
        }
    }

    fn vendor(&self) -> &'static str {
        "iqm"
    }

    fn headers(&self, token: &auth_core::Token) -> Result<Vec<Header>, Error> {
        match &self.ow_id {
            Some(ow_id) => headers_in(token, Some(ow_id)),
            None => headers(token),
        }
    }

    async fn revoke(&self, headers: &AuthHeaders) -> Result<(), Error> {
        match self.client.log_out(headers).await {
            // It had ended already, which is what was wanted.
            Err(Error::TokenRejected { .. }) => Ok(()),
            other => other,
        }
    }
}

impl fmt::Debug for Renewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewer")
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}
