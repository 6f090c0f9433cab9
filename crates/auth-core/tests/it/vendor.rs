//! A vendor that does as it is told, and counts.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::{
    AuthHeaders, Clock, Error, ErrorKind, Expiry, ExposeSecret as _, Header, Reason, Refusal,
    Renew, Session, SessionBuilder, State, Token,
};
use auth_sandbox::SandboxClock;
use tokio::sync::Semaphore;

/// How long the vendor's tokens live, unless told otherwise.
pub(crate) const LIFETIME: Duration = Duration::from_secs(36_000);

#[derive(Clone)]
pub(crate) struct Vendor(Arc<Inner>);

struct Inner {
    name: &'static str,
    clock: SandboxClock,
    calls: AtomicUsize,
    failures: Mutex<VecDeque<Error>>,
    lifetime: Mutex<Option<Duration>>,
    /// How long ago its tokens were issued, by its clock.
    age: Mutex<Duration>,
    reasons: Mutex<Vec<Reason>>,
    /// The token from which the last renewal started.
    known: Mutex<Option<Token>>,
    /// What `revoke` was called with.
    revoked: Mutex<Vec<Token>>,
    /// Tokens that a 403 refuses.
    forgotten: Mutex<Vec<String>>,
    /// Code of the test's, which runs when the headers are made.
    in_headers: Mutex<Option<Arc<dyn Fn() + Send + Sync>>>,
    /// The same, when a token is revoked.
    in_revoke: Mutex<Option<Arc<dyn Fn() + Send + Sync>>>,
    /// One permit lets one renewal through.
    gate: Semaphore,
    panics: AtomicUsize,
}

impl Vendor {
    pub(crate) fn new(clock: &SandboxClock) -> Self {
        Self::named("test", clock)
    }

    pub(crate) fn named(name: &'static str, clock: &SandboxClock) -> Self {
        Self(Arc::new(Inner {
            name,
            clock: clock.clone(),
            calls: AtomicUsize::new(0),
            failures: Mutex::default(),
            lifetime: Mutex::new(Some(LIFETIME)),
            age: Mutex::default(),
            reasons: Mutex::default(),
            known: Mutex::default(),
            revoked: Mutex::default(),
            forgotten: Mutex::default(),
            in_headers: Mutex::default(),
            in_revoke: Mutex::default(),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            panics: AtomicUsize::new(0),
        }))
    }

    /// A vendor on a frozen clock, and a session that has not been used.
    pub(crate) fn with_session() -> (Self, SandboxClock, Session<Self>) {
        let clock = SandboxClock::frozen();
        let vendor = Self::new(&clock);
        let session = vendor.session().build().unwrap();
        (vendor, clock, session)
    }

    pub(crate) fn session(&self) -> SessionBuilder<Self> {
        Session::builder(self.clone()).clock(Arc::new(self.0.clock.clone()))
    }

    /// How many renewals have begun.
    pub(crate) fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    pub(crate) fn reasons(&self) -> Vec<Reason> {
        self.0.reasons.lock().unwrap().clone()
    }

    /// Renews `session`, and says from which token that started.
    pub(crate) async fn seen_by(&self, session: &Session<Self>) -> Option<String> {
        session.renew().await.unwrap();
        let known = self.0.known.lock().unwrap();
        known
            .as_ref()
            .map(|token| token.access().expose_secret().to_owned())
    }

    /// The vendor refuses that token from now on, by a 403.
    #[cfg(all(feature = "middleware", feature = "tower"))]
    pub(crate) fn forget(&self, token: &str) {
        self.0.forgotten.lock().unwrap().push(token.into());
    }

    /// Runs `code` whenever headers are made.
    pub(crate) fn in_headers(&self, code: impl Fn() + Send + Sync + 'static) {
        *self.0.in_headers.lock().unwrap() = Some(Arc::new(code));
    }

    /// Runs `code` whenever a token is revoked.
    pub(crate) fn in_revoke(&self, code: impl Fn() + Send + Sync + 'static) {
        *self.0.in_revoke.lock().unwrap() = Some(Arc::new(code));
    }

    /// The tokens that the vendor was told to forget.
    pub(crate) fn revoked(&self) -> Vec<String> {
        let revoked = self.0.revoked.lock().unwrap();
        let access = |token: &Token| token.access().expose_secret().to_owned();
        revoked.iter().map(access).collect()
    }

    /// The next renewal fails.
    pub(crate) fn fail(&self, kind: ErrorKind) {
        self.fail_with(Error::new(kind, "the vendor said no"));
    }

    pub(crate) fn fail_with(&self, error: Error) {
        self.0.failures.lock().unwrap().push_back(error);
    }

    /// The next renewal of a token is refused, and so is the second look.
    pub(crate) fn refuse(&self, kind: ErrorKind) {
        self.fail(kind);
        self.fail(kind);
    }

    pub(crate) fn panic_once(&self) {
        self.0.panics.fetch_add(1, Ordering::SeqCst);
    }

    /// The next tokens live so long; `None` for ever.
    pub(crate) fn set_lifetime(&self, lifetime: Option<Duration>) {
        *self.0.lifetime.lock().unwrap() = lifetime;
    }

    /// The next tokens were issued so long ago, by the vendor's clock.
    #[allow(dead_code, reason = "used by the tests of events alone")]
    pub(crate) fn set_age(&self, age: Duration) {
        *self.0.age.lock().unwrap() = age;
    }

    /// Renewals wait from now on.
    pub(crate) fn hold(&self) {
        self.0.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn release(&self) {
        self.0.gate.add_permits(1_000);
    }

    /// Waits until that many renewals have begun.
    pub(crate) async fn until_calls(&self, calls: usize) {
        until(|| self.calls() >= calls).await;
    }

    /// How many handles there are: this one, and those of sessions and renewals.
    pub(crate) fn handles(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

impl Renew for Vendor {
    type Error = Error;

    async fn renew(&self, known: Option<&Token>, reason: Reason) -> Result<Token, Error> {
        let inner = &self.0;
        *inner.known.lock().unwrap() = known.cloned();
        let sent = inner.clock.now().wall();
        let number = inner.calls.fetch_add(1, Ordering::SeqCst) + 1;
        inner.reasons.lock().unwrap().push(reason);
        inner.gate.acquire().await.unwrap().forget();
        assert!(
            inner
                .panics
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
                .is_err(),
            "as the test asked"
        );
        if let Some(error) = inner.failures.lock().unwrap().pop_front() {
            return Err(error);
        }
        let lifetime = *inner.lifetime.lock().unwrap();
        let sent = sent - *inner.age.lock().unwrap();
        let expiry = lifetime.map_or(Expiry::Never, |lifetime| Expiry::after(sent, lifetime));
        Ok(token(number, expiry, sent))
    }

    fn vendor(&self) -> &'static str {
        self.0.name
    }

    fn headers(&self, token: &Token) -> Result<Vec<Header>, Error> {
        let code = self.0.in_headers.lock().unwrap().clone();
        if let Some(code) = code {
            code();
        }
        Ok(vec![
            Header::with_scheme(http::header::AUTHORIZATION, "Bearer ", token.access())?,
            Header::new(http::HeaderName::from_static("x-account"), token.access())?,
        ])
    }

    /// A 401; a 200 whose body begins so; and a 403, where the vendor forgot what it issued.
    fn refusal(&self, _: &url::Url, status: http::StatusCode, body: Option<&[u8]>) -> Refusal {
        match (status.as_u16(), body) {
            (401, _) => Refusal::Yes,
            (200 | 403, None) | (403, Some(_)) => Refusal::Unclear,
            (200, Some(body)) if body.starts_with(b"refused") => Refusal::Yes,
            _ => Refusal::No,
        }
    }

    async fn confirm_refusal(&self, headers: &AuthHeaders) -> bool {
        let forgotten = self.0.forgotten.lock().unwrap();
        let token = headers.token().access().expose_secret();
        forgotten.iter().any(|gone| gone == token)
    }

    async fn revoke(&self, headers: &AuthHeaders) -> Result<(), Error> {
        self.0.revoked.lock().unwrap().push(headers.token().clone());
        let code = self.0.in_revoke.lock().unwrap().clone();
        if let Some(code) = code {
            code();
        }
        Ok(())
    }
}

/// As `gzip` does it.
pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let config = zlib_rs::DeflateConfig {
        window_bits: 15 + 16,
        ..zlib_rs::DeflateConfig::best_speed()
    };
    let mut output = vec![0; text.len() / 2 + 1024];
    let (body, _) = zlib_rs::compress_slice(&mut output, text, config);
    body.to_vec()
}

pub(crate) fn token(number: usize, expiry: Expiry, issued_at: std::time::SystemTime) -> Token {
    Token::new(format!("token-{number}").into(), expiry, issued_at)
}

/// The number of the token in `headers`.
pub(crate) fn number(headers: &http::HeaderMap) -> usize {
    let value = headers[http::header::AUTHORIZATION].to_str().unwrap();
    let number = value
        .strip_prefix("Bearer token-")
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(
        headers["x-account"],
        format!("token-{number}"),
        "headers of two tokens mixed"
    );
    number
}

/// Waits until no renewal is under way.
pub(crate) async fn settled<R: Renew>(session: &Session<R>) -> State {
    let mut states = session.states();
    loop {
        let state = states.next().await.unwrap();
        if state != State::Renewing {
            return state;
        }
    }
}

/// Until all sessions did what they can do by now: one thread runs them, in turn.
pub(crate) async fn until_idle() {
    let (.., session) = Vendor::with_session();
    session.headers().await.unwrap();
}

/// Waits for something that nothing announces, without a timer.
pub(crate) async fn until(mut done: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !done() {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "it never happened"
        );
        tokio::task::yield_now().await;
    }
}
