//! The crates that are published, as cargo describes them, dependencies first.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use semver::{Version, VersionReq};
use serde_json::Value;
use tempfile::TempDir;

use super::git::Git;
use crate::cargo;

/// A crate that is published.
#[derive(Clone, Debug)]
pub(crate) struct Crate {
    pub(crate) name: String,
    /// The version in its manifest.
    pub(crate) version: Version,
    /// Its folder, seen from the workspace's.
    pub(crate) folder: String,
    /// The published crates of this workspace that it needs. Dev-dependencies do not count: those on crates of the
    /// workspace are by path alone, and cargo leaves them out of what it publishes.
    pub(crate) needs: Vec<(String, VersionReq)>,
    /// The package as `cargo metadata` has it, with what it inherits.
    pub(crate) package: Value,
}

/// All of them, dependencies first and otherwise by name, and the names of all members of the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Crates {
    pub(crate) sorted: Vec<Crate>,
    pub(crate) members: Vec<String>,
}

impl Crates {
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let printed = cargo::output(&mut cargo::cargo(
            root,
            "metadata --format-version=1 --no-deps",
        ))?;
        Self::parse(&printed).context("cannot read what `cargo metadata` says")
    }

    fn parse(metadata: &str) -> Result<Self> {
        let metadata: Value = serde_json::from_str(metadata)?;
        let packages: Vec<&Value> = metadata["packages"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut members: Vec<_> = packages.iter().map(|it| text(&it["name"])).collect();
        members.sort();
        // An empty list of registries is how cargo tells of `publish = false`.
        let published: Vec<_> = packages
            .into_iter()
            .filter(|it| it["publish"].as_array().is_none_or(|list| !list.is_empty()))
            .collect();
        let names: BTreeSet<_> = published.iter().map(|it| text(&it["name"])).collect();
        let mut waiting = Vec::new();
        for package in published {
            let manifest = PathBuf::from(text(&package["manifest_path"]));
            let root = text(&metadata["workspace_root"]);
            let folder = manifest.parent().and_then(|it| it.strip_prefix(&root).ok());
            let mut needs = BTreeMap::new();
            for it in package["dependencies"].as_array().into_iter().flatten() {
                if it["kind"] != "dev" && names.contains(&text(&it["name"])) {
                    needs.insert(text(&it["name"]), VersionReq::parse(&text(&it["req"]))?);
                }
            }
            waiting.push(Crate {
                name: text(&package["name"]),
                version: Version::parse(&text(&package["version"]))?,
                folder: folder
                    .context("a member lies outside the workspace")?
                    .to_string_lossy()
                    .replace('\\', "/"),
                needs: needs.into_iter().collect(),
                package: package.clone(),
            });
        }
        waiting.sort_by(|one, other| one.name.cmp(&other.name));
        let mut sorted: Vec<Crate> = Vec::new();
        while !waiting.is_empty() {
            let is_there = |name: &String| sorted.iter().any(|done| done.name == *name);
            let Some(next) = waiting
                .iter()
                .position(|one| one.needs.iter().all(|(name, _)| is_there(name)))
            else {
                let names: Vec<_> = waiting.iter().map(|one| one.name.as_str()).collect();
                bail!("these crates wait for each other: {}", names.join(", "));
            };
            sorted.push(waiting.remove(next));
        }
        Ok(Self { sorted, members })
    }

    /// The crate of this name; an error, with the names that there are, if there is none.
    pub(crate) fn find(&self, name: &str) -> Result<&Crate> {
        if let Some(found) = self.sorted.iter().find(|one| one.name == name) {
            return Ok(found);
        }
        let is_member = self.members.iter().any(|member| member == name);
        let what = if is_member {
            "is not published (`publish = false`)"
        } else {
            "is no crate of this workspace"
        };
        let names: Vec<_> = self.sorted.iter().map(|one| one.name.as_str()).collect();
        bail!("`{name}` {what}; there are: {}", names.join(", "))
    }
}

/// The workspace as it is in one commit, in a folder of its own.
pub(crate) struct Snapshot {
    folder: TempDir,
    pub(crate) crates: Crates,
}

/// A file of a package: where it lies in the repository, and what is in it.
pub(crate) type File = (String, Vec<u8>);

impl Snapshot {
    pub(crate) fn of(git: Git<'_>, commit: &str) -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let tree = folder.path().join("tree");
        git.export(commit, &tree)?;
        let crates =
            Crates::load(&tree).with_context(|| format!("the workspace as it was in {commit}"))?;
        Ok(Self { folder, crates })
    }

    /// What users get of this crate, by the path in its package, which cargo lists. The changelog tells of releases
    /// and is no reason for one, manifests are compared as cargo understands them, and nobody runs another's tests.
    pub(crate) fn files(&self, one: &Crate) -> Result<BTreeMap<String, File>> {
        let tree = fs::canonicalize(self.folder.path().join("tree"))?;
        let mut files = BTreeMap::new();
        for path in packaged(&tree, &one.name)?.lines() {
            let apart = [
                "Cargo.toml",
                "Cargo.toml.orig",
                "Cargo.lock",
                "CHANGELOG.md",
                ".cargo_vcs_info.json",
            ];
            if apart.contains(&path) || path.starts_with("tests/") || path.starts_with("benches/") {
                continue;
            }
            // Cargo packages what a link points to.
            let real = fs::canonicalize(tree.join(&one.folder).join(path))?;
            let bytes = fs::read(&real)?;
            let real = real
                .strip_prefix(&tree)
                .context("a link leads out of the repository")?;
            files.insert(
                path.to_owned(),
                (real.to_string_lossy().replace('\\', "/"), bytes),
            );
        }
        Ok(files)
    }
}

/// The files that cargo packages, one a line.
pub(crate) fn packaged(root: &Path, name: &str) -> Result<String> {
    let mut list = cargo::cargo(root, "package --quiet --list --allow-dirty --package");
    cargo::output(list.arg(name)).with_context(|| format!("what is in the package of {name}"))
}

impl Crate {
    /// In what the manifests of two releases differ, as users notice: versions of this workspace's crates aside.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let (one, other) = (facts(&self.package), facts(&other.package));
        let keys: BTreeSet<_> = one.keys().chain(other.keys()).collect();
        keys.into_iter()
            .filter(|key| one.get(*key) != other.get(*key))
            .cloned()
            .collect()
    }
}

fn facts(package: &Value) -> BTreeMap<String, Value> {
    let mut facts = BTreeMap::new();
    for (key, value) in package.as_object().into_iter().flatten() {
        if ![
            "id",
            "version",
            "manifest_path",
            "targets",
            "publish",
            "dependencies",
            "readme",
        ]
        .contains(&key.as_str())
        {
            facts.insert(key.clone(), value.clone());
        }
    }
    for dependency in package["dependencies"].as_array().into_iter().flatten() {
        if dependency["kind"] != "dev" {
            let mut dependency = dependency.clone();
            if !dependency["path"].is_null() {
                dependency["req"].take();
                dependency["path"].take();
            }
            let key = format!(
                "dependency {} {} {}",
                dependency["name"], dependency["kind"], dependency["target"]
            );
            facts.insert(key.replace('"', "").replace(" null", ""), dependency);
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_publishes_what_does_not_say_otherwise_dependencies_first() {
        let crates = Crates::load(&cargo::root()).unwrap();
        let names: Vec<_> = crates.sorted.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names[0], "auth-core");
        for hidden in ["xtask", "examples", "vendor-tests", "auth-core-tls"] {
            assert!(!names.contains(&hidden), "{hidden}");
        }
        let iqm = crates.find("iqm-auth").unwrap();
        assert_eq!(iqm.folder, "crates/iqm-auth");
        // The sandbox is there for its tests alone.
        assert_eq!(iqm.needs.len(), 1);
        let refusal = crates.find("xtask").unwrap_err().to_string();
        assert!(
            refusal.contains("`publish = false`") && refusal.contains("auth-core, "),
            "{refusal}"
        );
    }

    #[test]
    fn crates_that_wait_for_each_other_are_named() {
        let one = |name: &str, need: &str| {
            serde_json::json!({ "name": name, "version": "0.1.0", "manifest_path": format!("/w/{name}/Cargo.toml"),
                "dependencies": [{ "name": need, "req": "^0.1", "kind": null }] })
        };
        let metadata = serde_json::json!({ "workspace_root": "/w", "packages": [one("a", "b"), one("b", "a")] });
        let refusal = Crates::parse(&metadata.to_string())
            .unwrap_err()
            .to_string();
        assert_eq!(refusal, "these crates wait for each other: a, b");
    }
}
