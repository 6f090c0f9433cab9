//! Reading requests strictly, and saying what is wrong with them without repeating a secret.

use axum::body::Bytes;
use axum::http::{HeaderMap, Uri, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// A request as handlers see it: routed and read completely.
pub(crate) struct Call {
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What is wrong with a request.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) hint: String,
    pub(crate) field: Option<&'static str>,
}

impl Problem {
    pub(crate) fn new(hint: impl Into<String>) -> Self {
        Self {
            hint: hint.into(),
            field: None,
        }
    }

    pub(crate) fn field(field: &'static str, hint: impl Into<String>) -> Self {
        Self {
            hint: hint.into(),
            field: Some(field),
        }
    }
}

impl Call {
    /// Whether the body says that it is a form.
    pub(crate) fn is_form(&self) -> bool {
        content_type(&self.headers).as_deref() == Some("application/x-www-form-urlencoded")
    }

    /// The fields of a JSON body.
    pub(crate) fn json(&self) -> Result<Fields, Problem> {
        if !is_json(&self.headers) {
            return Err(Problem::new("Content-Type has to be application/json"));
        }
        // Not the parser's message, which may quote the body.
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(fields)) => Ok(Fields(fields)),
            Ok(_) => Err(Problem::new("the body is JSON, but not an object")),
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                Err(Problem::new(format!(
                    "the body is not JSON: line {line}, column {column}"
                )))
            }
        }
    }

    /// The fields of a form.
    pub(crate) fn form(&self) -> Result<Fields, Problem> {
        if !self.is_form() {
            return Err(Problem::new(
                "Content-Type has to be application/x-www-form-urlencoded",
            ));
        }
        let mut fields = Map::new();
        for (name, value) in url::form_urlencoded::parse(&self.body) {
            if fields
                .insert(name.into_owned(), Value::String(value.into_owned()))
                .is_some()
            {
                return Err(Problem::new("the form has a field twice"));
            }
        }
        Ok(Fields(fields))
    }

    /// The token after `Bearer `.
    pub(crate) fn bearer(&self) -> Result<&str, Problem> {
        self.authorization("Bearer")
    }

    /// Checks the `Authorization` header against a client's credentials.
    pub(crate) fn check_basic(&self, id: &str, secret: &str) -> Result<(), Problem> {
        let encoded = self.authorization("Basic")?;
        let decoded = STANDARD.decode(encoded).map_err(|_| {
            Problem::new("what follows Basic in the Authorization header is not base64")
        })?;
        let decoded = String::from_utf8_lossy(&decoded);
        match decoded.split_once(':') {
            None => Err(Problem::new("the Basic credentials have no colon")),
            Some((sent, _)) if sent != id => Err(Problem::new(
                "the Basic credentials name a client id that is unknown here",
            )),
            Some((_, sent)) if sent != secret => Err(Problem::new(
                "the Basic credentials have the wrong client secret",
            )),
            Some(_) => Ok(()),
        }
    }

    fn authorization(&self, scheme: &str) -> Result<&str, Problem> {
        let Some(value) = self.headers.get(header::AUTHORIZATION) else {
            return Err(Problem::new(format!(
                "the Authorization header ({scheme}) is missing"
            )));
        };
        let value = value.to_str().unwrap_or_default();
        match value.split_once(' ') {
            Some((sent, rest)) if sent.eq_ignore_ascii_case(scheme) && !rest.is_empty() => Ok(rest),
            _ => Err(Problem::new(format!(
                "the Authorization header has to be {scheme}"
            ))),
        }
    }
}

/// Whether the headers say that the body is JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    content_type(headers).as_deref() == Some("application/json")
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next();
    essence.map(|essence| essence.trim().to_ascii_lowercase())
}

/// The top-level fields of a body.
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Refuses fields other than these.
    pub(crate) fn only(&self, known: &[&'static str]) -> Result<(), Problem> {
        let unknown = self
            .0
            .keys()
            .filter(|name| !known.contains(&name.as_str()))
            .count();
        if unknown == 0 {
            return Ok(());
        }
        // Not their names: a body in the wrong encoding is one long name with a password in it.
        let known = known.join(", ");
        Err(Problem::new(format!(
            "the body has {unknown} unknown field(s); known are: {known}"
        )))
    }

    /// A text, not empty.
    pub(crate) fn text(&self, name: &'static str) -> Result<&str, Problem> {
        match self.0.get(name) {
            None => Err(Problem::field(name, format!("{name} is missing"))),
            Some(Value::String(text)) if text.is_empty() => {
                Err(Problem::field(name, format!("{name} is empty")))
            }
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(Problem::field(name, format!("{name} has to be a string"))),
        }
    }

    /// An integer, as a JSON number.
    pub(crate) fn integer(&self, name: &'static str) -> Result<u64, Problem> {
        match self.0.get(name) {
            None => Err(Problem::field(name, format!("{name} is missing"))),
            Some(value) => value.as_u64().ok_or_else(|| {
                Problem::field(
                    name,
                    format!("{name} has to be an integer, as a JSON number"),
                )
            }),
        }
    }

    /// A text that has to be the one of another field. The hint repeats neither.
    pub(crate) fn same(&self, name: &'static str, other: &'static str) -> Result<(), Problem> {
        if self.text(name)? == self.text(other)? {
            return Ok(());
        }
        Err(Problem::field(
            name,
            format!("{name} has to be the same as {other}"),
        ))
    }

    /// A text that has to be exactly this.
    pub(crate) fn exactly(&self, name: &'static str, expected: &str) -> Result<(), Problem> {
        if self.text(name)? == expected {
            return Ok(());
        }
        Err(Problem::field(name, format!("{name} has to be {expected}")))
    }
}
