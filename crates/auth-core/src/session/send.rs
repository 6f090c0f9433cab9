//! A request of the program's own: sent with the session's headers, and once more if the token
//! was refused.

use reqwest::{Body, Request, RequestBuilder, Response, ResponseBuilderExt as _};
use tokio::runtime::Handle;
use url::Url;

use crate::auth_headers::AuthHeaders;
use crate::http::{Idempotency, lost};
use crate::renew::{Refusal, Renew};
use crate::session::Session;
use crate::session::authorizer::{Authorizer, CallEvent};
use crate::session::refusal::{SeenBody, keeps_its_own, look};
use crate::{Error, ErrorKind};

impl<R: Renew> Session<R> {
    /// Sends `request` with the session's headers. If the vendor refuses the token, that token is
    /// invalidated, renewed, and the request is sent once more.
    ///
    /// The host is checked first: a token never goes to another host. What counts as a refusal is
    /// the vendor's ([`Renew::refusal`]); any other response is returned as it is, whatever its
    /// status. A refusal of the renewed token is returned, too, and so is the refusal of a request
    /// that cannot be sent again, since its body is a stream.
    ///
    /// A request that has an `Authorization` header keeps it: it is sent as it is, once, and an
    /// event of level `WARN` says so.
    ///
    /// The HTTP client that sends the request should not follow redirects, as for
    /// [`Session::authorize`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] as for
    /// [`Session::authorize`], and where no Tokio runtime is entered: nothing was sent.
    /// [`ErrorKind::Unavailable`] if no response arrived, or
    /// [`ErrorKind::OutcomeUnknown`] if the request may have had
    /// an effect. The vendor's error if the renewal fails.
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
    /// let response = session.send(http.get("https://api.example.com/v1/things")).await?;
    /// println!("{}", response.status());
    /// # Ok(()) }
    /// ```
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, R::Error> {
        let (client, request) = self.checked(request)?;
        // Before the headers are put on: most requests bring none of their own to copy.
        let again = copy(&request);
        self.send_with(&client, request, again).await
    }

    /// As [`Session::send`], but never sends the request again. A refused token is invalidated all
    /// the same, so that the next call renews it.
    ///
    /// # Errors
    ///
    /// As [`Session::send`].
    pub async fn send_once(&self, request: RequestBuilder) -> Result<Response, R::Error> {
        let (client, request) = self.checked(request)?;
        self.send_with(&client, request, None).await
    }

    async fn send_with(
        &self,
        client: &reqwest::Client,
        mut request: Request,
        again: Option<Request>,
    ) -> Result<Response, R::Error> {
        if keeps_its_own(self, request.headers()) {
            return Ok(execute(client, request).await?);
        }
        let headers = self.auth_headers().await?;
        headers.apply(request.headers_mut());
        let idempotency = idempotency(&request);
        let response = execute(client, request).await?;
        let examined = examine(self, &headers, response).await;
        let (response, refused) = examined.map_err(|error| lost(error, idempotency))?;
        if !refused {
            return Ok(response);
        }
        self.invalidate(&headers);
        let Some(mut request) = again else {
            return Ok(response);
        };
        self.observe(CallEvent::Resent);
        drop(response);
        self.auth_headers().await?.apply(request.headers_mut());
        Ok(execute(client, request).await?)
    }
}

/// The same request again; `None` if its body is a stream.
fn copy(request: &Request) -> Option<Request> {
    if request.body().is_some() || request.timeout().is_some() {
        return request.try_clone();
    }
    // That allocates twice more, for a time limit that there is not.
    let mut copy = Request::new(request.method().clone(), request.url().clone());
    *copy.headers_mut() = request.headers().clone();
    *copy.version_mut() = request.version();
    Some(copy)
}

fn idempotency(request: &Request) -> Idempotency {
    if request.method().is_safe() {
        Idempotency::Yes
    } else {
        Idempotency::No
    }
}

async fn execute(client: &reqwest::Client, request: Request) -> Result<Response, Error> {
    if Handle::try_current().is_err() {
        // The HTTP library would panic.
        let message = "a request of the program's own needs a tokio runtime: send it inside one, or put \
                       the session's headers on it for a blocking client";
        return Err(Error::new(ErrorKind::InvalidConfig, message));
    }
    let idempotency = idempotency(&request);
    let sent = client.execute(request).await;
    sent.map_err(|error| lost(error, idempotency))
}

/// Whether `response` refuses the token of `headers`, and the response, whole.
pub(super) async fn examine(
    authorizer: &(impl Authorizer + ?Sized),
    headers: &AuthHeaders,
    response: Response,
) -> Result<(Response, bool), reqwest::Error> {
    match authorizer.refusal(response.url(), response.status(), None) {
        Refusal::No => Ok((response, false)),
        Refusal::Yes => Ok((response, true)),
        Refusal::Unclear => {
            let url = response.url().clone();
            let (response, refused) = look(authorizer, headers, &url, response.into()).await?;
            Ok((with_url(response, url), refused))
        }
    }
}

fn with_url(response: http::Response<SeenBody<Body>>, url: Url) -> Response {
    let (mut head, body) = response.into_parts();
    if let Ok(marked) = http::response::Builder::new().url(url).body(()) {
        head.extensions.extend(marked.into_parts().0.extensions);
    }
    http::Response::from_parts(head, Body::wrap(body)).into()
}
