//! A token that stays alive by itself: the handle that programs share between their tasks.

mod background_refresh;
mod builder;
mod control;
mod flight;
mod pool;
mod tokens;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;
use http::HeaderMap;
use tokio::sync::watch;

pub use self::background_refresh::BackgroundRefresh;
pub use self::builder::SessionBuilder;
use self::control::{Control, Entry};
use self::flight::Place;
pub use self::pool::SessionPool;
use crate::auth_headers::{AuthHeaders, Current};
use crate::background;
use crate::clock::{Clock, Moment};
use crate::renew::Renew;
use crate::state::{State, States};
use crate::{AllowedHosts, AuthError, Expiry, Token};

/// A token that stays alive by itself. A cheap clone: share one between all tasks.
///
/// While the token is valid, headers are handed out without a lock, an allocation (but for the
/// header map's own) or a wait. Before the token ends, one renewal starts in the background; once
/// it has ended, callers wait for that one renewal and share its outcome, failure included. After
/// a transient failure the next renewal waits for a back-off (or for as long as the vendor asked),
/// and callers get the failure at once; a permanent one is remembered until somebody logs in.
///
/// Renewals run on a thread of their own, which exists only while one is under way: they finish
/// when their callers are gone, and a session can be built outside a runtime and used from any,
/// and from several one after the other.
pub struct Session<R: Renew> {
    shared: Arc<Shared<R>>,
}

/// What the handles of one session share.
pub(crate) struct Shared<R: Renew> {
    /// The auth_headers that callers get; `None` while there is none, or the vendor refused it.
    current: ArcSwapOption<Current>,
    clock: Arc<dyn Clock>,
    /// Everything that only renewing needs. Never held across an await.
    control: Mutex<Control<R::Error>>,
    renewer: R,
    place: Option<Place>,
    hosts: AllowedHosts,
    states: watch::Sender<State>,
}

impl<R: Renew> Session<R> {
    /// Begins a session that renews its token by `renewer`.
    pub fn builder(renewer: R) -> SessionBuilder<R> {
        SessionBuilder::new(renewer)
    }

    /// The headers for an authorised call, after renewing the token where that is necessary.
    ///
    /// Dropping the future does not end a renewal that it began.
    ///
    /// # Errors
    ///
    /// The vendor's error if the renewal fails, or failed a moment ago. Its kind says what to do.
    pub async fn headers(&self) -> Result<HeaderMap, R::Error> {
        match self.try_headers() {
            Some(headers) => Ok(headers),
            None => Ok(self.acquire().await?.headers()),
        }
    }

    /// Puts the headers into `headers`, replacing what stands there under their names. With room
    /// in the map, this allocates nothing.
    ///
    /// # Errors
    ///
    /// As [`Session::headers`]; the map is unchanged then.
    #[inline]
    pub async fn apply(&self, headers: &mut HeaderMap) -> Result<(), R::Error> {
        if !self.try_apply(headers) {
            self.acquire().await?.apply(headers);
        }
        Ok(())
    }

    /// The headers, if there is a valid token now; never waits.
    ///
    /// `None` otherwise; a renewal has then been started in the background, unless one failed a
    /// moment ago or somebody must log in: [`Session::state`] tells.
    pub fn try_headers(&self) -> Option<HeaderMap> {
        self.with_current(Current::headers)
    }

    /// As [`Session::try_headers`], into a map at hand. Returns whether the headers are in it.
    #[inline]
    pub fn try_apply(&self, headers: &mut HeaderMap) -> bool {
        self.with_current(|current| current.apply(headers))
            .is_some()
    }

    /// The auth_headers, after renewing the token where that is necessary: the headers of one call,
    /// to be kept until its response is there, so that a 401 can be reported by
    /// [`Session::invalidate`].
    ///
    /// # Errors
    ///
    /// As [`Session::headers`].
    pub async fn auth_headers(&self) -> Result<AuthHeaders, R::Error> {
        let now = self.shared.clock.now();
        match self.shared.current.load_full() {
            Some(current) if current.is_fresh(now) => Ok(AuthHeaders(current)),
            _ => self.acquire().await,
        }
    }

    /// Reports that the vendor refused `auth_headers` (a 401): the next caller renews.
    ///
    /// A report about an old auth_headers changes nothing. If the vendor keeps refusing what it has
    /// just issued, renewals are slowed down by the same back-off as failures.
    pub fn invalidate(&self, auth_headers: &AuthHeaders) {
        self.shared.invalidate(auth_headers);
    }

    /// Renews now, whatever the state; forgets a remembered failure first.
    ///
    /// # Errors
    ///
    /// As [`Session::headers`].
    pub async fn renew(&self) -> Result<AuthHeaders, R::Error> {
        self.shared.request().wait().await
    }

    /// Takes over a token from a log-in that happened elsewhere, in place of the present one;
    /// forgets a remembered failure.
    ///
    /// # Errors
    ///
    /// The vendor's error if the token cannot be put into headers or has ended. If the token
    /// store fails, the session goes on with the token and its state is [`State::Unsaved`].
    pub async fn set_token(&self, token: Token) -> Result<(), R::Error> {
        self.shared.replace(token)?;
        let shared = Arc::clone(&self.shared);
        // What the store says is in the state.
        let _ = background::run(async move { shared.save_the_adopted().await }).await?;
        Ok(())
    }

    /// Saves the present token to the store again, after [`State::Unsaved`].
    ///
    /// # Errors
    ///
    /// What the store said; it holds a later token, say, which it keeps.
    pub async fn save(&self) -> Result<(), R::Error> {
        let shared = Arc::clone(&self.shared);
        background::run(async move { shared.save_again().await }).await??;
        Ok(())
    }

    /// Ends the session: forgets the token here and in the store, and tells the vendor. Waits for
    /// a renewal under way, so that nothing comes back afterwards.
    ///
    /// Callers get [`ErrorKind::InteractionRequired`](crate::ErrorKind::InteractionRequired) until [`Session::set_token`] or
    /// [`Session::renew`].
    ///
    /// # Errors
    ///
    /// What the vendor or the store said; the token is forgotten here all the same.
    pub async fn log_out(&self) -> Result<(), R::Error> {
        let shared = Arc::clone(&self.shared);
        background::run(async move { shared.log_out().await }).await?
    }

    /// What the session is up to.
    pub fn state(&self) -> State {
        self.shared
            .state(&self.shared.control(), self.shared.clock.now())
    }

    /// The states as they come: the present one first.
    pub fn states(&self) -> States {
        // The last one announced may be from before the token ended.
        self.shared.announce(&self.shared.control());
        States::new(self.shared.states.subscribe())
    }

    /// When the present token ends; `None` without one.
    pub fn expiry(&self) -> Option<Expiry> {
        self.shared
            .current
            .load()
            .as_ref()
            .map(|current| current.token().expiry())
    }

    /// Renews ahead of time for as long as the guard is held, whether or not anybody asks for
    /// headers: for programs that never want to wait. Without a token it gets one at once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if the system gives no thread.
    pub fn refresh_in_background(&self) -> Result<BackgroundRefresh, R::Error> {
        Ok(background_refresh::start(&self.shared)?)
    }

    /// The hosts to which the headers may go.
    pub fn hosts(&self) -> &AllowedHosts {
        &self.shared.hosts
    }

    /// What renews this session.
    pub fn renewer(&self) -> &R {
        &self.shared.renewer
    }

    /// The hot path: one look at the clocks, one read of the auth_headers, no lock.
    #[inline]
    fn with_current<T>(&self, use_it: impl FnOnce(&Current) -> T) -> Option<T> {
        let now = self.shared.clock.now();
        let guard = self.shared.current.load();
        match guard.as_deref() {
            Some(current) if current.is_fresh(now) || self.begin(Some(current), now) => {
                Some(use_it(current))
            }
            Some(_) => None,
            None => {
                self.begin(None, now);
                None
            }
        }
    }

    /// Begins what is due; whether the auth_headers may still be used.
    #[cold]
    fn begin(&self, current: Option<&Current>, now: Moment) -> bool {
        match current {
            Some(current) if current.is_valid(now) => {
                self.shared.renew_early(now);
                true
            }
            _ => {
                self.shared.enter();
                false
            }
        }
    }

    // Boxed, so that the futures of the hot path stay small.
    #[cold]
    fn acquire(&self) -> crate::BoxFuture<'_, Result<AuthHeaders, R::Error>> {
        Box::pin(async { self.shared.enter().wait().await })
    }
}

impl<R: Renew> Shared<R> {
    fn control(&self) -> MutexGuard<'_, Control<R::Error>> {
        // No code that can panic runs under the lock.
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present auth_headers, if it is valid.
    fn valid(&self, now: Moment) -> Option<AuthHeaders> {
        self.current
            .load_full()
            .filter(|current| current.is_valid(now))
            .map(AuthHeaders)
    }
}

impl<E: AuthError> Entry<E> {
    async fn wait(self) -> Result<AuthHeaders, E> {
        let mut flight = match self {
            Self::Ready(auth_headers) => return Ok(auth_headers),
            Self::Failed(error) => return Err(error),
            Self::Wait(flight) => flight,
        };
        let landed = flight
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|it| it.clone());
        // Every flight that began lands, even one that panics.
        landed.unwrap_or_else(|| Err(background::lost().into()))
    }
}

impl<R: Renew> Clone for Session<R> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<R: Renew> fmt::Debug for Session<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("state", &self.state())
            .field(
                "token",
                &self
                    .shared
                    .current
                    .load()
                    .as_ref()
                    .map(|it| it.token().fingerprint()),
            )
            .finish_non_exhaustive()
    }
}
