//! Reading JSON, and saying where it is not as documented without quoting it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The longest name of a field that is told; what is longer, or no name, could be a value.
const LONGEST_NAME: usize = 40;

/// `text` as JSON, or what is wrong with it: the place, and nothing that stands there.
pub(super) fn read<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(text).map_err(|error| {
        if !error.is_data() {
            return format!(
                "no valid json (line {}, column {})",
                error.line(),
                error.column()
            );
        }
        let mut path = std::str::from_utf8(text)
            .ok()
            .and_then(|text| path(text, offset(text, &error)))
            .unwrap_or_default();
        // These messages quote a name that stands in our own code.
        let message = error.to_string();
        let quoted = ["missing field `", "duplicate field `"]
            .into_iter()
            .find_map(|start| message.strip_prefix(start)?.split('`').next());
        path.extend(quoted.map(str::to_owned));
        match path.join(".") {
            path if path.is_empty() => format!(
                "other json than documented (line {}, column {})",
                error.line(),
                error.column()
            ),
            path => format!("other json than documented in `{path}`"),
        }
    })
}

/// Where the reading ended: after the value that is wrong, or before it if that is a list or an object.
fn offset(text: &str, error: &serde_json::Error) -> usize {
    let lines = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1));
    lines.map(str::len).sum::<usize>() + error.column()
}

/// The names of the fields around `offset`, the outermost first. `None` if one is no name.
fn path(text: &str, offset: usize) -> Option<Vec<String>> {
    let mut path = Vec::new();
    let mut inner = text;
    loop {
        let is_around = |value: &&RawValue| {
            let start = value.get().as_ptr().addr() - text.as_ptr().addr();
            (start..=start + value.get().len()).contains(&offset)
        };
        let next = if let Ok(fields) = serde_json::from_str::<BTreeMap<String, &RawValue>>(inner) {
            let field = fields.into_iter().find(|(_, value)| is_around(value));
            field.map(|(name, value)| (Some(name), value))
        } else {
            let items = serde_json::from_str::<Vec<&RawValue>>(inner).unwrap_or_default();
            items.into_iter().find(is_around).map(|value| (None, value))
        };
        let Some((name, value)) = next else {
            return Some(path);
        };
        if let Some(name) = name {
            let is_name = name.len() <= LONGEST_NAME
                && name
                    .bytes()
                    .all(|it| it.is_ascii_alphanumeric() || it == b'_');
            path.push(is_name.then_some(name)?);
        }
        inner = value.get();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "none of the rows is read")]
    struct Outer {
        #[serde(deserialize_with = "crate::lenient::integer")]
        id: u64,
        data: Option<Inner>,
        list: Option<Vec<Inner>>,
        more: Option<BTreeMap<String, u64>>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "none of the rows is read")]
    struct Inner {
        expires_in: u64,
        name: Option<String>,
    }

    #[test]
    fn the_field_that_is_not_as_documented_is_named_and_its_value_is_not() {
        const SECRET: &str = "d90fa7de";
        for (text, path) in [
            (r#"{"id":"d90fa7de"}"#, "`id`"),
            (r#"{"other":"d90fa7de"}"#, "`id`"),
            (r#"{"id":1,"id":"d90fa7de"}"#, "`id`"),
            (
                "{\n  \"a\": [1, {\"b\": 2}],\n  \"id\": [\"d90fa7de\"],\n  \"c\": 1\n}",
                "`id`",
            ),
            (r#"{"id":{"name":"d90fa7de"}}"#, "`id`"),
            (r#"{"id":1.5,"é":"d90fa7de"}"#, "`id`"),
            (r#"{"é":"d90fa7de","id":true}"#, "`id`"),
            (r#"{"id":1,"data":"d90fa7de"}"#, "`data`"),
            (r#"{"id":1,"data":["d90fa7de"]}"#, "`data`"),
            (
                r#"{"id":1,"data":{"name":"d90fa7de"}}"#,
                "`data.expires_in`",
            ),
            (
                r#"{"id":1,"data":{"expires_in":"d90fa7de"}}"#,
                "`data.expires_in`",
            ),
            (
                r#"{"id":1,"data":{"name":["d90fa7de"]},"x":1}"#,
                "`data.name`",
            ),
            (
                r#"{"id":1,"list":[{"expires_in":1},{"expires_in":-1}]}"#,
                "`list.expires_in`",
            ),
            (r#"{"id":-1}"#, "`id`"),
            (r#"{"id":1.5}"#, "`id`"),
            (r#"{"id":1,"more":{"d90fa7de-534c":"x"}}"#, "(line 1,"),
            (r#"["d90fa7de"]"#, "(line 1,"),
            (r#""d90fa7de""#, "(line 1,"),
        ] {
            let refusal = read::<Outer>(text.as_bytes()).unwrap_err();
            assert!(refusal.contains(path), "{text}: {refusal}");
            assert!(!refusal.contains(SECRET), "{text}: {refusal}");
        }
        let refusal = read::<Outer>(b"<html>d90fa7de").unwrap_err();
        assert_eq!(refusal, "no valid json (line 1, column 1)");
    }
}
