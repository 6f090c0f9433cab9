//! `release prepare`: new versions, requirements and changelogs, in one commit.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use regex::Regex;
use semver::{Version, VersionReq};
use toml_edit::{DocumentMut, Item, value};

use super::cliff::Notes;
use super::git::Git;
use super::plan::{self, Entry};
use super::{Selection, semver_checks};
use crate::cargo::{self, say};

/// Prepares these crates and commits that; tree and index are as they were if something fails.
pub(crate) fn run(root: &Path, selection: &Selection) -> Result<()> {
    let git = Git { root };
    git.require_clean()?;
    let entries = plan::make(root, semver_checks::installed(root).is_some())?;
    let chosen = choose(&entries, selection)?;
    let mut edits = Edits {
        root,
        files: BTreeMap::new(),
    };
    let mut versions: BTreeMap<_, _> = entries
        .iter()
        .map(|it| (it.krate.name.as_str(), it.krate.version.clone()))
        .collect();
    for (entry, version) in &chosen {
        let krate = &entry.krate;
        versions.insert(&krate.name, version.clone());
        edits.change(&format!("{}/Cargo.toml", krate.folder), |text| {
            set_version(text, &["package"], version)
        })?;
        // Those that depend on it and are released later require what they were tested with.
        let keys = ["workspace", "dependencies", &krate.name];
        edits.change("Cargo.toml", |text| set_version(text, &keys, version))?;
        let body = || match &entry.last {
            None => Ok("First release.".to_owned()),
            Some(last) => Notes {
                root,
                name: &krate.name,
                last,
                messages: &entry.messages,
            }
            .section(),
        };
        edits.change(&format!("{}/CHANGELOG.md", krate.folder), |text| {
            with_section(text, version, body)
        })?;
    }
    for folder in chosen
        .iter()
        .map(|(entry, _)| entry.krate.folder.as_str())
        .chain(["."])
    {
        edits.change(&format!("{folder}/README.md"), |text| {
            with_install_lines(text, &versions)
        })?;
    }
    let list: Vec<_> = chosen
        .iter()
        .map(|(entry, version)| format!("{} {version}", entry.krate.name))
        .collect();
    let list = list.join(", ");
    if edits.files.is_empty() {
        say(format_args!(
            "Nothing had to change: {list} stand as they are."
        ));
    } else {
        let message = format!("chore(release): {list}");
        edits.commit(git, &message)?;
        say(format_args!(
            "Committed \"{message}\".\nRead the changelogs, rewrite what users would not understand, then\n  \
             git commit --all --amend --no-edit"
        ));
    }
    let names: Vec<_> = chosen
        .iter()
        .map(|(entry, _)| entry.krate.name.as_str())
        .collect();
    let all = names.join(" ");
    say(format_args!(
        "Next:\n  cargo xtask release check {all}\n  cargo xtask release publish {all}"
    ));
    for entry in entries
        .iter()
        .filter(|it| it.is_open() && !names.contains(&it.krate.name.as_str()))
    {
        let name = &entry.krate.name;
        let needed: Vec<_> = chosen
            .iter()
            .filter(|(it, _)| it.krate.needs.iter().any(|(need, _)| need == name))
            .map(|(it, _)| it.krate.name.as_str())
            .collect();
        if !entry.follows.is_empty() {
            say(format_args!(
                "{name} must follow {}.",
                entry.follows.join(", ")
            ));
        } else if !needed.is_empty() {
            say(format_args!(
                "{name} has changed and is not prepared: if {} cannot do without that, name it too.",
                needed.join(", ")
            ));
        }
    }
    Ok(())
}

/// The version of each selected crate, dependencies first.
fn choose<'a>(entries: &'a [Entry], selection: &Selection) -> Result<Vec<(&'a Entry, Version)>> {
    let mut chosen: Vec<(&Entry, Version)> = Vec::new();
    for entry in entries.iter().filter(|it| selection.has(&it.krate.name)) {
        let name = &entry.krate.name;
        if selection.all && !entry.is_released() {
            continue;
        }
        let version = version(entry, selection.version_of(name)?)?;
        for leader in &entry.follows {
            let is_open = entries
                .iter()
                .any(|it| it.krate.name == *leader && it.is_open());
            let is_chosen = chosen.iter().any(|(it, _)| it.krate.name == *leader);
            ensure!(
                !is_open || is_chosen,
                "{name} follows {leader}, which is not prepared: name {leader} as well"
            );
        }
        chosen.push((entry, version));
    }
    ensure!(
        !chosen.is_empty(),
        "nothing has changed that users notice, so there is nothing to prepare"
    );
    Ok(chosen)
}

fn version(entry: &Entry, wanted: Option<&Version>) -> Result<Version> {
    let (name, least, now) = (&entry.krate.name, &entry.least, &entry.krate.version);
    let Some(wanted) = wanted else {
        if let (Some(last), false) = (&entry.last, entry.is_released()) {
            bail!(
                "nothing that users notice has changed in {name} since {last}; `{name}@{least}` releases it all the same"
            );
        }
        return Ok(entry.next().clone());
    };
    if let Some(last) = entry.last.as_ref().filter(|last| wanted <= *last) {
        bail!("{name} {wanted} is not higher than {last}, which is released");
    }
    ensure!(
        wanted >= least,
        "{name} {wanted} is too low: what has changed needs {least} at least"
    );
    ensure!(
        wanted >= now,
        "{name} {wanted} is lower than {now}, which its manifest has"
    );
    Ok(wanted.clone())
}

/// New texts of files, written all at once, and taken back all at once.
struct Edits<'a> {
    root: &'a Path,
    /// What each file held, none if it was not there; and what it is to hold.
    files: BTreeMap<String, (Option<String>, String)>,
}

impl Edits<'_> {
    fn change(&mut self, path: &str, change: impl FnOnce(&str) -> Result<String>) -> Result<()> {
        let path = path.trim_start_matches("./");
        let before = match self.files.get(path) {
            Some((before, _)) => before.clone(),
            None => self.on_disk(path)?,
        };
        let now = self
            .files
            .get(path)
            .map(|(_, now)| now.as_str())
            .or(before.as_deref());
        let after = change(now.unwrap_or_default()).with_context(|| path.to_owned())?;
        if before.as_deref().unwrap_or_default() == after {
            self.files.remove(path);
        } else {
            self.files.insert(path.to_owned(), (before, after));
        }
        Ok(())
    }

    fn on_disk(&self, path: &str) -> Result<Option<String>> {
        match fs::read_to_string(self.root.join(path)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {path}")),
        }
    }

    fn commit(mut self, git: Git<'_>, message: &str) -> Result<()> {
        if let Some(lock) = self.on_disk("Cargo.lock")? {
            self.files
                .insert("Cargo.lock".to_owned(), (Some(lock.clone()), lock));
        }
        let outcome = self.write().and_then(|()| {
            // What is locked stays so; cargo needs the index only where it has never seen that.
            let update = |line| cargo::output(&mut cargo::cargo(self.root, line));
            update("update --workspace --quiet --offline")
                .or_else(|_| update("update --workspace --quiet"))?;
            let mut paths: Vec<_> = self.files.keys().map(String::as_str).collect();
            // Where the lock file is not committed, it stays so.
            paths.retain(|path| *path != "Cargo.lock" || git.tracks(path));
            git.commit(message, &paths)
        });
        outcome.or_else(|error| {
            self.take_back().context(format!("{error:#}; and then"))?;
            Err(error.context("nothing was changed"))
        })
    }

    fn write(&self) -> Result<()> {
        for (path, (_, text)) in &self.files {
            fs::write(self.root.join(path), text)
                .with_context(|| format!("cannot write {path}"))?;
        }
        Ok(())
    }

    fn take_back(&self) -> Result<()> {
        for (path, (before, _)) in &self.files {
            let whole = self.root.join(path);
            match before {
                Some(text) => fs::write(whole, text),
                None if whole.exists() => fs::remove_file(whole),
                None => Ok(()),
            }
            .with_context(|| format!("cannot put {path} back"))?;
        }
        Ok(())
    }
}

/// The manifest with this version in that table; as it is if there is none, or none by version.
fn set_version(text: &str, keys: &[&str], version: &Version) -> Result<String> {
    let mut document: DocumentMut = text.parse()?;
    let mut item = Some(document.as_item_mut());
    for key in keys.iter().chain(&["version"]) {
        // `Item::get_mut` would make an entry that is not there.
        item = item
            .and_then(Item::as_table_like_mut)
            .and_then(|table| table.get_mut(key));
    }
    if let Some(item) = item {
        let old = item
            .as_value()
            .filter(|it| it.is_str())
            .context("its version is not its own")?;
        let decor = old.decor().clone();
        *item = value(version.to_string());
        if let Some(new) = item.as_value_mut() {
            *new.decor_mut() = decor;
        }
    }
    Ok(document.to_string())
}

/// The changelog with a section for `version`, which is written by `body` if it is not there yet.
fn with_section(
    text: &str,
    version: &Version,
    body: impl FnOnce() -> Result<String>,
) -> Result<String> {
    let title = format!(
        r"(?m)^## \[?{}\]?(?: .*)?$",
        regex::escape(&version.to_string())
    );
    if let Some(found) = Regex::new(&title)?.find(text) {
        // It was written by hand; what it says of its own release ends with the release.
        return Ok(format!(
            "{}## {version}{}",
            &text[..found.start()],
            &text[found.end()..]
        ));
    }
    let mut body = body()?.trim().to_owned();
    let mut text = if text.trim().is_empty() {
        "# Changelog\n".to_owned()
    } else {
        text.to_owned()
    };
    if let Some(found) = Regex::new(r"(?mi)^## \[?unreleased\]?.*\n")?.find(&text.clone()) {
        let rest = text.split_off(found.end());
        let (by_hand, sections) =
            rest.split_at(rest.find("\n## ").map_or(rest.len(), |end| end + 1));
        match (by_hand.trim(), body.as_str()) {
            ("", _) => {}
            (by_hand, "Internal changes only.") => body = by_hand.to_owned(),
            (by_hand, _) => body = format!("{by_hand}\n\n{body}"),
        }
        text.truncate(found.start());
        text.push_str(sections);
    }
    let place = if text.starts_with("## ") {
        0
    } else {
        text.find("\n## ").map_or(text.len(), |at| at + 1)
    };
    let (head, sections) = text.split_at(place);
    Ok(format!(
        "{}\n\n## {version}\n\n{body}\n\n{sections}",
        head.trim_end()
    )
    .trim_end()
    .to_owned()
        + "\n")
}

/// The lines that users copy into their manifests (`iqm-auth = "0.1"`), where they would give them another version.
fn with_install_lines(text: &str, versions: &BTreeMap<&str, Version>) -> Result<String> {
    let mut text = text.to_owned();
    for (name, version) in versions {
        let line = Regex::new(&format!(
            r#"(?m)^(\s*{name}\s*=\s*(?:\{{[^}}\n]*\bversion\s*=\s*)?")([^"\n]+)""#
        ))?;
        let short = match (version.pre.is_empty(), version.major, version.minor) {
            (false, ..) | (_, 0, 0) => version.to_string(),
            (_, 0, minor) => format!("0.{minor}"),
            (_, major, _) => major.to_string(),
        };
        let replace = |found: &regex::Captures<'_>| match VersionReq::parse(&found[2]) {
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

    const OLD: &str = "# Changelog\n\n## 0.1.0\n\nFirst release.\n";

    #[test]
    fn a_section_is_added_merged_with_what_was_written_or_kept() {
        let with = |text: &str, version: &str, body: &str| {
            with_section(text, &Version::parse(version).unwrap(), || {
                Ok(body.to_owned())
            })
            .unwrap()
        };
        let new = "# Changelog\n\n## 0.1.1\n\n- This.\n\n## 0.1.0\n\nFirst release.\n";
        assert_eq!(with(OLD, "0.1.1", "\n- This.\n"), new);
        assert_eq!(
            with("", "0.1.0", "- This."),
            "# Changelog\n\n## 0.1.0\n\n- This.\n"
        );
        let above = OLD.replace("log\n", "log\n\nFor users.\n");
        assert!(
            with(&above, "0.1.1", "- This.").starts_with("# Changelog\n\nFor users.\n\n## 0.1.1\n")
        );
        // What is there already is kept, and nothing is generated.
        let keep = |text: &str| {
            with_section(text, &Version::new(0, 1, 0), || bail!("not needed")).unwrap()
        };
        assert_eq!(keep(OLD), OLD);
        assert_eq!(
            keep(&OLD.replace("## 0.1.0", "## [0.1.0] – unreleased")),
            OLD
        );
        let candidate = OLD.replace("0.1.0", "0.1.0-rc.1");
        assert!(with(&candidate, "0.1.0", "- This.").contains("## 0.1.0\n\n- This."));
        // What was written before the release begins its section.
        let by_hand = OLD.replace("## 0.1.0", "## Unreleased\n\n- By hand.\n\n## 0.1.0");
        assert_eq!(
            with(&by_hand, "0.1.1", "- This."),
            new.replace("- This", "- By hand.\n\n- This")
        );
        assert_eq!(
            with(&by_hand, "0.1.1", "Internal changes only."),
            new.replace("This", "By hand")
        );
    }

    #[test]
    fn only_the_version_of_a_manifest_changes() {
        let next = Version::new(0, 2, 0);
        let manifest = "# A.\n[package]\nname = \"a\"\nversion   = \"0.1.0\" # now\n\n[features]\n";
        let set = |text: &str, keys: &[&str]| set_version(text, keys, &next);
        assert_eq!(
            set(manifest, &["package"]).unwrap(),
            manifest.replace("0.1.0", "0.2.0")
        );
        let workspace = "[workspace.dependencies]\n# These.\na = { version = \"0.1.0\", path = \"a\" } # first\n\
             b = { version = \"0.1.0\", path = \"b\" }\nc = { path = \"c\" }\n";
        for (name, expected) in [
            ("a", workspace.replacen("0.1.0", "0.2.0", 1)),
            ("c", workspace.into()),
            ("d", workspace.into()),
        ] {
            assert_eq!(
                set(workspace, &["workspace", "dependencies", name]).unwrap(),
                expected
            );
        }
        set("[package]\nversion.workspace = true\n", &["package"]).unwrap_err();
    }

    #[test]
    fn an_install_line_moves_when_it_would_give_users_another_version() {
        for (version, line, expected) in [
            ("0.2.0", "iqm-auth = \"0.1\"\n", "iqm-auth = \"0.2\"\n"),
            ("1.2.3", "a\niqm-auth = \"0.1\"", "a\niqm-auth = \"1\""),
            ("0.0.2", "iqm-auth = \"0.0.1\"", "iqm-auth = \"0.0.2\""),
            (
                "0.2.0-rc.1",
                "iqm-auth = \"0.1\"",
                "iqm-auth = \"0.2.0-rc.1\"",
            ),
            (
                "0.2.0",
                " iqm-auth = { features = [\"a\"], version = \"0.1\" }",
                " iqm-auth = { features = [\"a\"], version = \"0.2\" }",
            ),
            ("0.2.7", "iqm-auth = \"0.2\"", "iqm-auth = \"0.2\""),
            (
                "0.2.0",
                "iqm-auth-more = \"0.1\"",
                "iqm-auth-more = \"0.1\"",
            ),
            (
                "0.2.0",
                "iqm-auth = { path = \"x\" }",
                "iqm-auth = { path = \"x\" }",
            ),
            ("0.2.0", "iqm-auth = \"latest\"", "iqm-auth = \"latest\""),
        ] {
            let versions = BTreeMap::from([("iqm-auth", Version::parse(version).unwrap())]);
            assert_eq!(with_install_lines(line, &versions).unwrap(), expected);
        }
    }
}
