//! How a session with EQ Works renews: by refreshing its token while that is valid.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_core::{Fingerprint, Header, Reason, Refusal, Renew};
use http::StatusCode;
use url::Url;

use crate::types::{PRODUCT, X_EQ_PRODUCT, headers};
use crate::{Client, Error, Product, Token};

/// A session with EQ Works: a token that is kept valid. [`Client::session`] starts one.
///
/// It renews a 90-day token when about a third of its life is left, while callers continue with
/// the present one. If that fails, it tries again once a day. A token that has ended cannot be
/// renewed: then [`Error::LoginRequired`] says why a person must log in, and
/// [`Session::set_token`](auth_core::Session::set_token) takes the new token. After
/// [`Error::AccessEnded`] no log-in helps.
///
/// EQ Works has no log-out: [`Session::log_out`](auth_core::Session::log_out) forgets the token,
/// which stays valid. [`Client::refresh_and_revoke_older`] ends all older ones.
#[doc = auth_core::session_methods!()]
pub type Session = auth_core::Session<Renewer>;

/// Builds a [`Session`].
#[doc = auth_core::session_builder_methods!()]
pub type SessionBuilder = auth_core::SessionBuilder<Renewer>;

/// The sessions of many users, one for each key.
#[doc = auth_core::session_pool_methods!()]
pub type SessionPool<K> = auth_core::SessionPool<K, Renewer>;

/// Renews a session's token by a refresh. There is no other way without a person.
pub struct Renewer {
    client: Client,
    /// The end of the user's access, as the vendor told it of this token: it does so once.
    access_ended: Mutex<Option<(Fingerprint, Error)>>,
}

impl Renewer {
    pub(crate) fn new(client: Client) -> Self {
        let access_ended = Mutex::default();
        Self {
            client,
            access_ended,
        }
    }
}

impl Renewer {
    fn access_ended(&self) -> MutexGuard<'_, Option<(Fingerprint, Error)>> {
        let lock = self.access_ended.lock();
        lock.unwrap_or_else(PoisonError::into_inner)
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
            Err(error @ Error::AccessEnded { .. }) => {
                *self.access_ended() = Some((current.fingerprint(), error.clone()));
                Err(error)
            }
            Err(error @ Error::UnknownUser { .. }) => {
                let told = self.access_ended().clone();
                let told = told.filter(|(token, _)| *token == current.fingerprint());
                Err(told.map_or(error, |(_, earlier)| earlier))
            }
            Err(error) => Err(error),
        }
    }

    /// Refuses the token of another product, wherever a session gets it from.
    fn vendor(&self) -> &'static str {
        "eqworks"
    }

    fn headers(&self, token: &auth_core::Token) -> Result<Vec<Header>, Error> {
        let product = self.client.product();
        let own = token.attribute(PRODUCT).map(Product::from);
        if own.is_some_and(|own| !product.accepts(&own)) {
            return Err(Error::OtherProduct {
                message: format!("the session is for {product}"),
                http_status: None,
            });
        }
        let mut headers = headers(token)?;
        if self.client.sends_product() {
            headers.push(Header::new(X_EQ_PRODUCT, &product.as_str().into())?);
        }
        Ok(headers)
    }

    fn refusal(&self, url: &Url, status: StatusCode, body: Option<&[u8]>) -> Refusal {
        let refuses = |body| self.client.refuses_token(url, status.as_u16(), body);
        match (status, body) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, None) => Refusal::Unclear,
            (_, Some(body)) if refuses(body) => Refusal::Yes,
            _ => Refusal::No,
        }
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
            .finish_non_exhaustive()
    }
}
