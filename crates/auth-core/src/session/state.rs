//! What renewing needs to know, behind the session's one lock.

use std::time::{Duration, UNIX_EPOCH};

use tokio::sync::watch;

use super::Shared;
use super::backoff::Backoff;
use super::store::StoreFailures;
use crate::auth_headers::AuthHeaders;
use crate::background;
use crate::clock::Moment;
use crate::renew::{Reason, Renew};
use crate::state::{State, StateReason};
use crate::store::Watch;
use crate::{AuthError, Token};

/// How often callers without a token have the store read while only a log-in helps.
const LOOK_ON_A_CALL: Duration = Duration::from_secs(1);

/// The same for background refresh.
const LOOK_IN_BACKGROUND: Duration = Duration::from_secs(10);

/// The same while the present token is still valid.
const LOOK_WHILE_VALID: Duration = Duration::from_secs(60);

/// How a renewal tells its outcome to all who wait for it; `None` while it is under way.
pub(super) type Outcome<E> = Option<Result<AuthHeaders, E>>;

/// A renewal under way, to wait for.
pub(super) type Renewing<E> = watch::Receiver<Outcome<E>>;

/// What renewals must know of a log-out.
pub(super) struct LogOut {
    pub(super) epoch: u64,
    /// Closed once nothing of before is in the store.
    pub(super) deletion: watch::Receiver<()>,
}

/// All that only renewing needs.
pub(super) struct RenewalState<E> {
    /// The newest token known, valid or not: its refresh token gets the next one.
    pub(super) token: Option<Token>,
    /// The renewal under way.
    pub(super) renewal: Option<Renewing<E>>,
    /// The process in which it runs: a child made by `fork()` inherits the record of it alone.
    pub(super) renewal_process: u32,
    pub(super) backoff: Backoff<E>,
    /// The vendor rejected the newest token.
    pub(super) is_rejected: bool,
    /// When the newest token became the present one.
    pub(super) installed_at: Moment,
    /// When the store was last read because only a log-in elsewhere can help.
    pub(super) looked_at: Moment,
    /// How long before its end the present token is due, without the jitter.
    pub(super) window: Duration,
    /// Counts log-ins and log-outs: a renewal that began before one is dropped when it finishes.
    pub(super) epoch: u64,
    /// The program wants no token, whatever others save.
    pub(super) is_logged_out: bool,
    /// The store may hold a newer token, which this session has not read yet.
    pub(super) may_have_newer: bool,
    /// What the store failed to do for the newest token.
    pub(super) store_failures: StoreFailures,
    /// Keeps the store's watch alive.
    pub(super) watch: Option<Watch>,
    /// The last log-out.
    pub(super) log_out: Option<LogOut>,
    /// The headers of a token that was issued while the program logged out.
    pub(super) left_over: Option<AuthHeaders>,
    /// Counts what was announced to watchers.
    pub(super) announcements: u64,
}

impl<E: AuthError> RenewalState<E> {
    pub(super) fn new(may_have_newer: bool) -> Self {
        Self {
            token: None,
            renewal: None,
            renewal_process: 0,
            backoff: Backoff::new(),
            is_rejected: false,
            installed_at: Moment::new(UNIX_EPOCH, Duration::ZERO),
            looked_at: Moment::new(UNIX_EPOCH, Duration::ZERO),
            window: Duration::ZERO,
            epoch: 0,
            is_logged_out: false,
            may_have_newer,
            store_failures: StoreFailures::default(),
            watch: None,
            log_out: None,
            left_over: None,
            announcements: 0,
        }
    }

    /// The renewal under way, to wait for. One whose task was dropped, or runs in the process from
    /// which this one was forked, has ended.
    pub(super) fn under_way(&self) -> Option<Renewing<E>> {
        let renewal = self.renewal.clone();
        renewal.filter(|renewal| {
            renewal.has_changed().is_ok() && self.renewal_process == std::process::id()
        })
    }

    /// Whether a renewal is under way. Beside a failure that stays, its task only looks into the
    /// store, and tells nothing if it finds nothing.
    pub(super) fn is_renewing(&self) -> bool {
        self.under_way().is_some() && !self.backoff.is_final()
    }

    /// Whether the newest token is of a later generation than `token`, which must not take its
    /// place. The one rule of which token counts, wherever it comes from. Only a log-in begins anew.
    pub(super) fn supersedes(&self, token: &Token) -> bool {
        let known = self.token.as_ref();
        known.is_some_and(|known| known.generation() > token.generation())
    }

    /// Remembers what a renewal of `epoch` brings, unless a log-in or a log-out came since.
    pub(super) fn remember(&mut self, token: &Token, epoch: u64) {
        if self.epoch == epoch && !self.supersedes(token) {
            self.token = Some(token.clone());
            self.store_failures = StoreFailures::default();
        }
    }

    /// Counts a log-in's token, if it is still the newest one. It may have been counted meanwhile,
    /// by another save or after what was deleted since: a generation never goes back.
    pub(super) fn count(&mut self, token: &Token, epoch: u64, generation: u64) -> Option<Token> {
        let known = self.token.clone().filter(|_| self.epoch == epoch);
        let known = known.filter(|known| known.has_same_access(token))?;
        let generation = generation.max(known.generation());
        let counted = known.with_generation(generation);
        self.token = Some(counted.clone());
        Some(counted)
    }

    /// What a renewal of `epoch` waits for: the last log-out's deletion. A log-out waits itself for a
    /// renewal of before.
    pub(super) fn deletion(&self, epoch: u64) -> Option<watch::Receiver<()>> {
        let log_out = self.log_out.as_ref();
        let log_out = log_out.filter(|log_out| epoch >= log_out.epoch)?;
        Some(log_out.deletion.clone())
    }

    /// Whether a log-out came after `epoch` began.
    pub(super) fn was_logged_out_since(&self, epoch: u64) -> bool {
        let log_out = self.log_out.as_ref();
        log_out.is_some_and(|log_out| epoch < log_out.epoch)
    }

    /// Whether `token` is still the newest one.
    pub(super) fn holds(&self, token: &Token) -> bool {
        let known = self.token.as_ref();
        known.is_some_and(|known| known.has_same_access(token))
    }

    /// The generation of `token` by now, if it is still the newest one.
    pub(super) fn generation_of(&self, token: &Token) -> u64 {
        let known = self.token.as_ref();
        let known = known.filter(|known| known.has_same_access(token));
        known.map_or(0, Token::generation)
    }

    fn since_look(&self, now: Moment) -> Duration {
        let looked_at = self.looked_at.monotonic();
        now.monotonic().saturating_sub(looked_at)
    }

    pub(super) fn reason(&self) -> Reason {
        match &self.token {
            None => Reason::Missing,
            Some(_) if self.is_rejected => Reason::Rejected,
            Some(_) => Reason::Expired,
        }
    }

    /// A token has become the present one.
    pub(super) fn installed(&mut self, now: Moment) {
        self.backoff.succeeded();
        self.is_rejected = false;
        self.installed_at = now;
    }

    /// A log-in or a log-out: nothing from before counts.
    pub(super) fn start_over(&mut self) {
        self.backoff.reset();
        self.epoch += 1;
        self.may_have_newer = false;
        self.store_failures = StoreFailures::default();
        self.is_logged_out = false;
    }
}

/// Waits for the outcome of the renewal under way.
pub(super) async fn wait<E: AuthError>(mut renewal: Renewing<E>) -> Result<AuthHeaders, E> {
    let outcome = renewal.wait_for(Option::is_some).await.ok();
    // Every renewal that began finishes, even one that panics.
    outcome
        .and_then(|outcome| outcome.clone())
        .unwrap_or_else(|| Err(background::lost().into()))
}

impl<R: Renew> Shared<R> {
    /// How long until a renewal is due, for background refresh; `None` if that does not depend on
    /// the time.
    pub(super) fn due_in(&self, now: Moment) -> Option<Duration> {
        let state = self.lock();
        match (self.valid(now), state.backoff.last()) {
            (Some(headers), _) => headers.0.due_in(now),
            (None, None) => Some(Duration::ZERO),
            (None, Some(failure)) => failure.left(now).or_else(|| {
                let is_wanted = self.can_look(&state);
                is_wanted.then(|| LOOK_IN_BACKGROUND.saturating_sub(state.since_look(now)))
            }),
        }
    }

    /// Whether another process's log-in would help, and can be seen in the store.
    fn can_look(&self, state: &RenewalState<R::Error>) -> bool {
        self.persistence.is_some() && state.backoff.is_final() && !state.is_logged_out
    }

    /// Whether a caller without a token has the store read.
    pub(super) fn may_look(&self, state: &RenewalState<R::Error>, now: Moment) -> bool {
        self.can_look(state) && state.since_look(now) >= LOOK_ON_A_CALL
    }

    /// While a token is valid and only a log-in gets the next one: has the store read in a while.
    /// Returns whether there is anything to look for.
    pub(super) fn look_later(&self, state: &RenewalState<R::Error>, now: Moment) -> bool {
        let can_look = self.can_look(state);
        if let Some(current) = self.present().filter(|_| can_look) {
            current.renew_after(now, LOOK_WHILE_VALID);
        }
        can_look
    }

    pub(super) fn state(&self, state: &RenewalState<R::Error>, now: Moment) -> State {
        if state.is_renewing() {
            return State::Renewing;
        }
        let valid = self.valid(now);
        match state.backoff.last() {
            Some(failure) if failure.until.is_none() => State::LoginRequired {
                reason: StateReason::of(&failure.error),
            },
            Some(failure) => State::Failing {
                reason: StateReason::of(&failure.error),
                retry_after: match &valid {
                    Some(headers) => headers.0.due_in(now),
                    None => failure.left(now),
                }
                .unwrap_or_default(),
                token_is_valid: valid.is_some(),
            },
            None if valid.is_none() => State::Absent,
            None => state.store_failures.state(),
        }
    }
}
