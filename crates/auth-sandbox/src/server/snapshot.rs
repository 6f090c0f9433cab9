//! Everything that a sandbox remembers, as JSON: for a restart of the program, and for tests that begin
//! again from the same state.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_core::Moment;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::inspect;
use super::seed::Settings;
use super::step::FaultSpec;
use crate::clock::SavedClock;
use crate::inbox::{Mail, MailKind, Sent};
use crate::log::{Entry, Message, Outcome};
use crate::operation;
use crate::sandbox::Sandbox;

/// The form of a snapshot. Another one is not read.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Snapshot {
    version: u32,
    pub(super) settings: Settings,
    pub(super) clock: SavedClock,
    vendors: BTreeMap<String, Value>,
    mails: Mails,
    requests: Requests,
    faults: Faults,
    /// What the rate limits count, in the order of the vendors: by the monotonic clock.
    passed: Vec<VecDeque<Duration>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mails {
    latest: u64,
    kept: Vec<SavedMail>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Requests {
    latest: u64,
    revision: u64,
    kept: Vec<SavedEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Faults {
    latest: u64,
    pending: Vec<(u64, FaultSpec)>,
}

impl Snapshot {
    pub(super) fn of(sandbox: &Sandbox, settings: &Settings) -> serde_json::Result<Self> {
        let vendors = inspect::vendors(sandbox).into_iter();
        let vendors = vendors.map(|vendor| Ok((vendor.vendor().to_owned(), vendor.save()?)));
        let mails = {
            let sent = sandbox.post.lock();
            let latest = *sandbox.post.subscribe().borrow();
            let kept = sent.iter().map(SavedMail::of).collect();
            Mails { latest, kept }
        };
        let requests = {
            let ring = sandbox.exchange.log.lock();
            Requests {
                latest: ring.latest,
                revision: ring.revision,
                kept: ring.entries.iter().map(SavedEntry::of).collect(),
            }
        };
        let faults = &sandbox.exchange.faults;
        let pending = faults.pending();
        let pending = pending
            .iter()
            .map(|fault| (fault.id(), FaultSpec::of(fault)));
        Ok(Self {
            version: VERSION,
            settings: settings.clone(),
            clock: sandbox.exchange.clock.save(),
            vendors: vendors.collect::<serde_json::Result<_>>()?,
            mails,
            requests,
            faults: Faults {
                latest: faults.latest(),
                pending: pending.collect(),
            },
            passed: passed(sandbox).map(|it| it.clone()).collect(),
        })
    }

    /// Puts everything but the settings and the clock into a new sandbox.
    pub(super) fn restore(self, sandbox: &Sandbox) -> Result<(), String> {
        if self.version != VERSION {
            let version = self.version;
            return Err(format!(
                "the snapshot has the form {version}, and {VERSION} is read here"
            ));
        }
        let mut vendors = self.vendors;
        for vendor in inspect::vendors(sandbox) {
            let name = vendor.vendor();
            let saved = vendors.remove(name);
            let saved = saved.ok_or_else(|| format!("the snapshot has no vendor {name}"))?;
            vendor
                .load(saved)
                .map_err(|error| format!("{name}: {error}"))?;
        }
        let mails: Option<Vec<Sent>> = self.mails.kept.into_iter().map(SavedMail::sent).collect();
        let mails = mails.ok_or("an e-mail of the snapshot is of an unknown vendor")?;
        sandbox.post.restore(mails, self.mails.latest);
        let entries = self.requests.kept.into_iter().map(SavedEntry::entry);
        let Requests {
            latest, revision, ..
        } = self.requests;
        sandbox
            .exchange
            .log
            .restore(entries.collect(), latest, revision);
        let queue = &sandbox.exchange.faults;
        let mut faults = Vec::new();
        for (id, spec) in self.faults.pending {
            let (fault, gate) = spec.fault()?;
            if let Some(gate) = gate {
                queue.keep(id, gate);
            }
            faults.push((id, fault));
        }
        queue.restore(faults, self.faults.latest);
        for (mut passed, saved) in passed(sandbox).zip(self.passed) {
            *passed = saved;
        }
        Ok(())
    }
}

/// What the rate limit of each vendor counts.
fn passed(sandbox: &Sandbox) -> impl Iterator<Item = MutexGuard<'_, VecDeque<Duration>>> {
    let vendors = sandbox.exchange.vendors.iter();
    vendors.map(|vendor| vendor.passed.lock().unwrap_or_else(PoisonError::into_inner))
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedKind {
    PasswordReset,
    Passcode,
    MagicLink,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedMail {
    id: u64,
    to: String,
    #[serde(with = "inspect::exact_time")]
    at: Option<SystemTime>,
    vendor: String,
    kind: SavedKind,
    code: Option<String>,
    link: Option<String>,
    link_text: Option<String>,
    #[serde(with = "inspect::exact_time")]
    expires_at: Option<SystemTime>,
    subject: Option<String>,
    greeting: Option<String>,
    from_address: Option<String>,
}

impl SavedMail {
    fn of(sent: &Sent) -> Self {
        let mail = sent.mail.clone();
        Self {
            id: sent.id,
            to: sent.to.clone(),
            at: Some(sent.at),
            vendor: mail.vendor.to_owned(),
            kind: match mail.kind {
                MailKind::PasswordReset => SavedKind::PasswordReset,
                MailKind::Passcode => SavedKind::Passcode,
                MailKind::MagicLink => SavedKind::MagicLink,
            },
            code: mail.code,
            link: mail.link.map(String::from),
            link_text: mail.link_text,
            expires_at: mail.expires_at,
            subject: mail.subject,
            greeting: mail.greeting,
            from_address: mail.from_address,
        }
    }

    fn sent(self) -> Option<Sent> {
        let vendors = ["iqm", "edgeiq", "eqworks", "identityx"];
        let vendor = vendors.into_iter().find(|it| *it == self.vendor)?;
        let kind = match self.kind {
            SavedKind::PasswordReset => MailKind::PasswordReset,
            SavedKind::Passcode => MailKind::Passcode,
            SavedKind::MagicLink => MailKind::MagicLink,
        };
        let mail = Mail {
            code: self.code,
            link: self.link.and_then(|link| Url::parse(&link).ok()),
            link_text: self.link_text,
            expires_at: self.expires_at,
            subject: self.subject,
            greeting: self.greeting,
            from_address: self.from_address,
            ..Mail::new(vendor, kind)
        };
        Some(Sent {
            id: self.id,
            to: self.to,
            at: self.at.unwrap_or(UNIX_EPOCH),
            mail,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedEntry {
    id: u64,
    revision: u64,
    operation: String,
    method: String,
    path: String,
    shown_path: String,
    query: Option<String>,
    request: SavedMessage,
    answer: Option<SavedMessage>,
    /// Null: the connection was cut.
    status: Option<u16>,
    fault: Option<String>,
    hint: Option<String>,
    wall: Duration,
    monotonic: Duration,
    connection: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedMessage {
    /// A value's bytes as the characters of the same numbers.
    headers: Vec<(String, String)>,
    body: String,
    length: usize,
}

impl SavedEntry {
    fn of(entry: &Entry) -> Self {
        let wall = entry.moment.wall().duration_since(UNIX_EPOCH);
        Self {
            id: entry.id,
            revision: entry.revision,
            operation: entry.operation.to_owned(),
            method: entry.method.clone(),
            path: entry.path.clone(),
            shown_path: entry.shown_path.clone(),
            query: entry.query.clone(),
            request: SavedMessage::of(&entry.sent),
            answer: entry.answer.as_ref().map(SavedMessage::of),
            status: entry.status(),
            fault: entry.fault.clone(),
            hint: entry.hint.clone(),
            wall: wall.unwrap_or_default(),
            monotonic: entry.moment.monotonic(),
            connection: entry.connection,
        }
    }

    /// A request that waited when it was saved counts as cut: its client is gone.
    fn entry(self) -> Entry {
        let mut known = Sandbox::operations().into_iter();
        let operation = known.find(|it| *it == self.operation);
        Entry {
            id: self.id,
            revision: self.revision,
            operation: operation.unwrap_or(operation::UNKNOWN),
            method: self.method,
            path: self.path,
            shown_path: self.shown_path,
            query: self.query,
            sent: self.request.message(),
            answer: self.answer.map(SavedMessage::message),
            outcome: self.status.map_or(Outcome::Cut, Outcome::Answered),
            fault: self.fault,
            hint: self.hint,
            moment: Moment::new(UNIX_EPOCH + self.wall, self.monotonic),
            connection: self.connection,
        }
    }
}

impl SavedMessage {
    fn of(message: &Message) -> Self {
        let header = |(name, value): (&HeaderName, &HeaderValue)| {
            let value = value.as_bytes().iter().copied().map(char::from);
            (name.to_string(), value.collect())
        };
        Self {
            headers: message.headers.iter().map(header).collect(),
            body: message.body.clone(),
            length: message.length,
        }
    }

    fn message(self) -> Message {
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers {
            let bytes: Option<Vec<u8>> = value.chars().map(|c| u8::try_from(c).ok()).collect();
            let value = bytes.and_then(|bytes| HeaderValue::from_bytes(&bytes).ok());
            if let (Ok(name), Some(value)) = (name.parse::<HeaderName>(), value) {
                headers.append(name, value);
            }
        }
        Message {
            headers,
            body: self.body,
            length: self.length,
        }
    }
}
