//! How a session with IdentityX stays alive: until the vendor says that it has ended.

use std::fmt;
use std::marker::PhantomData;

use auth_core::{AuthHeaders, Header, Reason, Refusal, Renew, Token};
use http::StatusCode;
use url::Url;

use crate::identity::Identity;
use crate::types::{Kind, headers, scope};
use crate::wire::refuses_token;
use crate::{Client, Error};

/// A session of an [`AppUser`](crate::AppUser), an [`OrgUser`](crate::OrgUser) or an
/// [`OrgUserApiToken`](crate::OrgUserApiToken). [`Client::session`] starts one.
///
/// It does not end by the clock and cannot be renewed. When the program reports that its token was
/// refused, or asks for a renewal, the vendor is asked whether the token is good. If it is, the
/// session continues with it. If the vendor cannot say, it is asked again later. Only its refusal
/// makes [`Error::LoginRequired`], which says why a person must log in.
/// [`Session::set_token`](auth_core::Session::set_token) takes the token of a new log-in.
///
/// [`Session::log_out`](auth_core::Session::log_out) ends the session at the vendor, too. An API
/// token is only forgotten: there is no call that ends it.
#[doc = auth_core::session_methods!()]
pub type Session<I> = auth_core::Session<Renewer<I>>;

/// Builds a [`Session`].
#[doc = auth_core::session_builder_methods!()]
pub type SessionBuilder<I> = auth_core::SessionBuilder<Renewer<I>>;

/// The sessions of many users, one for each key.
#[doc = auth_core::session_pool_methods!()]
pub type SessionPool<K, I> = auth_core::SessionPool<K, Renewer<I>>;

/// Finds out whether a session has ended. There is no renewing without a person.
pub struct Renewer<I> {
    client: Client,
    /// The application and the organisation of the login.
    scope: String,
    identity: PhantomData<fn() -> I>,
}

impl<I: Identity> Renewer<I> {
    pub(crate) fn new(client: Client, scope: String) -> Self {
        Self {
            client,
            scope,
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
        let headers = AuthHeaders::new(current, &self.headers(current)?)?;
        let confirmed = match I::KIND {
            Kind::AppUser => self.client.active_app_user(&headers).await.map(drop),
            Kind::OrgUser | Kind::OrgUserApiToken => {
                self.client.active_org_user(&headers).await.map(drop)
            }
        };
        match confirmed {
            Ok(()) => Ok(current.clone()),
            // There is nothing to renew by.
            Err(error) if error.is_refused_token() => Err(Error::LoginRequired {
                reason: error.to_string(),
            }),
            Err(error) => Err(error),
        }
    }

    /// The vendor answers with status 200 and errors.
    fn refusal(&self, _: &Url, status: StatusCode, body: Option<&[u8]>) -> Refusal {
        match body {
            None if status == StatusCode::OK => Refusal::Unclear,
            Some(body) if refuses_token(body) => Refusal::Yes,
            _ => Refusal::of(status, body),
        }
    }

    fn vendor(&self) -> &'static str {
        "identityx"
    }

    fn headers(&self, token: &Token) -> Result<Vec<Header>, Error> {
        let headers = headers(I::KIND, token, self.client.style())?;
        if scope(I::KIND, token) != self.scope {
            let message = match I::KIND {
                Kind::AppUser => "the token is of another application than the session",
                Kind::OrgUser | Kind::OrgUserApiToken => {
                    "the token is for another organization or application than the session: see \
                     `in_organization` and `in_application`"
                }
            };
            return Err(Error::wrong_identity(message));
        }
        Ok(headers)
    }

    async fn revoke(&self, headers: &AuthHeaders) -> Result<(), Error> {
        let ended = match I::KIND {
            Kind::AppUser => self.client.log_out_app_user(headers).await,
            Kind::OrgUser => self.client.log_out_org_user(headers).await,
            // There is no call that ends it.
            Kind::OrgUserApiToken => Ok(()),
        };
        match ended {
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
            .field("scope", &self.scope)
            .finish()
    }
}
