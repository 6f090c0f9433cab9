//! `cargo xtask release`: what of this workspace is to be published, its preparation, the checks before it, and the
//! publishing itself; crate by crate, each with its own version.

pub(crate) mod check;
mod cliff;
pub(crate) mod crates;
mod git;
mod plan;
mod prepare;
mod publish;
mod registry;
mod semver_checks;

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use semver::Version;

use crate::flags::ReleaseCmd;
use crates::{Crate, Crates};

/// The crates that a command is for.
#[derive(Debug, PartialEq)]
pub(crate) struct Selection {
    all: bool,
    /// With the version that each is to get if one is said.
    these: Vec<(String, Option<Version>)>,
}

pub(crate) fn run(root: &Path, command: ReleaseCmd) -> Result<()> {
    match command {
        ReleaseCmd::Plan(it) => plan::run(root, it.json),
        ReleaseCmd::Prepare(it) => {
            let selection = Selection::parse(it.all, &it.crates)?;
            let crates = Crates::load(root)?;
            for (name, _) in &selection.these {
                crates.find(name)?;
            }
            prepare::run(root, &selection)
        }
        ReleaseCmd::Check(it) => {
            let crates = Crates::load(root)?;
            check::run(root, &Selection::parse(it.all, &it.crates)?.of(&crates)?)
        }
        ReleaseCmd::Publish(it) => {
            let crates = Crates::load(root)?;
            let selection = Selection::parse(it.all, &it.crates)?;
            publish::run(root, &crates, selection.of(&crates)?, &it)
        }
    }
}

impl Selection {
    fn parse(all: bool, words: &[String]) -> Result<Self> {
        ensure!(
            all == words.is_empty(),
            "name the crates that are meant, or say `--all` for all that are published"
        );
        let read = |word: &String| {
            let Some((name, version)) = word.split_once('@') else {
                return Ok((word.clone(), None));
            };
            let version = Version::parse(version);
            let version =
                version.with_context(|| format!("`{word}` names no version, such as 1.2.3"))?;
            Ok((name.to_owned(), Some(version)))
        };
        Ok(Self {
            all,
            these: words.iter().map(read).collect::<Result<_>>()?,
        })
    }

    fn has(&self, name: &str) -> bool {
        self.all || self.these.iter().any(|(it, _)| it == name)
    }

    fn version_of(&self, name: &str) -> Result<Option<&Version>> {
        let mut versions: Vec<_> = self
            .these
            .iter()
            .filter(|(it, _)| it == name)
            .map(|(_, it)| it.as_ref())
            .collect();
        versions.dedup();
        ensure!(versions.len() < 2, "{name} is named with two versions");
        Ok(versions.pop().flatten())
    }

    /// The crates, each once and dependencies first, for a command that chooses no versions.
    fn of<'a>(&self, crates: &'a Crates) -> Result<Vec<&'a Crate>> {
        for (name, version) in &self.these {
            crates.find(name)?;
            if version.is_some() {
                bail!("`{name}@…`: only `release prepare` chooses versions");
            }
        }
        Ok(crates
            .sorted
            .iter()
            .filter(|one| self.has(&one.name))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_selected_by_name_once_and_in_publishing_order() {
        let crates = Crates::load(&crate::cargo::root()).unwrap();
        let select = |words: &[&str]| {
            Selection::parse(
                words.is_empty(),
                &words.iter().map(ToString::to_string).collect::<Vec<_>>(),
            )
        };
        let names = |words: &[&str]| {
            let chosen = select(words)?.of(&crates)?;
            Ok::<Vec<_>, anyhow::Error>(chosen.iter().map(|one| one.name.clone()).collect())
        };
        assert_eq!(
            names(&["iqm-auth", "auth-core", "iqm-auth"]).unwrap(),
            ["auth-core", "iqm-auth"]
        );
        assert_eq!(names(&[]).unwrap().len(), crates.sorted.len());
        for (words, said) in [
            (&["xtask"][..], "`xtask` is not published"),
            (&["iqm-auth@1.2.3"], "only `release prepare`"),
            (&["iqm-auth@1.2"], "names no version"),
        ] {
            let refusal = names(words).unwrap_err().to_string();
            assert!(refusal.contains(said), "{refusal}");
        }
        let twice = select(&["a@0.2.0", "a@0.3.0"]).unwrap();
        assert!(twice.version_of("a").is_err() && twice.version_of("b").unwrap().is_none());
        assert!(
            Selection::parse(false, &[]).is_err() && Selection::parse(true, &["a".into()]).is_err()
        );
    }
}
