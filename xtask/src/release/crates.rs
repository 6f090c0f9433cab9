//! The crates of this workspace that are published, and what they need of each other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use semver::{Version, VersionReq};

use crate::cargo;

/// A crate that is published.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Crate {
    pub(crate) name: String,
    /// The version in its manifest.
    pub(crate) version: Version,
    /// Its folder, seen from the workspace's.
    pub(crate) folder: PathBuf,
    /// The published crates of this workspace that it needs, by name, each once.
    pub(crate) dependencies: Vec<Dependency>,
}

/// A normal or build dependency on another crate of this workspace. Dev-dependencies do not count:
/// ours are by path alone, and cargo leaves these out of what it publishes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) requirement: VersionReq,
}

/// All of them, dependencies first, and otherwise by name.
#[derive(Clone, Debug)]
pub(crate) struct Crates {
    sorted: Vec<Crate>,
    members: Vec<String>,
}

impl Crates {
    /// Asks cargo.
    pub(crate) fn load(root: &Path) -> Result<Self> {
        Self::of(&metadata(root)?)
    }

    fn of(metadata: &Metadata) -> Result<Self> {
        let packages = metadata.workspace_packages();
        let published: BTreeSet<&str> = packages
            .iter()
            .filter(|package| is_published(package))
            .map(|package| package.name.as_str())
            .collect();
        let mut crates = Vec::new();
        for package in packages.iter().filter(|package| is_published(package)) {
            let folder = package.manifest_path.parent().unwrap_or("".into());
            let folder = folder
                .strip_prefix(&metadata.workspace_root)
                .with_context(|| format!("{folder} is outside the workspace"))?;
            crates.push(Crate {
                name: package.name.to_string(),
                version: package.version.clone(),
                folder: folder.into(),
                dependencies: dependencies(package, &published),
            });
        }
        let mut members: Vec<_> = packages
            .iter()
            .map(|package| package.name.to_string())
            .collect();
        members.sort();
        Ok(Self {
            sorted: sort(crates)?,
            members,
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Crate> {
        self.sorted.iter()
    }

    /// The names of all members of the workspace, of those that are not published as well.
    pub(crate) fn members(&self) -> &[String] {
        &self.members
    }

    /// The crate of this name; an error, with the names that there are, if there is none.
    pub(crate) fn find(&self, name: &str) -> Result<&Crate> {
        if let Some(found) = self.sorted.iter().find(|one| one.name == name) {
            return Ok(found);
        }
        let what = if self.members.iter().any(|member| member == name) {
            "is not published (`publish = false`)"
        } else {
            "is no crate of this workspace"
        };
        let names: Vec<_> = self.iter().map(|one| one.name.as_str()).collect();
        bail!("`{name}` {what}; there are: {}", names.join(", "))
    }
}

/// What cargo says of the workspace and its members.
pub(crate) fn metadata(root: &Path) -> Result<Metadata> {
    let mut command = cargo::command(root);
    command.args(["metadata", "--format-version=1", "--no-deps"]);
    let text = cargo::output(&mut command)?;
    MetadataCommand::parse(text).context("cannot read what `cargo metadata` says")
}

fn is_published(package: &Package) -> bool {
    // An empty list of registries is how cargo tells of `publish = false`.
    package
        .publish
        .as_ref()
        .is_none_or(|registries| !registries.is_empty())
}

fn dependencies(package: &Package, published: &BTreeSet<&str>) -> Vec<Dependency> {
    let ours: BTreeMap<&str, &VersionReq> = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development)
        .filter(|dependency| published.contains(dependency.name.as_str()))
        .map(|dependency| (dependency.name.as_str(), &dependency.req))
        .collect();
    ours.into_iter()
        .map(|(name, requirement)| Dependency {
            name: name.to_owned(),
            requirement: requirement.clone(),
        })
        .collect()
}

/// Dependencies first; of those that could come next, the first by name.
fn sort(mut waiting: Vec<Crate>) -> Result<Vec<Crate>> {
    waiting.sort_by(|one, other| one.name.cmp(&other.name));
    let mut sorted: Vec<Crate> = Vec::new();
    while !waiting.is_empty() {
        let is_there = |name: &str| sorted.iter().any(|done| done.name == name);
        let next = waiting.iter().position(|one| {
            one.dependencies
                .iter()
                .all(|dependency| is_there(&dependency.name))
        });
        let Some(next) = next else {
            let names: Vec<_> = waiting.iter().map(|one| one.name.as_str()).collect();
            bail!("these crates wait for each other: {}", names.join(", "));
        };
        sorted.push(waiting.remove(next));
    }
    Ok(sorted)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A crate at 0.1.0 that needs these at ^0.1.0.
    fn one(name: &str, needs: &[&str]) -> Crate {
        Crate {
            name: name.to_owned(),
            version: Version::new(0, 1, 0),
            folder: Path::new("crates").join(name),
            dependencies: needs
                .iter()
                .map(|need| Dependency {
                    name: (*need).to_owned(),
                    requirement: VersionReq::parse("0.1.0").unwrap(),
                })
                .collect(),
        }
    }

    /// A small workspace like ours.
    pub(in crate::release) fn ours() -> Crates {
        let crates = vec![
            one("iqm-auth", &["auth-core"]),
            one("identityx-codegen", &[]),
            one("edgeiq-auth", &["auth-core"]),
            one("auth-core", &[]),
        ];
        let mut members: Vec<_> = crates.iter().map(|one| one.name.clone()).collect();
        members.extend(["examples".to_owned(), "xtask".to_owned()]);
        Crates {
            sorted: sort(crates).unwrap(),
            members,
        }
    }

    #[test]
    fn dependencies_come_first_and_equals_by_name() {
        let crates = ours();
        let names: Vec<_> = crates.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(
            names,
            ["auth-core", "edgeiq-auth", "identityx-codegen", "iqm-auth"]
        );
        let chain = sort(vec![one("a", &["b"]), one("b", &["c"]), one("c", &[])]).unwrap();
        let names: Vec<_> = chain.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["c", "b", "a"]);
    }

    #[test]
    fn crates_that_wait_for_each_other_are_named() {
        let refusal = sort(vec![one("a", &["b"]), one("b", &["a"]), one("c", &[])]).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "these crates wait for each other: a, b"
        );
    }

    #[test]
    fn a_name_that_is_not_published_is_refused_with_those_that_are() {
        let crates = ours();
        assert_eq!(crates.find("iqm-auth").unwrap().name, "iqm-auth");
        let refusal = crates.find("examples").unwrap_err().to_string();
        assert!(refusal.contains("`publish = false`"), "{refusal}");
        let refusal = crates.find("iqm").unwrap_err().to_string();
        assert!(
            refusal.contains("no crate") && refusal.ends_with("identityx-codegen, iqm-auth"),
            "{refusal}"
        );
    }

    #[test]
    fn this_workspace_publishes_what_does_not_say_otherwise() {
        let crates = Crates::load(&cargo::root()).unwrap();
        let names: Vec<_> = crates.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "auth-core",
                "auth-sandbox",
                "auth-store",
                "edgeiq-auth",
                "eqworks-auth",
                "identityx-auth",
                "identityx-codegen",
                "iqm-auth"
            ]
        );
        let iqm = crates.find("iqm-auth").unwrap();
        assert_eq!(iqm.folder, Path::new("crates/iqm-auth"));
        // The sandbox is there for its tests alone.
        let needs: Vec<_> = iqm.dependencies.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(needs, ["auth-core"]);
        let codegen = crates.find("identityx-codegen").unwrap();
        assert_eq!(codegen.dependencies, []);
    }
}
