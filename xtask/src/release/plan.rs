//! `release plan`: which version each crate needs, why, and which crates must follow.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use semver::Version;
use serde_json::{Value, json};

use super::cliff::{self, Notes};
use super::crates::{Crate, Snapshot};
use super::git::{Git, tag_name};
use super::registry::Registry;
use super::semver_checks::{self, Verdict};
use crate::cargo::{note, say};

/// More reasons are counted and not shown.
const MOST_REASONS: usize = 3;

/// The plan for one crate.
pub(crate) struct Entry {
    pub(crate) krate: Crate,
    /// The last version that is tagged.
    pub(crate) last: Option<Version>,
    /// How many commits count since then.
    commits: Option<usize>,
    /// The least version that a release may have.
    pub(crate) least: Version,
    /// Whether anything has changed that users notice.
    pub(crate) has_changed: bool,
    reasons: Vec<String>,
    /// What git-cliff is told.
    pub(crate) messages: Vec<String>,
    /// The crates whose new versions its last release does not accept, and those that must follow this one.
    pub(crate) follows: Vec<String>,
    followed_by: Vec<String>,
    api: Option<Verdict>,
    /// What the registry has of a crate of which nothing is tagged.
    published: Option<Version>,
}

impl Entry {
    /// Whether the version in the manifest has still to be raised.
    pub(crate) fn is_open(&self) -> bool {
        self.last.is_some() && self.has_changed && self.krate.version < self.least
    }

    pub(crate) fn is_released(&self) -> bool {
        self.state() != "unchanged"
    }

    /// The version of the next release; the present one where none is needed.
    pub(crate) fn next(&self) -> &Version {
        if self.is_open() {
            &self.least
        } else {
            &self.krate.version
        }
    }

    fn state(&self) -> &'static str {
        match &self.last {
            None => "first-release",
            Some(_) if self.is_open() => self.bump().unwrap_or("patch"),
            Some(last) if self.krate.version > *last => "prepared",
            Some(_) => "unchanged",
        }
    }

    /// Which number of the version must move for what has changed, prepared or not.
    fn bump(&self) -> Option<&'static str> {
        let last = self.last.as_ref().filter(|_| self.has_changed)?;
        Some(match () {
            () if self.least.major > last.major => "major",
            () if self.least.minor > last.minor => "minor",
            () => "patch",
        })
    }
}

/// Prints the plan.
pub(crate) fn run(root: &Path, json: bool) -> Result<()> {
    if let Err(error) = (Git { root }).require_clean() {
        note(format_args!(
            "plan: only what is committed counts, and {error}"
        ));
    }
    let tool = semver_checks::installed(root);
    let mut entries = make(root, tool.is_some())?;
    let warnings = ask_registry(root, &mut entries)?;
    if json {
        say(format_args!("{:#}", to_json(&entries, tool.as_deref())));
    } else {
        say(table(&entries, tool.as_deref()));
    }
    warnings.iter().for_each(note);
    Ok(())
}

/// The plan of all crates, dependencies first.
pub(crate) fn make(root: &Path, api: bool) -> Result<Vec<Entry>> {
    let git = Git { root };
    git.require_history()?;
    let mut plan = Plan {
        root,
        git,
        api,
        now: Snapshot::of(git, "HEAD")?,
        then: BTreeMap::new(),
        done: Vec::new(),
    };
    for krate in plan.now.crates.sorted.clone() {
        let entry = match git.last_version(&krate.name)? {
            None => first(krate),
            Some(last) => {
                let name = krate.name.clone();
                plan.since(krate, last)
                    .with_context(|| format!("what has changed in {name}"))?
            }
        };
        for leader in plan
            .done
            .iter_mut()
            .filter(|it| entry.follows.contains(&it.krate.name))
        {
            leader.followed_by.push(entry.krate.name.clone());
        }
        plan.done.push(entry);
    }
    Ok(plan.done)
}

fn first(krate: Crate) -> Entry {
    Entry {
        last: None,
        commits: None,
        least: krate.version.clone(),
        has_changed: true,
        reasons: vec!["nothing is tagged yet".to_owned()],
        messages: Vec::new(),
        follows: Vec::new(),
        followed_by: Vec::new(),
        api: None,
        published: None,
        krate,
    }
}

struct Plan<'a> {
    root: &'a Path,
    git: Git<'a>,
    api: bool,
    now: Snapshot,
    /// By commit: many crates are often tagged at once.
    then: BTreeMap<String, Snapshot>,
    done: Vec<Entry>,
}

impl Plan<'_> {
    fn since(&mut self, krate: Crate, last: Version) -> Result<Entry> {
        let tag = tag_name(&krate.name, &last);
        let commit = self
            .git
            .commit_of(&format!("refs/tags/{tag}"))?
            .context("the tag is of no commit")?;
        if !self.then.contains_key(&commit) {
            self.then
                .insert(commit.clone(), Snapshot::of(self.git, &commit)?);
        }
        let then = &self.then[&commit];
        let released = then
            .crates
            .find(&krate.name)
            .with_context(|| format!("in {tag}"))?;

        // What was taken back again does not count: only files that differ are looked for in commits.
        let (before, after) = (then.files(released)?, self.now.files(&krate)?);
        let mut paths = Vec::new();
        for (file, (path, bytes)) in before.iter().chain(&after) {
            let is_same = |files: &BTreeMap<_, (String, Vec<u8>)>| {
                files.get(file).is_some_and(|it| it.1 == *bytes)
            };
            if !(is_same(&before) && is_same(&after)) {
                paths.push(path.clone());
            }
        }
        let differences = released.differences(&krate);
        if !differences.is_empty() {
            paths.extend([
                format!("{}/Cargo.toml", krate.folder),
                "Cargo.toml".to_owned(),
            ]);
        }
        let mut entry = Entry {
            last: Some(last.clone()),
            ..first(krate)
        };
        let commits = self.git.commits_since(&tag, &paths)?;
        let members = &self.now.crates.members;
        entry.reasons.clear();
        for commit in commits.iter().rev() {
            let subject = commit.message.lines().next().unwrap_or_default();
            entry.reasons.push(format!("{subject} ({})", commit.id));
        }
        entry.messages = commits
            .iter()
            .map(|it| cliff::message_for(&entry.krate.name, members, it))
            .collect();
        if let Some(path) = paths.first().filter(|_| commits.is_empty()) {
            entry.reasons.push(format!("{path} was changed in a merge"));
        }
        for (name, required) in &released.needs {
            let leader = self.done.iter().find(|it| it.krate.name == *name);
            if let Some(next) = leader
                .map(Entry::next)
                .filter(|next| !required.matches(next))
            {
                entry.follows.push(name.clone());
                // These crates re-export each other's types: what breaks in one breaks in the next.
                let words =
                    format!("Requires `{name}` {next}, whose types are in this crate's API");
                entry.messages.insert(0, format!("fix!: {words}"));
                entry.reasons.insert(
                    0,
                    format!("follows {name} {next}, which {required} does not accept"),
                );
            }
        }
        entry.commits = Some(commits.len());
        entry.has_changed = !entry.reasons.is_empty();
        if self.api && entry.has_changed {
            let verdict = semver_checks::run(self.root, &entry.krate.name, &tag)?;
            match verdict.0 {
                "breaks" => entry
                    .messages
                    .push(format!("fix!: cargo-semver-checks: {}", verdict.1)),
                "more" => entry
                    .messages
                    .push(format!("feat: cargo-semver-checks: {}", verdict.1)),
                _ => {}
            }
            if verdict.0 != "same" {
                entry
                    .reasons
                    .insert(0, format!("cargo-semver-checks: {}", verdict.1));
            }
            entry.api = Some(verdict);
        }
        // Whatever has changed is worth a patch, also where no commit has words for users.
        let mut messages = entry.messages.clone();
        messages.push("fix: something has changed".to_owned());
        let notes = Notes {
            root: self.root,
            name: &entry.krate.name,
            last: &last,
            messages: &messages,
        };
        entry.least = notes.bumped()?;
        if !entry.has_changed && entry.krate.version > last {
            entry
                .reasons
                .push("nothing has changed but the version".to_owned());
        } else if entry.is_open() && entry.krate.version > last {
            entry.reasons.insert(
                0,
                format!(
                    "{}, as prepared, is too small for this",
                    entry.krate.version
                ),
            );
        }
        Ok(entry)
    }
}

/// A clone without tags plans first releases of what is published: that is said where it cannot be overlooked.
fn ask_registry(root: &Path, entries: &mut [Entry]) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    let registry = Registry::of_requirements(root)?;
    for entry in entries.iter_mut().filter(|entry| entry.last.is_none()) {
        let name = &entry.krate.name;
        match registry.versions(name) {
            Ok(versions) => entry.published = versions.all.into_iter().max(),
            Err(error) => {
                warnings.push(format!("whether {name} is published is unknown: {error:#}"));
                break;
            }
        }
        if let Some(version) = &entry.published {
            entry.reasons = vec![format!(
                "{} has {version} already: where is its tag?",
                registry.name
            )];
            warnings.push(format!(
                "WARNING: {} has {name} {version} already, and nothing of {name} is tagged here. This is no first \
                 release: `git fetch --tags`, and plan again.",
                registry.name
            ));
        }
    }
    Ok(warnings)
}

/// One line for each crate, and what holds for all of them.
fn table(entries: &[Entry], tool: Option<&str>) -> String {
    let mut rows = vec![
        [
            "crate", "now", "last tag", "commits", "release", "next", "why",
        ]
        .map(str::to_owned),
    ];
    for entry in entries {
        let none = || "–".to_owned();
        let mut why = entry
            .reasons
            .iter()
            .take(MOST_REASONS)
            .cloned()
            .collect::<Vec<_>>();
        if entry.reasons.len() > MOST_REASONS {
            why.push(format!("and {} more", entry.reasons.len() - MOST_REASONS));
        }
        let mut why = why.into_iter();
        rows.push([
            entry.krate.name.clone(),
            entry.krate.version.to_string(),
            entry.last.as_ref().map_or_else(none, ToString::to_string),
            entry.commits.map_or_else(none, |number| number.to_string()),
            entry.state().replace('-', " "),
            if entry.is_released() {
                entry.next().to_string()
            } else {
                none()
            },
            why.next().unwrap_or_default(),
        ]);
        rows.extend(why.map(|why| {
            [const { String::new() }; 6]
                .into_iter()
                .chain([why])
                .collect::<Vec<_>>()
                .try_into()
                .unwrap_or_default()
        }));
    }
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<_> = (0..6).map(width).collect();
    let mut text = String::new();
    for [cells @ .., why] in &rows {
        let cells = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}  "));
        text.push_str((cells.collect::<String>() + why).trim_end());
        text.push('\n');
    }
    let released: Vec<_> = entries
        .iter()
        .filter(|it| it.is_released())
        .map(|it| it.krate.name.as_str())
        .collect();
    if released.is_empty() {
        text.push_str("\nNothing has changed that users notice.");
    } else {
        text.extend(["\nTo publish, in this order: ", &released.join(", "), "."]);
    }
    for entry in entries.iter().filter(|it| !it.followed_by.is_empty()) {
        text.extend([
            "\n",
            &entry.krate.name,
            " is followed by ",
            &entry.followed_by.join(", "),
            ".",
        ]);
    }
    if tool.is_none() {
        text.push_str(
            "\ncargo-semver-checks is not installed: versions follow the commits' words alone.\n  ",
        );
        text.push_str(semver_checks::INSTALL);
    }
    text
}

/// The fields are described in CONTRIBUTING.md; none is ever renamed or left out.
fn to_json(entries: &[Entry], tool: Option<&str>) -> Value {
    let crates = entries.iter().map(|entry| {
        json!({
            "name": entry.krate.name,
            "version": entry.krate.version.to_string(),
            "last_tag": entry.last.as_ref().map(|last| tag_name(&entry.krate.name, last)),
            "published": entry.published.as_ref().map(ToString::to_string),
            "commits": entry.commits,
            "state": entry.state(),
            "bump": entry.bump(),
            "next": entry.is_released().then(|| entry.next().to_string()),
            "reasons": entry.reasons,
            "follows": entry.follows,
            "followed_by": entry.followed_by,
            "api": entry.api.as_ref().map(|(found, _)| found),
        })
    });
    json!({
        "crates": crates.collect::<Vec<_>>(),
        "semver_checks": { "installed": tool, "install": semver_checks::INSTALL },
    })
}
