//! `cargo xtask release`: what of this workspace is to be published, its preparation, the checks
//! before it, and the publishing itself; crate by crate, each with its own version.

pub(crate) mod check;
mod cliff;
pub(crate) mod crates;
mod git;
mod plan;
mod prepare;
mod publish;
mod semver_checks;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use semver::Version;

use crate::cargo;
use crate::flags::ReleaseCmd;
use crates::{Crate, Crates};

/// The crates that a command is for.
pub(crate) struct Selection {
    all: bool,
    /// With the version that each is to get if one is said.
    these: BTreeMap<String, Option<Version>>,
}

pub(crate) fn run(root: &Path, command: ReleaseCmd) -> Result<()> {
    let crates = Crates::load(root)?;
    let select = |all, words: &[String]| Selection::parse(all, words, &crates);
    let registry = |name: Option<String>| name.unwrap_or("crates-io".to_owned());
    match command {
        ReleaseCmd::Plan(it) => plan::run(root, it.json, &registry(it.registry)),
        ReleaseCmd::Prepare(it) => prepare::run(root, &select(it.all, &it.crates)?),
        ReleaseCmd::Check(it) => {
            let chosen = select(it.all, &it.crates)?.of(&crates)?;
            check::run(root, &chosen, &registry(it.registry))
        }
        ReleaseCmd::Publish(it) => {
            let chosen = select(it.all, &it.crates)?.of(&crates)?;
            publish::run(root, &chosen, &it, &registry(it.registry.clone()))
        }
    }
}

impl Selection {
    fn parse(all: bool, words: &[String], crates: &Crates) -> Result<Self> {
        let hint = "name the crates that are meant, or say `--all` for all that are published";
        ensure!(all == words.is_empty(), hint);
        let mut these = BTreeMap::new();
        for word in words {
            let (name, version) = match word.split_once('@') {
                None => (word.as_str(), None),
                Some((name, version)) => (name, Some(version.parse().context(word.clone())?)),
            };
            let other = these.insert(crates.find(name)?.name.clone(), version);
            ensure!(other.is_none(), "{name} is named twice");
        }
        Ok(Self { all, these })
    }

    fn has(&self, name: &str) -> bool {
        self.all || self.these.contains_key(name)
    }

    /// The crates, dependencies first, for a command that chooses no versions.
    fn of<'a>(&self, crates: &'a Crates) -> Result<Vec<&'a Crate>> {
        let chooses = self.these.values().any(Option::is_some);
        ensure!(!chooses, "only `release prepare` chooses versions");
        Ok(crates.sorted.iter().filter(|one| self.has(&one.name)).collect())
    }
}

/// The version that a registry has of `name`, or of `name@version`; none if it has no such.
fn published(root: &Path, registry: &str, name: &str) -> Result<Option<String>> {
    let mut info = cargo::cargo(root, "info --quiet --color never --registry");
    match cargo::output(info.args([registry, name])) {
        Ok(said) => {
            let version = said.lines().find_map(|line| line.strip_prefix("version: "));
            let version = version.and_then(|it| it.split(' ').next());
            Ok(Some(version.context("`cargo info` names no version")?.to_owned()))
        }
        Err(error) if error.to_string().contains("could not find `") => Ok(None),
        Err(error) => Err(error),
    }
}
