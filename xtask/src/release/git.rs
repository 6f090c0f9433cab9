//! Git, by its command line: what is tagged, what was committed since, and what is not committed.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};
use semver::Version;

/// The repository in whose folder the workspace lies.
#[derive(Clone, Copy)]
pub(crate) struct Git<'a> {
    root: &'a Path,
}

/// A commit, as far as a release looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) hash: String,
    pub(crate) subject: String,
    pub(crate) body: String,
    /// What it touches of the paths that were asked for, seen from the workspace's folder.
    pub(crate) files: Vec<String>,
}

/// Where a crate's version is tagged.
pub(crate) fn tag_name(name: &str, version: &Version) -> String {
    format!("{name}-v{version}")
}

impl<'a> Git<'a> {
    pub(crate) fn new(root: &'a Path) -> Self {
        Self { root }
    }

    /// The files that are not committed as they are, untracked ones included.
    pub(crate) fn uncommitted(self) -> Result<Vec<String>> {
        let status = self.output(["status", "--porcelain", "--no-renames"])?;
        let path = |line: &str| line.get(3..).map(str::to_owned);
        Ok(status.lines().filter_map(path).collect())
    }

    /// An error, with the first of the files, unless everything is committed.
    pub(crate) fn require_clean(self) -> Result<()> {
        let files = self.uncommitted()?;
        let Some(first) = files.first() else {
            return Ok(());
        };
        let others = match files.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        bail!("not everything is committed: {first}{others}; commit it or put it aside first")
    }

    /// The present commit.
    pub(crate) fn head(self) -> Result<String> {
        self.line(["rev-parse", "--verify", "HEAD"])
    }

    /// The commit to which the tag points; none if there is no such tag.
    pub(crate) fn tagged(self, tag: &str) -> Result<Option<String>> {
        let tag = format!("refs/tags/{tag}^{{commit}}");
        let output = self.run(["rev-parse", "--verify", "--quiet", &tag])?;
        if !output.status.success() {
            return Ok(None);
        }
        Ok(Some(text(output.stdout)?.trim().to_owned()))
    }

    /// The newest version of the crate that is tagged in the history of the present commit: an older
    /// line that is kept alive on a branch of its own must not see what came after it.
    pub(crate) fn last_version(self, name: &str) -> Result<Option<Version>> {
        let prefix = format!("{name}-v");
        let pattern = format!("{prefix}*");
        let tags = self.output(["tag", "--list", &pattern, "--merged", "HEAD"])?;
        Ok(tags
            .lines()
            .filter_map(|tag| Version::parse(tag.strip_prefix(&prefix)?).ok())
            .max())
    }

    /// The commits since `from` that touch one of the paths, newest first, without merges.
    pub(crate) fn commits_since(self, from: &str, paths: &[&str]) -> Result<Vec<Commit>> {
        let range = format!("{from}..HEAD");
        let mut words = vec![
            "log",
            "--full-history",
            "--no-merges",
            "--no-renames",
            "--name-only",
            "-z",
            // A record begins with 0x01, and its parts end with 0x02: neither is in a message.
            "--format=%x01%H%x02%s%x02%b%x02",
            &range,
            "--",
        ];
        words.extend(paths);
        Ok(parse_log(&self.output(words)?))
    }

    /// The files below the paths that differ between `from` and the present commit.
    pub(crate) fn changed_since(self, from: &str, paths: &[&str]) -> Result<Vec<String>> {
        let mut words = vec!["diff", "--name-only", "--no-renames", "-z", from, "HEAD"];
        words.push("--");
        words.extend(paths);
        Ok(self
            .output(words)?
            .split_terminator('\0')
            .map(str::to_owned)
            .collect())
    }

    /// A file as it was in `revision`; none if it was not there. What a symlink points to is the
    /// text of its file.
    pub(crate) fn file_at(self, revision: &str, path: &str) -> Result<Option<String>> {
        let object = format!("{revision}:{path}");
        let output = self.run(["cat-file", "blob", &object])?;
        if output.status.success() {
            return text(output.stdout).map(Some);
        }
        // A revision that does not exist is a mistake, and a file that does not is an answer.
        let commit = format!("{revision}^{{commit}}");
        self.output(["rev-parse", "--verify", "--quiet", &commit])
            .with_context(|| format!("there is no commit `{revision}`"))?;
        Ok(None)
    }

    /// Whether only a part of the history is here.
    pub(crate) fn is_shallow(self) -> Result<bool> {
        Ok(self.line(["rev-parse", "--is-shallow-repository"])? == "true")
    }

    /// An annotated tag on the present commit.
    pub(crate) fn tag(self, name: &str, message: &str) -> Result<()> {
        self.output(["tag", "--annotate", "--message", message, name])
            .map(drop)
    }

    /// One commit of these files; leaves the index as it was if that fails.
    pub(crate) fn commit(self, message: &str, files: &[&str]) -> Result<()> {
        let with = |words: &[&'a str]| -> Vec<String> {
            let words = words.iter().chain(&["--"]).chain(files);
            words.map(|word| (*word).to_owned()).collect()
        };
        self.output(with(&["add"]))?;
        let mut words = vec!["commit".to_owned(), "--quiet".to_owned()];
        words.extend(["--message".to_owned(), message.to_owned()]);
        words.extend(with(&[]));
        if let Err(error) = self.output(words) {
            self.output(with(&["reset", "--quiet"]))?;
            return Err(error);
        }
        Ok(())
    }

    fn line<const N: usize>(self, words: [&str; N]) -> Result<String> {
        Ok(self.output(words)?.trim().to_owned())
    }

    fn output<S: AsRef<OsStr>>(self, words: impl IntoIterator<Item = S>) -> Result<String> {
        let words: Vec<_> = words.into_iter().collect();
        let output = self.run(&words)?;
        if !output.status.success() {
            let said: Vec<_> = words
                .iter()
                .map(|it| it.as_ref().to_string_lossy())
                .collect();
            bail!(
                "`git {}` failed: {}",
                said.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        text(output.stdout)
    }

    fn run<S: AsRef<OsStr>>(self, words: impl IntoIterator<Item = S>) -> Result<Output> {
        Command::new("git")
            // As they are, whatever is in them.
            .args(["-c", "core.quotePath=false"])
            .args(words)
            .current_dir(self.root)
            .stdin(Stdio::null())
            .output()
            .context("cannot start git")
    }
}

fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).context("git printed something that is not UTF-8")
}

fn parse_log(log: &str) -> Vec<Commit> {
    let mut commits = Vec::new();
    for record in log.split('\u{1}').skip(1) {
        let mut parts = record.splitn(4, '\u{2}').map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        let (hash, subject, body) = (next(), next(), next().trim().to_owned());
        let files = next();
        let files = files.split('\0').map(|file| file.trim_start_matches('\n'));
        commits.push(Commit {
            hash,
            subject,
            body,
            files: files
                .filter(|file| !file.is_empty())
                .map(str::to_owned)
                .collect(),
        });
    }
    commits
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// An empty repository.
    fn repository() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let git = Git::new(folder.path());
        git.output(["init", "--quiet"]).unwrap();
        for (key, value) in [
            ("user.name", "A"),
            ("user.email", "a@b.c"),
            ("commit.gpgSign", "false"),
            ("tag.gpgSign", "false"),
            ("core.hooksPath", "hooks"),
        ] {
            git.output(["config", key, value]).unwrap();
        }
        folder
    }

    fn write(folder: &tempfile::TempDir, path: &str, text: &str) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn commit(folder: &tempfile::TempDir, path: &str, message: &str) {
        write(folder, path, message);
        Git::new(folder.path()).commit(message, &[path]).unwrap();
    }

    #[test]
    fn what_is_not_committed_is_named() {
        let folder = repository();
        let git = Git::new(folder.path());
        commit(&folder, "a", "one");
        assert_eq!(git.uncommitted().unwrap(), [""; 0]);
        git.require_clean().unwrap();
        write(&folder, "a", "changed");
        write(&folder, "ü b", "new");
        let refusal = git.require_clean().unwrap_err().to_string();
        assert!(refusal.contains(": a and 1 more;"), "{refusal}");
    }

    #[test]
    fn the_last_version_is_the_newest_of_the_crate_in_this_history() {
        let folder = repository();
        let git = Git::new(folder.path());
        commit(&folder, "a", "one");
        assert_eq!(git.last_version("a").unwrap(), None);
        for tag in [
            "a-v0.9.0",
            "a-v0.10.0",
            "a-vintage",
            "a-v1",
            "b-v2.0.0",
            "a-v-v3.0.0",
        ] {
            git.tag(tag, "a release").unwrap();
        }
        assert_eq!(git.last_version("a").unwrap(), Some(Version::new(0, 10, 0)));
        commit(&folder, "a", "two");
        git.tag("a-v0.11.0", "a release").unwrap();
        git.output(["checkout", "--quiet", "a-v0.10.0"]).unwrap();
        assert_eq!(git.last_version("a").unwrap(), Some(Version::new(0, 10, 0)));
        assert_eq!(git.tagged("a-v0.10.0").unwrap(), Some(git.head().unwrap()));
        assert_eq!(git.tagged("a-v0.12.0").unwrap(), None);
    }

    #[test]
    fn commits_come_with_their_words_and_the_files_that_were_asked_for() {
        let folder = repository();
        let git = Git::new(folder.path());
        commit(&folder, "a/b c", "zero");
        git.tag("start", "here").unwrap();
        commit(&folder, "a/b c", "one\n\nWhy,\nin lines.\n\nFooter: x");
        commit(&folder, "b", "two");
        commit(&folder, "a/ü", "three");
        let commits = git.commits_since("start", &["a"]).unwrap();
        let said: Vec<_> = commits
            .iter()
            .map(|it| (it.subject.as_str(), it.body.as_str(), it.files.join("|")))
            .collect();
        assert_eq!(
            said,
            [
                ("three", "", "a/ü".to_owned()),
                ("one", "Why,\nin lines.\n\nFooter: x", "a/b c".to_owned())
            ]
        );
        assert_eq!(commits[0].hash.len(), 40);
        assert_eq!(
            git.changed_since("start", &["a"]).unwrap(),
            ["a/b c", "a/ü"]
        );
        assert_eq!(git.commits_since("start", &["a", "b"]).unwrap().len(), 3);
    }

    #[test]
    fn a_file_is_read_as_it_was() {
        let folder = repository();
        let git = Git::new(folder.path());
        commit(&folder, "a", "one");
        commit(&folder, "a", "two");
        assert_eq!(git.file_at("HEAD^", "a").unwrap().unwrap(), "one");
        assert_eq!(git.file_at("HEAD", "b").unwrap(), None);
        let refusal = git.file_at("nowhere", "a").unwrap_err().to_string();
        assert!(refusal.contains("`nowhere`"), "{refusal}");
    }

    #[cfg(unix)]
    #[test]
    fn a_commit_that_a_hook_refuses_leaves_the_index_as_it_was() {
        use std::os::unix::fs::PermissionsExt;

        let folder = repository();
        let git = Git::new(folder.path());
        commit(&folder, "a", "one");
        write(&folder, "hooks/pre-commit", "#!/bin/sh\nexit 1\n");
        let hook = folder.path().join("hooks/pre-commit");
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
        write(&folder, "a", "two");
        git.commit("two", &["a"]).unwrap_err();
        assert_eq!(git.output(["diff", "--cached"]).unwrap(), "");
    }
}
