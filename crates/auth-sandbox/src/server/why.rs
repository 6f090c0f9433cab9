//! Why a request was refused: what the vendor expected, and what it got.

use serde::Serialize;
use serde_json::Value;
use url::form_urlencoded;

use super::mask::Mask;
use crate::log::Entry;

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Why {
    hint: String,
    expected: Option<String>,
    got: Option<String>,
}

/// Reads the hint of an answer. Where it says nothing more, both sides stay empty.
pub(super) fn why(entry: &Entry, mask: &Mask) -> Option<Why> {
    let hint = entry.hint.clone()?;
    let (expected, got) = sides(&hint, entry, mask).unzip();
    Some(Why {
        hint,
        expected,
        got,
    })
}

fn sides(hint: &str, entry: &Entry, mask: &Mask) -> Option<(String, String)> {
    if let Some((_, method)) = hint.split_once("it takes ") {
        return Some((method.to_owned(), entry.method.clone()));
    }
    let below = [" are below "]
        .into_iter()
        .find_map(|part| hint.split_once(part));
    if let Some((_, below)) = below {
        return Some((format!("a path below {below}"), mask.target(entry)));
    }
    if let Some((_, known)) = hint.split_once("unknown field(s); known are: ") {
        return Some((format!("only the fields {known}"), fields(entry)));
    }
    let sent = |name: &str| sent(name, entry, mask);
    if let Some((name, wanted)) = hint.split_once(" has to be ") {
        let name = name_in(name);
        return Some((format!("{name}: {wanted}"), sent(name)));
    }
    if let Some((name, wanted)) = hint.split_once(" has to include ") {
        let name = name_in(name);
        return Some((format!("{name}: {wanted}"), sent(name)));
    }
    if let Some((name, _)) = hint.split_once(" is missing") {
        let name = name_in(name.trim_end_matches(" header"));
        let got = sent(name);
        return Some((name.to_owned(), got));
    }
    let (_, time) = ["expired by the sandbox's clock"]
        .into_iter()
        .find_map(|part| Some((part, hint.split_once(part)?.0)))?;
    let what = time.trim().trim_end_matches("has").trim();
    let now = crate::date::format(entry.moment.wall());
    Some((
        format!("{what} while it is valid"),
        format!("one that had expired at {now}"),
    ))
}

/// The name in `the header accept`, `the Authorization header (Bearer)`, `user`.
fn name_in(text: &str) -> &str {
    let text = text.split(" (").next().unwrap_or_default();
    let text = text.trim_end_matches(" header");
    text.rsplit(' ').next().unwrap_or_default()
}

/// What was sent under a name: as a header, as a field of the body, or in the query.
fn sent(name: &str, entry: &Entry, mask: &Mask) -> String {
    let headers = mask.headers(&entry.sent.headers);
    let mut headers = headers.iter();
    if let Some((name, value)) = headers.find(|(it, _)| it.eq_ignore_ascii_case(name)) {
        return format!("{name}: {value}");
    }
    let body: Value = serde_json::from_str(&mask.body(&entry.sent)).unwrap_or_default();
    if let Some(value) = body.get(name) {
        return format!("{name}: {value}");
    }
    let forms = [entry.query.as_deref().unwrap_or_default(), entry.body()];
    let is_sent = |form: &str| form_urlencoded::parse(form.as_bytes()).any(|(it, _)| it == name);
    if forms.into_iter().any(is_sent) {
        return format!("another {name}");
    }
    format!("no {name}")
}

/// The names of the fields of the body. One long name may be a whole body in the wrong encoding.
fn fields(entry: &Entry) -> String {
    let names: Vec<String> = if let Ok(Value::Object(fields)) = serde_json::from_str(entry.body()) {
        fields.keys().cloned().collect()
    } else {
        let pairs = form_urlencoded::parse(entry.body().as_bytes());
        pairs.map(|(name, _)| name.into_owned()).collect()
    };
    let is_name = |name: &&String| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        name.len() <= 40 && name.chars().all(is_plain)
    };
    let shown: Vec<_> = names.iter().filter(is_name).cloned().collect();
    match names.len() - shown.len() {
        0 if shown.is_empty() => "no field".to_owned(),
        0 => shown.join(", "),
        others => format!("{} and {others} with other characters", shown.join(", ")),
    }
}
