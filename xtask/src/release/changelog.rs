//! A crate's CHANGELOG.md: the section of one version, from its commits, by git-cliff.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use semver::Version;
use serde_json::{Value, json};

use super::changes::{Counted, Since};
use super::commits::Change;
use super::git::tag_name;
use crate::tools::pypi;

const TITLE: &str = "# Changelog\n";
const UNRELEASED: &str = "Unreleased";

/// What stands in a section for which no commit has words.
const NOTHING_TO_SAY: &str = "Internal changes only.";

/// The changelog with a section for `version`, which is written by `body` if it is not there yet.
pub(crate) fn with_section(
    text: &str,
    version: &Version,
    body: impl FnOnce() -> Result<String>,
) -> Result<String> {
    let mut sections = split(text);
    let title = version.to_string();
    if let Some(section) = sections.iter_mut().find(|it| it.is_of(&title)) {
        // It is written by hand; what it says of its own release ends with the release.
        section.heading.clone_from(&title);
        return Ok(join(&sections));
    }
    let mut body = body()?.trim().to_owned();
    if let Some(place) = sections.iter().position(|it| it.is_of(UNRELEASED)) {
        let by_hand = sections.remove(place);
        let by_hand = by_hand.body.trim();
        if !by_hand.is_empty() {
            body = match body.as_str() {
                NOTHING_TO_SAY => by_hand.to_owned(),
                generated => format!("{by_hand}\n\n{generated}"),
            };
        }
    }
    let section = Section {
        heading: title,
        body: format!("\n{body}\n\n"),
    };
    // Behind what stands above all sections.
    sections.insert(1, section);
    Ok(join(&sections))
}

/// Everything up to the next `## ` heading; the first has none.
struct Section {
    heading: String,
    body: String,
}

impl Section {
    /// Whether the heading is this word, whatever follows it: `0.1.0 – unreleased`, `[0.1.0]`.
    fn is_of(&self, word: &str) -> bool {
        let mut words = self.heading.split_whitespace();
        let first = words.next().unwrap_or_default();
        first.trim_matches(['[', ']']).eq_ignore_ascii_case(word)
    }
}

fn split(text: &str) -> Vec<Section> {
    let mut sections = vec![Section {
        heading: String::new(),
        body: String::new(),
    }];
    for line in text.split_inclusive('\n') {
        match (line.strip_prefix("## "), sections.last_mut()) {
            (None, Some(last)) => last.body.push_str(line),
            (heading, _) => sections.push(Section {
                heading: heading.unwrap_or_default().trim().to_owned(),
                body: String::new(),
            }),
        }
    }
    if let Some(first) = sections.first_mut()
        && first.body.trim().is_empty()
    {
        first.body = format!("{TITLE}\n");
    }
    sections
}

fn join(sections: &[Section]) -> String {
    let mut text = String::new();
    for (index, Section { heading, body }) in sections.iter().enumerate() {
        if index > 0 {
            text.extend(["## ", heading, "\n"]);
        }
        text.push_str(body);
    }
    format!("{}\n", text.trim_end())
}

/// What is to be said of the commits that count for the crate, and of the crates of ours that it
/// follows.
pub(crate) fn generate(
    root: &Path,
    name: &str,
    version: &Version,
    since: &Since,
    follows: &[(String, Version)],
) -> Result<String> {
    let git_cliff = pypi::pinned(root, "git-cliff")?;
    let git_cliff = |words: &[&str], input: &str| run(root, &git_cliff, words, input);
    let range = format!("{}..HEAD", tag_name(name, &since.version));
    let tag = version.to_string();
    // The other crates' tags would cut the range into pieces.
    let pattern = format!("^{name}-v");
    let mut words = vec![
        "--context",
        "--tag",
        &tag,
        "--tag-pattern",
        &pattern,
        &range,
    ];
    let requires: Vec<_> = follows.iter().map(requires).collect();
    words.extend(requires.iter().flat_map(|it| ["--with-commit", it]));
    let context: Value =
        serde_json::from_str(&git_cliff(&words, "")?).context("cannot read git-cliff's context")?;
    let context = narrowed(&context, &tag, &since.commits, &requires);
    let text = git_cliff(&["--from-context", "-"], &context.to_string())?;
    if text.trim().is_empty() {
        return Ok(NOTHING_TO_SAY.to_owned());
    }
    Ok(text)
}

/// git-cliff's context with the commits that count for the crate alone, as what they count.
fn narrowed(context: &Value, tag: &str, counted: &[Counted], requires: &[String]) -> Value {
    let mut commits: Vec<Value> = Vec::new();
    let releases = context.as_array().into_iter().flatten();
    let all = releases.flat_map(|release| release["commits"].as_array().into_iter().flatten());
    for commit in all {
        if requires.iter().any(|words| commit["message"] == **words) {
            let mut commit = commit.clone();
            commit["group"] = BREAKING.into();
            commits.insert(0, commit);
            continue;
        }
        let Some(counted) = counted.iter().find(|it| commit["id"] == it.commit.hash) else {
            continue;
        };
        let mut commit = commit.clone();
        if counted.change == Change::Breaking {
            commit["group"] = BREAKING.into();
        }
        if !counted.owners.is_empty() {
            let message = commit["message"].as_str().unwrap_or_default();
            let message = message.lines().next().unwrap_or_default();
            // The whole message is what git-cliff reads: without its footers, and with a type, which
            // is cut off again.
            let message = format!("change: `{}`: {message}", counted.owners.join("`, `"));
            commit["raw_message"] = message.into();
            commit["group"] = "Changed".into();
        }
        commits.push(commit);
    }
    // What else belongs to a release is git-cliff's business.
    let mut release = context[0].clone();
    release["version"] = tag.into();
    release["commits"] = commits.into();
    json!([release])
}

const BREAKING: &str = "Breaking changes";

/// What a crate says of one that it follows; git-cliff takes it for a commit.
fn requires((name, version): &(String, Version)) -> String {
    format!("Requires `{name}` {version}, whose types are in this crate's API")
}

fn run(root: &Path, git_cliff: &Path, words: &[&str], input: &str) -> Result<String> {
    let mut command = Command::new(git_cliff);
    command
        .args(["--offline", "--config", "cliff.toml"])
        .args(words)
        .current_dir(root)
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().context("cannot start git-cliff")?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read ends with an error of its own.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("git-cliff failed: {}", said.trim());
    }
    String::from_utf8(output.stdout).context("git-cliff printed something that is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "# Changelog\n\n## 0.1.0\n\nFirst release.\n";

    fn with(text: &str, version: &str, body: &str) -> String {
        let version = Version::parse(version).unwrap();
        with_section(text, &version, || Ok(body.to_owned())).unwrap()
    }

    #[test]
    fn a_new_section_stands_above_the_last_one() {
        assert_eq!(
            with(OLD, "0.1.1", "\n### Fixed\n\n- This.\n"),
            "# Changelog\n\n## 0.1.1\n\n### Fixed\n\n- This.\n\n## 0.1.0\n\nFirst release.\n"
        );
        assert_eq!(
            with("", "0.1.0", "- This."),
            "# Changelog\n\n## 0.1.0\n\n- This.\n"
        );
    }

    #[test]
    fn a_section_that_is_there_is_kept_and_nothing_is_generated() {
        let keep = |text: &str| {
            with_section(text, &Version::new(0, 1, 0), || bail!("not needed")).unwrap()
        };
        assert_eq!(keep(OLD), OLD);
        let unreleased = OLD.replace("## 0.1.0", "## 0.1.0 – unreleased");
        assert_eq!(keep(&unreleased), OLD);
        // 0.1.0-rc.1 and 0.1.01 are others.
        let other = OLD.replace("0.1.0", "0.1.0-rc.1");
        assert!(with(&other, "0.1.0", "- This.").contains("## 0.1.0\n\n- This."));
    }

    #[test]
    fn what_was_unreleased_begins_the_new_section() {
        let text = OLD.replace("## 0.1.0", "## Unreleased\n\n- By hand.\n\n## 0.1.0");
        assert_eq!(
            with(&text, "0.1.1", "### Fixed\n\n- This."),
            "# Changelog\n\n## 0.1.1\n\n- By hand.\n\n### Fixed\n\n- This.\n\n## 0.1.0\n\n\
             First release.\n"
        );
        assert!(
            with(&text, "0.1.1", NOTHING_TO_SAY).contains("## 0.1.1\n\n- By hand.\n\n## 0.1.0")
        );
    }

    #[test]
    fn what_stands_above_the_sections_stays_there() {
        let text = OLD.replace("log\n", "log\n\nFor users.\n");
        let new = with(&text, "0.1.1", "- This.");
        assert!(
            new.starts_with("# Changelog\n\nFor users.\n\n## 0.1.1\n"),
            "{new}"
        );
    }
}
