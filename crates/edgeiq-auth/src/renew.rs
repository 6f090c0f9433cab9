//! How a session with EdgeIQ renews: by logging in again, as there is no refresh call.

use std::fmt;

use auth_core::{AuthHeaders, Header, PasswordSource, Reason, Refusal, Renew};
use http::StatusCode;
use url::Url;

use crate::types::{api_token_headers, headers};
use crate::wire::says_not_authorized;
use crate::{Client, Error, ErrorKind, Login};

/// A session with EdgeIQ: a token that is kept valid. [`Client::session`] starts one.
#[doc = auth_core::session_methods!()]
pub type Session = auth_core::Session<Renewer>;

/// Builds a [`Session`].
#[doc = auth_core::session_builder_methods!()]
pub type SessionBuilder = auth_core::SessionBuilder<Renewer>;

/// The sessions of many users, one for each key.
#[doc = auth_core::session_pool_methods!()]
pub type SessionPool<K> = auth_core::SessionPool<K, Renewer>;

/// Renews a session's token by logging in again, where the [`Login`] has a password. A token that was
/// reported as refused is asked about first: see [`Client::why_not_authorized`].
pub struct Renewer {
    client: Client,
    /// The e-mail address, and where its password comes from.
    login: Option<(String, PasswordSource<Error>)>,
    /// The session began with a permanent token.
    is_permanent: bool,
}

impl Renewer {
    pub(crate) fn new(client: Client, login: &Login) -> Self {
        Self {
            client,
            login: login.account.clone().zip(login.password.clone()),
            is_permanent: login.is_permanent,
        }
    }
}

impl Renew for Renewer {
    type Error = Error;

    async fn renew(
        &self,
        current: Option<&auth_core::Token>,
        reason: Reason,
    ) -> Result<auth_core::Token, Error> {
        // A 403 may also mean that the user lacks a right. A token that is valid is not thrown away.
        if let (Some(current), Reason::Rejected) = (current, reason) {
            let headers = AuthHeaders::new(current, &headers(current)?)?;
            match self.client.me(&headers).await {
                Ok(_) => return Ok(current.clone()),
                Err(Error::TokenRejected { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        let Some((email, password)) = &self.login else {
            let reason = "edgeiq has no refresh call, and no password is held".to_owned();
            return Err(Error::LoginRequired { reason });
        };
        let password = password.get().await?;
        let lifetime = self.client.session_lifetime();
        let authenticated = self.client.authenticate(email, &password, lifetime).await?;
        Ok(authenticated.token.into())
    }

    fn vendor(&self) -> &'static str {
        "edgeiq"
    }

    fn headers(&self, token: &auth_core::Token) -> Result<Vec<Header>, Error> {
        if self.is_permanent {
            api_token_headers(token)
        } else {
            headers(token)
        }
    }

    fn refusal(&self, _: &Url, status: StatusCode, body: Option<&[u8]>) -> Refusal {
        match (status, body) {
            // It may say that the token is wrong, or that the user lacks the right.
            (StatusCode::FORBIDDEN, None) => Refusal::Unclear,
            (StatusCode::FORBIDDEN, Some(body)) if says_not_authorized(body) => Refusal::Unclear,
            (StatusCode::UNAUTHORIZED, Some(body)) if says_not_authorized(body) => Refusal::Yes,
            _ => Refusal::of(status, body),
        }
    }

    async fn confirm_refusal(&self, auth_headers: &AuthHeaders) -> bool {
        let error = self.client.why_not_authorized(auth_headers).await;
        error.kind() == ErrorKind::TokenRejected
    }
}

impl fmt::Debug for Renewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewer")
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}
