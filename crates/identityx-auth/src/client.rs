//! The client, and how any operation of IdentityX is sent.

mod app_user;
mod execute;
mod org_user;

use std::fmt;
use std::sync::Arc;

use auth_core::{
    AuthHeaders, Http, Idempotency, Operation, Request, Response, SessionBuilder, StoreKey,
    operation,
};
use graphql_client::{GraphQLQuery, QueryBody};
use http::HeaderName;
use serde::Serialize;

pub use self::execute::{Caller, Execute, GraphQlResponse};
use crate::generated::ping;
use crate::types::auth_headers;
use crate::wire::{self, Purpose};
use crate::{ApplicationId, ClientBuilder, Error, HeaderStyle, Identity, Renewer, Session};

const PING: Operation = operation!("identityx.ping");

pub(crate) const X_APP_ID: HeaderName = HeaderName::from_static("x-app-id");

/// IdentityX. A cheap clone.
///
/// Its methods need a Tokio runtime; a [`Session`] does not.
#[derive(Clone)]
pub struct Client(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) http: Http,
    pub(crate) style: HeaderStyle,
}

impl Client {
    /// Begins a client.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    pub(crate) fn from_parts(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    pub(crate) fn style(&self) -> HeaderStyle {
        self.0.style
    }

    /// A session of `identity` (from a log-in, or kept as text), which lasts until the vendor
    /// says that it has ended.
    ///
    /// # Errors
    ///
    /// [`Error::WrongIdentity`] if the token says that it is of another kind, [`Error::Core`] if
    /// it holds characters that no header can carry.
    pub fn session<I: Identity>(&self, identity: I) -> Result<Session<I>, Error> {
        self.session_builder().token(identity.into()).build()
    }

    /// Begins a session with more choices: a token store, other hosts. It wants a token from its
    /// store or [`SessionBuilder::token`]; without one somebody must log in.
    pub fn session_builder<I: Identity>(&self) -> SessionBuilder<Renewer<I>> {
        self.0.http.session(Renewer::new(self.clone()))
    }

    /// The key under which a store keeps the token of `account`, an e-mail address; the kind of
    /// identity is part of it. `scope` tells apart what one account has several of: an app user's
    /// application.
    pub fn store_key<I: Identity>(
        &self,
        account: impl Into<String>,
        scope: impl AsRef<str>,
    ) -> StoreKey {
        let scope = format!("{}/{}", I::SCHEME, scope.as_ref());
        self.0.http.store_key("identityx", account, scope)
    }

    /// The headers of `identity` in this client's style, for calls without a session.
    ///
    /// # Errors
    ///
    /// As [`Client::session`].
    pub fn auth_headers<I: Identity>(&self, identity: &I) -> Result<AuthHeaders, Error> {
        auth_headers(identity, self.0.style)
    }

    /// Sends operations of your own as `identity`: see [`Execute`].
    ///
    /// # Errors
    ///
    /// As [`Client::session`].
    pub fn as_identity<I: Identity>(&self, identity: &I) -> Result<Caller, Error> {
        Ok(Caller {
            client: self.clone(),
            auth_headers: Some(self.auth_headers(identity)?),
            application: None,
        })
    }

    /// Sends operations of your own to an application, as nobody: see [`Execute`].
    pub fn in_application(&self, application: &ApplicationId) -> Caller {
        Caller {
            client: self.clone(),
            auth_headers: None,
            application: Some(application.clone()),
        }
    }

    /// Asks whether the service is there.
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
        wire::graphql_response(&self.send(request).await?, purpose)?.complete()
    }

    pub(crate) async fn send(&self, request: Request) -> Result<Response, Error> {
        Ok(self.0.http.send(request).await?)
    }
}

/// An operation, ready to be sent. Without more words it is not repeated where it may have had its
/// effect.
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
