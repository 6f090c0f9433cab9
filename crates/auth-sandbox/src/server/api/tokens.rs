//! The tokens that the vendors have issued.

use std::time::SystemTime;

use axum::Extension;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::input::{Input, Params, date};
use super::{Refused, Reply};
use crate::sandbox::Sandbox;
use crate::server::app::Here;
use crate::server::inspect::{self, Inspect, Mint, Token, TokenChange, token_id};

/// Which tokens.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    #[serde(default)]
    reveal: bool,
    vendor: Option<String>,
    kind: Option<String>,
    owner: Option<String>,
    limit: Option<usize>,
}

/// The tokens, the newest of each vendor first.
pub(in crate::server) async fn list(
    Extension(here): Extension<Here>,
    Params(filter): Params<Filter>,
) -> Reply<Value> {
    let sandbox = here.sandbox();
    let wall = sandbox.exchange.vendor_clock.wall();
    let is = |wanted: &Option<String>, it: &str| wanted.as_deref().is_none_or(|want| want == it);
    let mut all = Vec::new();
    for vendor in inspect::vendors(&sandbox) {
        if !is(&filter.vendor, vendor.vendor()) {
            continue;
        }
        let mut tokens = vendor.tokens();
        tokens.retain(|token| is(&filter.kind, token.kind) && is(&filter.owner, &token.owner));
        tokens.sort_by_key(|token| std::cmp::Reverse(token.begins_at));
        let tokens = tokens.iter();
        all.extend(tokens.map(|token| view(vendor.vendor(), token, wall, filter.reveal)));
    }
    let total = all.len();
    all.truncate(filter.limit.unwrap_or(1_000));
    Reply(json!({ "tokens": all, "total": total }))
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

/// Which tokens a change is for: one, or those of a user.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    id: Option<String>,
    token: Option<String>,
    vendor: Option<String>,
    owner: Option<String>,
    kind: Option<String>,
}

impl Which {
    fn matches(&self, vendor: &str, token: &Token) -> bool {
        let is = |wanted: &Option<String>, it: &str| wanted.as_deref().is_none_or(|it2| it2 == it);
        is(&self.token, &token.value)
            && is(&self.vendor, vendor)
            && is(&self.owner, &token.owner)
            && is(&self.kind, token.kind)
            && self
                .id
                .as_ref()
                .is_none_or(|id| *id == token_id(&token.value))
    }

    fn is_empty(&self) -> bool {
        let all = [&self.id, &self.token, &self.vendor, &self.owner, &self.kind];
        all.iter().all(|it| it.is_none())
    }
}

pub(in crate::server) async fn revoke(
    Extension(here): Extension<Here>,
    Input(which): Input<Which>,
) -> Result<Reply<Value>, Refused> {
    change(&here, &which, TokenChange::Revoke)
}

pub(in crate::server) async fn expire(
    Extension(here): Extension<Here>,
    Input(which): Input<Which>,
) -> Result<Reply<Value>, Refused> {
    change(&here, &which, TokenChange::Expire)
}

fn change(here: &Here, which: &Which, change: TokenChange) -> Result<Reply<Value>, Refused> {
    if which.is_empty() {
        return Err(Refused::bad("say which: id, token, vendor, owner or kind"));
    }
    let sandbox = here.sandbox();
    let mut changed = 0;
    for vendor in inspect::vendors(&sandbox) {
        let tokens = vendor.tokens().into_iter();
        for token in tokens.filter(|token| which.matches(vendor.vendor(), token)) {
            changed += usize::from(vendor.change_token(&token.value, change));
        }
    }
    if changed == 0 {
        return Err(Refused::missing("there is no such token"));
    }
    here.space.touch();
    Ok(Reply(json!({ "changed": changed })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OneToken {
    token: String,
}

/// What a token says, and what the vendors think of it.
pub(in crate::server) async fn decode(
    Extension(here): Extension<Here>,
    Input(OneToken { token }): Input<OneToken>,
) -> Reply<Value> {
    let part = |at: usize| -> Option<Value> {
        let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(at)?).ok()?;
        serde_json::from_slice(&bytes).ok()
    };
    let sandbox = here.sandbox();
    let known = find(&sandbox, &token);
    Reply(json!({
        "header": part(0),
        "claims": part(1),
        "known": known,
        "accepted": accepted_by(&sandbox, &token),
    }))
}

fn find(sandbox: &Sandbox, value: &str) -> Option<Value> {
    let wall = sandbox.exchange.vendor_clock.wall();
    inspect::vendors(sandbox).into_iter().find_map(|vendor| {
        let token = vendor
            .tokens()
            .into_iter()
            .find(|token| token.value == value)?;
        Some(view(vendor.vendor(), &token, wall, false))
    })
}

/// The vendor that would accept the token at present.
fn accepted_by(sandbox: &Sandbox, token: &str) -> Option<&'static str> {
    [
        ("iqm", sandbox.iqm().accepts(token)),
        ("edgeiq", sandbox.edgeiq().accepts(token)),
        ("eqworks", sandbox.eqworks().accepts(token)),
        ("identityx", sandbox.identityx().accepts(token)),
    ]
    .into_iter()
    .find_map(|(vendor, accepts)| accepts.then_some(vendor))
}

/// Makes a token or a code, as if its user had just logged in or consented.
pub(in crate::server) async fn mint(
    Extension(here): Extension<Here>,
    Input(mint): Input<Mint>,
) -> Result<Reply<Value>, Refused> {
    let value = minted(&here.sandbox(), &mint).map_err(Refused::bad)?;
    here.space.touch();
    Ok(Reply(json!({ "id": token_id(&value), "value": value })))
}

pub(in crate::server) fn minted(sandbox: &Sandbox, mint: &Mint) -> Result<String, String> {
    let vendors = inspect::vendors(sandbox);
    let vendor = vendors.iter().find(|it| it.vendor() == mint.vendor);
    let vendor = vendor.ok_or_else(|| format!("there is no vendor {:?}", mint.vendor))?;
    vendor.mint(mint)
}

/// The codes that users would have to type.
pub(in crate::server) async fn codes(Extension(here): Extension<Here>) -> Reply<Value> {
    let sandbox = here.sandbox();
    let vendors = inspect::vendors(&sandbox).into_iter();
    let codes: Vec<_> = vendors.flat_map(Inspect::codes).collect();
    Reply(json!({ "codes": codes }))
}
