//! One request: what was sent, and how it was answered.

use std::fmt;

use auth_core::Moment;
use axum::http::HeaderMap;
use serde_json::Value;

/// One request in the [`RequestLog`](crate::RequestLog).
#[derive(Clone)]
pub struct Entry {
    pub(crate) id: u64,
    /// The number of its latest change, among the changes of all entries.
    pub(crate) revision: u64,
    pub(crate) operation: &'static str,
    pub(crate) method: String,
    pub(crate) path: String,
    /// Without secrets.
    pub(crate) shown_path: String,
    pub(crate) query: Option<String>,
    pub(crate) sent: Message,
    /// What was answered, in a log that keeps answers.
    pub(crate) answer: Option<Message>,
    pub(crate) outcome: Outcome,
    pub(crate) fault: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) moment: Moment,
    pub(crate) connection: u64,
}

/// One half of an exchange.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) headers: HeaderMap,
    /// Possibly only its start.
    pub(crate) body: String,
    /// Of the whole body, in bytes.
    pub(crate) length: usize,
}

impl Message {
    /// About how much memory it takes, in bytes.
    fn size(&self) -> usize {
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| name.as_str().len() + value.len() + 64);
        headers.sum::<usize>() + self.body.len()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Pending,
    Answered(u16),
    Cut,
}

impl Entry {
    /// The operation, such as `"iqm.refresh"`, or `"unknown"` for a request that belongs to none.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The method, such as `"POST"`.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path as sent, with the vendor's prefix.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query, without the question mark.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// A header's value, if it was sent and is text. Secrets are not hidden.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.sent.headers.get(name)?.to_str().ok()
    }

    /// All headers that are text, names in lower case. Secrets are not hidden.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.sent.headers.iter();
        headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
    }

    /// The body as text. Secrets are not hidden.
    pub fn body(&self) -> &str {
        &self.sent.body
    }

    /// One top-level field of a JSON body (text as it is, everything else as JSON) or of a form.
    pub fn field(&self, name: &str) -> Option<String> {
        match serde_json::from_str(&self.sent.body) {
            Ok(Value::Object(fields)) => match fields.get(name)? {
                Value::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            },
            _ => url::form_urlencoded::parse(self.sent.body.as_bytes())
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned()),
        }
    }

    /// The status of the answer. `None` while the request waits, and if the connection was cut.
    pub fn status(&self) -> Option<u16> {
        match self.outcome {
            Outcome::Answered(status) => Some(status),
            Outcome::Pending | Outcome::Cut => None,
        }
    }

    /// Whether the connection was cut instead of an answer.
    pub fn was_cut(&self) -> bool {
        self.outcome == Outcome::Cut
    }

    /// What the hint header of the answer said was wrong with the request.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// When it arrived, by the sandbox's clock.
    pub fn moment(&self) -> Moment {
        self.moment
    }

    /// About how much memory it takes, in bytes.
    pub(crate) fn size(&self) -> usize {
        let texts = [&self.path, &self.shown_path];
        let texts = texts.into_iter().chain(&self.query).chain(&self.hint);
        let answer = self.answer.as_ref().map_or(0, Message::size);
        256 + texts.map(String::len).sum::<usize>() + self.sent.size() + answer
    }

    /// The number of its connection. The first is 1.
    pub fn connection(&self) -> u64 {
        self.connection
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({self})")
    }
}

/// One line without secrets: `#2 iqm.refresh POST /iqm/api/v3/ua/oauth/token: 401 (…)`.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            operation,
            method,
            shown_path,
            connection,
            ..
        } = self;
        write!(
            f,
            "#{id} {operation} {method} {shown_path} on connection {connection}: "
        )?;
        match self.outcome {
            Outcome::Pending => f.write_str("not answered yet")?,
            Outcome::Answered(status) => write!(f, "{status}")?,
            Outcome::Cut => f.write_str("cut")?,
        }
        if let Some(fault) = &self.fault {
            write!(f, " [fault: {fault}]")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}
