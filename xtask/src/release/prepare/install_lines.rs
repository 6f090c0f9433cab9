//! The lines in READMEs that users copy into their manifests: `iqm-auth = "0.1"`.

use std::path::Path;

use anyhow::Result;
use semver::{Version, VersionReq};

use super::Choice;
use super::edits::Edits;
use crate::release::crates::Crates;

/// Brings them up to date: those of the chosen crates wherever they matter, and all of ours in the
/// READMEs of the chosen crates, which are published anew anyway.
pub(super) fn update(edits: &mut Edits<'_>, crates: &Crates, choices: &[Choice]) -> Result<()> {
    let chosen = |name: &str| choices.iter().find(|choice| choice.name == name);
    let now: Vec<Choice> = crates
        .iter()
        .map(|krate| {
            chosen(&krate.name).cloned().unwrap_or_else(|| Choice {
                name: krate.name.clone(),
                version: krate.version.clone(),
            })
        })
        .collect();
    update_one(edits, Path::new("README.md"), choices)?;
    for krate in crates.iter() {
        let path = krate.folder.join("README.md");
        let mut dependencies = krate.dependencies.iter();
        if chosen(&krate.name).is_some() {
            update_one(edits, &path, &now)?;
        } else if dependencies.any(|dependency| chosen(&dependency.name).is_some()) {
            update_one(edits, &path, choices)?;
        }
    }
    Ok(())
}

fn update_one(edits: &mut Edits<'_>, path: &Path, versions: &[Choice]) -> Result<()> {
    let old = edits.read_or_empty(path)?;
    if old.is_empty() {
        return Ok(());
    }
    let mut text = String::new();
    for line in old.split_inclusive('\n') {
        let updated = versions
            .iter()
            .find_map(|Choice { name, version }| updated(line, name, version));
        text.push_str(updated.as_deref().unwrap_or(line));
    }
    edits.set(path, text)
}

/// The line with what the version needs; none if it is no such line, or does already.
fn updated(line: &str, name: &str, version: &Version) -> Option<String> {
    let entry = line.trim_start().strip_prefix(name)?.trim_start();
    let entry = entry.strip_prefix('=')?.trim_start();
    let requirement = match entry.strip_prefix('{') {
        Some(fields) => fields
            .split_once("version")?
            .1
            .trim_start()
            .strip_prefix('=')?
            .trim_start(),
        None => entry,
    };
    let (requirement, _) = requirement.strip_prefix('"')?.split_once('"')?;
    if VersionReq::parse(requirement).ok()?.matches(version) {
        return None;
    }
    Some(line.replacen(
        &format!("\"{requirement}\""),
        &format!("\"{}\"", short(version)),
        1,
    ))
}

/// As much of the version as says what is compatible.
fn short(version: &Version) -> String {
    let Version { major, minor, .. } = version;
    match (version.pre.is_empty(), major, minor) {
        (false, ..) | (_, 0, 0) => version.to_string(),
        (_, 0, minor) => format!("0.{minor}"),
        (_, major, _) => major.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update_to(version: &str, line: &str) -> Option<String> {
        updated(line, "iqm-auth", &Version::parse(version).unwrap())
    }

    #[test]
    fn a_line_moves_when_it_would_give_users_another_version() {
        for (version, line, expected) in [
            ("0.2.0", "iqm-auth = \"0.1\"\n", "iqm-auth = \"0.2\"\n"),
            ("1.2.3", "iqm-auth = \"0.1\"", "iqm-auth = \"1\""),
            ("0.0.2", "iqm-auth = \"0.0.1\"", "iqm-auth = \"0.0.2\""),
            (
                "0.2.0-rc.1",
                "iqm-auth = \"0.1\"",
                "iqm-auth = \"0.2.0-rc.1\"",
            ),
            (
                "0.2.0",
                "  iqm-auth = { features = [\"a\"], version = \"0.1\" }",
                "  iqm-auth = { features = [\"a\"], version = \"0.2\" }",
            ),
        ] {
            assert_eq!(update_to(version, line).as_deref(), Some(expected));
        }
    }

    #[test]
    fn other_lines_stay() {
        for line in [
            "iqm-auth = \"0.2\"",
            "iqm-auth-more = \"0.1\"",
            "use iqm_auth::Client;",
            "iqm-auth = { path = \"x\" }",
            "iqm-auth = \"latest\"",
            "iqm-auth 0.1",
        ] {
            assert_eq!(update_to("0.2.7", line), None, "{line}");
        }
    }

    #[test]
    fn only_the_readmes_in_which_it_matters_are_touched() {
        let root = tempfile::tempdir().unwrap();
        let crates = crate::release::crates::tests::ours();
        let lines = "auth-core = \"0.1\"\niqm-auth = \"0.1\"\nedgeiq-auth = \"0.1\"\n";
        std::fs::write(root.path().join("README.md"), lines).unwrap();
        for krate in crates.iter() {
            let folder = root.path().join(&krate.folder);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("README.md"), lines).unwrap();
        }
        let choice = |name: &str| Choice {
            name: name.to_owned(),
            version: Version::new(0, 2, 0),
        };
        let mut edits = Edits::new(root.path());
        update(
            &mut edits,
            &crates,
            &[choice("auth-core"), choice("iqm-auth")],
        )
        .unwrap();
        let both = lines.replacen("0.1", "0.2", 2);
        for (path, expected) in [
            ("README.md", both.as_str()),
            ("crates/auth-core/README.md", &both),
            ("crates/iqm-auth/README.md", &both),
            ("crates/edgeiq-auth/README.md", &both),
            ("crates/identityx-codegen/README.md", lines),
        ] {
            assert_eq!(edits.read(Path::new(path)).unwrap(), expected, "{path}");
        }
    }
}
