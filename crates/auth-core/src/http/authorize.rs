//! Putting a session's headers on a request of the HTTP library, if it goes to the right host.

use reqwest::RequestBuilder;

use crate::credential::Credential;
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
        Ok(put(&self.credential().await?, client, request))
    }

    /// As [`Session::authorize`], with a credential at hand: keep it, to report a 401 by
    /// [`Session::invalidate`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] as for [`Session::authorize`].
    pub fn authorize_with(
        &self,
        credential: &Credential,
        request: RequestBuilder,
    ) -> Result<RequestBuilder, R::Error> {
        let (client, request) = self.checked(request)?;
        Ok(put(credential, client, request))
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
        self.hosts().check(request.url())?;
        Ok((client, request))
    }
}

fn put(
    credential: &Credential,
    client: reqwest::Client,
    mut request: reqwest::Request,
) -> RequestBuilder {
    credential.apply(request.headers_mut());
    RequestBuilder::from_parts(client, request)
}
