//! Sessions: a token that is kept valid, shared by all tasks of a program.
//!
//! Vendor crates name their own: `iqm_auth::Session`. A vendor crate implements [`Renew`] and
//! starts sessions by [`Session::builder`].

mod admission;
mod asking;
mod authorize;
mod authorizer;
mod background_refresh;
mod backoff;
mod blocking;
mod builder;
mod events;
mod foreground;
mod leased;
mod listeners;
mod locked;
mod log_out;
mod metrics;
#[cfg(feature = "middleware")]
pub mod middleware;
mod pool;
mod refusal;
mod renewal;
mod send;
mod settle;
mod shared;
mod state;
mod store;
mod tokens;
#[cfg(feature = "tower")]
pub mod tower;

use std::sync::Arc;

use http::HeaderMap;

pub use self::authorizer::{Authorizer, CallEvent, StaticAuthorizer};
pub use self::background_refresh::BackgroundRefresh;
pub use self::builder::SessionBuilder;
pub use self::pool::{PoolStates, SessionPool};
pub use self::refusal::SeenBody;
use self::shared::Shared;
use crate::Token;
use crate::auth_headers::Current;
pub use crate::auth_headers::{AuthHeaders, Header};
use crate::clock::Moment;
pub use crate::error::AuthError;
pub use crate::renew::{Reason, Refusal, Renew};
pub use crate::state::{State, StateReason, States};

/// A token that is kept valid. A cheap clone: share one between all tasks.
///
/// While the token is valid, callers get its headers without a lock, a wait or an allocation (but
/// for the header map's own). Before the token ends, one renewal starts in the background. Once it
/// has ended, callers wait for that one renewal and share its outcome, failure included. After a
/// transient failure the next renewal waits for a back-off, or for as long as the vendor asked (for
/// an hour at the most), and callers get the failure at once. A permanent failure is remembered
/// until a log-in. With a store, that may be another process's: the store is read again when a caller
/// asks (once a second at the most), every 10 seconds during
/// [background refresh](Self::refresh_in_background), and once a minute while the token is valid.
///
/// Renewals keep their distance, whatever the vendor's tokens say: after ten, one begins every 10 seconds
/// at the most. Callers get the valid token, or [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable)
/// with the time to wait. [`renew`](Self::renew) is exempt.
///
/// Renewals run on a thread of their own, which ends a second after the last one. They finish
/// when their callers are gone. A session can be built outside a runtime and used from any, and
/// from several one after the other.
pub struct Session<R: Renew> {
    shared: Arc<Shared<R>>,
}

impl<R: Renew> Session<R> {
    /// Starts a session that renews its token by `renewer`. Each vendor crate's
    /// `Client::session` does this.
    pub fn builder(renewer: R) -> SessionBuilder<R> {
        SessionBuilder::new(renewer)
    }

    /// The headers for an authorised call, after renewing the token where that is necessary.
    ///
    /// They are for the vendor's hosts, which this does not check: [`Session::send`] and
    /// [`Session::apply_to`] do. Dropping the future does not end a renewal that it began.
    ///
    /// # Errors
    ///
    /// The vendor's error if the renewal fails, or failed a moment ago. Its kind says what to do,
    /// and [`retry_after`](AuthError::retry_after) how much is left of the pause after a failure.
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::{Error, Renew, Session};
    /// # async fn example(session: &Session<impl Renew<Error = Error>>) -> Result<(), Error> {
    /// let headers = session.headers().await?; // for any HTTP library
    /// # Ok(()) }
    /// ```
    pub async fn headers(&self) -> Result<HeaderMap, R::Error> {
        match self.with_current(true, Current::headers) {
            Some(headers) => Ok(headers),
            None => Ok(self.acquire().await?.headers()),
        }
    }

    /// Puts the headers into `headers`, replacing what stands there under their names. With room
    /// in the map, this allocates nothing. The host of the call is not checked, as in
    /// [`Session::headers`].
    ///
    /// # Errors
    ///
    /// As [`Session::headers`]; the map is unchanged then.
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::{Error, Renew, Session};
    /// # async fn example(session: &Session<impl Renew<Error = Error>>) -> Result<(), Error> {
    /// let mut headers = http::HeaderMap::with_capacity(8);
    /// session.apply(&mut headers).await?;
    /// # Ok(()) }
    /// ```
    #[inline]
    pub async fn apply(&self, headers: &mut HeaderMap) -> Result<(), R::Error> {
        let applied = self.with_current(true, |current| current.apply(headers));
        if applied.is_none() {
            self.acquire().await?.apply(headers);
        }
        Ok(())
    }

    /// The headers, if there is a valid token now; never waits.
    ///
    /// `None` otherwise. A renewal has then been started in the background, unless one failed a
    /// moment ago or a person must log in: [`Session::state`] tells.
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::{Error, Renew, Session};
    /// # async fn example(session: &Session<impl Renew<Error = Error>>) -> Result<(), Error> {
    /// match session.try_headers() {
    ///     Some(headers) => println!("{} headers", headers.len()),
    ///     None => println!("no token yet: {}", session.state()),
    /// }
    /// # Ok(()) }
    /// ```
    pub fn try_headers(&self) -> Option<HeaderMap> {
        self.with_current(false, Current::headers)
    }

    /// As [`Session::try_headers`], into a map at hand. Returns whether the headers are in it.
    #[inline]
    pub fn try_apply(&self, headers: &mut HeaderMap) -> bool {
        self.with_current(false, |current| current.apply(headers))
            .is_some()
    }

    /// The headers of one call, after renewing the token where that is necessary. Keep them until
    /// the response is there, so that a 401 can be reported by [`Session::invalidate`].
    ///
    /// # Errors
    ///
    /// As [`Session::headers`].
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::{Error, Renew, Session};
    /// # async fn example(session: &Session<impl Renew<Error = Error>>) -> Result<(), Error> {
    /// let headers = session.auth_headers().await?;
    /// println!("token {} ends {:?}", headers.fingerprint(), headers.expiry());
    /// # Ok(()) }
    /// ```
    pub async fn auth_headers(&self) -> Result<AuthHeaders, R::Error> {
        match self.fresh() {
            Some(headers) => Ok(headers),
            None => self.acquire().await,
        }
    }

    /// Reports that the vendor rejected `headers` (a 401): the next caller renews.
    ///
    /// A report about older headers changes nothing. If the vendor keeps rejecting what it has
    /// just issued, renewals are slowed down by the same back-off as failures.
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::{Error, Renew, Session};
    /// # async fn example(session: &Session<impl Renew<Error = Error>>) -> Result<(), Error> {
    /// let headers = session.auth_headers().await?;
    /// # let status = 401;
    /// // … send the call with `headers.headers()` …
    /// if status == 401 {
    ///     session.invalidate(&headers);
    ///     let again = session.auth_headers().await?; // a new token
    /// }
    /// # Ok(()) }
    /// ```
    pub fn invalidate(&self, headers: &AuthHeaders) {
        self.shared.invalidate(headers);
    }

    /// Renews now, whatever the state; forgets a remembered failure first.
    ///
    /// # Errors
    ///
    /// As [`Session::headers`].
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::{Error, Renew, Session};
    /// # async fn example(session: &Session<impl Renew<Error = Error>>) -> Result<(), Error> {
    /// let new = session.renew().await?;
    /// # Ok(()) }
    /// ```
    pub async fn renew(&self) -> Result<AuthHeaders, R::Error> {
        self.shared.request().wait().await
    }

    /// Sets the token of a log-in that happened elsewhere, in place of the present one, and saves
    /// it in the store. Forgets a remembered failure.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) if the token is of another
    /// account than the session. The vendor's error if it cannot be put into headers or has ended.
    /// If the token store fails, the session continues with the token and its state is
    /// [`State::Unsaved`].
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::{Error, Renew, Session, Token};
    /// # async fn example(session: &Session<impl Renew<Error = Error>>) -> Result<(), Error> {
    /// # fn from_a_log_in() -> Token { unreachable!() }
    /// # if false {
    /// session.set_token(from_a_log_in()).await?;
    /// # }
    /// # Ok(()) }
    /// ```
    pub async fn set_token(&self, token: impl Into<Token>) -> Result<(), R::Error> {
        self.shared.replace(&token.into())?;
        let shared = Arc::clone(&self.shared);
        // What the store says is in the state.
        let task = async move { shared.save_the_login().await };
        let _ = self.shared.run(task).await?;
        Ok(())
    }

    /// Saves the present token to the store again, after [`State::Unsaved`].
    ///
    /// # Errors
    ///
    /// What the store said. It may hold a later token, which it keeps.
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::{Error, Renew, Session, State};
    /// # async fn example(session: &Session<impl Renew<Error = Error>>) -> Result<(), Error> {
    /// if let State::Unsaved { reason } = session.state() {
    ///     eprintln!("{reason}");
    ///     session.save().await?;
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn save(&self) -> Result<(), R::Error> {
        let shared = Arc::clone(&self.shared);
        let task = async move { shared.save_again().await };
        self.shared.run(task).await??;
        Ok(())
    }

    /// What the session does at present.
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::{Error, Renew, Session, State};
    /// # async fn example(session: &Session<impl Renew<Error = Error>>) -> Result<(), Error> {
    /// if let State::LoginRequired { reason } = session.state() {
    ///     println!("log in again: {reason}");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn state(&self) -> State {
        self.shared.present_state()
    }

    /// The states as they change, beginning with the present one.
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::{Error, Renew, Session};
    /// # async fn example(session: &Session<impl Renew<Error = Error>>) -> Result<(), Error> {
    /// let mut states = session.states();
    /// while let Some(state) = states.next().await {
    ///     println!("{state}");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn states(&self) -> States {
        // The last one announced may be from before the token ended.
        self.shared.lock().announce();
        States::new(self.shared.states.subscribe())
    }

    /// Renews ahead of time for as long as the guard is held, even if no caller asks for headers:
    /// for programs that never want to wait. Without a token it gets one at once.
    ///
    /// A child process made by `fork()` inherits the session, which renews there when a caller needs a token, but
    /// not this: call it again in the child.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if the system gives no thread.
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::{Error, Renew, Session};
    /// # async fn example(session: &Session<impl Renew<Error = Error>>) -> Result<(), Error> {
    /// let refresh = session.refresh_in_background()?;
    /// // … serve …
    /// drop(refresh);
    /// # Ok(()) }
    /// ```
    pub fn refresh_in_background(&self) -> Result<BackgroundRefresh, R::Error> {
        Ok(background_refresh::start(&self.shared)?)
    }

    /// The headers with which nothing has to be done.
    fn fresh(&self) -> Option<AuthHeaders> {
        let now = self.shared.clock.now();
        let current = self.shared.current.load_full();
        current.filter(|it| it.is_fresh(now)).map(AuthHeaders)
    }

    /// The hot path: one look at the clocks, one read of the headers, no lock. Whether the caller can
    /// wait is known where it is inlined.
    #[inline]
    fn with_current<T>(&self, can_wait: bool, use_it: impl FnOnce(&Current) -> T) -> Option<T> {
        let now = self.shared.clock.now();
        let guard = self.shared.current.load();
        match guard.as_deref() {
            Some(current)
                if current.is_fresh(now) || self.start_due(Some(current), now, can_wait) =>
            {
                Some(use_it(current))
            }
            Some(_) => None,
            None => {
                self.start_due(None, now, can_wait);
                None
            }
        }
    }

    /// Starts what is due, unless the caller does so and waits; whether the headers may still be used.
    ///
    /// A renewal that was started here might have ended before the caller could join it.
    #[cold]
    fn start_due(&self, current: Option<&Current>, now: Moment, can_wait: bool) -> bool {
        let is_valid = current.is_some_and(|current| current.is_valid(now));
        match (is_valid, can_wait) {
            (true, true) if self.shared.renews_in_foreground => false,
            (true, _) => {
                self.shared.renew_early(now);
                true
            }
            (false, true) => false,
            (false, false) => {
                self.shared.join_or_start();
                false
            }
        }
    }

    // Boxed, so that the futures of the hot path stay small.
    #[cold]
    fn acquire(&self) -> crate::BoxFuture<'_, Result<AuthHeaders, R::Error>> {
        Box::pin(self.shared.acquire())
    }
}

#[cfg(test)]
mod tests;
