//! `cargo xtask release`: what of this workspace is to be published, its preparation, the checks
//! before it, and the publishing itself; crate by crate, each with its own version.

mod api;
mod archive;
mod changelog;
mod changes;
mod check;
mod commits;
mod content;
mod crates;
mod git;
mod index;
mod manifest;
mod plan;
mod prepare;
mod publish;
mod semver_checks;

use std::path::Path;

use anyhow::{Context, Result, bail};
use lexopt::{Arg, Parser, ValueExt};
use semver::Version;

use crates::Crates;

pub(crate) use check::packages;

const USAGE: &str = "\
usage: cargo xtask release <command>

  plan                what has changed in each crate since its last tag, and what that asks for
    --json            the same for programs; nothing else is printed
  prepare <crate>…    new versions and changelogs, as planned, in one commit
    <crate>@<version> with this version
  check <crate>…      everything that must hold before these crates are published
  publish <crate>…    publish and tag them, dependencies first; resumes where it was cut off
    --registry <name> to this registry of cargo's configuration, not to crates.io
    --dry-run         everything but the upload
    --no-verify       without cargo's trial builds, after a `check` of the same commit
    --yes             do not ask before the first upload
  help                this text

`--all` in the place of crates stands for every crate that is published.
";

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Task {
    Help,
    Plan {
        json: bool,
    },
    Prepare {
        crates: Selection,
    },
    Check {
        crates: Selection,
    },
    Publish {
        crates: Selection,
        registry: Option<String>,
        dry_run: bool,
        no_verify: bool,
        yes: bool,
    },
}

/// The crates that a command is for.
#[derive(Debug, PartialEq)]
pub(crate) enum Selection {
    All,
    These(Vec<Named>),
}

/// A crate on the command line, with the version that it is to get if one is said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Named {
    name: String,
    version: Option<Version>,
}

pub(crate) fn run(root: &Path, task: Task) -> Result<()> {
    match task {
        Task::Help => {
            print!("{USAGE}");
            Ok(())
        }
        Task::Plan { json } => plan::run(root, json),
        Task::Prepare { crates } => prepare::run(root, &crates),
        Task::Check { crates } => check::run(root, &crates.names(&Crates::load(root)?)?),
        Task::Publish {
            crates,
            registry,
            dry_run,
            no_verify,
            yes,
        } => publish::run(
            root,
            &publish::Options {
                all: crates == Selection::All,
                crates: crates.names(&Crates::load(root)?)?,
                registry,
                dry_run,
                no_verify,
                yes,
            },
        ),
    }
}

impl Selection {
    /// The names, each once and dependencies first; an error if one of them is not published.
    fn names(&self, crates: &Crates) -> Result<Vec<String>> {
        if let Self::These(these) = self {
            for named in these {
                crates.find(&named.name)?;
            }
        }
        Ok(crates
            .iter()
            .map(|one| &one.name)
            .filter(|name| match self {
                Self::All => true,
                Self::These(these) => these.iter().any(|named| named.name == **name),
            })
            .cloned()
            .collect())
    }
}

/// Reads what stands behind `cargo xtask release`.
pub(crate) fn parse(args: &mut Parser) -> Result<Task> {
    let mut json = false;
    let mut all = false;
    let mut these = Vec::new();
    let (mut registry, mut dry_run, mut no_verify, mut yes) = (None, false, false, false);
    let command = match args.next()? {
        Some(Arg::Short('h') | Arg::Long("help")) => return Ok(Task::Help),
        Some(Arg::Value(command)) => command.string()?,
        _ => bail!("`release` is followed by plan, prepare, check or publish\n\n{USAGE}"),
    };
    if command == "help" {
        return Ok(Task::Help);
    }
    if !["plan", "prepare", "check", "publish"].contains(&&*command) {
        bail!("there is no command `release {command}`\n\n{USAGE}");
    }
    while let Some(arg) = args.next()? {
        match (&*command, arg) {
            (_, Arg::Short('h') | Arg::Long("help")) => return Ok(Task::Help),
            ("plan", Arg::Long("json")) => json = true,
            ("prepare" | "check" | "publish", Arg::Long("all")) => all = true,
            ("prepare" | "check" | "publish", Arg::Value(value)) => {
                these.push(named(&value.string()?, &command)?);
            }
            ("publish", Arg::Long("registry")) => {
                let name = args.value().context("`--registry` names a registry")?;
                registry = Some(name.string()?);
            }
            ("publish", Arg::Long("dry-run")) => dry_run = true,
            ("publish", Arg::Long("no-verify")) => no_verify = true,
            ("publish", Arg::Long("yes")) => yes = true,
            (_, other) => bail!("{}\n\n{USAGE}", other.unexpected()),
        }
    }
    if command == "plan" {
        return Ok(Task::Plan { json });
    }
    let crates = match (all, these.is_empty()) {
        (true, true) => Selection::All,
        (false, false) => Selection::These(these),
        (true, false) => bail!("`--all` and names of crates do not go together\n\n{USAGE}"),
        (false, true) => bail!(
            "`release {command}` is for the crates that you name, or for all that are published: \
             `--all`\n\n{USAGE}"
        ),
    };
    Ok(match &*command {
        "prepare" => Task::Prepare { crates },
        "check" => Task::Check { crates },
        _ => Task::Publish {
            crates,
            registry,
            dry_run,
            no_verify,
            yes,
        },
    })
}

fn named(word: &str, command: &str) -> Result<Named> {
    let Some((name, version)) = word.split_once('@') else {
        return Ok(Named {
            name: word.to_owned(),
            version: None,
        });
    };
    if command != "prepare" {
        bail!("`{word}`: only `release prepare` chooses versions\n\n{USAGE}");
    }
    let version = Version::parse(version)
        .with_context(|| format!("`{version}` in `{word}` is no version, such as 1.2.3"))?;
    Ok(Named {
        name: name.to_owned(),
        version: Some(version),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(words: &[&str]) -> Result<Task> {
        parse(&mut Parser::from_args(words))
    }

    fn these(words: &[&str]) -> Selection {
        let read = |word: &&str| named(word, "prepare").unwrap();
        Selection::These(words.iter().map(read).collect())
    }

    #[test]
    fn each_release_command_is_understood_with_its_flags() {
        assert_eq!(parse_words(&["help"]).unwrap(), Task::Help);
        assert_eq!(parse_words(&["--help"]).unwrap(), Task::Help);
        assert_eq!(parse_words(&["publish", "-h"]).unwrap(), Task::Help);
        assert_eq!(parse_words(&["plan"]).unwrap(), Task::Plan { json: false });
        assert_eq!(
            parse_words(&["plan", "--json"]).unwrap(),
            Task::Plan { json: true }
        );
        let expected = Selection::These(vec![
            Named {
                name: "iqm-auth".into(),
                version: Some(Version::new(1, 2, 3)),
            },
            Named {
                name: "auth-core".into(),
                version: None,
            },
        ]);
        assert_eq!(
            parse_words(&["prepare", "iqm-auth@1.2.3", "auth-core"]).unwrap(),
            Task::Prepare { crates: expected }
        );
        assert_eq!(
            parse_words(&["check", "--all"]).unwrap(),
            Task::Check {
                crates: Selection::All
            }
        );
        assert_eq!(
            parse_words(&[
                "publish",
                "iqm-auth",
                "--registry",
                "ours",
                "--yes",
                "--no-verify",
                "--dry-run"
            ])
            .unwrap(),
            Task::Publish {
                crates: these(&["iqm-auth"]),
                registry: Some("ours".into()),
                dry_run: true,
                no_verify: true,
                yes: true
            }
        );
    }

    #[test]
    fn what_release_does_not_know_is_refused_with_what_it_does() {
        for words in [
            &[][..],
            &["plans"],
            &["--json"],
            &["plan", "iqm-auth"],
            &["plan", "--all"],
            &["prepare", "iqm-auth", "--yes"],
            &["check", "iqm-auth", "--all"],
            &["check", "iqm-auth@1.2.3"],
            &["publish", "iqm-auth", "--json"],
        ] {
            let refusal = parse_words(words).unwrap_err().to_string();
            assert!(
                refusal.contains("usage: cargo xtask release"),
                "{words:?}: {refusal}"
            );
        }
    }

    #[test]
    fn a_command_without_crates_says_how_to_name_them_all() {
        for command in ["prepare", "check", "publish"] {
            let refusal = parse_words(&[command]).unwrap_err().to_string();
            assert!(refusal.starts_with(&format!("`release {command}` is for")));
            assert!(refusal.contains("`--all`"), "{refusal}");
        }
    }

    #[test]
    fn a_version_that_is_none_is_refused() {
        for word in ["iqm-auth@", "iqm-auth@1.2", "iqm-auth@v1.2.3"] {
            let refusal = parse_words(&["prepare", word]).unwrap_err().to_string();
            assert!(refusal.contains("is no version"), "{refusal}");
        }
    }

    #[test]
    fn selected_crates_come_once_each_and_in_publishing_order() {
        let crates = crates::tests::ours();
        let names = |selection: Selection| selection.names(&crates);
        assert_eq!(
            names(these(&["iqm-auth", "auth-core", "iqm-auth"])).unwrap(),
            ["auth-core", "iqm-auth"]
        );
        assert_eq!(names(Selection::All).unwrap().len(), crates.iter().count());
        let refusal = names(these(&["xtask"])).unwrap_err().to_string();
        assert!(
            refusal.contains("`xtask`") && refusal.contains("auth-core, "),
            "{refusal}"
        );
    }
}
