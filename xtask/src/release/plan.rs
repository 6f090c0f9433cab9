//! `release plan`: which version each crate needs, why, and which crates must follow.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use semver::Version;
use serde_json::{Value, json};

use super::changes::{self, Notes, Verdict};
use super::crates::{Crate, Files, Snapshot, facts};
use super::git::{Git, tag_name};
use crate::cargo::{note, say};

pub(crate) struct Entry {
    pub(crate) krate: Crate,
    pub(crate) last: Option<Version>,
    commits: Option<usize>,
    /// The least version that a release may have.
    pub(crate) least: Version,
    reasons: Vec<String>,
    /// What git-cliff is told.
    pub(crate) messages: Vec<String>,
    /// The crates whose new versions its last release does not accept.
    pub(crate) follows: Vec<String>,
    api: Option<Verdict>,
    /// What the registry has of a crate of which nothing is tagged.
    published: Option<String>,
}

impl Entry {
    fn first(krate: &Crate, last: Option<&Version>) -> Self {
        Self {
            krate: krate.clone(),
            last: last.cloned(),
            commits: None,
            least: krate.version.clone(),
            reasons: Vec::new(),
            messages: Vec::new(),
            follows: Vec::new(),
            api: None,
            published: None,
        }
    }

    /// Whether the version in the manifest has still to be raised.
    pub(crate) fn is_open(&self) -> bool {
        self.last.is_some() && !self.reasons.is_empty() && self.krate.version < self.least
    }

    pub(crate) fn is_released(&self) -> bool {
        self.state() != "unchanged"
    }

    /// The version of the next release; the present one where none is needed.
    pub(crate) fn next(&self) -> &Version {
        if self.is_open() { &self.least } else { &self.krate.version }
    }

    fn state(&self) -> &'static str {
        match &self.last {
            None => "first-release",
            Some(_) if self.is_open() => self.bump().unwrap_or("patch"),
            Some(last) if self.krate.version > *last => "prepared",
            Some(_) => "unchanged",
        }
    }

    fn followed_by<'a>(&self, entries: &'a [Self]) -> Vec<&'a str> {
        let followers = entries.iter().filter(|it| it.follows.contains(&self.krate.name));
        followers.map(|it| it.krate.name.as_str()).collect()
    }

    /// Which number of the version must move for what has changed, prepared or not.
    fn bump(&self) -> Option<&'static str> {
        let last = self.last.as_ref().filter(|_| !self.reasons.is_empty())?;
        let is_major = self.least.major > last.major;
        let is_minor = self.least.minor > last.minor;
        Some(if is_major { "major" } else { ["patch", "minor"][usize::from(is_minor)] })
    }
}

pub(crate) fn run(root: &Path, json: bool, registry: &str) -> Result<()> {
    if let Err(error) = (Git { root }).require_clean() {
        note(format_args!("plan: only what is committed counts, and {error}"));
    }
    let tool = changes::semver_checks(root);
    let mut entries = make(root, tool.is_some())?;
    let warnings = ask_registry(root, registry, &mut entries);
    if json {
        say(format_args!("{:#}", to_json(&entries, tool.as_deref())));
    } else {
        say(table(&entries, tool.is_none()));
    }
    warnings.iter().for_each(note);
    Ok(())
}

/// The plan of all crates, dependencies first.
pub(crate) fn make(root: &Path, api: bool) -> Result<Vec<Entry>> {
    let git = Git { root };
    git.require_history()?;
    let now = Snapshot::of(git, "HEAD")?;
    // By commit: many crates are often tagged at once.
    let mut snapshots = BTreeMap::new();
    let mut done: Vec<Entry> = Vec::new();
    for krate in &now.crates.sorted {
        let entry = match git.last_version(&krate.name)? {
            None => Entry::first(krate, None),
            Some(last) => {
                let tag = format!("refs/tags/{}", tag_name(&krate.name, &last));
                let commit = git.commit_of(&tag)?.context("a tag is of no commit")?;
                if !snapshots.contains_key(&commit) {
                    snapshots.insert(commit.clone(), Snapshot::of(git, &commit)?);
                }
                let mut since = Since { git, api, now: &now, then: &snapshots[&commit] };
                let entry = since.entry(krate, &last, &done);
                entry.with_context(|| format!("what has changed in {}", krate.name))?
            }
        };
        done.push(entry);
    }
    Ok(done)
}

struct Since<'a> {
    git: Git<'a>,
    api: bool,
    now: &'a Snapshot,
    then: &'a Snapshot,
}

impl Since<'_> {
    fn entry(&mut self, krate: &Crate, last: &Version, done: &[Entry]) -> Result<Entry> {
        let (name, root) = (&krate.name, self.git.root);
        let tag = tag_name(name, last);
        let released = self.then.crates.find(name).with_context(|| format!("in {tag}"))?;
        let mut entry = Entry::first(krate, Some(last));
        let paths = self.changed(released, krate)?;
        let commits = self.git.commits_since(&tag, &paths)?;
        for [id, message] in &commits {
            let subject = message.lines().next().unwrap_or_default();
            entry.reasons.insert(0, format!("{subject} ({id})"));
            let members = &self.now.crates.members;
            entry.messages.push(changes::message_for(name, members, message));
        }
        if let Some(path) = paths.first().filter(|_| commits.is_empty()) {
            entry.reasons.push(format!("{path} was changed in a merge"));
        }
        for (need, required) in &released.needs {
            let leader = done.iter().find(|it| it.krate.name == *need);
            if let Some(next) = leader.map(Entry::next).filter(|next| !required.matches(next)) {
                entry.follows.push(need.clone());
                // These crates re-export each other's types: what breaks in one breaks in the next.
                let message = format!("fix!: Requires `{need}` {next}, whose types are in the API");
                entry.messages.insert(0, message);
                let words = format!("follows {need} {next}, which {required} does not accept");
                entry.reasons.insert(0, words);
            }
        }
        if self.api && !entry.reasons.is_empty() {
            let (found, words) = changes::compare_api(root, name, &tag)?;
            let kind = [("breaks", "fix!"), ("more", "feat")].iter().find(|it| it.0 == found);
            let message = kind.map(|(_, kind)| format!("{kind}: cargo-semver-checks: {words}"));
            entry.messages.extend(message);
            if found != "same" {
                entry.reasons.insert(0, format!("cargo-semver-checks: {words}"));
            }
            entry.api = Some((found, words));
        }
        entry.commits = Some(commits.len());
        // Whatever has changed is worth a patch, also where no commit has words for users.
        let messages = [&entry.messages[..], &["fix: something has changed".to_owned()]].concat();
        entry.least = Notes { root, name, last, messages: &messages }.bumped()?;
        if entry.is_open() && krate.version > *last {
            let words = format!("{}, as prepared, is too small for this", krate.version);
            entry.reasons.insert(0, words);
        }
        Ok(entry)
    }

    /// The files of the repository that make the difference for users. What was taken back again is
    /// none, whatever the commits say.
    fn changed(&self, released: &Crate, krate: &Crate) -> Result<Vec<String>> {
        let (before, after) = (self.then.files(released)?, self.now.files(krate)?);
        let bytes = |of: &Files, file: &String| of.get(file).map(|(_, bytes)| bytes.clone());
        let is_same = |file: &String| bytes(&before, file) == bytes(&after, file);
        let changed = before.iter().chain(&after).filter(|(file, _)| !is_same(file));
        let mut paths: Vec<_> = changed.map(|(_, (path, _))| path.clone()).collect();
        if facts(&released.package) != facts(&krate.package) {
            paths.extend([format!("{}/Cargo.toml", krate.folder), "Cargo.toml".to_owned()]);
        }
        Ok(paths)
    }
}

/// A clone without tags plans first releases of what is published: that is said where it cannot be
/// overlooked.
fn ask_registry(root: &Path, registry: &str, entries: &mut [Entry]) -> Vec<String> {
    let mut warnings = Vec::new();
    for entry in entries.iter_mut().filter(|entry| entry.last.is_none()) {
        let name = &entry.krate.name;
        entry.reasons = vec![match super::published(root, registry, name) {
            Ok(None) => "nothing is tagged yet".to_owned(),
            Ok(Some(version)) => {
                let words = format!("{registry} has {name} {version} already: where is its tag?");
                let hint = "This is no first release: `git fetch --tags`, and plan again.";
                warnings.push(format!("WARNING: {words} {hint}"));
                entry.published = Some(version);
                words
            }
            Err(error) => {
                warnings.push(format!("plan: whether {name} is published is unknown: {error:#}"));
                break;
            }
        }];
    }
    warnings
}

/// A line for each crate, with the reasons below it, and what holds for all of them.
fn table(entries: &[Entry], lacks_tool: bool) -> String {
    let row = |name: &str, now: &str, last: &str, release: &str, next: &str| {
        format!("{name:<19}{now:<8}{last:<10}{release:<15}{next}")
    };
    let mut lines = vec![row("crate", "now", "last tag", "release", "next")];
    for entry in entries {
        let (name, now) = (&entry.krate.name, entry.krate.version.to_string());
        let last = entry.last.as_ref().map_or("–".to_owned(), ToString::to_string);
        let next = entry.is_released().then(|| entry.next().to_string());
        lines.push(row(name, &now, &last, entry.state(), next.as_deref().unwrap_or("–")));
        // More are counted and not shown.
        let (shown, more) = entry.reasons.split_at(entry.reasons.len().min(3));
        lines.extend(shown.iter().map(|it| format!("    {it}")));
        lines.extend((!more.is_empty()).then(|| format!("    and {} more", more.len())));
        let followers = entry.followed_by(entries).join(", ");
        lines.extend((!followers.is_empty()).then(|| format!("    is followed by {followers}")));
    }
    let order = entries.iter().filter(|it| it.is_released()).map(|it| it.krate.name.as_str());
    let order = order.collect::<Vec<_>>().join(", ");
    let none = "Nothing has changed that users notice.".to_owned();
    let order =
        if order.is_empty() { none } else { format!("To publish, in this order: {order}.") };
    let lack = "cargo-semver-checks is not installed: versions follow the commits' words alone.";
    let lack = if lacks_tool { format!("\n{lack}\n  {}", changes::INSTALL) } else { String::new() };
    format!("{}\n\n{order}{lack}", lines.join("\n"))
}

/// The fields are described in CONTRIBUTING.md; none is ever renamed or left out.
fn to_json(entries: &[Entry], tool: Option<&str>) -> Value {
    let crates = entries.iter().map(|entry| {
        json!({
            "name": entry.krate.name,
            "version": entry.krate.version.to_string(),
            "last_tag": entry.last.as_ref().map(|last| tag_name(&entry.krate.name, last)),
            "published": entry.published,
            "commits": entry.commits,
            "state": entry.state(),
            "bump": entry.bump(),
            "next": entry.is_released().then(|| entry.next().to_string()),
            "reasons": entry.reasons,
            "follows": entry.follows,
            "followed_by": entry.followed_by(entries),
            "api": entry.api.as_ref().map(|(found, _)| found),
        })
    });
    let tool = json!({ "installed": tool, "install": changes::INSTALL });
    json!({ "crates": crates.collect::<Vec<_>>(), "semver_checks": tool })
}
