//! The vendor of the model: counts, refuses, rotates, loses answers, and knows what it has issued.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::store::{Shelf, pause};
use super::{Process, SimClock, broken, tell};
use crate::clock::Clock as _;
use crate::renew::{Reason, Renew};
use crate::simulation::Random;
use crate::{AuthHeaders, Error, ErrorKind, Expiry, Header, PasswordSource, Token};

/// What the vendor knows, and how it behaves.
pub(super) struct Vendor {
    clock: SimClock,
    /// Each log-in's chain of refresh tokens: the number of the one that is accepted.
    chains: Mutex<BTreeMap<u64, u64>>,
    issued: AtomicU64,
    revoked: Mutex<BTreeSet<u64>>,
    /// Whether a refresh token can be used once.
    rotates: bool,
    pub(super) lifetime: Duration,
    /// Whether it refuses nothing but spent refresh tokens, and loses no answer.
    pub(super) is_steady: bool,
    is_troubled: AtomicBool,
    /// An answer with a token was lost.
    has_lost_one: AtomicBool,
    /// How many calls of processes that share a store are under way.
    calls: AtomicUsize,
    /// How many processes have begun.
    pub(super) processes: AtomicUsize,
    pub(super) renewals: AtomicU64,
    pub(super) refusals: AtomicU64,
}

impl Vendor {
    pub(super) fn new(random: &Random, clock: &SimClock) -> Self {
        let lifetime = random.pick(&[1, 1_000, 15_000, 60_000, 600_000, 3_600_000]);
        Self {
            clock: clock.clone(),
            chains: Mutex::default(),
            issued: AtomicU64::default(),
            revoked: Mutex::default(),
            rotates: random.chance(70),
            lifetime: Duration::from_millis(lifetime),
            is_steady: random.chance(30),
            is_troubled: AtomicBool::new(random.chance(80)),
            has_lost_one: AtomicBool::default(),
            calls: AtomicUsize::default(),
            processes: AtomicUsize::default(),
            renewals: AtomicU64::default(),
            refusals: AtomicU64::default(),
        }
    }

    /// From now on it answers as documented.
    pub(super) fn recover(&self) {
        self.is_troubled.store(false, Ordering::Relaxed);
    }

    /// The token of a log-in.
    pub(super) fn log_in(&self, process: &Process) -> Token {
        let wants = process.wants.load(Ordering::Relaxed);
        process.log_in.store(wants, Ordering::Relaxed);
        self.issue(None, process, wants)
    }

    /// The next token of `chain`, or of a new one, asked for when `process` had so many wants.
    fn issue(&self, chain: Option<u64>, process: &Process, wants: u64) -> Token {
        let number = self.issued.fetch_add(1, Ordering::Relaxed) + 1;
        let chain = chain.unwrap_or(number);
        let refresh = if self.rotates { number } else { 0 };
        self.chains.lock().unwrap().insert(chain, refresh);
        let sent = self.clock.now().wall();
        Token::new(
            format!("{number} {} {wants}", process.number).into(),
            Expiry::after(sent, self.lifetime),
            sent,
        )
        .with_refresh(Some(format!("{chain} {refresh}").into()))
    }

    pub(super) fn has_one_process(&self) -> bool {
        self.processes.load(Ordering::Relaxed) == 1
    }

    /// Whether none of these tokens is valid here. Of short ones, and where clocks were set, sessions may
    /// think otherwise.
    pub(super) fn has_revoked(&self, tokens: &[u64]) -> bool {
        let is_unsure = self.lifetime < Duration::from_secs(60)
            || self.clock.wall_offset.load(Ordering::Relaxed) != 0;
        let revoked = self.revoked.lock().unwrap();
        is_unsure || tokens.iter().all(|token| revoked.contains(token))
    }

    /// The chain of a token, and whether its refresh token is accepted.
    fn chain(&self, token: &Token) -> Option<(u64, bool)> {
        let refresh = token.refresh()?.expose_secret();
        let (chain, number) = refresh.split_once(' ')?;
        let (chain, number) = (chain.parse().ok()?, number.parse::<u64>().ok()?);
        let is_accepted = self.chains.lock().unwrap().get(&chain) == Some(&number);
        Some((chain, is_accepted))
    }

    /// The chain of a token whose refresh token is accepted.
    fn accepts(&self, token: &Token) -> Option<u64> {
        let (chain, is_accepted) = self.chain(token)?;
        is_accepted.then_some(chain)
    }

    /// Whether the refresh token of `token` was used for a token whose answer was not lost.
    fn has_spent(&self, token: &Token) -> bool {
        let is_spent = self
            .chain(token)
            .is_some_and(|(_, is_accepted)| !is_accepted);
        is_spent && !self.has_lost_one.load(Ordering::Relaxed)
    }
}

/// The number of a token, the process for which it was issued, and how many wants that had.
fn parts(token: &Token) -> Vec<u64> {
    let access = token.access().expose_secret();
    access.split(' ').flat_map(str::parse).collect()
}

pub(super) fn number(token: &Token) -> u64 {
    parts(token).first().copied().unwrap_or_default()
}

/// How many wants `process` had when it asked for `token`; `None` if another one did.
pub(super) fn origin(token: &Token, process: &Process) -> Option<u64> {
    match *parts(token) {
        [_, issued_to, wants] if issued_to == process.number as u64 => Some(wants),
        _ => None,
    }
}

/// What goes wrong with a call, or what it answers in place of a token.
fn trouble(random: &Random) -> Option<Error> {
    let error = |kind| Some(Error::new(kind, "as the model asked"));
    match random.below(40) {
        0 | 1 => error(ErrorKind::Unavailable),
        2 => error(ErrorKind::RateLimited {
            retry_after: Some(Duration::from_secs(random.below(30))),
        }),
        3 => Some(
            Error::new(ErrorKind::Unavailable, "busy")
                .with_retry_after(Some(Duration::from_secs(9_999_999_999))),
        ),
        4 => Some(Error::new(ErrorKind::Protocol, "odd").with_http_status(200)),
        5 => error(ErrorKind::OutcomeUnknown),
        _ => None,
    }
}

/// One process's renewer.
pub(super) struct Renewer {
    pub(super) vendor: Arc<Vendor>,
    pub(super) process: Arc<Process>,
    pub(super) password: Option<PasswordSource<Error>>,
    pub(super) random: Random,
    /// `None`: another process may renew at the same time.
    pub(super) shelf: Option<Arc<Shelf>>,
}

/// Counts a call for as long as it is under way.
struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Renew for Renewer {
    type Error = Error;

    async fn renew(&self, known: Option<&Token>, _: Reason) -> Result<Token, Error> {
        let vendor = &self.vendor;
        if self.process.is_logged_out() {
            broken("there is no renewal after a log-out");
        }
        let wants = self.process.wants.load(Ordering::Relaxed);
        let origin = known.and_then(|known| origin(known, &self.process));
        let is_of_before = origin.is_some_and(|origin| self.process.has_left_since(origin));
        let is_sure = !self.process.looks_again.swap(false, Ordering::Relaxed)
            && self.shelf.as_ref().is_some_and(|shelf| shelf.never_fails)
            && vendor.has_one_process();
        if is_sure && is_of_before && !self.process.has_left_since(wants) {
            broken("what is asked for after a log-out starts from nothing of before");
        }
        let is_alone = self.shelf.as_ref().is_none_or(|shelf| shelf.never_fails)
            && (self.shelf.is_none() || vendor.has_one_process());
        if is_alone && known.is_some_and(|known| vendor.has_spent(known)) {
            broken("no renewed token is lost");
        }
        let calls = if self.shelf.is_none() {
            &self.process.calls
        } else {
            &vendor.calls
        };
        if calls.fetch_add(1, Ordering::Relaxed) != 0 {
            broken("one session at a time renews");
        }
        let _counted = Counted(calls);
        pause(&self.random, 3_000).await;
        let is_troubled = vendor.is_troubled.load(Ordering::Relaxed) && !vendor.is_steady;
        let panics = is_troubled && self.random.chance(1);
        assert!(!panics, "as the model asked");
        if let Some(error) = is_troubled.then(|| trouble(&self.random)).flatten() {
            if error.kind() == ErrorKind::OutcomeUnknown && self.random.chance(50) {
                // It had its effect.
                vendor.has_lost_one.store(true, Ordering::Relaxed);
                let chain = known.and_then(|known| vendor.accepts(known));
                drop(chain.map(|chain| vendor.issue(Some(chain), &self.process, wants)));
            }
            return Err(error);
        }
        let is_down = is_troubled && self.random.chance(3);
        let chain = known.and_then(|known| vendor.accepts(known));
        let token = match (chain.filter(|_| !is_down), &self.password) {
            (Some(chain), _) => vendor.issue(Some(chain), &self.process, wants),
            (None, Some(password)) => {
                password.get().await?;
                vendor.issue(None, &self.process, wants)
            }
            (None, None) => {
                vendor.refusals.fetch_add(1, Ordering::Relaxed);
                self.process.looks_again.store(true, Ordering::Relaxed);
                tell(&self.process, || "refused".to_owned());
                return Err(Error::new(ErrorKind::TokenRejected, "refused"));
            }
        };
        self.process.issued.fetch_add(1, Ordering::Relaxed);
        vendor.renewals.fetch_add(1, Ordering::Relaxed);
        tell(&self.process, || format!("{} issued", number(&token)));
        pause(&self.random, 500).await;
        if self.process.has_left_since(wants) {
            self.process.unwanted.lock().unwrap().push(number(&token));
        }
        Ok(token)
    }

    async fn revoke(&self, headers: &AuthHeaders) -> Result<(), Error> {
        let number = number(headers.token());
        self.vendor.revoked.lock().unwrap().insert(number);
        Ok(())
    }

    fn headers(&self, token: &Token) -> Result<Vec<Header>, Error> {
        let header = Header::new(http::header::AUTHORIZATION, token.access())?;
        Ok(vec![header])
    }
}
