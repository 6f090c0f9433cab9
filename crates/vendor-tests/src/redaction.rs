//! What holds for the secrets of every vendor, and listening to everything that is traced or logged.

use std::fmt::Debug;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, Once};
use std::time::UNIX_EPOCH;

use auth_core::{
    AuthError as _, ErrorKind, Expiry, HttpBuilder, Renew, RetryPolicy, SessionBuilder, State,
    Token,
};
use auth_sandbox::Fault;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::{Between, Secrets, sandbox, settled, shown};

/// The tests of this module, for a vendor.
#[macro_export]
macro_rules! redaction {
    ($vendor:ty) => {
        $crate::tests! { $vendor, redaction:
            #[tokio::test]
            async fn an_error_on_the_way_names_no_secret_and_no_address();
            #[tokio::test]
            async fn a_refusal_that_was_compressed_on_the_way_says_and_hides_the_same();
            #[tokio::test]
            async fn the_state_of_a_session_shows_no_secret();
            #[tokio::test]
            async fn no_log_or_span_of_a_session_shows_a_secret();
            #[tokio::test]
            async fn no_log_or_span_of_a_failure_shows_what_the_vendor_repeated();
        }
    };
}

/// Everything that is traced or logged, at the lowest level and of every library.
#[derive(Clone, Default)]
pub struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    pub fn begin() -> (Self, tracing::subscriber::DefaultGuard) {
        static REGISTRY: Once = Once::new();
        REGISTRY.call_once(|| {
            // As long as there is one subscriber alone, of one thread, a callsite that another
            // thread meets first is taken to interest no subscriber.
            let everywhere = tracing_subscriber::registry();
            tracing::subscriber::set_global_default(everywhere).unwrap();
        });
        let captured = Self::default();
        let guard = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            // Its digits are no secret's.
            .without_time()
            .with_writer(captured.clone())
            .finish()
            // Takes in what libraries write to `log`, reqwest among them.
            .set_default();
        (captured, guard)
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// What was captured since the last time.
    pub fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The operation's span has ended, with its fields.
#[track_caller]
pub fn assert_traced(text: &str, operation: &str, status: u16) {
    let span = format!("{operation}{{attempt=1 duration_ms=");
    let status = format!("status={status}");
    let ended = |line: &str| line.contains("close") && line.contains(&span);
    let found = text
        .lines()
        .any(|line| ended(line) && line.contains(&status));
    assert!(found, "no {operation} with {status} in {text}");
}

/// Lower-level events are there, so that their silence about secrets means something.
#[track_caller]
pub fn assert_other_libraries_were_heard(text: &str) {
    assert!(text.contains("TRACE"), "{text}");
    assert!(
        text.contains("reqwest::") || text.contains("hyper_util::"),
        "{text}"
    );
}

/// A token that never ends, whose text the test chooses.
pub fn endless(access: &str) -> Token {
    Token::new(access.into(), Expiry::Never, UNIX_EPOCH)
}

/// All that can be shown of a session, from its builder to its headers.
pub async fn shown_session<R>(builder: SessionBuilder<R>) -> String
where
    R: Renew + Debug,
{
    let built = format!("{builder:#?}");
    let session = builder.build().unwrap();
    let (auth_headers, headers) = (session.auth_headers().await, session.headers().await);
    let renewer = session.renewer();
    built + &format!("{session:#?} {renewer:#?} {auth_headers:#?} {headers:#?}")
}

/// What the vendor's faults may respond with: success and refusals, known and unknown.
pub const STATUSES: [u16; 10] = [200, 400, 401, 403, 404, 412, 422, 429, 500, 503];

/// Asserts that neither a secret, whatever its case, nor its beginning or a part of it stands in
/// `text`.
#[track_caller]
pub fn assert_hidden<S: AsRef<str>>(text: &str, secrets: &[S]) {
    assert!(!secrets.is_empty());
    let lower = text.to_lowercase();
    for secret in secrets.iter().map(AsRef::as_ref) {
        let whole = secret.to_lowercase();
        assert!(!lower.contains(&whole), "{secret:?} in {text}");
        let beginning = secret.get(..8).unwrap_or(secret);
        assert!(!text.contains(beginning), "{beginning:?} in {text}");
        let other = |c: char| !c.is_ascii_alphanumeric();
        for part in secret.split(other).filter(|part| part.len() >= 6) {
            assert!(!text.contains(part), "{part:?} in {text}");
        }
    }
}

/// Makes the vendor repeat all of the call's secrets, with each status.
pub async fn assert_echo_is_cut_out<V: Secrets>(
    statuses: &[u16],
    operation: &str,
    secrets: &[impl AsRef<str>],
    call: impl AsyncFn(&V::Client) -> V::Error,
) {
    let sandbox = sandbox();
    let once = |http: HttpBuilder| http.retry(RetryPolicy::never());
    let client = V::build(V::with_http(V::own_builder(&sandbox), once)).unwrap();
    for &status in statuses {
        sandbox.fault(Fault::echo(status).on(operation));
        let error = call(&client).await;
        let entry = sandbox.log().last(operation).unwrap();
        assert_eq!(entry.status(), Some(status));
        let text = shown(&error) + &panicked_with(Err(error.clone()));
        assert_hidden(&text, secrets);
        for secret in V::own_secrets() {
            assert_hidden(&text, &[secret]);
        }
        // What is thrown away cannot leak, and shows nothing of the redaction.
        let has_words = V::has_words(&error, status);
        assert_eq!(text.contains("Cannot do "), has_words, "{status}: {text}");
        assert_eq!(text.contains("[redacted]"), has_words, "{status}: {text}");
    }
    assert_eq!(sandbox.pending_faults(), 0);
}

/// What a program dies with that unwraps the outcome.
fn panicked_with(outcome: Result<(), impl Debug>) -> String {
    let death = catch_unwind(AssertUnwindSafe(|| outcome.unwrap())).unwrap_err();
    *death.downcast::<String>().unwrap()
}

pub async fn an_error_on_the_way_names_no_secret_and_no_address<V: Secrets>() {
    let sandbox = sandbox();
    let client = V::client(&sandbox);
    let assert_silent = async || {
        for error in V::failing_calls(&client).await {
            let text = shown(&error);
            assert_hidden(&text, &V::sent());
            assert_hidden(&text, V::PLACES);
        }
    };
    for fault in [Fault::cut(), Fault::truncated_body(), Fault::huge_body()] {
        sandbox.fault(fault.always());
        assert_silent().await;
        sandbox.clear_faults();
    }
    // Nothing listens there.
    drop(sandbox);
    assert_silent().await;
}

pub async fn a_refusal_that_was_compressed_on_the_way_says_and_hides_the_same<V: Secrets>() {
    let sandbox = sandbox();
    let between = Between::new(&V::base_url(&sandbox), true);
    let once = |http: HttpBuilder| http.retry(RetryPolicy::never());
    let builder = V::with_base_url(V::builder(&sandbox), between.url.as_str());
    let client = V::build(V::with_http(builder, once)).unwrap();
    for status in [401, 500] {
        sandbox.fault(Fault::echo(status).always());
        let [plain, compressed] = [false, true].map(async |compresses| {
            between.compress(compresses);
            V::failing_calls(&client).await
        });
        let (plain, compressed) = (plain.await, compressed.await);
        assert_eq!(plain.len(), compressed.len());
        for (plain, compressed) in plain.iter().zip(&compressed) {
            let text = shown(compressed);
            assert_eq!(text, shown(plain));
            assert_eq!(text.contains("Cannot do "), V::has_words(plain, status));
            assert_hidden(&text, &V::sent());
        }
        sandbox.clear_faults();
    }
}

pub async fn the_state_of_a_session_shows_no_secret<V: Secrets>() {
    let sandbox = sandbox();
    let (session, secrets) = V::session_of_secrets(&sandbox);
    for operation in V::RENEWING {
        sandbox.fault(Fault::echo(403).on(*operation).always());
    }
    session.renew().await.unwrap_err();
    let State::LoginRequired { reason } = session.state() else {
        panic!("{session:?}")
    };
    let text = format!("{reason} {reason:?} {session:?}");
    assert!(text.contains("Cannot do "), "{text}");
    assert_hidden(&text, &secrets);
}

pub async fn no_log_or_span_of_a_session_shows_a_secret<V: Secrets>() {
    let (captured, _guard) = Captured::begin();
    let sandbox = sandbox();
    let session = V::session(&sandbox);
    let mut secrets = V::held(&sandbox);
    for _ in 0..3 {
        let auth_headers = session.auth_headers().await.unwrap();
        settled(&session).await;
        secrets.extend(V::secrets_of(auth_headers.token().clone()));
        sandbox.clock().advance(V::RENEWS_AT);
    }
    for operation in V::RENEWING {
        sandbox.fault(Fault::echo(403).on(*operation).always());
    }
    session.renew().await.unwrap_err();
    assert!(matches!(
        settled(&session).await,
        State::LoginRequired { .. }
    ));

    let text = captured.text();
    for operation in V::RENEWING {
        assert_traced(&text, operation, 200);
        assert_traced(&text, operation, 403);
    }
    assert!(text.contains("renewal failed"), "{text}");
    // Every call of a renewal lies below its span, which says whose it is.
    let vendor = V::RENEWING[0].split('.').next().unwrap();
    for line in text.lines().filter(|line| {
        V::RENEWING
            .iter()
            .any(|it| line.contains(&format!("{it}{{")))
    }) {
        let renewal = format!("renewal{{vendor=\"{vendor}\" account=");
        assert!(line.contains(&renewal), "{line}");
    }
    assert_other_libraries_were_heard(&text);
    assert_hidden(&text, &secrets);
}

pub async fn no_log_or_span_of_a_failure_shows_what_the_vendor_repeated<V: Secrets>() {
    let (captured, _guard) = Captured::begin();
    let sandbox = sandbox();
    let client = V::client(&sandbox);
    let mut secrets = V::held(&sandbox);
    secrets.extend(V::sent());
    for fault in [
        Fault::echo(400),
        Fault::echo(403),
        Fault::echo(500),
        Fault::cut(),
    ] {
        sandbox.fault(fault.always());
        let errors = V::failing_calls(&client).await;
        assert!(errors.len() >= V::FAILING.len());
        sandbox.clear_faults();
    }
    drop(sandbox);
    let errors = V::failing_calls(&client).await;
    assert_eq!(errors[0].kind(), ErrorKind::Unavailable);
    let reason = "no connection could be made: connection refused";
    assert!(errors[0].to_string().ends_with(reason), "{}", errors[0]);
    let text = captured.text();
    assert!(text.contains(reason), "{text}");
    for operation in V::FAILING {
        assert_traced(&text, operation, 400);
    }
    assert_other_libraries_were_heard(&text);
    assert_hidden(&text, &secrets);
}
