//! What a session tells the subscriber. Every event and span says whose session it is, by the same
//! fields; `docs/observability.md` has them all.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::Hasher as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::progress::Progress;
use crate::renew::Reason;
use crate::session::metrics;
use crate::state::{State, StateReason};
use crate::{Fingerprint, Redactor};

/// An event of the session of an [`Identity`].
macro_rules! tell {
    ($level:ident, $identity:expr, $message:literal $(, $($field:tt)+)?) => {{
        let identity = &*$identity;
        tracing::$level!(
            target: "auth_core::session",
            vendor = identity.vendor,
            account = identity.account.as_str(),
            scope = identity.scope.as_str(),
            token = %identity.token(),
            $($($field)+ ,)?
            $message
        );
    }};
}

/// A span of the session of an [`Identity`], below no other: what it is about serves many callers.
macro_rules! session_span {
    ($identity:expr, $name:literal $(, $($field:tt)+)?) => {{
        let identity = &*$identity;
        tracing::info_span!(
            target: "auth_core::session",
            parent: None,
            $name,
            vendor = identity.vendor,
            account = identity.account.as_str(),
            scope = identity.scope.as_str(),
            token = %identity.token(),
            $($($field)+ ,)?
        )
    }};
}

pub(super) use {session_span, tell};

/// Whose session it is, as events and metrics name it.
pub(super) struct Identity {
    pub(super) vendor: &'static str,
    /// The account, or what stands in its place.
    pub(super) account: String,
    pub(super) scope: String,
    /// Cuts the account out of texts, where something else stands in its place.
    redactor: Redactor,
    /// Of the newest token; [`NO_TOKEN`] without one.
    token: AtomicU64,
}

/// More than any fingerprint.
const NO_TOKEN: u64 = u64::MAX;

/// Shorter accounts are not looked for in texts.
const SHORTEST_HIDDEN: usize = 4;

/// How events name the account.
#[derive(Clone, Debug, Default)]
pub(super) enum Naming {
    #[default]
    AsItIs,
    Hashed,
    Label(String),
}

/// The fingerprint of a session's token, as events show it.
pub(super) struct Shown(Option<Fingerprint>);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(token) => token.fmt(f),
            None => f.write_str("none"),
        }
    }
}

impl Identity {
    pub(super) fn new(vendor: &'static str, account: &str, scope: &str, naming: Naming) -> Self {
        let mut redactor = Redactor::new();
        // A shorter one may be part of any word.
        if !matches!(naming, Naming::AsItIs) && account.chars().count() >= SHORTEST_HIDDEN {
            redactor.add(&account.into());
        }
        Self {
            vendor,
            account: match naming {
                Naming::AsItIs => account.to_owned(),
                Naming::Hashed if account.is_empty() => String::new(),
                Naming::Hashed => hashed(account),
                Naming::Label(label) => label,
            },
            scope: scope.to_owned(),
            redactor,
            token: AtomicU64::new(NO_TOKEN),
        }
    }

    pub(super) fn token(&self) -> Shown {
        let token = u32::try_from(self.token.load(Ordering::Relaxed));
        Shown(token.ok().map(Fingerprint))
    }

    pub(super) fn set_token(&self, token: Option<Fingerprint>) {
        let token = token.map_or(NO_TOKEN, |token| token.0.into());
        self.token.store(token, Ordering::Relaxed);
    }

    /// `text` for an event.
    pub(super) fn shown(&self, text: &impl ToString) -> String {
        self.redactor.redact(&text.to_string())
    }

    /// Tells of what has happened to the session.
    pub(super) fn tell(&self, event: &Event) {
        match event {
            Event::Ended(renewal) => self.tell_ended(renewal),
            Event::TakenOver => tell!(debug, self, "another session has renewed"),
            Event::NotSaved(why) => tell!(
                warn,
                self,
                "not saved",
                kind = why.kind().name(),
                cause = self.shown(why).as_str()
            ),
            Event::Refused { late } => {
                metrics::refusal(self.vendor, *late);
                tell!(debug, self, "the vendor refused the token", late = *late);
            }
        }
    }

    fn tell_ended(&self, renewal: &Renewal) {
        let Renewal {
            reason,
            took,
            progress,
            outcome,
        } = renewal;
        metrics::renewal(self.vendor, *reason, outcome.name(), *took);
        let (reason, duration_ms) = (reason.name(), millis(*took));
        let attempts = progress.attempts;
        match outcome {
            Outcome::Renewed { lasts } => tell!(
                info,
                self,
                "renewed",
                reason,
                expires_in = lasts.map(|lasts| lasts.as_secs()),
                duration_ms,
                attempts
            ),
            Outcome::TakenOver => tell!(debug, self, "taken over", reason, duration_ms, attempts),
            Outcome::Overtaken => tell!(debug, self, "overtaken", reason, duration_ms, attempts),
            Outcome::Failed { why, next } => tell!(
                warn,
                self,
                "renewal failed",
                reason,
                operation = progress.operation,
                host = progress.host.as_deref().unwrap_or_default(),
                kind = why.kind().name(),
                cause = self.shown(why).as_str(),
                retry_in_ms = next.map(millis),
                duration_ms,
                attempts
            ),
        }
    }

    pub(super) fn tell_state(&self, state: &State) {
        tell!(
            debug,
            self,
            "state",
            state = state.name(),
            words = self.shown(state).as_str()
        );
    }
}

/// What the subscriber hears, and metrics count, once the session's lock is given back.
pub(super) enum Event {
    /// A renewal.
    Ended(Renewal),
    /// The store told of a token that another session has saved.
    TakenOver,
    NotSaved(StateReason),
    /// `late`: the token was replaced already.
    Refused {
        late: bool,
    },
}

/// A renewal that has ended.
pub(super) struct Renewal {
    pub(super) reason: Reason,
    pub(super) took: Duration,
    pub(super) progress: Progress,
    pub(super) outcome: Outcome,
}

/// What a renewal came to.
pub(super) enum Outcome {
    /// A new token, and how long it lasts; `None`: for ever.
    Renewed { lasts: Option<Duration> },
    /// Another session's token.
    TakenOver,
    /// A log-in or a log-out came first.
    Overtaken,
    /// Nothing; `next` is the pause before the next attempt, `None` if only a log-in helps.
    Failed {
        why: StateReason,
        next: Option<Duration>,
    },
}

impl Outcome {
    fn name(&self) -> &'static str {
        match self {
            Self::Renewed { .. } => "renewed",
            Self::TakenOver => "taken_over",
            Self::Overtaken => "overtaken",
            Self::Failed { why, .. } => why.kind().name(),
        }
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Sixteen hexadecimal digits in the place of an account: the same in every process of a build.
fn hashed(account: &str) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(account.as_bytes());
    format!("#{:016x}", hasher.finish())
}
