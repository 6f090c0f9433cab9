//! Operations of a program's own, generated from the schema.

use std::fmt;
use std::future::Future;

use auth_core::{AuthHeaders, Idempotency, Operation, Request, Response, operation};
use graphql_client::GraphQLQuery;

use super::{Client, post};
use crate::identity::Identity;
use crate::types::{self, X_APP_ID};
use crate::wire::{self, Purpose};
use crate::{ApplicationId, Error, Session};

const EXECUTE: Operation = operation!("identityx.execute");

/// Sends generated operations: on a [`Client`] without an identity, on a [`Caller`] or a
/// [`Session`] with its headers.
///
/// The types come from `identityx-codegen`. A query is repeated where its response was lost, a
/// mutation is not.
///
/// # Example
///
/// ```no_run
/// use identityx_auth::graphql::{Execute, GraphQLQuery};
/// use identityx_auth::{Error, OrgUser, Session};
///
/// async fn run<Mine: GraphQLQuery>(
///     session: Session<OrgUser>,
///     variables: Mine::Variables,
/// ) -> Result<(), Error>
/// where
///     Mine::Variables: Send,
///     Mine::ResponseData: Send,
/// {
///     let data = session.execute::<Mine>(variables).await?;
///     Ok(())
/// }
/// ```
pub trait Execute: Sync {
    #[doc(hidden)]
    fn call(
        &self,
        request: Request,
    ) -> impl Future<Output = Result<(Response, Option<AuthHeaders>), Error>> + Send;

    #[doc(hidden)]
    fn refused(&self, headers: &AuthHeaders) {
        let _ = headers;
    }

    /// Sends an operation and wants all of its data.
    ///
    /// # Errors
    ///
    /// What the vendor says is wrong, the first thing if there are several, although there may be
    /// data beside it: [`Execute::execute_partial`] returns both. [`Error::InvalidOperation`] if the
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

    /// As [`Execute::execute`], for a caller who can use a part of the data.
    ///
    /// # Errors
    ///
    /// Where there is no response in the form of GraphQL. What the vendor says is wrong with the
    /// operation or a part of it stands in [`Response::errors`](crate::graphql::Response::errors).
    fn execute_partial<Q>(
        &self,
        variables: Q::Variables,
    ) -> impl Future<Output = Result<types::Response<Q::ResponseData>, Error>> + Send
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
            let (response, headers) = self.call(request).await?;
            let response = wire::read(&response, purpose);
            let is_refused = match &response {
                Ok(response) => response.errors.iter().any(|it| it.error.is_refused_token()),
                Err(error) => error.is_refused_token(),
            };
            if let Some(headers) = headers.filter(|_| is_refused) {
                self.refused(&headers);
            }
            response
        }
    }
}

/// Sends operations with one identity's headers, or with an application's id. Made by
/// [`Client::with_auth_headers`] and [`Client::in_application`].
#[derive(Clone)]
pub struct Caller {
    pub(super) client: Client,
    pub(super) headers: Option<AuthHeaders>,
    pub(super) application: Option<ApplicationId>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("client", &self.client)
            .field(
                "token",
                &self.headers.as_ref().map(AuthHeaders::fingerprint),
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
        if let Some(headers) = &self.headers {
            request = request.auth_headers(headers);
        }
        Ok((self.client.send(request).await?, None))
    }
}

impl<I: Identity> Execute for Session<I> {
    async fn call(&self, request: Request) -> Result<(Response, Option<AuthHeaders>), Error> {
        let headers = self.auth_headers().await?;
        let request = request.auth_headers(&headers);
        let response = self.renewer().client().send(request).await?;
        Ok((response, Some(headers)))
    }

    fn refused(&self, headers: &AuthHeaders) {
        self.invalidate(headers);
    }
}
