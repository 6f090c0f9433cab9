//! `release prepare`: new versions, requirements and changelogs, in one commit.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use regex::{Captures, Regex};
use semver::{Version, VersionReq};
use toml_edit::{DocumentMut, Item};

use super::changes::{self, NOTHING_TO_SAY, Notes};
use super::crates::Crates;
use super::git::Git;
use super::plan::{self, Entry};
use super::select;
use crate::cargo::{self, say};

/// Prepares these crates and commits that, in a tree apart: here all of it changes, or nothing.
pub(crate) fn run(root: &Path, crates: &Crates, all: bool, words: &[String]) -> Result<()> {
    let (mut names, mut versions) = (Vec::new(), BTreeMap::new());
    for word in words {
        let (name, version) = word.split_once('@').unwrap_or((word, ""));
        names.push(name.to_owned());
        if !version.is_empty() {
            versions.insert(name, Version::parse(version).context(word.clone())?);
        }
    }
    let selected = select(crates, all, &names)?;
    let git = Git { root };
    git.require_clean()?;
    let entries = plan::make(root, changes::semver_checks(root).is_some())?;
    let mut chosen: Vec<(&Entry, Version)> = Vec::new();
    for one in selected {
        let Some(entry) = entries.iter().find(|it| it.krate.name == one.name) else { continue };
        if all && !entry.is_released() {
            continue;
        }
        for leader in &entry.follows {
            let is_open = entries.iter().any(|it| it.krate.name == *leader && it.is_open());
            let comes = chosen.iter().any(|(it, _)| it.krate.name == *leader);
            let hint = format!("{leader}, which is not prepared: name {leader} as well");
            ensure!(!is_open || comes, "{} follows {hint}", one.name);
        }
        chosen.push((entry, version(entry, versions.get(&*one.name))?));
    }
    ensure!(!chosen.is_empty(), "nothing has changed that users notice: nothing to prepare");
    let list: Vec<_> = chosen.iter().map(|(it, to)| format!("{} {to}", it.krate.name)).collect();
    let message = format!("chore(release): {}", list.join(", "));
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let tree = folder.path().join("tree");
    git.add_tree(&tree)?;
    let outcome = edit(root, &tree, &entries, &chosen);
    let outcome = outcome.and_then(|()| {
        let is_changed = (Git { root: &tree }).require_clean().is_err();
        is_changed.then(|| git.commit_tree(&tree, &message)).transpose()
    });
    git.remove_tree(&tree)?;
    if outcome.context("nothing was changed")?.is_none() {
        say(format_args!("Nothing had to change: {} stand as they are.", list.join(", ")));
    } else {
        say(format_args!("Committed \"{message}\". Read the changelogs, rewrite what users"));
        say("would not understand, then\n  git commit --all --amend --no-edit");
    }
    let names: Vec<_> = chosen.iter().map(|(entry, _)| entry.krate.name.as_str()).collect();
    let all = names.join(" ");
    say(format_args!(
        "Next:\n  cargo xtask release check {all}\n  cargo xtask release publish {all}"
    ));
    let is_chosen = |entry: &&Entry| names.contains(&&*entry.krate.name);
    for entry in entries.iter().filter(|it| it.is_open() && !is_chosen(it)) {
        let why = if entry.follows.is_empty() {
            "has changed, and is not prepared"
        } else {
            "must follow "
        };
        say(format_args!("{} {why}{}.", entry.krate.name, entry.follows.join(", ")));
    }
    Ok(())
}

fn version(entry: &Entry, wanted: Option<&Version>) -> Result<Version> {
    let (name, least, now) = (&entry.krate.name, &entry.least, &entry.krate.version);
    let Some(wanted) = wanted else {
        let hint = format!("`{name}@{least}` releases it all the same");
        ensure!(entry.is_released(), "nothing that users notice has changed in {name}; {hint}");
        return Ok(entry.next().clone());
    };
    if let Some(last) = &entry.last {
        ensure!(wanted > last, "{name} {wanted} is not higher than {last}, which is released");
    }
    let least = least.max(now);
    ensure!(wanted >= least, "{name} {wanted} is too low: it needs {least} at least");
    Ok(wanted.clone())
}

fn edit(root: &Path, tree: &Path, entries: &[Entry], chosen: &[(&Entry, Version)]) -> Result<()> {
    let change = |path: &str, f: &dyn Fn(&str) -> Result<String>| {
        let file = tree.join(path);
        let before = if file.exists() { fs::read_to_string(&file)? } else { String::new() };
        let after = f(&before).context(path.to_owned())?;
        if before == after { Ok(()) } else { fs::write(file, after).context(path.to_owned()) }
    };
    let now = entries.iter().map(|it| (&*it.krate.name, &it.krate.version));
    let mut versions: BTreeMap<_, _> = now.collect();
    for (entry, version) in chosen {
        let (folder, name) = (&entry.krate.folder, &*entry.krate.name);
        versions.insert(name, version);
        change(&format!("{folder}/Cargo.toml"), &|text| set_version(text, &["package"], version))?;
        // Those that depend on it and are released later require what they were tested with.
        let keys = ["workspace", "dependencies", name];
        change("Cargo.toml", &|text| set_version(text, &keys, version))?;
        let body = || match &entry.last {
            None => Ok("First release.".to_owned()),
            Some(last) => Notes { root, name, last, messages: &entry.messages }.section(),
        };
        change(&format!("{folder}/CHANGELOG.md"), &|text| with_section(text, version, body))?;
    }
    let folders = chosen.iter().map(|(entry, _)| format!("{}/", entry.krate.folder));
    for folder in folders.chain([String::new()]) {
        change(&format!("{folder}README.md"), &|text| with_install_lines(text, &versions))?;
    }
    // What is locked stays so; cargo needs the index only where it has never seen that.
    if tree.join("Cargo.lock").exists() {
        let update = |line| cargo::output(&mut cargo::cargo(tree, line));
        let line = "update --workspace --quiet --offline";
        update(line).or_else(|_| update("update --workspace --quiet"))?;
    }
    Ok(())
}

/// The manifest with this version in that table; as it is if there is none there.
fn set_version(text: &str, keys: &[&str], version: &Version) -> Result<String> {
    let mut document: DocumentMut = text.parse()?;
    let mut item = Some(document.as_item_mut());
    for key in keys.iter().chain(&["version"]) {
        // `Item::get_mut` would make an entry that is not there.
        item = item.and_then(Item::as_table_like_mut).and_then(|table| table.get_mut(key));
    }
    if let Some(item) = item {
        let old = item.as_value_mut().filter(|it| it.is_str());
        let old = old.context("its version is inherited")?;
        let decor = old.decor().clone();
        *old = version.to_string().into();
        *old.decor_mut() = decor;
    }
    Ok(document.to_string())
}

/// The changelog with a section for version `to`, written by `body` if it is not there yet.
fn with_section(text: &str, to: &Version, body: impl Fn() -> Result<String>) -> Result<String> {
    let title = Regex::new(&format!(r"(?m)^## \[?{}\]?(?: .*)?$", regex::escape(&to.to_string())))?;
    if title.is_match(text) {
        // It was written by hand; what it says of its own release ends with the release.
        return Ok(title.replace(text, format!("## {to}")).into_owned());
    }
    // The head, what was written by hand before the release, and the older sections.
    let parts =
        Regex::new(r"(?s)^(.*?)(?:(?:^|\n)## \[?[Uu]nreleased\]?[^\n]*\n(.*?))?((?:^|\n)## .*)?$")?;
    let parts = parts.captures(text).context("a changelog has sections")?;
    let part = |number| parts.get(number).map_or("", |it: regex::Match<'_>| it.as_str().trim());
    let head = if part(1).is_empty() { "# Changelog" } else { part(1) };
    let generated = body()?;
    let mut body = vec![part(2), generated.trim()];
    body.retain(|text| !text.is_empty() && (part(2).is_empty() || *text != NOTHING_TO_SAY));
    let section = format!("{head}\n\n## {to}\n\n{}\n\n{}", body.join("\n\n"), part(3));
    Ok(format!("{}\n", section.trim_end()))
}

/// The lines that users copy into their manifests (`iqm-auth = "0.1"`), where they would give them
/// another version.
fn with_install_lines(text: &str, versions: &BTreeMap<&str, &Version>) -> Result<String> {
    let mut text = text.to_owned();
    for (name, version) in versions {
        let before = format!(r#"(?m)^(\s*{name}\s*=\s*(?:\{{[^}}\n]*\bversion\s*=\s*)?")"#);
        let line = Regex::new(&format!(r#"{before}([^"\n]+)""#))?;
        let is_short = version.pre.is_empty() && (version.major, version.minor) != (0, 0);
        let short = [version.to_string(), format!("{}.{}", version.major, version.minor)];
        let short = &short[usize::from(is_short)];
        let replace = |found: &Captures<'_>| match VersionReq::parse(&found[2]) {
            Ok(requirement) if !requirement.matches(version) => format!("{}{short}\"", &found[1]),
            _ => found[0].to_owned(),
        };
        text = line.replace_all(&text, replace).into_owned();
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_added_merged_with_what_was_written_or_kept() {
        let old = "# Changelog\n\n## 0.1.0\n\nFirst release.\n";
        let new = "# Changelog\n\n## 0.1.1\n\n- This.\n\n## 0.1.0\n\nFirst release.\n";
        let by_hand = old.replace("## 0.1.0", "## Unreleased\n\n- By hand.\n\n## 0.1.0");
        let both = new.replace("- This", "- By hand.\n\n- This");
        let with_head = |text: &str| text.replace("log\n", "log\n\nHead.\n");
        let with_rc = |text: &str| text.replace("0.1.0", "0.1.0-rc.1");
        for (before, version, body, after) in [
            (old, "0.1.1", "\n- This.\n", new),
            ("", "0.1.0", "- This.", "# Changelog\n\n## 0.1.0\n\n- This.\n"),
            (&with_head(old), "0.1.1", "- This.", &with_head(new)),
            (&with_rc(old), "0.1.1", "- This.", &with_rc(new)),
            // What is there already is kept.
            (&old.replace("## 0.1.0", "## [0.1.0] – unreleased"), "0.1.0", "- This.", old),
            // What was written before the release begins its section.
            (&by_hand, "0.1.1", "- This.", &both),
            (&by_hand, "0.1.1", NOTHING_TO_SAY, &new.replace("This", "By hand")),
        ] {
            let body = || Ok(body.to_owned());
            assert_eq!(with_section(before, &version.parse().unwrap(), body).unwrap(), after);
        }
    }

    #[test]
    fn only_the_version_of_a_manifest_changes_and_install_lines_that_do_not_fit() {
        let next = Version::new(0, 2, 0);
        let text =
            "[workspace.dependencies]\n# These.\na   = { version = \"0.1.0\" } # first\nc = {}\n";
        for (name, to) in [("a", "0.2.0"), ("c", "0.1.0"), ("d", "0.1.0")] {
            let keys = ["workspace", "dependencies", name];
            assert_eq!(set_version(text, &keys, &next).unwrap(), text.replace("0.1.0", to));
        }
        set_version("[package]\nversion.workspace = true\n", &["package"], &next).unwrap_err();
        for (version, before, after) in [
            ("0.2.0", "a\niqm-auth = \"0.1\"\n", "a\niqm-auth = \"0.2\"\n"),
            ("1.2.3", "iqm-auth = \"0.1\"", "iqm-auth = \"1.2\""),
            ("0.2.0-rc.1", "iqm-auth = \"0.1\"", "iqm-auth = \"0.2.0-rc.1\""),
            ("0.2.0", " iqm-auth = { version = \"0.1\" }", " iqm-auth = { version = \"0.2\" }"),
            ("0.2.7", "iqm-auth = \"0.2\"", "iqm-auth = \"0.2\""),
            ("0.2.0", "iqm-auth-more = \"0.1\"", "iqm-auth-more = \"0.1\""),
            ("0.2.0", "iqm-auth = { path = \"x\" }", "iqm-auth = { path = \"x\" }"),
        ] {
            let version = version.parse().unwrap();
            let versions = BTreeMap::from([("iqm-auth", &version)]);
            assert_eq!(with_install_lines(before, &versions).unwrap(), after);
        }
    }
}
