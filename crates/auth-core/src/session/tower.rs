//! The session as a layer of `tower`, for clients that are services.

use std::fmt::Write as _;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, Uri};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use crate::clock::BoxFuture;
use crate::session::authorizer::{Authorizer, CallEvent, parse};
use crate::session::refusal::{SeenBody, keeps_its_own, look};

/// The error of an [`AuthService`]: an [`Error`](crate::Error), or the inner service's.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Puts a session's headers on every request of a service (a client of hyper-util, tonic's
/// transport), and renews the token where a response refuses it.
///
/// The token goes to the session's hosts only: a request to another host fails, and nothing is
/// sent. A request with an `Authorization` header of its own keeps it. A refused request is sent
/// once more if the layer was made by [`resending`](AuthLayer::resending), for which its body must
/// be `Clone`; otherwise the caller gets the refusal, and the next request has a new token.
///
/// # Example
///
/// ```
/// # use auth_core::{Renew, Session};
/// # fn example<S, R: Renew>(client: S, session: Session<R>) {
/// use auth_core::session::tower::AuthLayer;
/// use tower_layer::Layer as _;
///
/// let client = AuthLayer::resending(session).layer(client);
/// # }
/// ```
#[derive(Clone)]
pub struct AuthLayer<C = Once> {
    authorizer: Arc<dyn Authorizer>,
    copies: PhantomData<fn() -> C>,
}

/// Every request is sent once.
#[derive(Clone, Copy, Debug)]
pub struct Once;

/// A refused request is sent once more.
#[derive(Clone, Copy, Debug)]
pub struct Again;

/// How a layer copies the body of a request that may have to be sent again.
pub trait Copies<B> {
    /// The copy; `None` if the request is not sent again.
    fn copy(body: &B) -> Option<B>;
}

impl<B> Copies<B> for Once {
    fn copy(_: &B) -> Option<B> {
        None
    }
}

impl<B: Clone> Copies<B> for Again {
    fn copy(body: &B) -> Option<B> {
        Some(body.clone())
    }
}

impl AuthLayer {
    /// For bodies of any type. No request is sent a second time.
    pub fn new(authorizer: impl Authorizer + 'static) -> Self {
        Self::copying(authorizer)
    }

    /// For bodies that are `Clone`: a request whose token was refused is sent once more.
    pub fn resending(authorizer: impl Authorizer + 'static) -> AuthLayer<Again> {
        AuthLayer::copying(authorizer)
    }
}

impl<C> AuthLayer<C> {
    /// For bodies of which `C` says which ones can be sent once more: those in memory, and not those that
    /// are passed through as they come, for example.
    ///
    /// # Example
    ///
    /// ```
    /// use auth_core::Authorizer;
    /// use auth_core::session::tower::{AuthLayer, Copies};
    /// use bytes::Bytes;
    ///
    /// enum Upload {
    ///     Kept(Bytes),
    ///     Passed(std::fs::File),
    /// }
    ///
    /// struct IfKept;
    ///
    /// impl Copies<Upload> for IfKept {
    ///     fn copy(body: &Upload) -> Option<Upload> {
    ///         match body {
    ///             Upload::Kept(bytes) => Some(Upload::Kept(bytes.clone())),
    ///             Upload::Passed(_) => None,
    ///         }
    ///     }
    /// }
    ///
    /// # fn example(session: impl Authorizer + 'static) {
    /// let layer = AuthLayer::<IfKept>::copying(session);
    /// # }
    /// ```
    pub fn copying(authorizer: impl Authorizer + 'static) -> Self {
        Self {
            authorizer: Arc::new(authorizer),
            copies: PhantomData,
        }
    }
}

impl<S, C> Layer<S> for AuthLayer<C> {
    type Service = AuthService<S, C>;

    fn layer(&self, inner: S) -> AuthService<S, C> {
        AuthService {
            inner,
            authorizer: Arc::clone(&self.authorizer),
            copies: PhantomData,
        }
    }
}

/// What [`AuthLayer`] makes of a service.
#[derive(Clone)]
pub struct AuthService<S, C = Once> {
    inner: S,
    authorizer: Arc<dyn Authorizer>,
    copies: PhantomData<fn() -> C>,
}

impl<S, C, B, T> Service<Request<B>> for AuthService<S, C>
where
    S: Service<Request<B>, Response = Response<T>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    C: Copies<B>,
    B: Send + 'static,
    T: Body<Data = Bytes> + Send + Unpin + 'static,
    T::Error: Into<BoxError> + Send,
{
    type Response = Response<SeenBody<T>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that is ready, and not its clone.
        let fresh = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, fresh);
        let authorizer = Arc::clone(&self.authorizer);
        let (first, again) = parts::<C, B>(request);
        Box::pin(async move { send(inner, &*authorizer, first, again).await })
    }
}

impl<S, C> AuthService<S, C> {
    /// Sends `request` as a call of a clone does, when the inner service is ready. It costs less: this service is not
    /// cloned, and the future has no box.
    ///
    /// # Errors
    ///
    /// As a call: an [`Error`](crate::Error), or the inner service's.
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::session::tower::{AuthService, BoxError, Once};
    /// # use bytes::Bytes;
    /// # use http::{Request, Response, StatusCode};
    /// # use http_body_util::Full;
    /// # async fn example<S>(client: AuthService<S, Once>) -> Result<StatusCode, BoxError>
    /// # where S: tower_service::Service<
    /// #     Request<Full<Bytes>>, Response = Response<Full<Bytes>>, Error: Into<BoxError>,
    /// # > + Clone {
    /// let request = Request::get("https://api.example.com/v1/things").body(Full::default())?;
    /// let response = client.send(request).await?;
    /// # Ok(response.status()) }
    /// ```
    pub async fn send<B, T>(&self, request: Request<B>) -> Result<Response<SeenBody<T>>, BoxError>
    where
        S: Service<Request<B>, Response = Response<T>, Error: Into<BoxError>> + Clone,
        C: Copies<B>,
        T: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        let mut inner = self.inner.clone();
        ready(&mut inner).await?;
        let (first, again) = parts::<C, B>(request);
        send(inner, &*self.authorizer, first, again).await
    }
}

type Halves<B> = (Parts, B);

/// A request, and its copy if it can be sent again.
fn parts<C: Copies<B>, B>(request: Request<B>) -> (Halves<B>, Option<Halves<B>>) {
    let (head, body) = request.into_parts();
    let again = C::copy(&body).map(|body| (head.clone(), body));
    ((head, body), again)
}

/// Sends a request by `inner`, which is ready.
async fn send<S, B, T>(
    mut inner: S,
    authorizer: &dyn Authorizer,
    (mut head, body): Halves<B>,
    again: Option<Halves<B>>,
) -> Result<Response<SeenBody<T>>, BoxError>
where
    S: Service<Request<B>, Response = Response<T>, Error: Into<BoxError>>,
    T: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let url = text(&head.uri);
    let parsed = parse(&url)?;
    authorizer.check(&url)?;
    if keeps_its_own(authorizer, &head.headers) {
        let sent = inner.call(Request::from_parts(head, body)).await;
        return Ok(sent.map_err(Into::into)?.map(SeenBody::new));
    }
    let headers = authorizer.headers_for(&url).await?;
    headers.apply(&mut head.headers);
    let sent = inner.call(Request::from_parts(head, body)).await;
    let response = sent.map_err(Into::into)?;
    let looked = look(authorizer, &headers, &parsed, response).await;
    let (response, refused) = looked.map_err(Into::into)?;
    if !refused {
        return Ok(response);
    }
    authorizer.invalidate(&headers);
    let Some(again) = again else {
        return Ok(response);
    };
    authorizer.observe(CallEvent::Resent);
    drop(response);
    // In a box of its own, so that the future of every call is small.
    Box::pin(resend(inner, authorizer, url, again)).await
}

/// The address, in one allocation.
fn text(uri: &Uri) -> String {
    let path = uri.path_and_query().map_or(0, |it| it.as_str().len());
    let host = uri.authority().map_or(0, |it| it.as_str().len());
    let mut text = String::with_capacity("https://".len() + host + path);
    let _ = write!(text, "{uri}");
    text
}

async fn ready<S: Service<R, Error: Into<BoxError>>, R>(inner: &mut S) -> Result<(), BoxError> {
    let ready = poll_fn(|context| inner.poll_ready(context)).await;
    ready.map_err(Into::into)
}

/// Sends a request whose token was refused once more, with a new one.
async fn resend<S, B, T>(
    mut inner: S,
    authorizer: &dyn Authorizer,
    url: String,
    (mut head, body): Halves<B>,
) -> Result<Response<SeenBody<T>>, BoxError>
where
    S: Service<Request<B>, Response = Response<T>, Error: Into<BoxError>>,
    T: Body<Data = Bytes> + Unpin,
{
    authorizer.headers_for(&url).await?.apply(&mut head.headers);
    ready(&mut inner).await?;
    let sent = inner.call(Request::from_parts(head, body));
    Ok(sent.await.map_err(Into::into)?.map(SeenBody::new))
}
