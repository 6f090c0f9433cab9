//! Sessions of any vendor behind one type.

use std::future::ready;
use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use tracing::Instrument as _;
use url::Url;

use crate::auth_headers::AuthHeaders;
use crate::clock::BoxFuture;
use crate::renew::{Refusal, Renew};
use crate::session::events::{session_span, tell};
use crate::session::{BackgroundRefresh, Session, metrics};
use crate::state::State;
use crate::{AllowedHosts, AuthError, Error, ErrorKind, Header, Token};

/// What every [`Session`] can do, whatever its vendor: for signatures without a vendor's types, for
/// sessions of several vendors in one list, and for tests.
///
/// A test passes a [`StaticAuthorizer`], or a fake of its own: three methods are required.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use auth_core::{Authorizer, Error};
///
/// /// Works with a session of any vendor.
/// async fn ready(sessions: &[Arc<dyn Authorizer>], url: &str) -> Result<(), Error> {
///     for session in sessions {
///         println!("{}", session.state());
///         let headers = session.headers_for(url).await?;
///         // … send, and report a refusal by `session.invalidate(&headers)` …
///     }
///     Ok(())
/// }
/// ```
pub trait Authorizer: Send + Sync {
    /// The headers for a call to `url`, after renewing the token where that is necessary.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the token must not go to the host of `url`; otherwise what
    /// the renewal says, with the vendor's error as its source.
    fn headers_for<'a>(&'a self, url: &str) -> BoxFuture<'a, Result<AuthHeaders, Error>>;

    /// Whether a call may go to `url`, which [`headers_for`](Authorizer::headers_for) checks as
    /// well; by default it may.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if it may not.
    fn check(&self, url: &str) -> Result<(), Error> {
        let _ = url;
        Ok(())
    }

    /// Reports that the vendor refused `headers`: the next caller renews.
    fn invalidate(&self, headers: &AuthHeaders);

    /// What the session does at present.
    fn state(&self) -> State;

    /// Waits until no renewal is under way; see [`Session::settled`]. Returns at once by default.
    fn settled(&self) -> BoxFuture<'_, ()> {
        Box::pin(ready(()))
    }

    /// Whether a response refuses the token; see [`Renew::refusal`], which has the same default.
    fn refusal(&self, url: &Url, status: StatusCode, body: Option<&[u8]>) -> Refusal {
        let _ = url;
        Refusal::of(status, body)
    }

    /// Asks the vendor whether it refuses the token; see [`Renew::confirm_refusal`].
    fn confirm_refusal<'a>(&'a self, headers: &'a AuthHeaders) -> BoxFuture<'a, bool> {
        let _ = headers;
        Box::pin(ready(true))
    }

    /// Renews ahead of time for as long as the guard is held; see
    /// [`Session::refresh_in_background`]. By default nothing is renewed, and there is no guard.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if the system gives no thread.
    fn refresh_in_background(&self) -> Result<Option<BackgroundRefresh>, Error> {
        Ok(None)
    }

    /// Hears what became of a call, for events and metrics; nothing by default.
    fn observe(&self, event: CallEvent) {
        let _ = event;
    }
}

/// What clients such as [`AuthLayer`](crate::session::tower::AuthLayer) tell an [`Authorizer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallEvent {
    /// The request is sent once more, since its token was refused.
    Resent,
    /// The request has an `authorization` header of its own, and is sent with that.
    KeptItsOwn,
}

impl<R: Renew> Authorizer for Session<R> {
    fn headers_for<'a>(&'a self, url: &str) -> BoxFuture<'a, Result<AuthHeaders, Error>> {
        if let Err(error) = self.check(url) {
            return Box::pin(ready(Err(error)));
        }
        if let Some(headers) = self.fresh() {
            // A renewal's future has kilobytes, which few calls need.
            return Box::pin(ready(Ok(headers)));
        }
        Box::pin(async { self.auth_headers().await.map_err(of_any_vendor) })
    }

    fn check(&self, url: &str) -> Result<(), Error> {
        check(self.allowed_hosts(), url)
    }

    fn invalidate(&self, headers: &AuthHeaders) {
        Self::invalidate(self, headers);
    }

    fn state(&self) -> State {
        Self::state(self)
    }

    fn settled(&self) -> BoxFuture<'_, ()> {
        Box::pin(Self::settled(self))
    }

    fn refusal(&self, url: &Url, status: StatusCode, body: Option<&[u8]>) -> Refusal {
        self.renewer().refusal(url, status, body)
    }

    fn confirm_refusal<'a>(&'a self, headers: &'a AuthHeaders) -> BoxFuture<'a, bool> {
        let span = session_span!(self.shared.identity, "confirm_refusal");
        Box::pin(self.renewer().confirm_refusal(headers).instrument(span))
    }

    fn observe(&self, event: CallEvent) {
        let identity = &self.shared.identity;
        match event {
            CallEvent::Resent => {
                metrics::resend(identity.vendor);
                tell!(debug, identity, "the request is sent once more");
            }
            CallEvent::KeptItsOwn => tell!(
                warn,
                identity,
                "the request has an `authorization` header of its own: sent without the session's"
            ),
        }
    }

    fn refresh_in_background(&self) -> Result<Option<BackgroundRefresh>, Error> {
        let guard = Self::refresh_in_background(self);
        guard.map(Some).map_err(of_any_vendor)
    }
}

impl<T: Authorizer + ?Sized> Authorizer for Arc<T> {
    fn headers_for<'a>(&'a self, url: &str) -> BoxFuture<'a, Result<AuthHeaders, Error>> {
        (**self).headers_for(url)
    }

    fn check(&self, url: &str) -> Result<(), Error> {
        (**self).check(url)
    }

    fn invalidate(&self, headers: &AuthHeaders) {
        (**self).invalidate(headers);
    }

    fn state(&self) -> State {
        (**self).state()
    }

    fn settled(&self) -> BoxFuture<'_, ()> {
        (**self).settled()
    }

    fn refusal(&self, url: &Url, status: StatusCode, body: Option<&[u8]>) -> Refusal {
        (**self).refusal(url, status, body)
    }

    fn confirm_refusal<'a>(&'a self, headers: &'a AuthHeaders) -> BoxFuture<'a, bool> {
        (**self).confirm_refusal(headers)
    }

    fn refresh_in_background(&self) -> Result<Option<BackgroundRefresh>, Error> {
        (**self).refresh_in_background()
    }

    fn observe(&self, event: CallEvent) {
        (**self).observe(event);
    }
}

impl<R: Renew> Session<R> {
    /// Puts the headers for a call to `url` into `headers`, replacing what stands there under their
    /// names. For any HTTP library; `url` is its type of address, as text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the token must not go to the host of `url`; otherwise as
    /// [`Session::headers`]. The map is unchanged then.
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::{Error, Renew, Session};
    /// # async fn example(session: &Session<impl Renew<Error = Error>>) -> Result<(), Error> {
    /// let uri: http::Uri = "https://api.example.com/v1/things".parse().unwrap();
    /// let mut headers = http::HeaderMap::new();
    /// session.apply_to(&uri.to_string(), &mut headers).await?;
    /// # Ok(()) }
    /// ```
    pub async fn apply_to(&self, url: &str, headers: &mut HeaderMap) -> Result<(), R::Error> {
        check(self.allowed_hosts(), url)?;
        self.apply(headers).await
    }
}

fn check(hosts: &AllowedHosts, url: &str) -> Result<(), Error> {
    if hosts.plainly_allow(url) {
        return Ok(());
    }
    hosts.check(&parse(url)?)
}

pub(super) fn parse(url: &str) -> Result<Url, Error> {
    // Not repeated: its path or query may hold a secret.
    Url::parse(url).map_err(|_| {
        let message = "the token was not put on a request whose address has no scheme and host: \
                       give the whole address, as in https://api.example.com/v1/things";
        Error::new(ErrorKind::InvalidConfig, message)
    })
}

/// A vendor's error as what all of them are.
fn of_any_vendor(error: impl AuthError) -> Error {
    let general = Error::new(error.kind(), error.to_string()).with_retry_after(error.retry_after());
    let general = match error.http_status() {
        Some(status) => general.with_http_status(status),
        None => general,
    };
    general.with_source(error)
}

/// An [`Authorizer`] that always has the same token, for tests of programs that take one.
///
/// # Example
///
/// ```
/// use auth_core::{Authorizer, StaticAuthorizer};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), auth_core::Error> {
/// let fake = StaticAuthorizer::bearer("a-token", "http://127.0.0.1:8080")?;
/// let headers = fake.headers_for("http://127.0.0.1:8080/v1/things").await?.headers();
/// assert_eq!(headers["authorization"], "Bearer a-token");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct StaticAuthorizer {
    headers: AuthHeaders,
    allowed_hosts: AllowedHosts,
}

impl StaticAuthorizer {
    /// Puts `Authorization: Bearer` with `token` on calls to the host of `base_url`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if `base_url` is no https address (or http to a loopback host);
    /// the error of [`Header::with_scheme`] if a header cannot carry the token.
    pub fn bearer(token: &str, base_url: &str) -> Result<Self, Error> {
        let token = Token::new(
            token.into(),
            crate::Expiry::Never,
            std::time::SystemTime::now(),
        );
        let name = http::header::AUTHORIZATION;
        let header = Header::with_scheme(name, "Bearer ", token.access())?;
        Ok(Self {
            headers: AuthHeaders::new(&token, &[header])?,
            allowed_hosts: AllowedHosts::of(&crate::BaseUrl::parse(base_url)?),
        })
    }
}

impl Authorizer for StaticAuthorizer {
    fn headers_for<'a>(&'a self, url: &str) -> BoxFuture<'a, Result<AuthHeaders, Error>> {
        Box::pin(ready(self.check(url).map(|()| self.headers.clone())))
    }

    fn check(&self, url: &str) -> Result<(), Error> {
        check(&self.allowed_hosts, url)
    }

    fn invalidate(&self, _: &AuthHeaders) {}

    fn state(&self) -> State {
        State::Fresh
    }
}
