//! The seed file: what a sandbox begins with, and its settings.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Span;
use super::api::{minted, records, switched};
use super::inspect::{Act, Fields, Mint};
use super::step::FaultSpec;
use crate::edgeiq::{EdgeIqRefusals, EdgeIqSessionExpiresAt};
use crate::iqm::IqmTokenEnvelope;
use crate::sandbox::{Sandbox, SandboxBuilder};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Seed {
    /// For editors.
    #[serde(rename = "$schema")]
    schema: Option<String>,
    pub(super) settings: Settings,
    pub(super) clock: ClockSeed,
    /// By the list that they belong to.
    users: BTreeMap<String, Vec<Fields>>,
    /// By vendor.
    switches: BTreeMap<String, Fields>,
    tokens: Vec<Mint>,
    faults: Vec<FaultSpec>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ClockSeed {
    /// The clock stands still at this time. Without it, it flows with real time.
    pub(super) frozen_at: Option<String>,
}

/// What a sandbox is started with: the settings of [`SandboxBuilder`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    rate_limit: Option<u32>,
    server_ahead_by: Option<Span>,
    server_behind_by: Option<Span>,
    iqm_token_lifetime: Option<Span>,
    iqm_refresh_token_lifetime: Option<Span>,
    iqm_rotate_refresh_tokens: bool,
    iqm_token_envelope: Envelope,
    edgeiq_session_expires_at: SessionExpiresAt,
    edgeiq_refusals: Refusals,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Envelope {
    #[default]
    Enveloped,
    Bare,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SessionExpiresAt {
    #[default]
    Given,
    Missing,
    Garbage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Refusals {
    #[default]
    Mixed,
    Text,
    Json,
}

impl Settings {
    pub(super) fn apply(&self, mut builder: SandboxBuilder) -> SandboxBuilder {
        builder = builder
            .rate_limit(self.rate_limit)
            .iqm_rotate_refresh_tokens(self.iqm_rotate_refresh_tokens)
            .iqm_refresh_token_lifetime(self.iqm_refresh_token_lifetime.map(|span| span.0))
            .iqm_token_envelope(match self.iqm_token_envelope {
                Envelope::Enveloped => IqmTokenEnvelope::Enveloped,
                Envelope::Bare => IqmTokenEnvelope::Bare,
            })
            .edgeiq_session_expires_at(match self.edgeiq_session_expires_at {
                SessionExpiresAt::Given => EdgeIqSessionExpiresAt::Given,
                SessionExpiresAt::Missing => EdgeIqSessionExpiresAt::Missing,
                SessionExpiresAt::Garbage => EdgeIqSessionExpiresAt::Garbage,
            })
            .edgeiq_refusals(match self.edgeiq_refusals {
                Refusals::Mixed => EdgeIqRefusals::Mixed,
                Refusals::Text => EdgeIqRefusals::Text,
                Refusals::Json => EdgeIqRefusals::Json,
            });
        if let Some(Span(lifetime)) = self.iqm_token_lifetime {
            builder = builder.iqm_token_lifetime(lifetime);
        }
        if let Some(Span(ahead)) = self.server_ahead_by {
            builder = builder.server_ahead_by(ahead);
        }
        if let Some(Span(behind)) = self.server_behind_by {
            builder = builder.server_behind_by(behind);
        }
        builder
    }
}

impl Seed {
    /// Reads a file: TOML, or JSON if its name ends so.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let text = fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
        let is_json = path
            .extension()
            .is_some_and(|it| it.eq_ignore_ascii_case("json"));
        if is_json {
            serde_json::from_str(&text).map_err(|error| format!("{shown}: {error}"))
        } else {
            toml::from_str(&text).map_err(|error| format!("{shown}: {error}"))
        }
    }

    /// Puts everything but the settings and the clock into a new sandbox.
    pub(super) fn plant(&self, sandbox: &Sandbox) -> Result<(), String> {
        for (list, all) in &self.users {
            for fields in all {
                records(sandbox, list, Act::Add(fields.clone()))
                    .map_err(|error| format!("users.{list}: {error}"))?;
            }
        }
        for (vendor, fields) in &self.switches {
            switched(sandbox, vendor, fields.clone())
                .map_err(|error| format!("switches.{vendor}: {error}"))?;
        }
        for token in &self.tokens {
            minted(sandbox, token).map_err(|error| format!("tokens: {error}"))?;
        }
        for fault in &self.faults {
            fault
                .queue(sandbox)
                .map_err(|error| format!("faults: {error}"))?;
        }
        Ok(())
    }
}

/// For a reset: the body, or what the program was started with.
pub(super) fn of_body(body: Value, default: &Seed) -> Result<Seed, String> {
    match &body {
        Value::Object(fields) if fields.is_empty() => Ok(default.clone()),
        _ => serde_json::from_value(body).map_err(|error| error.to_string()),
    }
}
