//! git-cliff: the next version, and the draft of a changelog's section, from commits.

use std::path::Path;

use anyhow::{Context, Result};
use regex::Regex;
use semver::Version;

use super::git::tag_name;
use crate::{cargo, tools};

/// What counts for one crate since its last release.
pub(crate) struct Notes<'a> {
    pub(crate) root: &'a Path,
    pub(crate) name: &'a str,
    pub(crate) last: &'a Version,
    pub(crate) messages: &'a [String],
}

/// What stands in a section for which no commit has words.
pub(crate) const NOTHING_TO_SAY: &str = "Internal changes only.";

impl Notes<'_> {
    /// The least version that may hold these changes.
    pub(crate) fn bumped(&self) -> Result<Version> {
        let tag = self.run("--bumped-version")?;
        let version = tag.trim().strip_prefix(&tag_name(self.name, ""));
        let version = version.and_then(|it| Version::parse(it).ok());
        version.with_context(|| format!("git-cliff bumps to `{}`", tag.trim()))
    }

    /// The section of a changelog, without its heading.
    pub(crate) fn section(&self) -> Result<String> {
        let text = self.run("")?;
        Ok(if text.trim().is_empty() { NOTHING_TO_SAY.to_owned() } else { text.trim().to_owned() })
    }

    fn run(&self, more: &str) -> Result<String> {
        // Which commits count, and how they are spelt, is known: it shall find no other.
        let words = format!("--offline --config cliff.toml --include-path no:commit {more}");
        let mut command = cargo::program(tools::pinned(self.root, "git-cliff")?, self.root, &words);
        // The other crates' tags would cut the range into pieces.
        command.args(["--tag-pattern", &format!("^{}-v", self.name)]);
        command.args(self.messages.iter().flat_map(|message| ["--with-commit", message]));
        command.arg("--").arg(format!("{}..HEAD", tag_name(self.name, self.last)));
        cargo::output(&mut command)
    }
}

/// What a commit says to users of `name`. A scope that names crates of the workspace gives the
/// commit's weight to these alone; to the others it is a change, not a new feature or a break.
pub(crate) fn message_for(name: &str, members: &[String], message: &str) -> String {
    let head = Regex::new(r"^\w+\(([^)]*)\)!?: (.*)").ok();
    let Some(found) = head.as_ref().and_then(|head| head.captures(message)) else {
        return message.to_owned();
    };
    let is_member = |scope: &&str| members.iter().any(|member| member == scope);
    let owners: Vec<_> = found[1].split(',').map(str::trim).filter(is_member).collect();
    if owners.is_empty() || owners.contains(&name) {
        return message.to_owned();
    }
    // With a type, which git-cliff cuts off again.
    format!("change: `{}`: {}", owners.join("`, `"), &found[2])
}
