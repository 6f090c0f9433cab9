//! cargo-semver-checks, where it is installed: what the public API's changes ask for.

use std::path::Path;

use anyhow::Result;

use super::commits::Change;
use crate::cargo;

/// How to install the version whose output is read here.
pub(crate) const INSTALL: &str = "cargo install cargo-semver-checks@0.51.0 --locked";

/// What it found in one crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The least change that fits, and its own words for it.
    Asks(Change, String),
    /// It ended without an answer; with its last words.
    Silent(String),
}

/// The version that is installed, if one is.
pub(crate) fn installed(root: &Path) -> Option<String> {
    let mut command = cargo::command(root);
    let said = cargo::output(command.args(["semver-checks", "--version"])).ok()?;
    Some(said.trim().rsplit(' ').next()?.to_owned())
}

/// Compares the crate's API with that of the tag.
pub(crate) fn run(root: &Path, name: &str, tag: &str) -> Result<Verdict> {
    eprintln!("plan: cargo-semver-checks compares {name} with {tag}");
    let output = cargo::command(root)
        .args(["semver-checks", "--color", "never", "--package", name])
        // As if nothing but the patch had moved: the manifest may have a new version already, and
        // then fewer checks would count.
        .args(["--baseline-rev", tag, "--release-type", "patch"])
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    Ok(verdict(output.status.code(), &said))
}

/// Version 0.51 ends with 0 if nothing failed, 100 if checks did and 101 if it could not check, and
/// writes its summary to stderr.
fn verdict(code: Option<i32>, said: &str) -> Verdict {
    let summary = said
        .lines()
        .rev()
        .find_map(|line| line.trim().strip_prefix("Summary "))
        .map(str::trim);
    match (code, summary) {
        (Some(0), Some("no semver update required")) => {
            Verdict::Asks(Change::Fix, "the API has not changed".to_owned())
        }
        (Some(100), Some(summary)) if summary.starts_with("semver requires new major") => {
            Verdict::Asks(Change::Breaking, summary.to_owned())
        }
        (Some(100), Some(summary)) if summary.starts_with("semver requires new minor") => {
            Verdict::Asks(Change::Addition, summary.to_owned())
        }
        _ => {
            let last = said.lines().rev().find(|line| !line.trim().is_empty());
            Verdict::Silent(last.unwrap_or("no word at all").trim().to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // What 0.51.0 wrote about a constant that was added to edgeiq-auth, and one that was taken from
    // iqm-auth.
    const NOTHING: &str = "     Cloning edgeiq-auth-v0.1.0
    Building edgeiq-auth v0.1.0 (current)
       Built [   1.609s] (current)
     Parsing edgeiq-auth v0.1.0 (current)
      Parsed [   0.015s] (current)
    Checking edgeiq-auth v0.1.0 -> v0.1.0 (assume patch change)
     Checked [   0.114s] 229 checks: 229 pass, 31 skip
     Summary no semver update required
    Finished [   7.972s] edgeiq-auth
";
    const BREAKS: &str = "    Checking iqm-auth v0.1.0 -> v0.1.0 (assume patch change)
     Checked [   0.100s] 229 checks: 228 pass, 1 fail, 0 warn, 31 skip

     Summary semver requires new major version: 1 major and 0 minor checks failed
    Finished [  20.749s] iqm-auth
";

    #[test]
    fn the_summary_says_what_the_api_asks_for() {
        let asks = |code, said| match verdict(code, said) {
            Verdict::Asks(change, _) => Some(change),
            Verdict::Silent(_) => None,
        };
        assert_eq!(asks(Some(0), NOTHING), Some(Change::Fix));
        assert_eq!(asks(Some(100), BREAKS), Some(Change::Breaking));
        let adds = BREAKS.replace(
            "new major version: 1 major and 0",
            "new minor version: 0 major and 1",
        );
        assert_eq!(asks(Some(100), &adds), Some(Change::Addition));
    }

    #[test]
    fn no_answer_is_taken_for_a_good_one() {
        for (code, said) in [
            (Some(101), NOTHING),
            (Some(0), BREAKS),
            (Some(0), ""),
            (Some(100), ""),
            (None, NOTHING),
        ] {
            let verdict = verdict(code, said);
            assert!(matches!(verdict, Verdict::Silent(_)), "{code:?} {said}");
        }
        let failed = verdict(Some(101), "error: failed to build rustdoc\n\n");
        assert_eq!(
            failed,
            Verdict::Silent("error: failed to build rustdoc".into())
        );
    }
}
