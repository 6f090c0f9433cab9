//! Putting a session's headers on a request of the HTTP library, if it goes to the right host.

use reqwest::RequestBuilder;

use crate::auth_headers::AuthHeaders;
use crate::renew::Renew;
use crate::session::Session;
use crate::{Error, ErrorKind};

impl<R: Renew> Session<R> {
    /// Puts the headers on `request`, renewing the token first where that is necessary.
    ///
    /// The host is checked before anything else: a token never goes to another host. The HTTP
    /// client that sends the request should not follow redirects, since HTTP libraries take
    /// `Authorization` off a request that is redirected to another host, but no other header.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the request cannot be built, or goes to a host that is
    /// not among the session's; otherwise as [`Session::headers`].
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::{Error, Renew, Session};
    /// # async fn example(session: &Session<impl Renew<Error = Error>>) -> Result<(), Error> {
    /// let http = reqwest::Client::builder()
    ///     .redirect(reqwest::redirect::Policy::none())
    ///     .build()
    ///     .unwrap();
    /// let request = http.get("https://api.example.com/v1/things");
    /// let response = session.authorize(request).await?.send().await;
    /// # Ok(()) }
    /// ```
    pub async fn authorize(&self, request: RequestBuilder) -> Result<RequestBuilder, R::Error> {
        let (client, request) = self.checked(request)?;
        Ok(put(&self.auth_headers().await?, client, request))
    }

    /// As [`Session::authorize`], with headers at hand. Keep them, to report a 401 by
    /// [`Session::invalidate`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] as for [`Session::authorize`].
    pub fn authorize_with(
        &self,
        headers: &AuthHeaders,
        request: RequestBuilder,
    ) -> Result<RequestBuilder, R::Error> {
        let (client, request) = self.checked(request)?;
        Ok(put(headers, client, request))
    }

    pub(super) fn checked(
        &self,
        request: RequestBuilder,
    ) -> Result<(reqwest::Client, reqwest::Request), Error> {
        let (client, request) = request.build_split();
        let request = request.map_err(|error| {
            Error::new(ErrorKind::InvalidConfig, "the request could not be built")
                .with_source(error.without_url())
        })?;
        self.allowed_hosts().check(request.url())?;
        Ok((client, request))
    }
}

fn put(
    headers: &AuthHeaders,
    client: reqwest::Client,
    mut request: reqwest::Request,
) -> RequestBuilder {
    headers.apply(request.headers_mut());
    RequestBuilder::from_parts(client, request)
}
