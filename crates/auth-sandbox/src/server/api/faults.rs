//! The faults that wait for a call.

use axum::Extension;
use serde_json::{Value, json};

use super::Reply;
use crate::sandbox::Sandbox;
use crate::server::app::Here;

pub(in crate::server) async fn list(Extension(here): Extension<Here>) -> Reply<Value> {
    Reply(json!({ "faults": faults(&here.sandbox()) }))
}

/// The faults with what is left of them.
pub(in crate::server) fn faults(sandbox: &Sandbox) -> Value {
    let faults = sandbox.exchange.faults.pending();
    let faults = faults.iter().map(|fault| {
        json!({
            "id": fault.id(),
            "operation": fault.operation(),
            "what": fault.label(),
            // Null: until it is cleared.
            "left": fault.left(),
        })
    });
    faults.collect()
}
