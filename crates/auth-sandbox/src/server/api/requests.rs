//! The requests that arrived.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::Path;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep_until;

use super::input::{Params, Reveal, Span, date, deadline};
use super::{Refused, Reply};
use crate::log::{Entry, Outcome};
use crate::operation;
use crate::sandbox::Sandbox;
use crate::server::app::Here;
use crate::server::copy;
use crate::server::mask::Mask;
use crate::server::why::why;

/// Which requests.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    vendor: Option<String>,
    operation: Option<String>,
    /// `401`, or `4xx`.
    status: Option<String>,
    #[serde(default)]
    refused: bool,
    /// A part of the operation, the path or the reason.
    text: Option<String>,
    /// Only later ones.
    after: Option<u64>,
    /// Only earlier ones.
    before: Option<u64>,
    limit: Option<usize>,
    /// For the counts: until so many have arrived, and whether all have to be answered.
    at_least: Option<usize>,
    #[serde(default)]
    settled: bool,
    wait: Option<Span>,
}

impl Filter {
    fn check(&self) -> Result<(), Refused> {
        let known = Sandbox::operations();
        let is_known = |it: &str| it == operation::UNKNOWN || known.contains(&it);
        match self.operation.as_deref().filter(|it| !is_known(it)) {
            None => Ok(()),
            Some(it) => Err(Refused::bad(format!(
                "there is no operation {it:?}; see /_sandbox/operations"
            ))),
        }
    }

    fn matches(&self, entry: &Entry) -> bool {
        let is =
            |wanted: &Option<String>, it: &str| wanted.as_deref().is_none_or(|want| want == it);
        let status = || {
            entry
                .status()
                .map(|status| status.to_string())
                .unwrap_or_default()
        };
        let has_status = |wanted: &str| {
            let status = status();
            status == wanted || (wanted.ends_with("xx") && status.get(..1) == wanted.get(..1))
        };
        is(&self.vendor, vendor(entry))
            && is(&self.operation, entry.operation)
            && self.status.as_deref().is_none_or(has_status)
            && (!self.refused || is_refused(entry))
            && self.after.is_none_or(|after| entry.id > after)
            && self.before.is_none_or(|before| entry.id < before)
            && self.text.as_deref().is_none_or(|text| {
                let hint = entry.hint.as_deref().unwrap_or_default();
                [entry.operation, &*entry.shown_path, hint]
                    .iter()
                    .any(|it| it.contains(text))
            })
    }
}

/// The most requests in one answer.
const MOST: usize = 1_000;

/// The requests, the latest first, and how many match. `next` is for `before`.
pub(in crate::server) async fn list(
    Extension(here): Extension<Here>,
    Params(filter): Params<Filter>,
) -> Result<Reply<Value>, Refused> {
    filter.check()?;
    let sandbox = here.sandbox();
    let ring = sandbox.exchange.log.lock();
    let limit = filter.limit.unwrap_or(100).min(MOST);
    let matches = || {
        ring.entries
            .iter()
            .rev()
            .filter(|entry| filter.matches(entry))
    };
    let page: Vec<&Entry> = matches().take(limit).collect();
    let count = matches().count();
    let last = page.last().map(|entry| entry.id);
    let reply = json!({
        "requests": page.into_iter().map(summary).collect::<Vec<_>>(),
        "next": last.filter(|_| count > limit),
        "matching": count,
        "kept": ring.entries.len(),
        "arrived": ring.latest,
    });
    drop(ring);
    Ok(Reply(reply))
}

/// How many requests there are, by operation and by status.
pub(in crate::server) async fn counts(
    Extension(here): Extension<Here>,
    Params(filter): Params<Filter>,
) -> Result<Reply<Value>, Refused> {
    filter.check()?;
    let deadline = deadline(filter.wait);
    let mut changed = here.space.changed.subscribe();
    loop {
        let sandbox = here.sandbox();
        let mut latest = sandbox.exchange.log.subscribe();
        let counts = Counts::of(&sandbox, &filter);
        let is_enough = filter.at_least.is_none_or(|least| counts.total >= least)
            && (!filter.settled || counts.pending == 0);
        if is_enough || tokio::time::Instant::now() >= deadline {
            return Ok(Reply(counts.json()));
        }
        tokio::select! {
            _ = latest.changed() => {}
            _ = changed.changed() => {}
            () = sleep_until(deadline) => {}
        }
    }
}

#[derive(Default)]
struct Counts {
    total: usize,
    refused: usize,
    pending: usize,
    hints: usize,
    operations: BTreeMap<&'static str, usize>,
    statuses: BTreeMap<String, usize>,
}

impl Counts {
    fn of(sandbox: &Sandbox, filter: &Filter) -> Self {
        let mut counts = Self::default();
        let ring = sandbox.exchange.log.lock();
        for entry in ring.entries.iter().filter(|entry| filter.matches(entry)) {
            counts.total += 1;
            counts.refused += usize::from(is_refused(entry));
            counts.pending += usize::from(entry.outcome == Outcome::Pending);
            counts.hints += usize::from(entry.hint.is_some());
            *counts.operations.entry(entry.operation).or_default() += 1;
            let status = entry.status().map(|status| status.to_string());
            let status = status.unwrap_or_else(|| state(entry).to_owned());
            *counts.statuses.entry(status).or_default() += 1;
        }
        counts
    }

    fn json(&self) -> Value {
        json!({
            "total": self.total,
            "refused": self.refused,
            "pending": self.pending,
            "hints": self.hints,
            "operations": self.operations,
            "statuses": self.statuses,
        })
    }
}

/// One request with its answer.
pub(in crate::server) async fn one(
    Extension(here): Extension<Here>,
    Path(id): Path<u64>,
    Params(Reveal { reveal }): Params<Reveal>,
) -> Result<Reply<Value>, Refused> {
    let sandbox = here.sandbox();
    let entry = {
        let ring = sandbox.exchange.log.lock();
        ring.entries.iter().rfind(|entry| entry.id == id).cloned()
    };
    let entry = entry.ok_or_else(|| Refused::missing("there is no such request, or no longer"))?;
    Ok(Reply(detail(&entry, reveal, &here.origin())))
}

/// A request and its answer, side by side, and what to paste elsewhere.
pub(in crate::server) fn detail(entry: &Entry, reveal: bool, origin: &str) -> Value {
    let mask = if reveal {
        Mask::nothing()
    } else {
        Mask::of(entry)
    };
    let message = |message: &crate::log::Message| {
        json!({
            "headers": mask.headers(&message.headers),
            "body": mask.body(message),
            "length": message.length,
            "is_whole": message.length <= message.body.len(),
        })
    };
    let mut detail = summary(entry);
    detail["revealed"] = reveal.into();
    detail["target"] = mask.target(entry).into();
    detail["why"] = json!(why(entry, &mask));
    detail["request"] = message(&entry.sent);
    detail["answer"] = entry.answer.as_ref().map(message).into();
    detail["curl"] = copy::curl(entry, &mask, origin).into();
    detail["rust"] = copy::rust(entry, &mask).into();
    detail
}

/// Forgets all requests.
pub(in crate::server) async fn clear(Extension(here): Extension<Here>) -> Reply<Value> {
    here.sandbox().exchange.log.clear();
    here.space.touch();
    Reply(json!({}))
}

/// A request in one line, without secrets.
pub(in crate::server) fn summary(entry: &Entry) -> Value {
    json!({
        "id": entry.id,
        "at": date(entry.moment.wall()),
        "vendor": Some(vendor(entry)).filter(|it| !it.is_empty()),
        "operation": entry.operation,
        "method": entry.method,
        "path": entry.shown_path,
        "state": state(entry),
        "status": entry.status(),
        "refused": is_refused(entry),
        "why": entry.hint,
        "fault": entry.fault,
        "connection": entry.connection,
    })
}

fn state(entry: &Entry) -> &'static str {
    match entry.outcome {
        Outcome::Pending => "pending",
        Outcome::Answered(_) => "answered",
        Outcome::Cut => "cut",
    }
}

/// The vendor, empty for a request that belongs to none.
fn vendor(entry: &Entry) -> &str {
    let vendor = entry.operation.split_once('.');
    vendor.map_or("", |(vendor, _)| vendor)
}

/// Whether the client did not get what it asked for.
fn is_refused(entry: &Entry) -> bool {
    entry.hint.is_some() || entry.was_cut() || entry.status().is_some_and(|status| status >= 400)
}
