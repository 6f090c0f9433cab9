//! What a session is made of.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::watch;

use super::events::{Identity, Naming};
use super::listeners::Listeners;
use super::metrics::{self, Counted};
use super::settle::{UnderWay, WAIT_ON_DROP};
use super::state::RenewalState;
use super::store::Persistence;
use super::{Session, Shared};
use crate::clock::{Clock, SystemClock};
use crate::renew::Renew;
use crate::state::{Announced, State};
use crate::store::{StoreKey, TokenStore};
use crate::{AllowedHosts, Error, ErrorKind, Http, Token};

/// Builds a [`Session`]. A vendor crate's `Client::session` returns one that has what the login
/// says: the token, the account and the client's clock and hosts.
#[must_use = "nothing happens before `build`"]
pub struct SessionBuilder<R: Renew> {
    renewer: R,
    token: Option<Token>,
    clock: Arc<dyn Clock>,
    /// Where the store keeps the token of the login's account.
    key: Option<StoreKey>,
    store: Option<Arc<dyn TokenStore>>,
    store_key: Option<StoreKey>,
    needs_store: bool,
    renew_without_lease: bool,
    renews_in_foreground: bool,
    wait_on_drop: Duration,
    allowed_hosts: AllowedHosts,
    naming: Naming,
}

impl<R: Renew> SessionBuilder<R> {
    pub(super) fn new(renewer: R) -> Self {
        Self {
            renewer,
            token: None,
            clock: Arc::new(SystemClock),
            key: None,
            store: None,
            store_key: None,
            needs_store: false,
            renew_without_lease: false,
            renews_in_foreground: false,
            wait_on_drop: WAIT_ON_DROP,
            allowed_hosts: AllowedHosts::default(),
            naming: Naming::default(),
        }
    }

    /// The clock and the hosts of a vendor crate's client.
    pub fn http(self, http: &Http) -> Self {
        self.clock(Arc::clone(http.clock()))
            .allowed_hosts(http.allowed_hosts().clone())
    }

    /// Starts with `token`. Without one, the first caller gets one from the store or the vendor.
    pub fn token(mut self, token: impl Into<Token>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Where a store keeps the token of the login's account. Tokens of other accounts are refused.
    pub fn key(mut self, key: StoreKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Without a store there is nothing to start from: [`build`](Self::build) refuses.
    pub fn needs_store(mut self) -> Self {
        self.needs_store = true;
        self
    }

    /// Where the time comes from.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Loads the token from `store` and saves every new one there, under the account that the
    /// login names, the client's product or workspace, and its base URL.
    ///
    /// A store can be given by value (most are cheap clones) or in an `Arc`. The login's own token
    /// is saved when the session is built, in the background. If the store holds a newer one, from
    /// a run before, the session continues with that.
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::{Error, MemoryStore, Renew, Session, StoreKey};
    /// # fn example(renewer: impl Renew<Error = Error>, key: StoreKey) -> Result<(), Error> {
    /// let store = MemoryStore::new(); // or one of `auth-store`
    /// let session = Session::builder(renewer).key(key).store(store).build()?;
    /// # Ok(()) }
    /// ```
    pub fn store(mut self, store: impl TokenStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// As [`store`](Self::store), under a key of your own.
    pub fn store_as(mut self, store: impl TokenStore, key: StoreKey) -> Self {
        self.store_key = Some(key);
        self.store(store)
    }

    /// Lets the session renew a token that has ended although the store gives no lease, because
    /// its server is down, for example.
    ///
    /// Without this, callers get the store's error then. With it, several processes may renew at
    /// once: choose it only for a vendor that lets them, or where a password is at hand to recover.
    /// The state tells: [`State::RenewedWithoutLease`]. A token that is still valid is never
    /// renewed without the lease.
    pub fn renew_without_lease(mut self) -> Self {
        self.renew_without_lease = true;
        self
    }

    /// For programs that exit soon (a command, a cron job): a renewal that is due before the token's
    /// end happens before the headers are returned, and not in the background, where it ends with the
    /// process. Without this, a program that always exits before its renewal finishes has to log in
    /// again when the token has ended.
    ///
    /// If that renewal fails, callers get the headers of the token that is still valid. The failure is
    /// in the [state](Session::state), and an event of level `WARN` tells it. The next attempt follows
    /// after a pause, or when the program runs again. [`Session::try_headers`] and
    /// [`Session::try_apply`] never wait, with this either.
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::{Error, MemoryStore, Renew, Session, StoreKey};
    /// # fn example(renewer: impl Renew<Error = Error>, key: StoreKey) -> Result<(), Error> {
    /// # let store = MemoryStore::new();
    /// let session = Session::builder(renewer)
    ///     .key(key)
    ///     .store(store)
    ///     .renew_in_foreground()
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn renew_in_foreground(mut self) -> Self {
        self.renews_in_foreground = true;
        self
    }

    /// How long the drop of the last handle waits for a renewal or a save under way; 10 seconds unless
    /// this says otherwise. Zero: not at all.
    ///
    /// So a program that leaves `main` keeps what the vendor has just issued. A
    /// [`BackgroundRefresh`](crate::BackgroundRefresh) counts as a handle. In a Tokio runtime no task
    /// is blocked: a thread of the runtime's pool waits, and a runtime that is dropped, as at the end
    /// of `#[tokio::main]`, waits for its pool. On other threads the drop itself waits, also in a task
    /// of another kind of runtime. Nothing waits after `std::process::exit`, for a handle in a
    /// `static`, or where a runtime ends by `shutdown_background`: await [`Session::settled`] there.
    pub fn wait_on_drop(mut self, limit: Duration) -> Self {
        self.wait_on_drop = limit;
        self
    }

    /// The hosts to which the headers may go, in place of those of the client.
    pub fn allowed_hosts(mut self, hosts: AllowedHosts) -> Self {
        self.allowed_hosts = hosts;
        self
    }

    /// How events name the session, in place of its account: a customer's number, for example. The
    /// account is cut out of the texts of errors in events, too.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.naming = Naming::Label(label.into());
        self
    }

    /// Has events show a hash in place of the account, which is an e-mail address mostly. The account
    /// is cut out of the texts of errors in events, too.
    ///
    /// The hash tells accounts apart and is the same in every process of a build. It is no secret to
    /// those who can guess the address: they can compute it.
    pub fn hash_account(mut self) -> Self {
        self.naming = Naming::Hashed;
        self
    }

    /// Builds the session. Needs no runtime. Sends nothing to the vendor.
    ///
    /// A token that has ended is kept for its refresh token.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if there is a store and the login names no account, if the
    /// login only names an account and there is no store, or if the token is of another account
    /// than the login. The vendor's error if the token cannot be put into headers.
    pub fn build(self) -> Result<Session<R>, R::Error> {
        let identity = Arc::new(self.identity());
        let persistence = self.persistence(&identity)?;
        let account = self.key.map(|key| key.account);
        let state = State::Absent;
        metrics::describe();
        let shared = Arc::new(Shared {
            current: ArcSwapOption::empty(),
            clock: self.clock,
            renewal_state: Mutex::new(RenewalState::new(persistence.is_some())),
            renewer: self.renewer,
            persistence,
            account,
            allowed_hosts: self.allowed_hosts,
            counted: Counted::new(identity.vendor, state.name()),
            states: watch::Sender::new(Announced { state, number: 0 }),
            identity,
            listeners: Listeners::default(),
            renews_in_foreground: self.renews_in_foreground,
            under_way: UnderWay::new(self.wait_on_drop),
        });
        let session = Session::of(Arc::clone(&shared));
        if let Some(token) = self.token {
            shared.start_with(token)?;
        }
        shared.watch_the_store();
        Ok(session)
    }

    fn identity(&self) -> Identity {
        let key = self.key.as_ref().or(self.store_key.as_ref());
        let of_token = self.token.as_ref().and_then(Token::account);
        let account = key.map(|key| key.account.as_str()).or(of_token);
        let scope = key.map_or("", |key| &key.scope);
        let naming = self.naming.clone();
        Identity::new(
            self.renewer.vendor(),
            account.unwrap_or_default(),
            scope,
            naming,
        )
    }

    fn persistence(&self, identity: &Arc<Identity>) -> Result<Option<Persistence>, Error> {
        let refused = |message| Err(Error::new(ErrorKind::InvalidConfig, message));
        let Some(store) = &self.store else {
            if self.needs_store {
                return refused("a stored login needs a store: set one by `store`");
            }
            return Ok(None);
        };
        let Some(key) = self.store_key.as_ref().or(self.key.as_ref()) else {
            return refused(
                "the login names no account under which the store could keep its token: name it, \
                 or choose a key by `store_as`",
            );
        };
        Ok(Some(Persistence {
            store: Arc::clone(store),
            key: key.clone(),
            renew_without_lease: self.renew_without_lease,
            saves: tokio::sync::Mutex::default(),
            clock: Arc::clone(&self.clock),
            identity: Arc::clone(identity),
        }))
    }
}

impl<R: Renew> fmt::Debug for SessionBuilder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionBuilder")
            .field("token", &self.token)
            .field("key", &self.key)
            .field("store", &self.store)
            .field("allowed_hosts", &self.allowed_hosts)
            .finish_non_exhaustive()
    }
}
