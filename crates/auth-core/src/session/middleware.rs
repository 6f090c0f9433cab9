//! The session as a middleware of `reqwest-middleware`.

use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};

use crate::session::authorizer::{Authorizer, CallEvent};
use crate::session::refusal::keeps_its_own;
use crate::session::send::examine;

/// Puts a session's headers on every request of a `reqwest_middleware` client, and renews the
/// token where a response refuses it.
///
/// As [`Session::send`](crate::Session::send): the token goes to the session's hosts only, a
/// refused request is sent once more where its body allows that, and a request with an
/// `Authorization` header of its own keeps it.
///
/// # Example
///
/// ```
/// # use auth_core::{Renew, Session};
/// # fn example<R: Renew>(http: reqwest::Client, session: Session<R>) {
/// use auth_core::session::middleware::AuthMiddleware;
///
/// let client = reqwest_middleware::ClientBuilder::new(http)
///     .with(AuthMiddleware::new(session))
///     .build();
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AuthMiddleware<A>(A);

impl<A: Authorizer> AuthMiddleware<A> {
    /// For a session, or whatever else is an [`Authorizer`].
    pub fn new(authorizer: A) -> Self {
        Self(authorizer)
    }
}

#[async_trait::async_trait]
impl<A: Authorizer + 'static> Middleware for AuthMiddleware<A> {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let url = request.url().to_string();
        self.0.check(&url).map_err(Error::middleware)?;
        if keeps_its_own(&self.0, request.headers()) {
            return next.run(request, extensions).await;
        }
        let again = request.try_clone();
        let headers = self.0.headers_for(&url).await.map_err(Error::middleware)?;
        headers.apply(request.headers_mut());
        let response = next.clone().run(request, extensions).await?;
        let examined = examine(&self.0, &headers, response).await;
        let (response, refused) = examined.map_err(|error| Error::Reqwest(error.without_url()))?;
        if !refused {
            return Ok(response);
        }
        self.0.invalidate(&headers);
        let Some(mut request) = again else {
            return Ok(response);
        };
        self.0.observe(CallEvent::Resent);
        drop(response);
        let renewed = self.0.headers_for(&url).await.map_err(Error::middleware)?;
        renewed.apply(request.headers_mut());
        next.run(request, extensions).await
    }
}
