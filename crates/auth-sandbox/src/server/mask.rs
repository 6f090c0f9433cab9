//! Requests and answers without their secrets.

mod secret;

use std::borrow::Cow;
use std::collections::BTreeSet;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::form_urlencoded;

use self::secret::{hide_jwts, is_secret};
use crate::log::{Entry, Message};
use crate::operation;

pub(super) use self::secret::HIDDEN;

/// What to hide in one exchange: its secrets, wherever they are repeated.
pub(super) struct Mask {
    /// None, if everything may be shown.
    secrets: Option<BTreeSet<String>>,
}

impl Mask {
    pub(super) fn nothing() -> Self {
        Self { secrets: None }
    }

    /// Only by the names of fields.
    pub(super) fn names_only() -> Self {
        Self {
            secrets: Some(BTreeSet::new()),
        }
    }

    /// For the exchange of this entry.
    pub(super) fn of(entry: &Entry) -> Self {
        let mut secrets = BTreeSet::new();
        let query = entry.query.as_deref().unwrap_or_default();
        collect_form(query.as_bytes(), &mut secrets);
        if entry.shown_path != entry.path && entry.operation != operation::UNKNOWN {
            let last = entry.path.rsplit('/').next().unwrap_or_default();
            add(last, &mut secrets);
            add(&percent_decode_str(last).decode_utf8_lossy(), &mut secrets);
        }
        for message in [Some(&entry.sent), entry.answer.as_ref()]
            .into_iter()
            .flatten()
        {
            collect_message(message, &mut secrets);
        }
        Self {
            secrets: Some(secrets),
        }
    }

    /// Path and query.
    pub(super) fn target(&self, entry: &Entry) -> String {
        let path = if self.secrets.is_none() {
            Cow::Borrowed(&*entry.path)
        } else if entry.operation == operation::UNKNOWN {
            // It may hold a secret, and a typing mistake is what the person looks for.
            let segments = entry.path.split('/');
            let is_safe = |it: &str| {
                it.len() < 5 || (it.len() < 25 && !it.contains(|c: char| c.is_ascii_digit()))
            };
            let short = |it| if is_safe(it) { it } else { HIDDEN };
            Cow::Owned(segments.map(short).collect::<Vec<_>>().join("/"))
        } else {
            Cow::Borrowed(&*entry.shown_path)
        };
        let path = self.text(&path);
        match &entry.query {
            None => path,
            Some(query) if self.secrets.is_none() => format!("{path}?{query}"),
            Some(query) => {
                let pairs = query.split('&').map(|pair| self.pair(pair));
                format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
            }
        }
    }

    /// All headers, in the order of their arrival.
    pub(super) fn headers(&self, headers: &HeaderMap) -> Vec<(String, String)> {
        let header = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            let value = if self.secrets.is_some() && is_secret(name.as_str()) {
                // The scheme is what many refusals are about.
                match value.split_once(' ') {
                    Some((scheme, _)) if !scheme.is_empty() => format!("{scheme} {HIDDEN}"),
                    _ => HIDDEN.to_owned(),
                }
            } else {
                self.text(&value)
            };
            (name.to_string(), value)
        };
        headers.iter().map(header).collect()
    }

    /// A body.
    pub(super) fn body(&self, message: &Message) -> String {
        let text = &message.body;
        if self.secrets.is_none() || text.is_empty() {
            return text.clone();
        }
        if let Ok(mut value) = serde_json::from_str::<Value>(text) {
            self.value(&mut value);
            return value.to_string();
        }
        if is_form(&message.headers) {
            let pairs = text.split('&').map(|pair| self.pair(pair));
            return pairs.collect::<Vec<_>>().join("&");
        }
        // A web page or a text. Half of a JSON value is neither.
        if text.trim_start().starts_with(['{', '[', '"']) {
            let length = message.length;
            return format!("({length} bytes that are not JSON, hidden)");
        }
        self.text(text)
    }

    /// Hides what a value of JSON holds.
    pub(super) fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(list) => list.iter_mut().for_each(|it| self.value(it)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        Value::String(text) if is_secret(name) && !is_constant(text) => {
                            HIDDEN.clone_into(text);
                        }
                        value => self.value(value),
                    }
                }
            }
            _ => {}
        }
    }

    /// A text in which a secret may be repeated.
    pub(super) fn text(&self, text: &str) -> String {
        let Some(secrets) = &self.secrets else {
            return text.to_owned();
        };
        let mut text = text.to_owned();
        // The longest first: one may be a part of another.
        let mut secrets: Vec<_> = secrets.iter().collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        for secret in secrets {
            if text.contains(secret) {
                text = text.replace(secret, HIDDEN);
            }
        }
        hide_jwts(&text)
    }

    fn pair(&self, pair: &str) -> String {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let plain = percent_decode_str(value).decode_utf8_lossy();
        if value.is_empty() {
            // A name without a value may be a whole body in the wrong encoding.
            return self.text(name);
        }
        if is_secret(name) && !is_constant(&plain) {
            return format!("{name}={HIDDEN}");
        }
        format!("{name}={}", self.text(value))
    }
}

/// Such as the code of an error, or the name of a grant type.
fn is_constant(text: &str) -> bool {
    text.is_empty() || text.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("application/x-www-form-urlencoded")
}

/// Shorter ones would hide half of every text.
const SHORTEST: usize = 4;

fn add(secret: &str, secrets: &mut BTreeSet<String>) {
    if secret.len() >= SHORTEST {
        secrets.insert(secret.to_owned());
    }
}

fn collect_message(message: &Message, secrets: &mut BTreeSet<String>) {
    for (name, value) in &message.headers {
        let Ok(value) = value.to_str() else { continue };
        if !is_secret(name.as_str()) {
            continue;
        }
        add(value, secrets);
        let bare = value.rsplit(' ').next().unwrap_or_default();
        add(bare, secrets);
        // Basic credentials.
        let decoded = STANDARD.decode(bare).ok();
        if let Some(pair) = decoded.and_then(|bytes| String::from_utf8(bytes).ok()) {
            add(&pair, secrets);
            if let Some((_, secret)) = pair.split_once(':') {
                add(secret, secrets);
            }
        }
    }
    match serde_json::from_str::<Value>(&message.body) {
        Ok(value) => collect_value(&value, secrets),
        Err(_) if is_form(&message.headers) => collect_form(message.body.as_bytes(), secrets),
        Err(_) => {}
    }
}

fn collect_value(value: &Value, secrets: &mut BTreeSet<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|it| collect_value(it, secrets)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if is_secret(name) && !is_constant(text) => {
                        add(text, secrets);
                    }
                    value => collect_value(value, secrets),
                }
            }
        }
        _ => {}
    }
}

fn collect_form(form: &[u8], secrets: &mut BTreeSet<String>) {
    for (name, value) in form_urlencoded::parse(form) {
        if is_secret(&name) && !is_constant(&value) {
            add(&value, secrets);
            // As it is sent.
            let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            add(&encoded, secrets);
        }
    }
}
