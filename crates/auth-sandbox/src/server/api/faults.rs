//! The faults that wait for a call.

use axum::Extension;
use axum::extract::Path;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout_at;

use super::input::{Input, Params, Span, deadline};
use super::{Refused, Reply};
use crate::fault::Fault;
use crate::sandbox::Sandbox;
use crate::server::app::Here;
use crate::server::step::FaultSpec;

pub(in crate::server) async fn list(Extension(here): Extension<Here>) -> Reply<Value> {
    Reply(faults(&here.sandbox()))
}

/// The faults with what is left of them, and the gates that are closed.
pub(in crate::server) fn faults(sandbox: &Sandbox) -> Value {
    let queue = &sandbox.exchange.faults;
    let fault = |fault: &Fault| {
        let spec = FaultSpec::of(fault);
        json!({
            "id": fault.id(),
            "operation": spec.operation,
            "steps": spec.steps,
            "what": fault.label(),
            // Null: until it is cleared.
            "left": fault.left(),
        })
    };
    let held = queue.held().into_iter();
    let held = held.map(|(id, calls)| json!({ "id": id, "calls": calls }));
    json!({
        "faults": queue.pending().iter().map(fault).collect::<Vec<_>>(),
        "held": held.collect::<Vec<_>>(),
    })
}

pub(in crate::server) async fn add(
    Extension(here): Extension<Here>,
    Input(spec): Input<FaultSpec>,
) -> Result<Reply<Value>, Refused> {
    let id = spec.queue(&here.sandbox()).map_err(Refused::bad)?;
    here.space.touch();
    Ok(Reply(json!({ "id": id })))
}

/// Removes all faults, and opens their gates.
pub(in crate::server) async fn clear(Extension(here): Extension<Here>) -> Reply<Value> {
    let sandbox = here.sandbox();
    sandbox.exchange.faults.clear();
    sandbox.exchange.faults.open_all();
    here.space.touch();
    Reply(json!({}))
}

pub(in crate::server) async fn remove(
    Extension(here): Extension<Here>,
    Path(id): Path<u64>,
) -> Result<Reply<Value>, Refused> {
    if !here.sandbox().exchange.faults.remove(id) {
        return Err(Refused::missing("there is no such fault, or no longer"));
    }
    here.space.touch();
    Ok(Reply(json!({})))
}

/// Lets the calls pass that wait at the fault's gate.
pub(in crate::server) async fn release(
    Extension(here): Extension<Here>,
    Path(id): Path<u64>,
) -> Result<Reply<Value>, Refused> {
    if !here.sandbox().exchange.faults.open(id) {
        return Err(no_gate());
    }
    here.space.touch();
    Ok(Reply(json!({})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Until {
    calls: Option<usize>,
    wait: Option<Span>,
}

/// How many calls wait at the fault's gate, or have.
pub(in crate::server) async fn gate(
    Extension(here): Extension<Here>,
    Path(id): Path<u64>,
    Params(until): Params<Until>,
) -> Result<Reply<Value>, Refused> {
    let gate = here.sandbox().exchange.faults.gate(id);
    let gate = gate.ok_or_else(no_gate)?;
    let reached = gate.reached_by(until.calls.unwrap_or(1));
    // Too late or not, the number says it.
    let _ = timeout_at(deadline(until.wait), reached).await;
    Ok(Reply(json!({ "calls": gate.calls() })))
}

fn no_gate() -> Refused {
    Refused::missing("there is no closed gate of this fault")
}
