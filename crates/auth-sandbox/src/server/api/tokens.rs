//! The tokens that the vendors have issued.

use std::time::SystemTime;

use axum::Extension;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Reply;
use super::input::{Params, date};
use crate::sandbox::Sandbox;
use crate::server::app::Here;
use crate::server::inspect::{self, Token, token_id};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    #[serde(default)]
    reveal: bool,
}

/// All tokens, the newest of each vendor first.
pub(in crate::server) async fn list(
    Extension(here): Extension<Here>,
    Params(filter): Params<Filter>,
) -> Reply<Value> {
    Reply(json!({ "tokens": tokens(&here.sandbox(), filter.reveal) }))
}

fn tokens(sandbox: &Sandbox, reveal: bool) -> Vec<Value> {
    let wall = sandbox.exchange.vendor_clock.wall();
    let mut all = Vec::new();
    for vendor in inspect::vendors(sandbox) {
        let mut tokens = vendor.tokens();
        tokens.sort_by_key(|token| std::cmp::Reverse(token.begins_at));
        let tokens = tokens.iter();
        all.extend(tokens.map(|token| view(vendor.vendor(), token, wall, reveal)));
    }
    all
}

fn view(vendor: &str, token: &Token, wall: SystemTime, reveal: bool) -> Value {
    let seconds = |from: SystemTime, to: SystemTime| {
        to.duration_since(from).unwrap_or_default().as_secs_f64()
    };
    let lifetime = token.begins_at.zip(token.ends_at);
    json!({
        "id": token_id(&token.value),
        "vendor": vendor,
        "kind": token.kind,
        "owner": token.owner,
        "state": token.state,
        "begins_at": token.begins_at.map(date),
        "ends_at": token.ends_at.map(date),
        "seconds_left": token.ends_at.map(|ends| seconds(wall, ends)),
        "lifetime_seconds": lifetime.map(|(begins, ends)| seconds(begins, ends)),
        "value": reveal.then_some(&token.value),
    })
}
