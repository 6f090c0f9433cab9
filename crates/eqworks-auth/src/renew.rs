//! How a session with EQ Works stays alive: by refreshing its token while that is valid.

use std::fmt;
use std::time::Duration;

use auth_core::{Header, Reason, Renew};

use crate::types::headers;
use crate::{Client, Error, TOKEN_LIFETIME, Token};

/// A session with EQ Works.
///
/// It renews a 90-day token when about a third of its life is left, while callers go on with the
/// present one; if that fails, it tries again once a day. A token that has ended cannot be
/// renewed: then [`Error::LoginRequired`] says why somebody must log in, and
/// [`Session::set_token`](auth_core::Session::set_token) takes the new token over.
///
/// EQ Works knows no log-out: [`Session::log_out`](auth_core::Session::log_out) forgets the token,
/// which stays valid. [`Client::refresh_and_revoke_older`] ends all older ones.
pub type Session = auth_core::Session<Renewer>;

/// Renews a session's token by a refresh. There is no other way without a person.
pub struct Renewer {
    client: Client,
}

impl Renewer {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }
}

impl Renew for Renewer {
    type Error = Error;

    async fn renew(
        &self,
        current: Option<&auth_core::Token>,
        _reason: Reason,
    ) -> Result<auth_core::Token, Error> {
        let Some(current) = current else {
            let reason = "there is no token".to_owned();
            return Err(Error::LoginRequired { reason });
        };
        match self.client.refresh(&current.clone().into()).await {
            Ok(token) => Ok(Token::into(token)),
            // There is nothing else to renew by.
            Err(error @ Error::TokenRejected { .. }) => Err(Error::LoginRequired {
                reason: error.to_string(),
            }),
            Err(error) => Err(error),
        }
    }

    fn headers(&self, token: &auth_core::Token) -> Result<Vec<Header>, Error> {
        headers(token)
    }

    /// A third: only a person can mend a renewal that came too late, so weeks are left for trying.
    /// More than 30 days are not, for a token that lives for thousands of years.
    fn window(&self, lifetime: Duration) -> Duration {
        lifetime.min(TOKEN_LIFETIME) / 3
    }
}

impl fmt::Debug for Renewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewer")
            .field("client", &self.client)
            .finish()
    }
}
