//! A request of the program's own: sent with the session's headers, and once more if the token
//! was refused.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use reqwest::{Body, Request, RequestBuilder, Response, ResponseBuilderExt as _};

use crate::Error;
use crate::auth_headers::AuthHeaders;
use crate::http::{Idempotency, lost};
use crate::renew::{Refusal, Renew};
use crate::session::Session;

/// How much of a body is looked at, at the most, to learn whether it refuses the token, in bytes.
const LOOKED_AT: usize = 64 * 1024;

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
    /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) as for
    /// [`Session::authorize`], and nothing was sent.
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if no response arrived, or
    /// [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the request may have had
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
        let again = request.try_clone();
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
        if request.headers().contains_key(http::header::AUTHORIZATION) {
            tracing::warn!(
                "the request has an `authorization` header of its own: sent without the session's"
            );
            return Ok(execute(client, request).await?);
        }
        let headers = self.auth_headers().await?;
        headers.apply(request.headers_mut());
        let idempotency = idempotency(&request);
        let response = execute(client, request).await?;
        let (response, refused) = self.look(response, &headers, idempotency).await?;
        if !refused {
            return Ok(response);
        }
        self.invalidate(&headers);
        let Some(mut request) = again else {
            return Ok(response);
        };
        tracing::debug!("the token was refused: the request is sent once more");
        drop(response);
        self.auth_headers().await?.apply(request.headers_mut());
        Ok(execute(client, request).await?)
    }

    /// Whether `response` refuses the token of `headers`; the response is whole afterwards.
    async fn look(
        &self,
        mut response: Response,
        headers: &AuthHeaders,
        idempotency: Idempotency,
    ) -> Result<(Response, bool), Error> {
        let renewer = self.renewer();
        let mut refusal = renewer.refusal(response.status(), response.headers(), None);
        if refusal == Refusal::Unclear {
            let mut first = BytesMut::new();
            let mut ended = false;
            while first.len() < LOOKED_AT && !ended {
                match response.chunk().await {
                    Ok(Some(chunk)) => first.extend_from_slice(&chunk),
                    Ok(None) => ended = true,
                    Err(error) => return Err(lost(error, idempotency)),
                }
            }
            let seen = &first[..first.len().min(LOOKED_AT)];
            refusal = renewer.refusal(response.status(), response.headers(), Some(seen));
            response = whole(first.freeze(), response, ended);
        }
        let refused = match refusal {
            Refusal::No => false,
            Refusal::Yes => true,
            Refusal::Unclear => renewer.confirm_refusal(headers).await,
        };
        Ok((response, refused))
    }
}

fn idempotency(request: &Request) -> Idempotency {
    if request.method().is_safe() {
        Idempotency::Yes
    } else {
        Idempotency::No
    }
}

async fn execute(client: &reqwest::Client, request: Request) -> Result<Response, Error> {
    let idempotency = idempotency(&request);
    let sent = client.execute(request).await;
    sent.map_err(|error| lost(error, idempotency))
}

/// A response whose body begins with `first`, which was read, and continues with the rest.
fn whole(first: Bytes, rest: Response, ended: bool) -> Response {
    let url = http::response::Builder::new().url(rest.url().clone());
    let (mut parts, rest) = http::Response::<Body>::from(rest).into_parts();
    if let Some(url) = url.body(()).ok().map(http::Response::into_parts) {
        parts.extensions.extend(url.0.extensions);
    }
    let body = if ended {
        Body::from(first)
    } else {
        Body::wrap(Continued {
            first: Some(first),
            rest,
        })
    };
    http::Response::from_parts(parts, body).into()
}

struct Continued {
    first: Option<Bytes>,
    rest: Body,
}

impl http_body::Body for Continued {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().map_or(0, Bytes::len) as u64;
        let rest = http_body::Body::size_hint(&self.rest);
        let mut all = SizeHint::new();
        all.set_lower(rest.lower().saturating_add(first));
        if let Some(upper) = rest.upper() {
            all.set_upper(upper.saturating_add(first));
        }
        all
    }
}
