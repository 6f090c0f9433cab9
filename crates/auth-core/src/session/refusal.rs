//! Whether a response refuses the token that its request carried.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use url::Url;

use crate::auth_headers::AuthHeaders;
use crate::http::encoding;
use crate::renew::Refusal;
use crate::session::authorizer::{Authorizer, CallEvent};

/// How much of a body is looked at, at the most, in bytes.
const LOOKED_AT: usize = 64 * 1024;

/// Whether a request has an `Authorization` header of its own, which it keeps. An event says so.
pub(super) fn keeps_its_own(authorizer: &(impl Authorizer + ?Sized), headers: &HeaderMap) -> bool {
    let keeps = headers.contains_key(http::header::AUTHORIZATION);
    if keeps {
        authorizer.observe(CallEvent::KeptItsOwn);
    }
    keeps
}

/// Whether `response` refuses the token of `headers`, and the response, whole.
pub(super) async fn look<B: Body<Data = Bytes> + Unpin>(
    authorizer: &(impl Authorizer + ?Sized),
    headers: &AuthHeaders,
    url: &Url,
    response: Response<B>,
) -> Result<(Response<SeenBody<B>>, bool), B::Error> {
    let (head, body) = response.into_parts();
    let mut body = SeenBody::new(body);
    let mut refusal = authorizer.refusal(url, head.status, None);
    if refusal == Refusal::Unclear {
        let seen = match body.see(LOOKED_AT).await {
            Ok(seen) => seen,
            // A refusal is a refusal, whatever became of its text. A caller who reads that learns of it.
            Err(error) if head.status == StatusCode::UNAUTHORIZED => {
                body.broken = Some(error);
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        // The caller's client may not have asked for gzip either. What can be read of it counts.
        let seen = encoding::decode(&head.headers, seen, LOOKED_AT).text;
        refusal = authorizer.refusal(url, head.status, Some(&seen));
    }
    let refused = match refusal {
        Refusal::No => false,
        Refusal::Yes => true,
        Refusal::Unclear => authorizer.confirm_refusal(headers).await,
    };
    Ok((Response::from_parts(head, body), refused))
}

/// A body whose beginning may have been looked at: nothing of it is lost. Its end may have trailers.
///
/// # Example
///
/// ```
/// use auth_core::session::SeenBody;
/// use http_body_util::{BodyExt as _, Full};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut body = SeenBody::new(Full::from("a short body"));
/// assert_eq!(body.see(7).await?, b"a short");
/// assert_eq!(body.collect().await?.to_bytes(), "a short body");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct SeenBody<B: Body> {
    seen: VecDeque<Frame<Bytes>>,
    /// Why there is no more.
    broken: Option<B::Error>,
    /// `None` once it has ended.
    rest: Option<B>,
}

// The error is never pinned.
impl<B: Body + Unpin> Unpin for SeenBody<B> {}

impl<B: Body<Data = Bytes> + Unpin> SeenBody<B> {
    /// A body of which nothing has been looked at.
    pub fn new(body: B) -> Self {
        Self {
            seen: VecDeque::new(),
            broken: None,
            rest: Some(body),
        }
    }

    /// The first `limit` bytes, or all that there are. They stay in the body.
    ///
    /// # Errors
    ///
    /// What the body says if it breaks before that.
    pub async fn see(&mut self, limit: usize) -> Result<Vec<u8>, B::Error> {
        let mut bytes = Vec::new();
        while bytes.len() < limit
            && let Some(rest) = &mut self.rest
        {
            match poll_fn(|context| Pin::new(&mut *rest).poll_frame(context)).await {
                Some(frame) => {
                    let frame = frame?;
                    if let Some(data) = frame.data_ref() {
                        bytes.extend_from_slice(data);
                    }
                    self.seen.push_back(frame);
                }
                None => self.rest = None,
            }
        }
        bytes.truncate(limit);
        Ok(bytes)
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for SeenBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if let Some(frame) = self.seen.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        if let Some(error) = self.broken.take() {
            self.rest = None;
            return Poll::Ready(Some(Err(error)));
        }
        let Some(rest) = &mut self.rest else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(rest).poll_frame(context));
        if frame.is_none() {
            self.rest = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        let is_all = self.seen.is_empty() && self.broken.is_none();
        is_all && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let seen = self.seen.iter().filter_map(Frame::data_ref);
        let seen = seen.map(Bytes::len).sum::<usize>() as u64;
        let rest = self.rest.as_ref().map(Body::size_hint);
        let rest = rest.unwrap_or_else(|| SizeHint::with_exact(0));
        let mut all = SizeHint::new();
        all.set_lower(rest.lower().saturating_add(seen));
        if let Some(upper) = rest.upper() {
            all.set_upper(upper.saturating_add(seen));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;
    use crate::StaticAuthorizer;

    #[tokio::test]
    async fn a_refusal_that_breaks_off_is_one_and_is_not_taken_for_whole() {
        let address = "https://api.example.com/";
        let authorizer = StaticAuthorizer::bearer("a-token", address).unwrap();
        let headers = authorizer.headers_for(address).await.unwrap();
        let url = Url::parse(address).unwrap();
        for (status, is_refusal) in [(401, true), (200, false)] {
            let frames = [Ok(Frame::data(Bytes::from("{\"err"))), Err("broken off")];
            let body = StreamBody::new(stream::iter(frames));
            let response = Response::builder().status(status).body(body).unwrap();
            let looked = look(&authorizer, &headers, &url, response).await;
            let (response, refused) = looked.unwrap();
            assert_eq!(refused, is_refusal, "{status}");
            let mut body = response.into_body();
            assert!(!body.is_end_stream());
            let first = body.frame().await.unwrap().unwrap();
            assert_eq!(first.into_data().unwrap(), "{\"err");
            assert_eq!(body.frame().await.unwrap().unwrap_err(), "broken off");
            assert!(body.frame().await.is_none());
        }
    }
}
