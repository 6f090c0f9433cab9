//! The clock.

use std::time::{Duration, SystemTime};

use auth_core::Clock as _;
use axum::Extension;
use axum::extract::Path;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout_at;

use super::input::{Input, Params, Span, date, deadline, parse_date};
use super::{Refused, Reply};
use crate::sandbox::Sandbox;
use crate::server::app::Here;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Until {
    /// Until so many sleep.
    sleepers: Option<usize>,
    wait: Option<Span>,
}

pub(in crate::server) async fn read(
    Extension(here): Extension<Here>,
    Params(until): Params<Until>,
) -> Reply<Value> {
    let sandbox = here.sandbox();
    if let Some(sleepers) = until.sleepers {
        let sleeping = sandbox.exchange.clock.until_sleeping(sleepers);
        // Too late or not, the number says it.
        let _ = timeout_at(deadline(until.wait), sleeping).await;
    }
    Reply(clock(&sandbox))
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

/// How far, or until when.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Move {
    by: Option<Span>,
    to: Option<String>,
}

impl Move {
    /// How far it is. An earlier time is an error unless the clock may be set back.
    fn distance(&self, now: SystemTime) -> Result<Step, Refused> {
        match (self.by, self.to.as_deref()) {
            (Some(Span(by)), None) => Ok(Step::Forward(by)),
            (None, Some(to)) => {
                let to = parse_date(to).map_err(Refused::bad)?;
                Ok(match to.duration_since(now) {
                    Ok(by) => Step::Forward(by),
                    Err(back) => Step::Back(back.duration()),
                })
            }
            _ => Err(Refused::bad(
                "say by, such as {\"by\": \"1h\"}, or to, such as {\"to\": \"2030-01-01T00:00:00Z\"}",
            )),
        }
    }
}

enum Step {
    Forward(Duration),
    Back(Duration),
}

/// Moves the clock. What each action stands for, the README says.
pub(in crate::server) async fn act(
    Extension(here): Extension<Here>,
    Path(action): Path<String>,
    Input(to): Input<Move>,
) -> Result<Reply<Value>, Refused> {
    let sandbox = here.sandbox();
    let clock = &sandbox.exchange.clock;
    let distance = || to.distance(clock.now().wall());
    let forward = || match distance()? {
        Step::Forward(by) => Ok(by),
        Step::Back(_) => Err(Refused::bad(
            "time does not run back; `jump` sets the wall clock",
        )),
    };
    match &*action {
        "advance" => clock.advance(forward()?),
        "suspend" => clock.suspend(forward()?),
        "jump" => match distance()? {
            Step::Forward(by) => clock.jump_wall_forward(by),
            Step::Back(by) => clock.jump_wall_back(by),
        },
        "jump_back" => clock.jump_wall_back(forward()?),
        "freeze" => clock.freeze(),
        "resume" => clock.resume(),
        _ => {
            let text = "there are: advance, suspend, jump, jump_back, freeze, resume";
            return Err(Refused::missing(text));
        }
    }
    here.space.touch();
    Ok(Reply(self::clock(&sandbox)))
}
