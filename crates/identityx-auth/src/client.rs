//! The client, and how any operation of IdentityX is sent.

mod app_user;
mod execute;
mod org_user;

use std::fmt;
use std::sync::Arc;

use auth_core::{
    AuthHeaders, Http, Idempotency, Operation, Request, Response, StoreKey, operation,
};
use graphql_client::{GraphQLQuery, QueryBody};
use serde::Serialize;

pub use self::execute::{Caller, Execute};
use crate::generated::ping;
use crate::identity::{HeaderStyle, Identity, Renewer};
use crate::types::headers;
use crate::wire::{self, Purpose};
use crate::{ApplicationId, ClientBuilder, Error, Login, Session, SessionBuilder};

const PING: Operation = operation!("identityx.ping");

/// IdentityX. A cheap clone.
///
/// Its methods need no particular runtime, and none at all.
#[derive(Clone)]
pub struct Client(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) http: Http,
    pub(crate) style: HeaderStyle,
}

impl Client {
    /// A builder with IdentityX's own address.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    pub(crate) fn from_parts(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    pub(crate) fn style(&self) -> HeaderStyle {
        self.0.style
    }

    /// A session that starts from `login`: an identity, or what a store holds.
    ///
    /// Nothing is sent before the session is used.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(link: identityx_auth::LoginLink) -> Result<(), identityx_auth::Error> {
    /// use identityx_auth::{ApplicationId, Client};
    ///
    /// let client = Client::builder().build()?;
    /// let application = ApplicationId::new("60a1b2c3d4e5f60718293a01")?;
    /// let login = client.log_in_app_user(&application, &link).await?;
    /// let session = client.session(login.user).build()?;
    /// let headers = session.headers().await?;
    /// # Ok(()) }
    /// ```
    pub fn session<I: Identity>(&self, login: impl Into<Login<I>>) -> SessionBuilder<I> {
        let login = login.into();
        let renewer = Renewer::new(self.clone(), login.scope());
        let builder = Session::builder(renewer).http(&self.0.http);
        let builder = match self.store_key(&login) {
            Some(key) => builder.key(key),
            None => builder,
        };
        match login.identity {
            Some(identity) => builder.token(identity),
            None => builder.needs_store(),
        }
    }

    /// The key under which a store keeps what `login` is about; `None` if that names no account.
    /// The kind of identity is part of it, and so are the application and the organisation.
    ///
    /// # Example
    ///
    /// ```
    /// # fn main() -> Result<(), identityx_auth::Error> {
    /// use identityx_auth::{Client, Login, OrgUser};
    ///
    /// let client = Client::builder().build()?;
    /// let key = client.store_key(&Login::<OrgUser>::stored("ann@example.com"));
    /// # assert_eq!(key.unwrap().account, "ann@example.com");
    /// # Ok(()) }
    /// ```
    pub fn store_key<I: Identity>(&self, login: &Login<I>) -> Option<StoreKey> {
        let account = login.account.as_deref()?;
        let scope = format!("{}/{}", I::KIND.scheme(), login.scope());
        Some(StoreKey::new(
            "identityx",
            account,
            scope,
            self.0.http.base(),
        ))
    }

    /// The headers of `identity` in this client's style, for calls without a session.
    ///
    /// # Errors
    ///
    /// [`Error::WrongIdentity`] if the token says that it is of another kind, [`Error::Core`] if
    /// it holds characters that no header can carry.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(user: identityx_auth::OrgUser) -> Result<(), identityx_auth::Error> {
    /// let client = identityx_auth::Client::builder().build()?;
    /// let headers = client.auth_headers(&user)?;
    /// let organizations = client.organizations(&headers).await?;
    /// # Ok(()) }
    /// ```
    pub fn auth_headers<I: Identity>(&self, identity: &I) -> Result<AuthHeaders, Error> {
        let token = identity.token();
        let headers = headers(I::KIND, token, self.0.style)?;
        Ok(AuthHeaders::new(token, &headers)?)
    }

    /// Sends operations of your own with `headers`: see [`Execute`]. A [`Session`] does it by
    /// itself.
    pub fn with_auth_headers(&self, headers: &AuthHeaders) -> Caller {
        Caller {
            client: self.clone(),
            headers: Some(headers.clone()),
            application: None,
        }
    }

    /// Sends operations of your own to an application, without an identity: see [`Execute`].
    pub fn in_application(&self, application: &ApplicationId) -> Caller {
        Caller {
            client: self.clone(),
            headers: None,
            application: Some(application.clone()),
        }
    }

    /// Asks whether the service is there.
    ///
    /// Source: observed.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if it is not.
    pub async fn ping(&self) -> Result<(), Error> {
        let request = post(PING, &ping::Ping::build_query(ping::Variables));
        let request = request.idempotency(Idempotency::Yes);
        self.ask::<ping::Ping>(request, Purpose::Any)
            .await
            .map(drop)
    }

    /// Sends a request that was made from a `Q`.
    async fn ask<Q: GraphQLQuery>(
        &self,
        request: Request,
        purpose: Purpose,
    ) -> Result<Q::ResponseData, Error> {
        wire::read(&self.send(request).await?, purpose)?.complete()
    }

    pub(crate) async fn send(&self, request: Request) -> Result<Response, Error> {
        Ok(self.0.http.send(request).await?)
    }
}

/// An operation, ready to be sent. By default it is not repeated where it may have had its effect.
pub(crate) fn post<V: Serialize>(operation: Operation, body: &QueryBody<V>) -> Request {
    Request::post(operation, "graphql").json(body)
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", self.0.http.base())
            .field("style", &self.0.style)
            .finish_non_exhaustive()
    }
}
