//! Server-sent events: what happens in a namespace, as it happens.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Response, header};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::api::{clock_json, faults_json, mail_json, request_json};
use super::app::Here;
use super::inspect;
use crate::sandbox::Sandbox;

/// The most events of one kind in one piece. A client that gets `more` reads the rest by itself.
const MOST: usize = 200;
/// How long what happens is collected, after something was sent.
const PAUSE: Duration = Duration::from_millis(40);
/// A comment after this time tells a proxy that the stream is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Begins with the present, or after the event that the client has seen last.
pub(super) async fn stream(Extension(here): Extension<Here>, headers: HeaderMap) -> Response<Body> {
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let watcher = Watcher::new(here, seen);
    let events = stream::unfold(watcher, |mut watcher| async {
        let piece = watcher.next().await;
        Some((Ok::<_, Infallible>(Bytes::from(piece)), watcher))
    });
    let mut response = Response::new(Body::from_stream(events));
    let kind = header::HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// What a client has seen.
struct Watcher {
    here: Here,
    sandbox: Arc<Sandbox>,
    changed: watch::Receiver<u64>,
    requests: watch::Receiver<u64>,
    mails: watch::Receiver<u64>,
    revision: u64,
    mail: u64,
    clock: Value,
    faults: Value,
    tokens: u64,
    has_begun: bool,
}

impl Watcher {
    fn new(here: Here, seen: Option<&str>) -> Self {
        let sandbox = here.sandbox();
        let revision = sandbox.exchange.log.lock().revision;
        let mut watcher = Self {
            changed: here.space.changed.subscribe(),
            requests: sandbox.exchange.log.subscribe(),
            mails: sandbox.post.subscribe(),
            revision,
            mail: *sandbox.post.subscribe().borrow(),
            clock: shown_clock(&sandbox),
            faults: faults_json(&sandbox),
            tokens: digest(&sandbox),
            has_begun: false,
            here,
            sandbox,
        };
        let seen = seen.and_then(|seen| seen.split_once('.'));
        if let Some((Ok(revision), Ok(mail))) = seen.map(|(r, m)| (r.parse(), m.parse())) {
            // Of another run of the program, it may be from the future.
            watcher.revision = watcher.revision.min(revision);
            watcher.mail = watcher.mail.min(mail);
        }
        watcher
    }

    /// The next piece of the stream, when there is one.
    async fn next(&mut self) -> String {
        let mut piece = String::new();
        if self.has_begun {
            sleep(PAUSE).await;
        } else {
            self.has_begun = true;
            self.event(
                &mut piece,
                "hello",
                &json!({ "namespace": self.here.space.name }),
            );
        }
        loop {
            self.collect(&mut piece);
            if !piece.is_empty() {
                return piece;
            }
            let something = async {
                tokio::select! {
                    _ = self.changed.changed() => {}
                    _ = self.requests.changed() => {}
                    _ = self.mails.changed() => {}
                }
            };
            if timeout(KEEP_ALIVE, something).await.is_err() {
                return ": still here\n\n".to_owned();
            }
        }
    }

    fn collect(&mut self, piece: &mut String) {
        self.changed.borrow_and_update();
        let sandbox = self.here.sandbox();
        if !Arc::ptr_eq(&sandbox, &self.sandbox) {
            self.requests = sandbox.exchange.log.subscribe();
            self.mails = sandbox.post.subscribe();
            self.revision = 0;
            self.mail = 0;
            self.sandbox = Arc::clone(&sandbox);
            self.event(piece, "reset", &json!({}));
        }
        self.requests.borrow_and_update();
        self.mails.borrow_and_update();

        let (mut news, revision) = {
            let ring = sandbox.exchange.log.lock();
            let news = ring.entries.iter();
            let news = news.filter(|entry| entry.revision > self.revision);
            let news: Vec<_> = news.take(MOST + 1).map(request_json).collect();
            (news, ring.revision)
        };
        self.revision = revision;
        let has_more = news.len() > MOST;
        news.truncate(MOST);
        let mails: Vec<_> = {
            let sent = sandbox.post.lock();
            let news = sent.iter().filter(|sent| sent.id > self.mail);
            news.map(|sent| (sent.id, mail_json(sent))).collect()
        };
        for (id, mail) in &mails {
            self.mail = *id;
            self.event(piece, "mail", mail);
        }
        for request in &news {
            self.event(piece, "request", request);
        }
        if has_more {
            self.event(piece, "more", &json!({}));
        }
        let clock = shown_clock(&sandbox);
        if clock != self.clock {
            self.clock = clock;
            self.event(piece, "clock", &clock_json(&sandbox));
        }
        let faults = faults_json(&sandbox);
        if faults != self.faults {
            self.event(piece, "faults", &faults);
            self.faults = faults;
        }
        let tokens = digest(&sandbox);
        if tokens != self.tokens {
            self.tokens = tokens;
            self.event(piece, "tokens", &json!({}));
        }
    }

    fn event(&self, piece: &mut String, name: &str, data: &Value) {
        let (revision, mail) = (self.revision, self.mail);
        // Writing to a string cannot fail, and JSON in one line has no line break.
        let _ = write!(
            piece,
            "id: {revision}.{mail}\nevent: {name}\ndata: {data}\n\n"
        );
    }
}

/// What changes when the clock is moved, and not when time passes.
fn shown_clock(sandbox: &Sandbox) -> Value {
    json!(sandbox.exchange.clock.moves())
}

/// Another number for other tokens.
fn digest(sandbox: &Sandbox) -> u64 {
    let mut hasher = DefaultHasher::new();
    for vendor in inspect::vendors(sandbox) {
        for token in vendor.tokens() {
            (token.value, token.state as u8).hash(&mut hasher);
        }
    }
    hasher.finish()
}
