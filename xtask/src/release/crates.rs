//! The crates that are published, as cargo describes them, dependencies first.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use semver::{Version, VersionReq};
use serde_json::Value;
use tempfile::TempDir;

use super::git::Git;
use crate::cargo;

#[derive(Clone)]
pub(crate) struct Crate {
    pub(crate) name: String,
    pub(crate) version: Version,
    /// Its folder, seen from the workspace's.
    pub(crate) folder: String,
    /// The published crates of this workspace that it needs. Dev-dependencies do not count: those on
    /// crates of the workspace are by path alone, and cargo leaves them out of what it publishes.
    pub(crate) needs: Vec<(String, VersionReq)>,
    /// The package as `cargo metadata` has it, with what it inherits.
    pub(crate) package: Value,
}

/// All of them, dependencies first and otherwise by name, and the names of all members.
pub(crate) struct Crates {
    pub(crate) sorted: Vec<Crate>,
    pub(crate) members: Vec<String>,
}

pub(crate) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// The features of which a user picks any set, the empty one included.
pub(crate) const TLS: [&str; 3] = ["ring", "aws-lc-rs", "native-tls"];

/// All the others of a package.
pub(crate) fn features(package: &Value) -> Vec<&str> {
    let all = package["features"].as_object().into_iter().flatten();
    let all = all.map(|(feature, _)| feature.as_str());
    all.filter(|it| *it != "default" && !TLS.contains(it)).collect()
}

impl Crates {
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let metadata = &cargo::metadata(root, "--no-deps")?;
        let packages = list(metadata, "packages");
        let members = packages.iter().map(|package| text(package, "name").to_owned()).collect();
        // An empty list of registries is how cargo tells of `publish = false`.
        let is_published = |it: &&Value| it["publish"].is_null() || !list(it, "publish").is_empty();
        let published: Vec<_> = packages.iter().filter(is_published).collect();
        let names: BTreeSet<_> = published.iter().map(|it| text(it, "name")).collect();
        let mut waiting = Vec::new();
        for package in published {
            let folder = Path::new(text(package, "manifest_path")).parent().context("no folder")?;
            let folder = folder.strip_prefix(text(metadata, "workspace_root"))?;
            let mut needs = BTreeMap::new();
            for it in list(package, "dependencies") {
                if it["kind"] != "dev" && names.contains(text(it, "name")) {
                    needs.insert(text(it, "name").to_owned(), text(it, "req").parse()?);
                }
            }
            waiting.push(Crate {
                name: text(package, "name").to_owned(),
                version: text(package, "version").parse()?,
                folder: folder.to_string_lossy().into_owned(),
                needs: needs.into_iter().collect(),
                package: package.clone(),
            });
        }
        waiting.sort_by(|one, other| one.name.cmp(&other.name));
        let mut sorted: Vec<Crate> = Vec::new();
        while !waiting.is_empty() {
            let is_there = |name: &String| sorted.iter().any(|done| done.name == *name);
            let can_come = |one: &Crate| one.needs.iter().all(|(name, _)| is_there(name));
            // Cargo refuses crates that wait for each other.
            let next = waiting.iter().position(can_come).unwrap_or(0);
            sorted.push(waiting.remove(next));
        }
        Ok(Self { sorted, members })
    }

    pub(crate) fn find(&self, name: &str) -> Result<&Crate> {
        let is_member = self.members.iter().any(|member| member == name);
        let what = if is_member { "not published (`publish = false`)" } else { "no crate here" };
        let names: Vec<_> = self.sorted.iter().map(|one| one.name.as_str()).collect();
        let found = self.sorted.iter().find(|one| one.name == name);
        found.with_context(|| format!("`{name}` is {what}; there are: {}", names.join(", ")))
    }
}

/// The workspace as it is in one commit, in a folder of its own.
pub(crate) struct Snapshot {
    folder: TempDir,
    pub(crate) crates: Crates,
}

/// Files of a package by their path there: where each lies in the repository, and what is in it.
pub(crate) type Files = BTreeMap<String, (String, Vec<u8>)>;

/// No reasons for a release: the changelog tells of releases, manifests are compared as cargo
/// understands them, and tests and what cargo makes itself are of no use to others.
const APART: [&str; 4] = ["CHANGELOG.md", "Cargo.", ".cargo_vcs_info.json", "tests/"];

impl Snapshot {
    pub(crate) fn of(git: Git<'_>, commit: &str) -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let tree = folder.path().join("tree");
        git.export(commit, &tree)?;
        let crates = Crates::load(&tree).with_context(|| format!("the workspace in {commit}"))?;
        Ok(Self { folder, crates })
    }

    pub(crate) fn files(&self, one: &Crate) -> Result<Files> {
        let tree = fs::canonicalize(self.folder.path().join("tree"))?;
        let mut files = Files::new();
        let list = packaged(&tree, &one.name)?;
        let is_apart = |path: &str| APART.iter().any(|start| path.starts_with(start));
        for path in list.lines().filter(|path| !is_apart(path) && !path.starts_with("benches/")) {
            // Cargo packages what a link points to.
            let real = fs::canonicalize(tree.join(&one.folder).join(path))?;
            let bytes = fs::read(&real)?;
            let real = real.strip_prefix(&tree).context("a link leads out of the repository")?;
            files.insert(path.to_owned(), (real.to_string_lossy().into_owned(), bytes));
        }
        Ok(files)
    }
}

pub(crate) fn packaged(root: &Path, name: &str) -> Result<String> {
    let mut list = cargo::cargo(root, "package --quiet --list --allow-dirty --package");
    cargo::output(list.arg(name))
}

/// What users notice of a manifest, by name: versions of this workspace's crates aside.
pub(crate) fn facts(package: &Value) -> BTreeMap<String, Value> {
    let apart = ["id", "version", "manifest_path", "targets", "publish", "dependencies", "readme"];
    let fields = package.as_object().into_iter().flatten();
    let fields = fields.filter(|(key, _)| !apart.contains(&key.as_str()));
    let mut facts: BTreeMap<_, _> = fields.map(|(key, it)| (key.clone(), it.clone())).collect();
    for it in list(package, "dependencies").iter().filter(|it| it["kind"] != "dev") {
        let mut dependency = it.clone();
        if !it["path"].is_null() {
            dependency["req"].take();
            dependency["path"].take();
        }
        facts.insert(format!("{} {} {}", it["name"], it["kind"], it["target"]), dependency);
    }
    facts
}
