//! Putting a session's headers on a request of the HTTP library, if it goes to the right host.

use reqwest::RequestBuilder;

use crate::auth_headers::AuthHeaders;
use crate::renew::Renew;
use crate::session::Session;
use crate::{Error, ErrorKind};

impl<R: Renew> Session<R> {
    /// Puts the headers on `request`, renewing the token first where that is necessary.
    ///
    /// The host is checked before anything else: a token never leaves to a stranger. The HTTP
    /// client that sends the request should not follow redirects, since HTTP libraries take
    /// `Authorization` off a request that is redirected to another host, but no other header.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the request cannot be built, or goes to a host that is
    /// not among the session's; otherwise as [`Session::headers`].
    pub async fn authorize(&self, request: RequestBuilder) -> Result<RequestBuilder, R::Error> {
        let (client, request) = self.checked(request)?;
        Ok(put(&self.auth_headers().await?, client, request))
    }

    /// As [`Session::authorize`], with a auth_headers at hand: keep it, to report a 401 by
    /// [`Session::invalidate`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] as for [`Session::authorize`].
    pub fn authorize_with(
        &self,
        auth_headers: &AuthHeaders,
        request: RequestBuilder,
    ) -> Result<RequestBuilder, R::Error> {
        let (client, request) = self.checked(request)?;
        Ok(put(auth_headers, client, request))
    }

    fn checked(
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
    auth_headers: &AuthHeaders,
    client: reqwest::Client,
    mut request: reqwest::Request,
) -> RequestBuilder {
    auth_headers.apply(request.headers_mut());
    RequestBuilder::from_parts(client, request)
}
