//! cargo-semver-checks, where it is installed: what the public API's changes ask for.

use std::path::Path;

use anyhow::Result;

use crate::cargo;

/// How to install the version whose output is read here.
pub(crate) const INSTALL: &str = "cargo install cargo-semver-checks@0.51.0 --locked";

/// What it found in one crate, as the plan calls it, and its own words.
pub(crate) type Verdict = (&'static str, String);

/// The version that is installed, if one is.
pub(crate) fn installed(root: &Path) -> Option<String> {
    let said = cargo::output(&mut cargo::cargo(root, "semver-checks --version")).ok()?;
    Some(said.trim().rsplit(' ').next()?.to_owned())
}

/// Compares the crate's API with that of the tag.
pub(crate) fn run(root: &Path, name: &str, tag: &str) -> Result<Verdict> {
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
    let asks = |what: &str| code == Some(100) && summary.starts_with(what);
    let found = match summary {
        "no semver update required" if code == Some(0) => "same",
        _ if asks("semver requires new major") => "breaks",
        _ if asks("semver requires new minor") => "more",
        _ => "unknown",
    };
    (found, if found == "unknown" { last } else { summary }.to_owned())
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
