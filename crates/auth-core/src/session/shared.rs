//! What the handles of one session share.

use std::fmt;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwapOption;
use tokio::sync::watch;

use super::Session;
use super::events::Identity;
use super::listeners::Listeners;
use super::metrics::Counted;
use super::settle::UnderWay;
use super::state::RenewalState;
use super::store::Persistence;
use crate::auth_headers::{AuthHeaders, Current};
use crate::clock::{Clock, Moment};
use crate::renew::Renew;
use crate::state::{Announced, State};
use crate::{AllowedHosts, Expiry};

/// What the handles of one session share.
pub(crate) struct Shared<R: Renew> {
    /// What callers get; `None` while there is no token, or the vendor rejected it.
    pub(super) current: ArcSwapOption<Current>,
    pub(super) clock: Arc<dyn Clock>,
    /// Everything that only renewing needs. Locked by `Shared::lock` alone.
    pub(super) renewal_state: Mutex<RenewalState<R::Error>>,
    pub(super) renewer: R,
    pub(super) persistence: Option<Persistence>,
    /// Whose token it is, where the program has said so.
    pub(super) account: Option<String>,
    pub(super) allowed_hosts: AllowedHosts,
    pub(super) states: watch::Sender<Announced>,
    /// Whose session it is, in events and metrics.
    pub(super) identity: Arc<Identity>,
    pub(super) counted: Counted,
    pub(super) listeners: Listeners,
    /// Whether callers wait for a renewal that is due, although their token is valid.
    pub(super) renews_in_foreground: bool,
    pub(super) under_way: UnderWay,
}

impl<R: Renew> Shared<R> {
    /// What callers get at present. For the cold paths, and in one place, so that the load is
    /// inlined where it is hot.
    #[inline(never)]
    pub(super) fn present(&self) -> Option<Arc<Current>> {
        self.current.load_full()
    }

    pub(super) fn present_state(&self) -> State {
        let state = self.lock();
        self.state(&state, state.now)
    }

    /// The present headers, if their token is valid.
    pub(super) fn valid(&self, now: Moment) -> Option<AuthHeaders> {
        self.present()
            .filter(|current| current.is_valid(now))
            .map(AuthHeaders)
    }
}

impl<R: Renew> Session<R> {
    /// When the present token ends; `None` without one.
    pub fn expiry(&self) -> Option<Expiry> {
        let current = self.shared.present();
        current.map(|current| current.token().expiry())
    }

    /// The hosts to which the headers may go.
    pub fn allowed_hosts(&self) -> &AllowedHosts {
        &self.shared.allowed_hosts
    }

    /// What renews this session.
    pub fn renewer(&self) -> &R {
        &self.shared.renewer
    }
}

impl<R: Renew> fmt::Debug for Session<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.shared.present();
        f.debug_struct("Session")
            .field("state", &self.state())
            .field("token", &token.map(|token| token.token().fingerprint()))
            .finish_non_exhaustive()
    }
}
