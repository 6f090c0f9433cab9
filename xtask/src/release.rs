//! `cargo xtask release`: what of this workspace is to be published, its preparation, the checks
//! before it, and the publishing itself; crate by crate, each with its own version.

mod changes;
pub(crate) mod check;
pub(crate) mod crates;
mod git;
mod plan;
mod prepare;
mod publish;

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::cargo;
use crate::flags::ReleaseCmd;
use crates::{Crate, Crates};

pub(crate) fn run(root: &Path, command: ReleaseCmd) -> Result<()> {
    let crates = Crates::load(root)?;
    let registry = |name: Option<String>| name.unwrap_or("crates-io".to_owned());
    match command {
        ReleaseCmd::Plan(it) => plan::run(root, it.json, &registry(it.registry)),
        ReleaseCmd::Prepare(it) => prepare::run(root, &crates, it.all, &it.crates),
        ReleaseCmd::Check(it) => {
            check::run(root, &select(&crates, it.all, &it.crates)?, &registry(it.registry))
        }
        ReleaseCmd::Publish(it) => {
            let chosen = select(&crates, it.all, &it.crates)?;
            publish::run(root, &chosen, &it, &registry(it.registry.clone()))
        }
    }
}

/// The crates of these names, or all, dependencies first.
fn select<'a>(crates: &'a Crates, all: bool, names: &[String]) -> Result<Vec<&'a Crate>> {
    let hint = "name the crates that are meant, or say `--all` for all that are published";
    ensure!(all == names.is_empty(), hint);
    for (number, name) in names.iter().enumerate() {
        ensure!(!names[..number].contains(name), "{name} is named twice");
        crates.find(name)?;
    }
    Ok(crates.sorted.iter().filter(|one| all || names.contains(&one.name)).collect())
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
