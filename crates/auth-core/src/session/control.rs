//! The cold side of a session: who may begin a renewal, and what is remembered of the last one.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Shared;
use super::flight::{self, Lacks, Renewed};
use crate::auth_headers::AuthHeaders;
use crate::clock::Moment;
use crate::renew::{Reason, Renew};
use crate::retry::{exponential, quarter_jitter};
use crate::state::{State, StateReason};
use crate::store::Watch;
use crate::{AuthError, Error, ErrorKind, Token};

/// The first pause after a failed renewal.
const FIRST_BACK_OFF: Duration = Duration::from_secs(1);

/// The longest pause after failed renewals, unless the vendor asks for more.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(60);

/// Early renewals that fail are at least this part of the renewal window apart: a 90-day token
/// with a window of 30 days is tried once a day, a 10-hour token with one of an hour every 2
/// minutes.
const EARLY_TRIES: u32 = 30;

/// A token that is refused within this time of being adopted was refused young.
const YOUNG: Duration = Duration::from_secs(30);

/// How a flight tells its outcome to all who wait for it.
pub(super) type Landed<E> = Option<Result<AuthHeaders, E>>;

/// All that only renewing needs.
pub(super) struct Control<E> {
    /// The newest token known, valid or not: its refresh token gets the next one.
    pub(super) token: Option<Token>,
    /// The renewal under way.
    flight: Option<watch::Receiver<Landed<E>>>,
    failure: Option<Failure<E>>,
    failures: u32,
    /// The vendor refused the newest token.
    rejected: bool,
    /// How many tokens in a row were refused young.
    young: u32,
    adopted_at: Moment,
    /// Counts log-ins and log-outs: a renewal that began before one is dropped when it lands.
    pub(super) epoch: u64,
    /// The store holds a token that we have not seen yet, perhaps.
    pub(super) unread: bool,
    /// What the store refused to do for the newest token.
    pub(super) lacks: Lacks,
    /// The program wants no token, whatever others save.
    pub(super) is_logged_out: bool,
    /// Hears of what others save.
    pub(super) watch: Option<Watch>,
    /// How long before its end the present token is due, without the jitter.
    pub(super) window: Duration,
}

/// The last renewal's failure, for callers who come while it still counts.
struct Failure<E> {
    error: E,
    /// Monotonic; `None` until somebody logs in.
    until: Option<Duration>,
}

/// What a caller without a token gets.
pub(super) enum Entry<E> {
    Ready(AuthHeaders),
    Failed(E),
    Wait(watch::Receiver<Landed<E>>),
}

impl<E: AuthError> Control<E> {
    pub(super) fn new(unread: bool) -> Self {
        Self {
            token: None,
            flight: None,
            failure: None,
            failures: 0,
            rejected: false,
            young: 0,
            adopted_at: Moment::new(std::time::UNIX_EPOCH, Duration::ZERO),
            epoch: 0,
            unread,
            lacks: Lacks::default(),
            is_logged_out: false,
            watch: None,
            window: Duration::ZERO,
        }
    }

    /// The renewal under way, to wait for.
    pub(super) fn flying(&self) -> Option<watch::Receiver<Landed<E>>> {
        self.flight
            .clone()
            .filter(|flight| flight.has_changed().is_ok())
    }

    fn reason(&self) -> Reason {
        match &self.token {
            None => Reason::Missing,
            Some(_) if self.rejected => Reason::Rejected,
            Some(_) => Reason::Expired,
        }
    }

    /// A token has become the present one.
    pub(super) fn installed(&mut self, now: Moment) {
        self.failure = None;
        self.failures = 0;
        self.rejected = false;
        self.adopted_at = now;
    }

    /// Somebody logged in or out: nothing from before counts.
    pub(super) fn begin_anew(&mut self) {
        self.forget_failure();
        self.epoch += 1;
        self.unread = false;
        self.lacks = Lacks::default();
        self.is_logged_out = false;
    }

    /// Only a log-in ends this failure.
    pub(super) fn remember_for_good(&mut self, error: E) {
        self.failure = Some(Failure { error, until: None });
    }

    fn forget_failure(&mut self) {
        self.failure = None;
        self.failures = 0;
        self.young = 0;
    }

    /// Remembers `error` and says how long until the next try; `None` for never.
    fn fail(&mut self, error: &E, now: Moment) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        let pause = error.kind().is_transient().then(|| {
            let back_off = exponential(FIRST_BACK_OFF, LONGEST_BACK_OFF, self.failures);
            quarter_jitter(back_off).max(error.retry_after().unwrap_or_default())
        });
        let until = pause.map(|pause| now.monotonic().saturating_add(pause));
        self.failure = Some(Failure {
            error: error.clone(),
            until,
        });
        pause
    }

    fn remembered(&self, now: Moment) -> Option<&E> {
        let failure = self.failure.as_ref()?;
        let holds = failure.until.is_none_or(|until| now.monotonic() < until);
        holds.then_some(&failure.error)
    }
}

impl<R: Renew> Shared<R> {
    /// What a caller gets: the valid auth_headers, the failure that still counts, or a place among
    /// those who wait for the one renewal, which begins here if there is none.
    pub(super) fn enter(self: &Arc<Self>) -> Entry<R::Error> {
        let mut control = self.control();
        let now = self.clock.now();
        if let Some(auth_headers) = self.valid(now) {
            drop(control);
            self.renew_early(now);
            return Entry::Ready(auth_headers);
        }
        if let Some(flight) = control.flying() {
            return Entry::Wait(flight);
        }
        if let Some(error) = control.remembered(now) {
            return Entry::Failed(error.clone());
        }
        let reason = control.reason();
        self.launch(&mut control, reason)
    }

    /// A renewal although the token is valid or a failure is remembered. Joins the one under way.
    pub(super) fn request(self: &Arc<Self>) -> Entry<R::Error> {
        let mut control = self.control();
        control.forget_failure();
        match control.flying() {
            Some(flight) => Entry::Wait(flight),
            None => self.launch(&mut control, Reason::Requested),
        }
    }

    /// Begins the renewal that is due before the token's end, if nobody has.
    pub(super) fn renew_early(self: &Arc<Self>, now: Moment) {
        let mut control = self.control();
        let Some(current) = self.current.load_full() else {
            return;
        };
        if current.is_fresh(now) {
            return;
        }
        // Until this renewal has landed, nothing is due before the end: others stay on the hot
        // path.
        current.renew_before_the_end(Duration::ZERO);
        if control.flying().is_some() {
            return;
        }
        match control.failure.as_ref().map(|failure| failure.until) {
            // Only a log-in helps; the token is good until it ends.
            Some(None) => {}
            Some(Some(until)) if now.monotonic() < until => {
                current.renew_after(now, until.saturating_sub(now.monotonic()));
            }
            _ => {
                let _ = self.launch(&mut control, Reason::Expiring);
            }
        }
    }

    fn launch(
        self: &Arc<Self>,
        control: &mut Control<R::Error>,
        reason: Reason,
    ) -> Entry<R::Error> {
        let (landing, flight) = watch::channel(None);
        // This token, and not whatever is there when the task begins: what another session has
        // saved meanwhile must count as its renewal.
        let known = control.token.clone();
        let task = flight::fly(Arc::clone(self), reason, known, control.epoch, landing);
        match crate::background::spawn(task) {
            Ok(_) => {
                control.flight = Some(flight.clone());
                self.announce(control);
                Entry::Wait(flight)
            }
            Err(error) => {
                let error = R::Error::from(error);
                self.note_failure(control, &error);
                Entry::Failed(error)
            }
        }
    }

    /// Ends a flight: its token becomes the present one, or its failure is remembered.
    pub(super) fn land(
        &self,
        epoch: u64,
        outcome: Result<Renewed, R::Error>,
    ) -> Result<AuthHeaders, R::Error> {
        let mut control = self.control();
        control.flight = None;
        let landed = if control.epoch == epoch {
            outcome.and_then(|renewed| {
                let auth_headers = self.install(&mut control, renewed.token)?;
                control.lacks = renewed.lacks;
                Ok(auth_headers)
            })
        } else {
            // Somebody logged in or out meanwhile, and that is what counts.
            match (self.valid(self.clock.now()), &control.failure) {
                (Some(auth_headers), _) => Ok(auth_headers),
                (None, Some(failure)) => Err(failure.error.clone()),
                (None, None) => outcome.and_then(|_| {
                    let message = "the renewal was overtaken by another log-in";
                    Err(Error::new(ErrorKind::Unavailable, message).into())
                }),
            }
        };
        if let (Err(error), true) = (&landed, control.epoch == epoch) {
            self.note_failure(&mut control, error);
        }
        self.announce(&control);
        landed
    }

    /// Remembers a failed renewal. A valid token stays.
    fn note_failure(&self, control: &mut Control<R::Error>, error: &R::Error) {
        let now = self.clock.now();
        let pause = control.fail(error, now);
        tracing::warn!(kind = %error.kind(), %error, "renewal failed");
        if let (Some(current), Some(pause)) = (self.current.load_full(), pause) {
            current.renew_after(now, pause.max(control.window / EARLY_TRIES));
        }
    }

    pub(super) fn invalidate(&self, auth_headers: &AuthHeaders) {
        let mut control = self.control();
        let Some(current) = self.current.load_full().map(AuthHeaders) else {
            return;
        };
        if !current.is_the_same_as(auth_headers) {
            return;
        }
        self.current.store(None);
        control.rejected = true;
        let now = self.clock.now();
        let age = now
            .monotonic()
            .saturating_sub(control.adopted_at.monotonic());
        control.young = if age < YOUNG {
            control.young.saturating_add(1)
        } else {
            0
        };
        if control.young > 1 {
            let message = "the vendor refuses the tokens that it has just issued";
            let error = R::Error::from(Error::new(ErrorKind::Unavailable, message));
            control.failures = control.young - 2;
            control.fail(&error, now);
        }
        self.announce(&control);
    }

    /// How long until a renewal is due, for whoever wants to begin it then; `None` if that does
    /// not depend on the time.
    pub(super) fn due_in(&self, now: Moment) -> Option<Duration> {
        let control = self.control();
        match (
            self.current.load_full().filter(|it| it.is_valid(now)),
            &control.failure,
        ) {
            (Some(current), _) => current.due_in(now),
            (None, None) => Some(Duration::ZERO),
            (None, Some(failure)) => failure
                .until
                .map(|until| until.saturating_sub(now.monotonic())),
        }
    }

    pub(super) fn state(&self, control: &Control<R::Error>, now: Moment) -> State {
        if control.flying().is_some() {
            return State::Renewing;
        }
        match &control.failure {
            Some(failure) if failure.until.is_none() => State::LoginRequired {
                reason: StateReason::of(&failure.error),
            },
            Some(failure) => {
                let valid = self.valid(now);
                let left = |until: Duration| until.saturating_sub(now.monotonic());
                State::Failing {
                    reason: StateReason::of(&failure.error),
                    retry_after: match &valid {
                        Some(headers) => headers.0.due_in(now),
                        None => failure.until.map(left),
                    }
                    .unwrap_or_default(),
                    token_is_valid: valid.is_some(),
                }
            }
            None if self.valid(now).is_none() => State::Absent,
            None => control.lacks.state(),
        }
    }

    /// Tells the watchers, if the state has changed.
    pub(super) fn announce(&self, control: &Control<R::Error>) {
        let state = self.state(control, self.clock.now());
        self.states.send_if_modified(|known| {
            let changed = *known != state;
            if changed {
                tracing::debug!(?state, "session");
                *known = state;
            }
            changed
        });
    }
}
