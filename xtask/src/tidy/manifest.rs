//! Cargo manifests with the lines on which things stand, which `cargo metadata` does not tell.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::source::line_at;

/// A member's manifest, as far as the rules look.
pub(crate) struct Manifest {
    pub(crate) path: String,
    pub(crate) name: String,
    /// The keys of `[package]`, and whether each says `workspace = true`.
    pub(crate) package: BTreeMap<String, bool>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One entry in one of a manifest's dependency tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    /// What the manifest calls it.
    pub(crate) key: String,
    /// The package that it names, if another than the key.
    pub(crate) renamed_from: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) line: usize,
    /// Says `workspace = true`.
    pub(crate) inherits: bool,
    /// Names a version or a git repository itself.
    pub(crate) has_version: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Dev,
    Build,
}

const KINDS: [(&str, Kind); 3] = [
    ("dependencies", Kind::Normal),
    ("dev-dependencies", Kind::Dev),
    ("build-dependencies", Kind::Build),
];

impl Manifest {
    /// Reads a member's manifest; says what is wrong with it otherwise.
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self, String> {
        let document = DeTable::parse(text).map_err(|error| format!("{path}: {error}"))?;
        let document = document.get_ref();
        let package: BTreeMap<_, _> = table(document, "package")
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.get_ref().clone().into_owned(), says_workspace(value)))
            .collect();
        let name = table(document, "package")
            .and_then(|package| package.get("name")?.get_ref().as_str())
            .ok_or_else(|| format!("{path}: no name in [package]"))?;
        let mut dependencies = dependencies(document, text);
        for (_, target) in table(document, "target").into_iter().flatten() {
            if let Some(target) = target.get_ref().as_table() {
                dependencies.extend(self::dependencies(target, text));
            }
        }
        Ok(Self {
            path: path.to_owned(),
            name: name.to_owned(),
            package,
            dependencies,
        })
    }
}

/// The root manifest's `[workspace.dependencies]` and `[workspace.package]`.
#[derive(Default)]
pub(crate) struct WorkspaceDependencies {
    entries: BTreeMap<String, Dependency>,
    package: Vec<String>,
}

impl WorkspaceDependencies {
    /// Reads the root manifest.
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self, String> {
        let document = DeTable::parse(text).map_err(|error| format!("{path}: {error}"))?;
        let Some(workspace) = table(document.get_ref(), "workspace") else {
            return Ok(Self::default());
        };
        let package = table(workspace, "package").into_iter().flatten();
        Ok(Self {
            entries: dependencies(workspace, text)
                .into_iter()
                .map(|dependency| (dependency.key.clone(), dependency))
                .collect(),
            package: package
                .map(|(key, _)| key.get_ref().clone().into_owned())
                .collect(),
        })
    }

    /// The package that a member's entry means.
    pub(crate) fn package_of<'a>(&'a self, dependency: &'a Dependency) -> &'a str {
        let inherited = || self.entries.get(&dependency.key)?.renamed_from.as_ref();
        dependency
            .renamed_from
            .as_ref()
            .or_else(inherited)
            .unwrap_or(&dependency.key)
    }

    /// Whether a member's entry comes with a version, its own or the workspace's.
    pub(crate) fn has_version(&self, dependency: &Dependency) -> bool {
        dependency.has_version
            || (dependency.inherits
                && self
                    .entries
                    .get(&dependency.key)
                    .is_some_and(|entry| entry.has_version))
    }

    /// Whether members can inherit this key of `[package]`.
    pub(crate) fn has_package_key(&self, key: &str) -> bool {
        self.package.iter().any(|known| known == key)
    }
}

fn dependencies(parent: &DeTable<'_>, text: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    for (section, kind) in KINDS {
        for (key, value) in table(parent, section).into_iter().flatten() {
            let details = value.get_ref().as_table();
            let has = |name: &str| details.is_some_and(|details| details.contains_key(name));
            found.push(Dependency {
                key: key.get_ref().clone().into_owned(),
                renamed_from: details
                    .and_then(|details| details.get("package")?.get_ref().as_str())
                    .map(str::to_owned),
                kind,
                line: line_at(text, key.span().start),
                inherits: says_workspace(value),
                has_version: details.is_none() || has("version") || has("git"),
            });
        }
    }
    found
}

fn table<'a, 'i>(parent: &'a DeTable<'i>, key: &str) -> Option<&'a DeTable<'i>> {
    parent.get(key)?.get_ref().as_table()
}

fn says_workspace(value: &Spanned<DeValue<'_>>) -> bool {
    value
        .get_ref()
        .as_table()
        .and_then(|table| table.get("workspace")?.get_ref().as_bool())
        .unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBER: &str = "\
[package]
name = \"a\"
license.workspace = true

[dependencies]
plain = \"1.0\"
theirs.workspace = true

[target.'cfg(unix)'.dev-dependencies]
short = { package = \"long\", path = \"../long\" }
";

    #[test]
    fn a_manifest_is_read_with_its_lines() {
        let manifest = Manifest::parse("a/Cargo.toml", MEMBER).unwrap();
        assert_eq!(manifest.name, "a");
        assert!(manifest.package["license"] && !manifest.package["name"]);
        let [plain, theirs, short] = &manifest.dependencies[..] else {
            panic!("{:?}", manifest.dependencies);
        };
        assert_eq!(
            (plain.line, plain.has_version, plain.inherits),
            (6, true, false)
        );
        assert_eq!(
            (theirs.line, theirs.has_version, theirs.inherits),
            (7, false, true)
        );
        assert_eq!(
            (short.line, short.kind, short.has_version),
            (10, Kind::Dev, false)
        );
        assert_eq!(short.renamed_from.as_deref(), Some("long"));
    }

    #[test]
    fn an_entry_takes_its_package_and_version_from_the_workspace() {
        let root = "\
[workspace.package]
license = \"MIT\"
[workspace.dependencies]
theirs = { version = \"1\", package = \"long\" }
ours = { path = \"ours\" }
";
        let workspace = WorkspaceDependencies::parse("Cargo.toml", root).unwrap();
        let manifest = Manifest::parse("a/Cargo.toml", MEMBER).unwrap();
        let theirs = &manifest.dependencies[1];
        assert_eq!(workspace.package_of(theirs), "long");
        assert!(workspace.has_version(theirs));
        assert!(!workspace.has_version(&Dependency {
            key: "ours".into(),
            ..theirs.clone()
        }));
        assert!(workspace.has_package_key("license") && !workspace.has_package_key("readme"));
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_path() {
        for text in ["[package", "[dependencies]\n"] {
            let error = Manifest::parse("a/Cargo.toml", text).err().unwrap();
            assert!(error.contains("a/Cargo.toml"), "{error}");
        }
    }
}
