//! A crate's manifest as it is published: with what it inherits from the workspace, without what
//! its users never see.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use semver::VersionReq;
use serde_json::{Map, Value};
use toml_edit::{DocumentMut, Item};

/// What two of them are compared by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Published {
    /// All that users may notice, but for the crate's own version and those that it requires of
    /// this workspace's crates.
    content: Value,
    /// What it requires of this workspace's crates.
    pub(crate) requirements: BTreeMap<String, VersionReq>,
    /// `package.include` and `package.exclude`.
    pub(crate) include: Vec<String>,
    pub(crate) exclude: Vec<String>,
}

/// Of no meaning to users. Lints are silent in dependencies.
const OURS_ALONE: [&str; 5] = ["bench", "dev-dependencies", "example", "lints", "test"];

impl Published {
    /// Reads the crate's manifest and the workspace's.
    pub(crate) fn read(manifest: &str, workspace: &str) -> Result<Self> {
        let mut manifest = json(manifest)?;
        let workspace = json(workspace)?;
        let workspace = &workspace["workspace"];
        let mut requirements = BTreeMap::new();
        if let Some(package) = manifest.get_mut("package").and_then(Value::as_object_mut) {
            for (key, value) in package.iter_mut() {
                if inherits(value) {
                    *value = workspace["package"][key].clone();
                }
            }
            package.remove("version");
        }
        let targets = manifest.get_mut("target").and_then(Value::as_object_mut);
        for target in targets.into_iter().flat_map(Map::values_mut) {
            settle(target, workspace, &mut requirements)?;
        }
        settle(&mut manifest, workspace, &mut requirements)?;
        let list = |key: &str| -> Vec<String> {
            let words = manifest["package"][key].as_array();
            let words = words.into_iter().flatten().filter_map(Value::as_str);
            words.map(str::to_owned).collect()
        };
        Ok(Self {
            include: list("include"),
            exclude: list("exclude"),
            content: manifest,
            requirements,
        })
    }

    /// The entries in which the two differ, such as `dependencies.serde`.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        compare("", &self.content, &other.content, &mut found);
        found
    }
}

/// Puts what is inherited in its place, and takes out what is not published.
fn settle(
    table: &mut Value,
    workspace: &Value,
    requirements: &mut BTreeMap<String, VersionReq>,
) -> Result<()> {
    let Some(table) = table.as_object_mut() else {
        return Ok(());
    };
    table.retain(|key, _| !OURS_ALONE.contains(&key.as_str()));
    for kind in ["dependencies", "build-dependencies"] {
        let entries = table.get_mut(kind).and_then(Value::as_object_mut);
        for (key, entry) in entries.into_iter().flatten() {
            let mut whole = detailed(&workspace["dependencies"][key]);
            if !inherits(entry) {
                whole.clear();
            }
            for (field, value) in detailed(entry) {
                match (field.as_str(), whole.get_mut(&field), value) {
                    ("workspace", ..) => {}
                    // Cargo adds them to those of the workspace.
                    ("features", Some(Value::Array(features)), Value::Array(more)) => {
                        features.extend(more);
                    }
                    (_, _, value) => {
                        whole.insert(field, value);
                    }
                }
            }
            if whole.remove("path").is_some()
                && let Some(Value::String(requirement)) = whole.remove("version")
            {
                let package = whole.get("package").and_then(Value::as_str).unwrap_or(key);
                let requirement = VersionReq::parse(&requirement)
                    .with_context(|| format!("the requirement of {package}"))?;
                requirements.insert(package.to_owned(), requirement);
            }
            *entry = Value::Object(whole);
        }
    }
    Ok(())
}

fn inherits(value: &Value) -> bool {
    value.get("workspace") == Some(&Value::Bool(true))
}

/// `serde = "1"` in its long form.
fn detailed(entry: &Value) -> Map<String, Value> {
    match entry {
        Value::Object(fields) => fields.clone(),
        Value::String(version) => Map::from_iter([("version".to_owned(), version.clone().into())]),
        _ => Map::new(),
    }
}

fn compare(path: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    if one == other {
        return;
    }
    let is_deep = path.matches('.').count() >= 1 && !path.starts_with("target.");
    let (Value::Object(one), Value::Object(other), false) = (one, other, is_deep) else {
        found.push(path.to_owned());
        return;
    };
    let mut keys: Vec<_> = one.keys().chain(other.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        let value = |table: &Map<String, Value>| table.get(key).cloned().unwrap_or_default();
        // A table that is new is compared as if it had been empty, so that its entries are named.
        let (one, other) = match (value(one), value(other)) {
            (Value::Null, it @ Value::Object(_)) => (Value::Object(Map::new()), it),
            (it @ Value::Object(_), Value::Null) => (it, Value::Object(Map::new())),
            both => both,
        };
        compare(&path, &one, &other, found);
    }
}

fn json(text: &str) -> Result<Value> {
    let document: DocumentMut = text.parse().context("a manifest is no TOML")?;
    Ok(value(document.as_item()))
}

fn value(item: &Item) -> Value {
    use toml_edit::Value as Toml;
    if let Some(table) = item.as_table_like() {
        let fields = table
            .iter()
            .map(|(key, item)| (key.to_owned(), value(item)));
        return Value::Object(fields.collect());
    }
    if let Some(tables) = item.as_array_of_tables() {
        let tables = tables
            .iter()
            .map(|table| value(&Item::Table(table.clone())));
        return tables.collect();
    }
    match item.as_value() {
        None => Value::Null,
        Some(Toml::String(text)) => Value::String(text.value().clone()),
        Some(Toml::Boolean(flag)) => Value::Bool(*flag.value()),
        Some(Toml::Integer(number)) => Value::from(*number.value()),
        Some(Toml::Array(array)) => {
            let items = array.iter().map(|it| value(&Item::Value(it.clone())));
            items.collect()
        }
        Some(other) => Value::String(other.to_string().trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = r#"
[workspace.package]
license = "MIT"
exclude = ["/tests"]

[workspace.dependencies]
auth-core = { version = "0.1.0", path = "crates/auth-core", default-features = false }
serde = { version = "1.0", features = ["derive"] }
url = "2.5"
tempfile = "3"
"#;

    const MEMBER: &str = r#"
[package]
name = "iqm-auth"
version = "0.1.0"
license.workspace = true
exclude.workspace = true

[dependencies]
auth-core.workspace = true
serde = { workspace = true, features = ["rc"] }

[target.'cfg(unix)'.dependencies]
url = { workspace = true, optional = true }

[dev-dependencies]
tempfile.workspace = true

[lints]
workspace = true
"#;

    /// What changes for users when one text of the manifests is put in another's place.
    fn differences(old: &str, new: &str) -> Vec<String> {
        let before = Published::read(MEMBER, ROOT).unwrap();
        assert!(MEMBER.contains(old) || ROOT.contains(old), "{old}");
        let after = Published::read(&MEMBER.replace(old, new), &ROOT.replace(old, new)).unwrap();
        before.differences(&after)
    }

    #[test]
    fn what_users_see_counts_wherever_it_stands() {
        for (old, new, difference) in [
            ("\"MIT\"", "\"Apache-2.0\"", "package.license"),
            ("\"1.0\"", "\"1.1\"", "dependencies.serde"),
            ("\"derive\"", "\"std\"", "dependencies.serde"),
            ("\"rc\"", "\"std\"", "dependencies.serde"),
            (
                "\"2.5\"",
                "\"3\"",
                "target.cfg(unix).dependencies.url.version",
            ),
            ("auth-core.workspace = true\n", "", "dependencies.auth-core"),
            ("[dev-dep", "[features]\nx = []\n[dev-dep", "features.x"),
            ("\"/tests\"", "\"/benches\"", "package.exclude"),
        ] {
            assert_eq!(differences(old, new), [difference], "{old} to {new}");
        }
    }

    #[test]
    fn what_users_do_not_see_does_not_count() {
        for (old, new) in [
            (
                "version = \"0.1.0\"\nlicense",
                "version = \"0.2.0\"\nlicense",
            ),
            ("version = \"0.1.0\", path", "version = \"0.2.0\", path"),
            ("tempfile = \"3\"", "tempfile = \"4\""),
            ("tempfile.workspace = true", "anyhow.workspace = true"),
            ("[lints]", "# Lints.\n[lints]"),
            ("[lints]", "[[test]]\nname = \"x\"\n[lints]"),
            ("url = \"2.5\"", "url = { version = \"2.5\" }"),
        ] {
            assert_eq!(differences(old, new), [""; 0], "{old} to {new}");
        }
    }

    #[test]
    fn requirements_on_our_own_crates_stand_apart() {
        let published = Published::read(MEMBER, ROOT).unwrap();
        let requirement = VersionReq::parse("0.1.0").unwrap();
        assert_eq!(
            published.requirements,
            BTreeMap::from([("auth-core".to_owned(), requirement)])
        );
        assert_eq!(published.exclude, ["/tests"]);
        assert_eq!(published.include, [""; 0]);
    }
}
