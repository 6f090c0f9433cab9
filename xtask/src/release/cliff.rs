//! git-cliff: the next version, and the draft of a changelog's section, from commits.

use std::path::Path;

use anyhow::{Context, Result};
use regex::Regex;
use semver::Version;

use super::git::{Commit, tag_name};
use crate::{cargo, tools};

/// What counts for one crate since its last release.
pub(crate) struct Notes<'a> {
    pub(crate) root: &'a Path,
    pub(crate) name: &'a str,
    pub(crate) last: &'a Version,
    pub(crate) messages: &'a [String],
}

impl Notes<'_> {
    /// The least version that may hold these changes.
    pub(crate) fn bumped(&self) -> Result<Version> {
        let tag = self.run(&["--bumped-version"])?;
        let version = tag.trim().strip_prefix(&format!("{}-v", self.name));
        let version = version.and_then(|it| Version::parse(it).ok());
        version.with_context(|| format!("git-cliff bumps to `{}`", tag.trim()))
    }

    /// The section of a changelog, without its heading.
    pub(crate) fn section(&self) -> Result<String> {
        let text = self.run(&[])?.trim().to_owned();
        Ok(if text.is_empty() {
            "Internal changes only.".to_owned()
        } else {
            text
        })
    }

    fn run(&self, more: &[&str]) -> Result<String> {
        let mut command = cargo::program(tools::pinned(self.root, "git-cliff")?, self.root);
        command
            .args(["--offline", "--config", "cliff.toml"])
            .args(more);
        // The other crates' tags would cut the range into pieces.
        command.args(["--tag-pattern", &format!("^{}-v", self.name)]);
        // Which commits count, and how they are spelt, is known already: git-cliff shall find no other.
        command.args(["--include-path", "no:commit"]);
        command.args(
            self.messages
                .iter()
                .flat_map(|message| ["--with-commit", message]),
        );
        command
            .arg("--")
            .arg(format!("{}..HEAD", tag_name(self.name, self.last)));
        cargo::output(&mut command)
    }
}

/// What a commit says to users of `name`. A scope that names crates of the workspace gives the commit's weight to these
/// alone; for the others that it touches it is a change without a new feature or a break.
pub(crate) fn message_for(name: &str, members: &[String], commit: &Commit) -> String {
    let Ok(head) = Regex::new(r"^\w+\(([^)]*)\)!?: (.*)") else {
        return commit.message.clone();
    };
    let Some(found) = head.captures(&commit.message) else {
        return commit.message.clone();
    };
    let scopes = found[1].split(',').map(str::trim);
    let owners: Vec<_> = scopes
        .filter(|scope| members.iter().any(|member| member == scope))
        .collect();
    if owners.is_empty() || owners.contains(&name) {
        return commit.message.clone();
    }
    // With a type, which git-cliff cuts off again.
    format!("change: `{}`: {}", owners.join("`, `"), &found[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_that_names_crates_gives_the_weight_to_these_alone() {
        let members = ["auth-core", "iqm-auth", "xtask"].map(String::from);
        for (message, expected) in [
            (
                "feat(auth-core)!: more\n\nBREAKING CHANGE: ask",
                "change: `auth-core`: more",
            ),
            (
                "fix(xtask, auth-core): more",
                "change: `xtask`, `auth-core`: more",
            ),
            (
                "feat(auth-core,iqm-auth)!: more",
                "feat(auth-core,iqm-auth)!: more",
            ),
            ("feat(session)!: more", "feat(session)!: more"),
            ("feat!: more", "feat!: more"),
            ("Say more", "Say more"),
        ] {
            let commit = Commit {
                id: String::new(),
                message: message.to_owned(),
            };
            assert_eq!(message_for("iqm-auth", &members, &commit), expected);
        }
    }
}
