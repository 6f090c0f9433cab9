//! The whole of a namespace: reset, snapshot and restore; and the namespaces.

use axum::Extension;
use axum::extract::Path;
use serde_json::{Value, json};

use super::input::Input;
use super::{Refused, Reply};
use crate::server::app::Here;
use crate::server::seed;
use crate::server::snapshot::Snapshot;

/// Begins again: with the seed in the body, or with the one that the program was started with.
pub(in crate::server) async fn reset(
    Extension(here): Extension<Here>,
    Input(body): Input<Value>,
) -> Result<Reply<Value>, Refused> {
    let spaces = &here.app.spaces;
    let seed = seed::of_body(body, &spaces.plan.seed).map_err(Refused::bad)?;
    spaces.reset(&here.space, &seed).map_err(Refused::bad)?;
    Ok(Reply(json!({})))
}

pub(in crate::server) async fn snapshot(
    Extension(here): Extension<Here>,
) -> Result<Reply<Snapshot>, Refused> {
    let snapshot = here.space.snapshot();
    Ok(Reply(
        snapshot.map_err(|error| Refused::bad(error.to_string()))?,
    ))
}

pub(in crate::server) async fn restore(
    Extension(here): Extension<Here>,
    Input(snapshot): Input<Snapshot>,
) -> Result<Reply<Value>, Refused> {
    let spaces = &here.app.spaces;
    spaces
        .restore(&here.space, snapshot)
        .map_err(Refused::bad)?;
    Ok(Reply(json!({})))
}

pub(in crate::server) async fn namespaces(Extension(here): Extension<Here>) -> Reply<Value> {
    let spaces = &here.app.spaces;
    Reply(json!({ "namespaces": spaces.names(), "most": spaces.plan.most }))
}

pub(in crate::server) async fn remove_namespace(
    Extension(here): Extension<Here>,
    Path(name): Path<String>,
) -> Result<Reply<Value>, Refused> {
    if here.app.spaces.remove(&name) {
        Ok(Reply(json!({})))
    } else {
        Err(Refused::missing("there is no such namespace"))
    }
}
