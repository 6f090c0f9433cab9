//! Operations of a program's own, generated from the schema.

use std::fmt;
use std::future::Future;

use auth_core::{AuthHeaders, Idempotency, Operation, Request, Response, operation};
use graphql_client::GraphQLQuery;

use super::{X_APP_ID, post};
use crate::wire::{self, Purpose};
use crate::{ApplicationId, Client, Error, Identity, Session};

const EXECUTE: Operation = operation!("identityx.execute");

/// Sends generated operations: on a [`Client`] as nobody, on a [`Caller`] or a [`Session`] with
/// its headers.
///
/// The types come from `identityx-codegen`, by [`SCHEMA`](crate::SCHEMA) or by the vendor's own.
/// A query is repeated where its response was lost, a mutation is not.
///
/// ```no_run
/// # use identityx_auth::{Client, Error, Execute, GraphQLQuery, OrgUser, Session};
/// # async fn run<Mine: GraphQLQuery>(session: Session<OrgUser>, variables: Mine::Variables)
/// # -> Result<(), Error> where Mine::Variables: Send, Mine::ResponseData: Send {
/// let data = session.execute::<Mine>(variables).await?;
/// # Ok(())
/// # }
/// ```
pub trait Execute: Sync {
    #[doc(hidden)]
    fn call(
        &self,
        request: Request,
    ) -> impl Future<Output = Result<(Response, Option<AuthHeaders>), Error>> + Send;

    #[doc(hidden)]
    fn refused(&self, auth_headers: &AuthHeaders) {
        let _ = auth_headers;
    }

    /// Sends an operation and wants all of its data.
    ///
    /// # Errors
    ///
    /// What the vendor says is wrong, the first thing if there are several, although there may be
    /// data beside it: [`Execute::execute_partial`] gives both. [`Error::InvalidOperation`] if the
    /// vendor does not understand the operation, [`Error::WrongIdentity`],
    /// [`Error::TokenRejected`] (a session has noted that already),
    /// [`Error::PermissionDenied`], [`Unavailable`](crate::ErrorKind::Unavailable) also if only a
    /// part of the vendor's is down.
    fn execute<Q>(
        &self,
        variables: Q::Variables,
    ) -> impl Future<Output = Result<Q::ResponseData, Error>> + Send
    where
        Q: GraphQLQuery,
        Q::Variables: Send,
        Q::ResponseData: Send,
    {
        async { self.execute_partial::<Q>(variables).await?.complete() }
    }

    /// As [`Execute::execute`], for whoever has a use for a part of the data.
    ///
    /// # Errors
    ///
    /// Where there is no response in the form of GraphQL. What the vendor says is wrong with the
    /// operation or a part of it stands in [`GraphQlResponse::errors`].
    fn execute_partial<Q>(
        &self,
        variables: Q::Variables,
    ) -> impl Future<Output = Result<GraphQlResponse<Q::ResponseData>, Error>> + Send
    where
        Q: GraphQLQuery,
        Q::Variables: Send,
        Q::ResponseData: Send,
    {
        let body = Q::build_query(variables);
        let request = post(EXECUTE, &body);
        let (request, purpose) = if wire::changes_nothing(body.query) {
            (request.idempotency(Idempotency::Yes), Purpose::Any)
        } else {
            (request, Purpose::Once)
        };
        drop(body);
        async move {
            let (response, auth_headers) = self.call(request).await?;
            let response = wire::graphql_response(&response, purpose);
            let is_refused = match &response {
                Ok(response) => response.errors.iter().any(Error::is_refused_token),
                Err(error) => error.is_refused_token(),
            };
            if let Some(auth_headers) = auth_headers.filter(|_| is_refused) {
                self.refused(&auth_headers);
            }
            response
        }
    }
}

/// What an operation was answered with.
#[derive(Clone)]
#[non_exhaustive]
pub struct GraphQlResponse<T> {
    /// The data; `None` if there are none, or if what is missing in them must not be.
    pub data: Option<T>,
    /// What the vendor says is wrong; empty if nothing is.
    pub errors: Vec<Error>,
}

impl<T> GraphQlResponse<T> {
    pub(crate) fn new(data: Option<T>, errors: Vec<Error>) -> Self {
        Self { data, errors }
    }

    pub(crate) fn complete(self) -> Result<T, Error> {
        match (self.errors.into_iter().next(), self.data) {
            (Some(error), _) => Err(error),
            (None, Some(data)) => Ok(data),
            // `wire::response` lets no response without either pass.
            (None, None) => Err(wire::neither().into()),
        }
    }
}

impl<T> fmt::Debug for GraphQlResponse<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The data may hold a token.
        f.debug_struct("GraphQlResponse")
            .field("has_data", &self.data.is_some())
            .field("errors", &self.errors)
            .finish()
    }
}

/// Sends operations with one identity's headers, or with an application's id. Made by
/// [`Client::as_identity`] and [`Client::in_application`].
#[derive(Clone)]
pub struct Caller {
    pub(super) client: Client,
    pub(super) auth_headers: Option<AuthHeaders>,
    pub(super) application: Option<ApplicationId>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("client", &self.client)
            .field(
                "auth_headers",
                &self.auth_headers.as_ref().map(AuthHeaders::fingerprint),
            )
            .field("application", &self.application)
            .finish()
    }
}

impl Execute for Client {
    async fn call(&self, request: Request) -> Result<(Response, Option<AuthHeaders>), Error> {
        Ok((self.send(request).await?, None))
    }
}

impl Execute for Caller {
    async fn call(&self, mut request: Request) -> Result<(Response, Option<AuthHeaders>), Error> {
        if let Some(application) = &self.application {
            request = request.header(X_APP_ID, application.as_str());
        }
        if let Some(auth_headers) = &self.auth_headers {
            request = request.auth_headers(auth_headers);
        }
        Ok((self.client.send(request).await?, None))
    }
}

impl<I: Identity> Execute for Session<I> {
    async fn call(&self, request: Request) -> Result<(Response, Option<AuthHeaders>), Error> {
        let auth_headers = self.auth_headers().await?;
        let request = request.auth_headers(&auth_headers);
        let response = self.renewer().client().send(request).await?;
        Ok((response, Some(auth_headers)))
    }

    fn refused(&self, auth_headers: &AuthHeaders) {
        self.invalidate(auth_headers);
    }
}
