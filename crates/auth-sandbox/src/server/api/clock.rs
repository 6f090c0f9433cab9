//! The clock.

use auth_core::Clock as _;
use axum::Extension;
use serde_json::{Value, json};

use super::Reply;
use super::input::date;
use crate::sandbox::Sandbox;
use crate::server::app::Here;

pub(in crate::server) async fn read(Extension(here): Extension<Here>) -> Reply<Value> {
    Reply(clock(&here.sandbox()))
}

/// What the clock says.
pub(in crate::server) fn clock(sandbox: &Sandbox) -> Value {
    let now = sandbox.exchange.clock.now();
    json!({
        "wall": date(now.wall()),
        "vendor_wall": date(sandbox.exchange.vendor_clock.wall()),
        "monotonic_seconds": now.monotonic().as_secs_f64(),
        "frozen": sandbox.exchange.clock.is_frozen(),
        "sleepers": sandbox.exchange.clock.sleepers(),
    })
}
