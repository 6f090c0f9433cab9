//! How a session with EQ Works renews: by refreshing its token while that is valid.

use std::fmt;
use std::time::Duration;

use auth_core::{Header, Reason, Renew};

use crate::types::{PRODUCT, headers};
use crate::{Client, Error, Product, Token};

/// A session with EQ Works: a token that is kept valid. [`Client::session`] starts one.
///
/// It renews a 90-day token when about a third of its life is left, while callers continue with
/// the present one. If that fails, it tries again once a day. A token that has ended cannot be
/// renewed: then [`Error::LoginRequired`] says why a person must log in, and
/// [`Session::set_token`](auth_core::Session::set_token) takes the new token.
///
/// EQ Works has no log-out: [`Session::log_out`](auth_core::Session::log_out) forgets the token,
/// which stays valid. [`Client::refresh_and_revoke_older`] ends all older ones.
pub type Session = auth_core::Session<Renewer>;

/// Builds a [`Session`].
pub type SessionBuilder = auth_core::SessionBuilder<Renewer>;

/// The sessions of many users, one for each key.
pub type SessionPool<K> = auth_core::SessionPool<K, Renewer>;

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
            Ok(token) => Ok(token.into()),
            // There is nothing else to renew by.
            Err(error @ Error::TokenRejected { .. }) => Err(Error::LoginRequired {
                reason: error.to_string(),
            }),
            Err(error) => Err(error),
        }
    }

    /// Refuses the token of another product, wherever a session gets it from.
    fn headers(&self, token: &auth_core::Token) -> Result<Vec<Header>, Error> {
        let product = self.client.product();
        let own = token.attribute(PRODUCT).map(Product::from);
        if own.is_some_and(|own| !product.accepts(&own)) {
            return Err(Error::OtherProduct {
                message: format!("the session is for {product}"),
                http_status: None,
            });
        }
        headers(token)
    }

    /// A third. A renewal that comes too late costs a log-in by a person, so there must be weeks
    /// for further tries. For a token that lives for thousands of years, no more than 30 days.
    fn window(&self, lifetime: Duration) -> Duration {
        lifetime.min(Token::LIFETIME) / 3
    }
}

impl fmt::Debug for Renewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewer")
            .field("client", &self.client)
            .finish()
    }
}
