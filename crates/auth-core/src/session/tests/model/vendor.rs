//! The vendor of the model: counts, refuses, rotates, loses answers, and knows what it has issued.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::store::pause;
use super::{Process, SimClock, broken};
use crate::clock::Clock as _;
use crate::renew::{Reason, Renew};
use crate::simulation::Random;
use crate::{Error, ErrorKind, Expiry, Header, PasswordSource, Token};

/// What the vendor knows, and how it behaves.
pub(super) struct Vendor {
    clock: SimClock,
    /// Each log-in's chain of refresh tokens: the number of the one that is accepted.
    chains: Mutex<BTreeMap<u64, u64>>,
    issued: AtomicU64,
    /// Whether a refresh token can be used once.
    rotates: bool,
    pub(super) lifetime: Duration,
    /// Whether it refuses nothing but spent refresh tokens, and loses no answer.
    pub(super) is_steady: bool,
    is_troubled: AtomicBool,
    /// How many calls of processes that share a store are under way.
    calls: AtomicUsize,
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
            rotates: random.chance(70),
            lifetime: Duration::from_millis(lifetime),
            is_steady: random.chance(30),
            is_troubled: AtomicBool::new(random.chance(80)),
            calls: AtomicUsize::default(),
            renewals: AtomicU64::default(),
            refusals: AtomicU64::default(),
        }
    }

    /// From now on it answers as documented.
    pub(super) fn recover(&self) {
        self.is_troubled.store(false, Ordering::Relaxed);
    }

    /// The token of a log-in.
    pub(super) fn log_in(&self) -> Token {
        let chain = self.issued.load(Ordering::Relaxed) + 1;
        self.issue(chain)
    }

    fn issue(&self, chain: u64) -> Token {
        let number = self.issued.fetch_add(1, Ordering::Relaxed) + 1;
        let refresh = if self.rotates { number } else { 0 };
        self.chains.lock().unwrap().insert(chain, refresh);
        let sent = self.clock.now().wall();
        Token::new(
            format!("access-{number}").into(),
            Expiry::after(sent, self.lifetime),
            sent,
        )
        .with_refresh(Some(format!("{chain} {refresh}").into()))
    }

    /// The chain of a token whose refresh token is accepted.
    pub(super) fn accepts(&self, token: &Token) -> Option<u64> {
        let refresh = token.refresh()?.expose_secret();
        let (chain, number) = refresh.split_once(' ')?;
        let (chain, number) = (chain.parse().ok()?, number.parse::<u64>().ok()?);
        (self.chains.lock().unwrap().get(&chain) == Some(&number)).then_some(chain)
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
    /// Whether another process may renew at the same time: there is no lease.
    pub(super) is_alone: bool,
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
        let calls = if self.is_alone {
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
                if let Some(chain) = known.and_then(|known| vendor.accepts(known)) {
                    drop(vendor.issue(chain));
                }
            }
            return Err(error);
        }
        let is_down = is_troubled && self.random.chance(3);
        let chain = known.and_then(|known| vendor.accepts(known));
        let token = match (chain.filter(|_| !is_down), &self.password) {
            (Some(chain), _) => vendor.issue(chain),
            (None, Some(password)) => {
                password.get().await?;
                vendor.log_in()
            }
            (None, None) => {
                vendor.refusals.fetch_add(1, Ordering::Relaxed);
                return Err(Error::new(ErrorKind::TokenRejected, "refused"));
            }
        };
        self.process.issued.fetch_add(1, Ordering::Relaxed);
        vendor.renewals.fetch_add(1, Ordering::Relaxed);
        pause(&self.random, 500).await;
        Ok(token)
    }

    fn headers(&self, token: &Token) -> Result<Vec<Header>, Error> {
        let header = Header::new(http::header::AUTHORIZATION, token.access())?;
        Ok(vec![header])
    }
}
