//! git-cliff: the next version, and the draft of a changelog's section, from commits. And
//! cargo-semver-checks, where it is installed: what the public API's changes ask for.

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

pub(crate) const INSTALL: &str = "cargo install cargo-semver-checks@0.51.0 --locked";

/// What it found in one crate, as the plan calls it, and its own words.
pub(crate) type Verdict = (&'static str, String);

pub(crate) fn semver_checks(root: &Path) -> Option<String> {
    let said = cargo::output(&mut cargo::cargo(root, "semver-checks --version")).ok()?;
    Some(said.trim().rsplit(' ').next()?.to_owned())
}

/// Compares the crate's API with that of the tag.
pub(crate) fn compare_api(root: &Path, name: &str, tag: &str) -> Result<Verdict> {
    cargo::note(format_args!("plan: cargo-semver-checks compares {name} with {tag}"));
    // As if nothing but the patch had moved: the manifest may have a new version already, and then
    // fewer checks would count.
    let mut compare = cargo::cargo(root, "semver-checks --color never --release-type patch");
    let output = compare.args(["--package", name, "--baseline-rev", tag]).output()?;
    Ok(verdict(output.status.code(), &String::from_utf8_lossy(&output.stderr)))
}

/// Version 0.51 ends with 0 if nothing failed, 100 if checks did and 101 if it could not check, and
/// writes its summary to stderr.
fn verdict(code: Option<i32>, said: &str) -> Verdict {
    let mut lines = said.lines().rev().map(str::trim).filter(|line| !line.is_empty());
    let last = lines.clone().next().unwrap_or("no word at all");
    let summary = lines.find_map(|line| line.strip_prefix("Summary ")).unwrap_or(last).trim();
    let found = match code {
        Some(0) if summary == "no semver update required" => "same",
        Some(100) if summary.starts_with("semver requires new major") => "breaks",
        Some(100) if summary.starts_with("semver requires new minor") => "more",
        _ => return ("unknown", last.to_owned()),
    };
    (found, summary.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_what_the_api_asks_for_and_no_answer_is_taken_for_a_good_one() {
        // What 0.51.0 wrote about a constant that was added, and about one that was taken away.
        let same = "     Checked [   0.114s] 229 checks: 229 pass, 31 skip\n     \
            Summary no semver update required\n    Finished [   7.972s] edgeiq-auth\n";
        let breaks = "     Checked [   0.100s] 229 checks: 228 pass, 1 fail, 0 warn, 31 skip\n\n     \
            Summary semver requires new major version: 1 major and 0 minor checks failed\n    \
            Finished [  20.749s] iqm-auth\n";
        let more = breaks.replace("major version: 1 major and 0", "minor version: 0 major and 1");
        for (code, said, expected) in [
            (Some(0), same, "same"),
            (Some(100), breaks, "breaks"),
            (Some(100), &more, "more"),
            (Some(101), same, "unknown"),
            (Some(0), breaks, "unknown"),
            (Some(0), "", "unknown"),
            (None, same, "unknown"),
        ] {
            assert_eq!(verdict(code, said).0, expected, "{code:?} {said}");
        }
        assert_eq!(verdict(Some(101), "error: it failed\n\n").1, "error: it failed");
    }
}
