//! How a session with IdentityX stays alive: until the vendor says that it has ended.

use std::fmt;
use std::marker::PhantomData;

use auth_core::{AuthHeaders, Header, Reason, Renew, Token};

use crate::types::headers;
use crate::{Client, Error, Identity};

/// A session of an [`AppUser`](crate::AppUser) or an [`OrgUser`](crate::OrgUser), or one that lends
/// out an [`OrgUserApiToken`](crate::OrgUserApiToken).
///
/// It does not end by the clock and cannot be renewed. When somebody reports that its token was
/// refused, or asks for a renewal, the vendor is asked whether the token is good: if it is, the
/// session goes on with it, and if the vendor cannot say, it is asked again later; only its
/// refusal makes [`Error::LoginRequired`], which says why somebody must log in.
/// [`Session::set_token`](auth_core::Session::set_token) takes a new token over.
///
/// [`Session::log_out`](auth_core::Session::log_out) ends the session at the vendor, too. An API
/// token is only forgotten: there is no call that ends it.
pub type Session<I> = auth_core::Session<Renewer<I>>;

/// Finds out whether a session has ended. There is no renewing without a person.
pub struct Renewer<I> {
    client: Client,
    identity: PhantomData<fn() -> I>,
}

impl<I: Identity> Renewer<I> {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            identity: PhantomData,
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}

impl<I: Identity> Renew for Renewer<I> {
    type Error = Error;

    async fn renew(&self, current: Option<&Token>, _reason: Reason) -> Result<Token, Error> {
        let Some(current) = current else {
            let reason = "there is no token".to_owned();
            return Err(Error::LoginRequired { reason });
        };
        let identity = I::from(current.clone());
        match identity.confirm(&self.client).await {
            Ok(()) => Ok(current.clone()),
            // There is nothing to renew by.
            Err(error) if error.is_refused_token() => Err(Error::LoginRequired {
                reason: error.to_string(),
            }),
            Err(error) => Err(error),
        }
    }

    fn headers(&self, token: &Token) -> Result<Vec<Header>, Error> {
        headers::<I>(token, self.client.style())
    }

    async fn revoke(&self, auth_headers: &AuthHeaders) -> Result<(), Error> {
        let identity = I::from(auth_headers.token().clone());
        match identity.end(&self.client).await {
            // It has ended already.
            Err(error) if error.is_refused_token() => Ok(()),
            ended => ended,
        }
    }
}

impl<I> fmt::Debug for Renewer<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewer")
            .field("client", &self.client)
            .finish()
    }
}
