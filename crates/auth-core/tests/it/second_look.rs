//! What a session believes of a vendor: a refusal when it comes twice, but that of a password at
//! once; a token's life before the machine's clock; no pause without end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use auth_core::{
    AuthError as _, Clock as _, Error, ErrorKind, Expiry, Header, PasswordSource, Reason, Renew,
    Session, State, Token,
};
use auth_sandbox::SandboxClock;

use crate::vendor::{LIFETIME, Vendor, number, token};

#[tokio::test]
async fn a_refusal_of_a_token_is_believed_when_it_comes_twice() {
    let kinds = [
        ErrorKind::TokenRejected,
        ErrorKind::InteractionRequired,
        ErrorKind::Denied,
        ErrorKind::NotFound,
    ];
    // At the same time, since each waits a second for each second look.
    futures_util::future::join_all(kinds.map(|kind| async move {
        let (vendor, clock, session) = Vendor::with_session();
        session.headers().await.unwrap();
        clock.advance(LIFETIME);
        // The vendor's database was down for a moment.
        vendor.fail(kind);
        assert_eq!(number(&session.headers().await.unwrap()), 3);
        clock.advance(LIFETIME);
        // It is down for longer: an outage, then, and no refusal.
        vendor.fail(kind);
        vendor.fail(ErrorKind::Unavailable);
        let error = session.headers().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(matches!(session.state(), State::Failing { .. }));
        clock.advance(Duration::from_secs(2));
        vendor.refuse(kind);
        assert_eq!(session.headers().await.unwrap_err().kind(), kind);
        assert!(matches!(session.state(), State::LoginRequired { .. }));
        assert_eq!(vendor.calls(), 7);
    }))
    .await;
}

#[tokio::test]
async fn refused_credentials_are_not_sent_for_a_second_look() {
    let (vendor, clock, session) = Vendor::with_session();
    session.headers().await.unwrap();
    clock.advance(LIFETIME);
    vendor.fail(ErrorKind::InvalidCredentials);
    session.headers().await.unwrap_err();
    assert_eq!(vendor.calls(), 2);
}

/// A vendor with a password, whose answer is always the same.
struct LogIn {
    password: PasswordSource<Error>,
    answer: Error,
    calls: Arc<AtomicUsize>,
}

impl Renew for LogIn {
    type Error = Error;

    async fn renew(&self, _: Option<&Token>, _: Reason) -> Result<Token, Error> {
        self.password.get().await?;
        self.calls.fetch_add(1, Ordering::SeqCst);
        Err(self.answer.clone())
    }

    fn headers(&self, token: &Token) -> Result<Vec<Header>, Error> {
        Ok(vec![Header::new(
            http::header::AUTHORIZATION,
            token.access(),
        )?])
    }
}

#[tokio::test]
async fn a_log_in_that_was_answered_without_a_token_is_not_repeated_whatever_the_answer() {
    let error = |kind| Error::new(kind, "no token");
    let limited = ErrorKind::RateLimited { retry_after: None };
    for (answer, is_repeated) in [
        (error(ErrorKind::Protocol).with_http_status(200), false),
        (error(ErrorKind::Protocol).with_http_status(302), false),
        (error(ErrorKind::Protocol).with_http_status(418), false),
        (error(ErrorKind::TokenRejected).with_http_status(401), false),
        (error(ErrorKind::Denied).with_http_status(403), false),
        (error(ErrorKind::InvalidCredentials), false),
        // Outages.
        (error(ErrorKind::Unavailable).with_http_status(503), true),
        (error(ErrorKind::Unavailable), true),
        (error(limited).with_http_status(429), true),
        // Nothing was answered.
        (error(ErrorKind::Protocol), true),
    ] {
        let clock = SandboxClock::frozen();
        let now = clock.now().wall();
        let ended = token(1, Expiry::At(now), now - LIFETIME);
        for is_asked in [false, true] {
            let calls = Arc::<AtomicUsize>::default();
            let password = if is_asked {
                PasswordSource::asked(|| Box::pin(async { Ok("pass".into()) }))
            } else {
                PasswordSource::held("pass")
            };
            let renewer = LogIn {
                password,
                answer: answer.clone(),
                calls: Arc::clone(&calls),
            };
            let builder = Session::builder(renewer).clock(Arc::new(clock.clone()));
            let session = builder.token(ended.clone()).build().unwrap();
            for _ in 0..5 {
                let error = session.headers().await.unwrap_err();
                assert_eq!(error.kind(), answer.kind());
                clock.advance(Duration::from_secs(86_400));
            }
            let sent = if is_repeated { 5 } else { 1 };
            assert_eq!(calls.load(Ordering::SeqCst), sent, "{answer:?}");
            let is_final = matches!(session.state(), State::LoginRequired { .. });
            assert_eq!(is_final, !is_repeated, "{answer:?}");
            // A person may ask for it.
            session.renew().await.unwrap_err();
            assert_eq!(calls.load(Ordering::SeqCst), sent + 1);
        }
    }
}

#[tokio::test]
async fn no_pause_that_a_vendor_asks_for_ends_a_session() {
    for absurd in [9_999_999_999, u64::MAX] {
        let absurd = Duration::from_secs(absurd);
        let limited = ErrorKind::RateLimited {
            retry_after: Some(absurd),
        };
        let busy = Error::new(ErrorKind::Unavailable, "busy").with_retry_after(Some(absurd));
        for error in [Error::new(limited, "too many"), busy] {
            let (vendor, clock, session) = Vendor::with_session();
            vendor.fail_with(error);
            // The first caller hears what the vendor said; the next ones, how long they wait.
            let error = session.auth_headers().await.unwrap_err();
            assert_eq!(error.retry_after(), Some(absurd));
            let State::Failing { retry_after, .. } = session.state() else {
                panic!("{session:?}")
            };
            assert_eq!(retry_after, Duration::from_secs(3_600));
            clock.advance(retry_after);
            assert_eq!(number(&session.headers().await.unwrap()), 2);
        }
    }
}

/// A vendor whose tokens were issued long ago by the machine's clock.
struct Slow {
    clock: SandboxClock,
    /// How long each answer takes.
    takes: Duration,
}

impl Renew for Slow {
    type Error = Error;

    async fn renew(&self, _: Option<&Token>, _: Reason) -> Result<Token, Error> {
        self.clock.advance(self.takes);
        let issued = self.clock.now().wall() - 2 * LIFETIME;
        Ok(token(1, Expiry::after(issued, LIFETIME), issued))
    }

    fn headers(&self, token: &Token) -> Result<Vec<Header>, Error> {
        Ok(vec![Header::new(
            http::header::AUTHORIZATION,
            token.access(),
        )?])
    }
}

/// Counts warnings.
pub(crate) struct Warnings(pub(crate) Arc<AtomicUsize>);

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn a_new_token_that_has_ended_by_a_clock_that_is_fast_lives_its_life_from_now() {
    let warnings = Arc::<AtomicUsize>::default();
    let _subscriber = tracing::subscriber::set_default(Warnings(Arc::clone(&warnings)));
    let clock = SandboxClock::frozen();
    let takes = Duration::from_secs(5);
    let session = |takes| {
        let clock = clock.clone();
        let builder = Session::builder(Slow {
            clock: clock.clone(),
            takes,
        });
        builder.clock(Arc::new(clock)).build().unwrap()
    };
    let alive = session(takes);
    let headers = alive.auth_headers().await.unwrap();
    let left = LIFETIME - takes;
    assert_eq!(headers.expiry(), Expiry::after(clock.now().wall(), left));
    assert_eq!(warnings.load(Ordering::SeqCst), 1);
    clock.advance(left - Duration::from_secs(1));
    assert_eq!(alive.state(), State::Fresh);
    clock.advance(Duration::from_secs(1));
    assert_eq!(alive.state(), State::Absent);
    // One whose life is over indeed, since the answer took so long.
    let dead = session(LIFETIME);
    let error = dead.headers().await.unwrap_err();
    assert_eq!(error.to_string(), "the token has already ended");
}
