//! Users, applications and organisations, and what can be switched at a vendor.

use axum::Extension;
use axum::extract::Path;
use serde_json::{Map, Value, json};

use super::input::{Input, Params, Reveal};
use super::{Refused, Reply};
use crate::sandbox::Sandbox;
use crate::server::app::Here;
use crate::server::inspect::{self, Act, Fields, Inspect};
use crate::server::mask::Mask;

/// All lists. What a person has to keep secret is there only if it is asked for.
pub(in crate::server) async fn all(
    Extension(here): Extension<Here>,
    Params(Reveal { reveal }): Params<Reveal>,
) -> Result<Reply<Value>, Refused> {
    let sandbox = here.sandbox();
    let mut lists = Map::new();
    for vendor in inspect::vendors(&sandbox) {
        for list in vendor.lists() {
            let records = vendor.records(list, Act::List).map_err(Refused::bad)?;
            lists.insert((*list).to_owned(), shown(records, reveal));
        }
    }
    Ok(Reply(Value::Object(lists)))
}

fn shown(records: Vec<Value>, reveal: bool) -> Value {
    let mut records = Value::Array(records);
    if !reveal {
        Mask::names_only().value(&mut records);
    }
    records
}

/// Adds a record, or replaces the one of the same name.
pub(in crate::server) async fn add(
    Extension(here): Extension<Here>,
    Path(list): Path<String>,
    Input(fields): Input<Fields>,
) -> Result<Reply<Value>, Refused> {
    one(&here, &list, Act::Add(fields))
}

/// Changes some fields of a record, and neither the others nor any token.
pub(in crate::server) async fn change(
    Extension(here): Extension<Here>,
    Path((list, name)): Path<(String, String)>,
    Input(fields): Input<Fields>,
) -> Result<Reply<Value>, Refused> {
    one(&here, &list, Act::Change(&name, fields))
}

/// Removes a record, and no token.
pub(in crate::server) async fn remove(
    Extension(here): Extension<Here>,
    Path((list, name)): Path<(String, String)>,
) -> Result<Reply<Value>, Refused> {
    one(&here, &list, Act::Remove(&name))
}

fn one(here: &Here, list: &str, act: Act<'_>) -> Result<Reply<Value>, Refused> {
    let records = records(&here.sandbox(), list, act).map_err(Refused::bad)?;
    let record = records.into_iter().next();
    let record = record.ok_or_else(|| Refused::missing("there is no record of this name"))?;
    here.space.touch();
    Ok(Reply(record))
}

/// Does something to a list of any vendor.
pub(in crate::server) fn records(
    sandbox: &Sandbox,
    list: &str,
    act: Act<'_>,
) -> Result<Vec<Value>, String> {
    let vendors = inspect::vendors(sandbox);
    let Some(vendor) = vendors.iter().find(|vendor| vendor.lists().contains(&list)) else {
        let known: Vec<_> = vendors
            .iter()
            .flat_map(|vendor| vendor.lists())
            .copied()
            .collect();
        return Err(format!(
            "there is no list {list:?}; there are: {}",
            known.join(", ")
        ));
    };
    vendor.records(list, act)
}

/// The vendors: where they are, what can be switched, and how much they issued.
pub(in crate::server) async fn vendors(Extension(here): Extension<Here>) -> Reply<Value> {
    let sandbox = here.sandbox();
    let vendor = |vendor: &&dyn Inspect| {
        let name = vendor.vendor();
        let view = json!({
            "base_url": base_url(&sandbox, name),
            "switches": vendor.switches(),
            "counts": vendor.counts(),
        });
        (name.to_owned(), view)
    };
    let vendors: Map<String, Value> = inspect::vendors(&sandbox).iter().map(vendor).collect();
    let iqm = sandbox.iqm();
    Reply(json!({
        "vendors": vendors,
        "iqm_client": { "id": iqm.client_id(), "secret": iqm.client_secret() },
        "identityx_endpoint": sandbox.identityx().endpoint().as_str(),
    }))
}

/// The base URL of a vendor.
pub(in crate::server) fn base_url(sandbox: &Sandbox, vendor: &str) -> String {
    match vendor {
        "iqm" => sandbox.iqm().base_url(),
        "edgeiq" => sandbox.edgeiq().base_url(),
        "eqworks" => sandbox.eqworks().base_url(),
        _ => sandbox.identityx().base_url(),
    }
    .to_string()
}

/// Switches something at a vendor.
pub(in crate::server) async fn switch(
    Extension(here): Extension<Here>,
    Path(vendor): Path<String>,
    Input(fields): Input<Fields>,
) -> Result<Reply<Value>, Refused> {
    let sandbox = here.sandbox();
    switched(&sandbox, &vendor, fields).map_err(Refused::bad)?;
    here.space.touch();
    let vendors = inspect::vendors(&sandbox).into_iter();
    let mut switches = vendors
        .filter(|it| it.vendor() == vendor)
        .map(Inspect::switches);
    Ok(Reply(switches.next().unwrap_or_default()))
}

pub(in crate::server) fn switched(
    sandbox: &Sandbox,
    vendor: &str,
    fields: Fields,
) -> Result<(), String> {
    let vendors = inspect::vendors(sandbox);
    let found = vendors.iter().find(|it| it.vendor() == vendor);
    found
        .ok_or_else(|| format!("there is no vendor {vendor:?}"))?
        .switch(fields)
}

/// The names of all operations.
pub(in crate::server) async fn operations() -> Reply<Value> {
    Reply(json!({ "operations": Sandbox::operations() }))
}
