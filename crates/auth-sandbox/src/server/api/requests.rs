//! The requests that arrived.

use axum::Extension;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Reply;
use super::input::{Params, date};
use crate::log::{Entry, Outcome};
use crate::server::app::Here;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    limit: Option<usize>,
}

/// The requests, the latest first.
pub(in crate::server) async fn list(
    Extension(here): Extension<Here>,
    Params(filter): Params<Filter>,
) -> Reply<Value> {
    let sandbox = here.sandbox();
    let ring = sandbox.exchange.log.lock();
    let found = ring.entries.iter().rev().take(filter.limit.unwrap_or(100));
    let found: Vec<Value> = found.map(summary).collect();
    drop(ring);
    Reply(json!({ "requests": found }))
}

/// A request in one line, without secrets.
pub(in crate::server) fn summary(entry: &Entry) -> Value {
    let vendor = entry.operation.split_once('.').map(|(vendor, _)| vendor);
    json!({
        "id": entry.id,
        "at": date(entry.moment.wall()),
        "vendor": vendor,
        "operation": entry.operation,
        "method": entry.method,
        "path": entry.shown_path,
        "state": match entry.outcome {
            Outcome::Pending => "pending",
            Outcome::Answered(_) => "answered",
            Outcome::Cut => "cut",
        },
        "status": entry.status(),
        "refused": is_refused(entry),
        "why": entry.hint,
        "fault": entry.fault,
        "connection": entry.connection,
    })
}

/// Whether the client did not get what it asked for.
fn is_refused(entry: &Entry) -> bool {
    entry.hint.is_some() || entry.was_cut() || entry.status().is_some_and(|status| status >= 400)
}
