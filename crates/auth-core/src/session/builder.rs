//! What a session is made of.

use std::fmt;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwapOption;
use tokio::sync::watch;

use super::control::Control;
use super::flight::Place;
use super::{Session, Shared};
use crate::clock::{Clock, SystemClock};
use crate::renew::Renew;
use crate::state::State;
use crate::store::{StoreKey, TokenStore};
use crate::{AllowedHosts, Token};

/// What a session is made of; vendor crates begin it.
pub struct SessionBuilder<R: Renew> {
    renewer: R,
    token: Option<Token>,
    clock: Arc<dyn Clock>,
    store: Option<(Arc<dyn TokenStore>, StoreKey)>,
    renew_without_lease: bool,
    hosts: AllowedHosts,
}

impl<R: Renew> SessionBuilder<R> {
    pub(super) fn new(renewer: R) -> Self {
        Self {
            renewer,
            token: None,
            clock: Arc::new(SystemClock),
            store: None,
            renew_without_lease: false,
            hosts: AllowedHosts::default(),
        }
    }

    /// Starts with `token`; without one, the first caller gets one from the store or the vendor.
    ///
    /// It is not put into the store: [`Session::set_token`] does that.
    pub fn token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// Where the time comes from.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Loads the token from `store` and saves every new one there, under `key`.
    pub fn store(mut self, store: Arc<dyn TokenStore>, key: StoreKey) -> Self {
        self.store = Some((store, key));
        self
    }

    /// Lets the session renew a token that has ended although the store gives no lease, because
    /// its server is down, say.
    ///
    /// Without this, callers get the store's error then. With it, several workers may renew at
    /// once: choose it only for a vendor that lets them, or where a password mends what went
    /// wrong. The state tells: [`State::RenewedWithoutLease`]. A token that is still valid is never renewed
    /// without the lease.
    pub fn renew_without_lease(mut self) -> Self {
        self.renew_without_lease = true;
        self
    }

    /// The hosts to which the headers may go, in place of those set before; none by default.
    pub fn hosts(mut self, hosts: AllowedHosts) -> Self {
        self.hosts = hosts;
        self
    }

    /// The hosts that were set, to add to them.
    pub fn hosts_in_use(&self) -> &AllowedHosts {
        &self.hosts
    }

    /// Builds the session. Needs no runtime and sends nothing.
    ///
    /// A token that has ended is kept for its refresh token.
    ///
    /// # Errors
    ///
    /// The vendor's error if the token cannot be put into headers.
    pub fn build(self) -> Result<Session<R>, R::Error> {
        let renew_without_lease = self.renew_without_lease;
        let place = self.store.map(|(store, key)| Place {
            store,
            key,
            renew_without_lease,
        });
        let shared = Arc::new(Shared {
            current: ArcSwapOption::empty(),
            clock: self.clock,
            control: Mutex::new(Control::new(place.is_some())),
            renewer: self.renewer,
            place,
            hosts: self.hosts,
            states: watch::Sender::new(State::Absent),
        });
        if let Some(token) = self.token {
            shared.start_with(token)?;
        }
        shared.watch_the_store();
        Ok(Session { shared })
    }
}

impl<R: Renew> fmt::Debug for SessionBuilder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionBuilder")
            .field("token", &self.token)
            .field("store", &self.store)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}
