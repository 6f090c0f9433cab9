//! Every event and span has the fields that the document says, and each field always the same type.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::{
    Error, Expiry, Header, Http, HttpBuilder, MemoryStore, Operation, Reason, Renew, Request,
    RetryPolicy, Session, Token, operation,
};
use httpmock::prelude::*;
use tracing::field::{Field, Visit};

use crate::life::{self, SECRET};
use crate::moody::key;
use crate::vendor::Vendor;
use crate::{quoted, table};

const TARGET: &str = "auth_core::session";
const ALWAYS: [&str; 4] = ["vendor", "account", "scope", "token"];

/// An event or a new span.
#[derive(Clone, Debug, Default)]
struct Told {
    level: String,
    target: String,
    /// The message of an event, the name of a span.
    message: String,
    fields: BTreeMap<String, (&'static str, String)>,
}

impl Told {
    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |(_, value)| value)
    }
}

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.note(field, "text", format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.note(field, "text", value.to_owned());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.note(field, "number", value.to_string());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.note(field, "number", value.to_string());
    }
    fn record_u128(&mut self, field: &Field, value: u128) {
        self.note(field, "more than a number", value.to_string());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.note(field, "bool", value.to_string());
    }
}

impl Told {
    fn new(metadata: &tracing::Metadata<'_>) -> Self {
        Self {
            level: metadata.level().to_string(),
            target: metadata.target().to_owned(),
            message: metadata.name().to_owned(),
            ..Self::default()
        }
    }

    fn note(&mut self, field: &Field, kind: &'static str, value: String) {
        if field.name() == "message" {
            self.message = value;
        } else {
            self.fields.insert(field.name().to_owned(), (kind, value));
        }
    }
}

/// Hears everything of the process, since tests run beside each other.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<(Vec<Told>, Vec<Told>)>>);

impl tracing::Subscriber for Everything {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, attributes: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        let mut told = Told::new(attributes.metadata());
        attributes.record(&mut told);
        let spans = &mut self.0.lock().unwrap().1;
        spans.push(told);
        tracing::span::Id::from_u64(spans.len() as u64)
    }
    fn record(&self, id: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        let index = usize::try_from(id.into_u64()).unwrap() - 1;
        values.record(&mut self.0.lock().unwrap().1[index]);
    }
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut told = Told::new(event.metadata());
        event.record(&mut told);
        self.0.lock().unwrap().0.push(told);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// The events and spans of the sessions of this vendor, and the calls.
struct Heard {
    events: Vec<Told>,
    spans: Vec<Told>,
}

fn listen() -> Everything {
    static HEARD: std::sync::OnceLock<Everything> = std::sync::OnceLock::new();
    let heard = HEARD.get_or_init(|| {
        let heard = Everything::default();
        tracing::subscriber::set_global_default(heard.clone()).unwrap();
        heard
    });
    heard.clone()
}

impl Everything {
    fn of(&self, vendor: &str) -> Heard {
        let heard = self.0.lock().unwrap();
        let of_vendor = |told: &&Told| told.field("vendor") == vendor;
        Heard {
            events: heard.0.iter().filter(of_vendor).cloned().collect(),
            spans: heard.1.iter().filter(of_vendor).cloned().collect(),
        }
    }
}

/// A field of the document: its type, and whether it is always there.
type Documented = BTreeMap<&'static str, (&'static str, bool)>;

/// By level and message, the fields of the document.
fn documented() -> BTreeMap<(String, String), Documented> {
    let rows = table("level").into_iter().map(|cells| {
        let [level, message, fields] = cells[..] else {
            panic!("{cells:?}")
        };
        let fields = fields.split(", ").filter(|field| !field.is_empty());
        let fields = fields.map(|field| {
            let name = quoted(field)[0];
            let words = field.rsplit('`').next().unwrap().trim();
            let kind = words.split(' ').next().unwrap();
            (name, (kind, !words.contains('(')))
        });
        let key = (quoted(level)[0].to_owned(), quoted(message)[0].to_owned());
        (key, fields.collect())
    });
    rows.collect()
}

/// The first of these; its level is part of the question.
fn first<'a>(told: &'a [Told], level: &str, message: &str) -> &'a Told {
    let is_it = |told: &&Told| (told.level.as_str(), told.message.as_str()) == (level, message);
    told.iter().find(is_it).unwrap()
}

#[tokio::test]
async fn every_event_and_span_is_as_documented() {
    let everything = listen();
    life::live("lived").await;
    let Heard { events, spans } = everything.of("lived");
    let documented = documented();
    let mut types: BTreeMap<&str, &str> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for told in events.iter().chain(&spans) {
        assert_eq!(told.target, TARGET, "{told:?}");
        for (name, (kind, value)) in &told.fields {
            let known = types.entry(name).or_insert(kind);
            assert_eq!(known, kind, "{name} changes its type: {told:?}");
            assert!(!value.contains(SECRET), "{told:?}");
        }
        for name in ALWAYS {
            assert_eq!(told.fields[name].0, "text", "{told:?}");
        }
        assert!(!told.message.contains(SECRET));
    }
    for told in &events {
        let key = (told.level.clone(), told.message.clone());
        let Some(fields) = documented.get(&key) else {
            panic!("not documented: {told:?}")
        };
        for (name, (kind, is_always)) in fields {
            let found = told.fields.get(*name).map(|(kind, _)| *kind);
            let fits = found == Some(*kind) || found.is_none() && !is_always;
            assert!(fits, "{name} is {found:?}: {told:?}");
        }
        for name in told.fields.keys().map(String::as_str) {
            let is_documented = ALWAYS.contains(&name) || fields.contains_key(name);
            assert!(is_documented, "{name}: {told:?}");
        }
        seen.insert(key);
    }
    // And all of them were seen, with the fields that are not always there.
    assert!(documented.keys().eq(seen.iter()), "{seen:#?}");
    for ((level, message), fields) in &documented {
        for name in fields.keys() {
            let has = |told: &&Told| told.fields.contains_key(*name);
            let is_it = |told: &&Told| (&told.level, &told.message) == (level, message);
            assert!(events.iter().filter(is_it).any(|it| has(&it)), "{name}");
        }
    }
    let names: BTreeSet<_> = spans.iter().map(|span| span.message.as_str()).collect();
    assert!(names.iter().eq(["log_out", "renewal"].iter()), "{names:?}");
}

#[tokio::test]
async fn the_events_of_a_life_say_what_happened() {
    let everything = listen();
    life::live("told").await;
    let Heard { events, .. } = everything.of("told");
    let renewed = first(&events, "INFO", "renewed");
    assert_eq!(renewed.field("account"), "sue@example.com");
    assert_eq!(renewed.field("reason"), "missing");
    let expires_in: u64 = renewed.field("expires_in").parse().unwrap();
    assert!((35_990..=36_000).contains(&expires_in), "{expires_in}");
    let token = Token::new("token-1".into(), Expiry::Never, std::time::UNIX_EPOCH);
    assert_eq!(renewed.field("token"), token.fingerprint().to_string());
    let failed: Vec<_> = events
        .iter()
        .filter(|it| it.message == "renewal failed")
        .collect();
    // A twentieth of the renewal window: two minutes at least.
    let wait: u64 = failed[0].field("retry_in_ms").parse().unwrap();
    assert!(wait >= 120_000, "{wait}");
    let said = ["reason", "kind", "cause"].map(|name| failed[0].field(name));
    assert_eq!(said, ["expiring", "unavailable", "the vendor said no"]);
    let last = failed
        .iter()
        .find(|it| it.field("kind") == "token_rejected")
        .unwrap();
    assert_eq!(last.field("retry_in_ms"), "", "only a log-in helps");
    let store = failed
        .iter()
        .find(|it| it.field("kind") == "store")
        .unwrap();
    assert_eq!(store.field("operation"), "store.load");
    let states = events.iter().filter(|it| it.message == "state");
    let words: Vec<_> = states.map(|it| it.field("words")).collect();
    assert!(
        words.contains(&"the token is not saved: the disk is full"),
        "{words:?}"
    );
    assert!(words.iter().all(|words| !words.contains('{')), "{words:?}");
}

const CALL: Operation = operation!("test.refresh");

/// A vendor behind HTTP.
struct Calls(Http, &'static str);

impl Renew for Calls {
    type Error = Error;

    async fn renew(&self, _: Option<&Token>, _: Reason) -> Result<Token, Error> {
        let response = self.0.send(Request::get(CALL, "token")).await?;
        Err(response.error(response.json::<String>().ok().as_deref()))
    }

    fn vendor(&self) -> &'static str {
        self.1
    }

    fn headers(&self, _: &Token) -> Result<Vec<Header>, Error> {
        Ok(Vec::new())
    }
}

/// A vendor that is down, and repeats the account in its answers.
async fn failing() -> (MockServer, Http) {
    let server = MockServer::start_async().await;
    let answer = server.mock_async(|when, then| {
        when.path("/token");
        then.status(503).body("\"Sue%40Example.com is unknown\"");
    });
    answer.await;
    let retry = RetryPolicy::default().pauses(Duration::ZERO, Duration::ZERO);
    let http = HttpBuilder::new(server.base_url(), "t").retry(retry);
    (server, http.build().unwrap())
}

#[tokio::test]
async fn an_account_that_is_hashed_or_labelled_is_in_no_event_and_no_span() {
    let everything = listen();
    let (_server, http) = failing().await;
    for is_hashed in [true, false] {
        let builder = Session::builder(Calls(http.clone(), "hidden")).key(key());
        let builder = if is_hashed {
            builder.hash_account()
        } else {
            builder.label("customer 17")
        };
        builder.build().unwrap().headers().await.unwrap_err();
        let told = everything.of("hidden");
        // However the vendor writes it.
        for told in told.events.iter().chain(&told.spans) {
            let shown = format!("{told:?}").to_lowercase();
            assert!(!shown.contains("example"), "{shown}");
        }
        let failed = { told.events.iter() }.rfind(|it| it.message == "renewal failed");
        let account = failed.unwrap().field("account");
        let is_hash = account.len() == 17 && account.starts_with('#');
        assert!(
            is_hash == is_hashed && (is_hash || account == "customer 17"),
            "{account}"
        );
    }
}

#[tokio::test]
async fn a_failure_names_the_call_the_host_and_how_often_it_was_sent() {
    let everything = listen();
    let (server, http) = failing().await;
    let session = Session::builder(Calls(http, "failing")).key(key());
    session.build().unwrap().headers().await.unwrap_err();
    let events = everything.of("failing").events;
    let failed = events.iter().find(|it| it.message == "renewal failed");
    let said = ["operation", "host", "attempts"].map(|name| failed.unwrap().field(name));
    assert_eq!(said, ["test.refresh", &server.address().to_string(), "3"]);
    // The span of a call and its events have the same types as a session's.
    let heard = everything.0.lock().unwrap();
    let calls = |told: &&Told| told.message == "test.refresh" || told.target == "auth_core::http";
    let all: Vec<_> = heard.0.iter().chain(&heard.1).filter(calls).collect();
    assert!(all.len() >= 4);
    for told in all {
        assert_eq!(told.fields["duration_ms"].0, "number", "{told:?}");
    }
}

#[tokio::test]
async fn a_lease_that_is_not_given_is_named() {
    let everything = listen();
    let store = MemoryStore::new().lease_wait(Duration::ZERO);
    let _held = auth_core::TokenStore::lease(&store, &key()).await.unwrap();
    let vendor = Vendor::named("leased", &auth_sandbox::SandboxClock::frozen());
    let session = vendor.session().store_as(store, key()).build().unwrap();
    session.headers().await.unwrap_err();
    let events = everything.of("leased").events;
    let failed = first(&events, "WARN", "renewal failed");
    let said = ["operation", "host", "kind"].map(|name| failed.field(name));
    assert_eq!(said, ["store.lease", "", "store"]);
}
