//! Git, by one function that leaves the user's settings no influence on what is read.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use semver::Version;

use crate::cargo;

/// The repository in whose folder the workspace lies.
#[derive(Clone, Copy)]
pub(crate) struct Git<'a> {
    pub(crate) root: &'a Path,
}

/// A commit that counts for a crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) id: String,
    pub(crate) message: String,
}

/// Settings of the user that would change what is printed or written.
const NEUTRAL: [&str; 9] = [
    "i18n.logOutputEncoding=UTF-8",
    "i18n.commitEncoding=UTF-8",
    "core.quotePath=false",
    "core.autocrlf=false",
    "core.fsmonitor=false",
    "color.ui=false",
    "column.ui=never",
    "log.showSignature=false",
    "status.renames=false",
];

/// Where a crate's version is tagged.
pub(crate) fn tag_name(name: &str, version: &Version) -> String {
    format!("{name}-v{version}")
}

impl Git<'_> {
    /// Every call of git. Only plumbing, and formats that git promises to programs, are read.
    fn command(self, line: &str) -> Command {
        let mut git = Command::new("git");
        git.current_dir(self.root)
            .stdin(Stdio::null())
            .env("LC_ALL", "C");
        // The repository in whose hook this may be running, and the settings of a single call.
        for name in [
            "GIT_DIR",
            "GIT_WORK_TREE",
            "GIT_INDEX_FILE",
            "GIT_PREFIX",
            "GIT_CONFIG_PARAMETERS",
        ] {
            git.env_remove(name);
        }
        git.args(NEUTRAL.iter().flat_map(|setting| ["-c", setting]));
        git.args(line.split_whitespace());
        git
    }

    fn output<'b>(self, line: &str, more: impl IntoIterator<Item = &'b str>) -> Result<String> {
        cargo::output(self.command(line).args(more))
    }

    /// An error, with the first of the files, unless everything is committed.
    pub(crate) fn require_clean(self) -> Result<()> {
        let status = self.output(
            "status --porcelain=v1 -z --untracked-files=all --ignore-submodules=none",
            [],
        )?;
        let mut files = status
            .split_terminator('\0')
            .filter_map(|entry| entry.get(3..));
        let Some(first) = files.next() else {
            return Ok(());
        };
        let others = match files.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        bail!("not everything is committed: {first}{others}; commit it or put it aside first")
    }

    /// An error if only a part of the history is here.
    pub(crate) fn require_history(self) -> Result<()> {
        ensure!(
            self.output("rev-parse --is-shallow-repository", [])?.trim() == "false",
            "only a part of the history is here (a shallow clone): `git fetch --unshallow --tags`"
        );
        Ok(())
    }

    /// The commit of this name; none if there is no such name.
    pub(crate) fn commit_of(self, name: &str) -> Result<Option<String>> {
        let mut command = self.command("rev-parse --verify --quiet");
        let output = command
            .arg(format!("{name}^{{commit}}"))
            .output()
            .context("cannot start git")?;
        Ok(output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned()))
    }

    /// The newest version of the crate that is tagged in the history of the present commit: an older line that is
    /// kept alive on a branch of its own must not see what came after it.
    pub(crate) fn last_version(self, name: &str) -> Result<Option<Version>> {
        let prefix = format!("refs/tags/{name}-v");
        let tags = self.output(
            "for-each-ref --merged=HEAD --format=%(refname)",
            [&*format!("{prefix}*")],
        )?;
        Ok(tags
            .lines()
            .filter_map(|tag| Version::parse(tag.strip_prefix(&prefix)?).ok())
            .max())
    }

    /// The commits since `from` that touch one of the paths, oldest first, without merges.
    pub(crate) fn commits_since(self, from: &str, paths: &[String]) -> Result<Vec<Commit>> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let format = "rev-list --reverse --full-history --no-merges --no-commit-header --encoding=UTF-8 \
                      --format=%h%x00%B%x00";
        let range = format!("{from}..HEAD");
        let paths = paths.iter().map(String::as_str);
        let printed = self.output(format, [&*range, "--"].into_iter().chain(paths))?;
        let parts: Vec<_> = printed.split('\0').map(str::trim).collect();
        let commit = |pair: &[&str]| Commit {
            id: pair[0].to_owned(),
            message: pair[1].to_owned(),
        };
        Ok(parts.chunks_exact(2).map(commit).collect())
    }

    /// Writes all files of a commit into a folder; no hook runs, and the index stays as it is.
    pub(crate) fn export(self, commit: &str, folder: &Path) -> Result<()> {
        let index = folder.with_extension("index");
        let prefix = format!("--prefix={}/", folder.display());
        for words in [["read-tree", commit], ["checkout-index", &prefix]] {
            let mut command = self.command(words[0]);
            if words[0] == "checkout-index" {
                command.arg("--all");
            }
            cargo::output(command.arg(words[1]).env("GIT_INDEX_FILE", &index))?;
        }
        Ok(())
    }

    /// An annotated tag on the present commit, signed if the user signs tags.
    pub(crate) fn tag(self, name: &str, message: &str) -> Result<()> {
        self.output("tag --annotate --message", [message, name])
            .map(drop)
    }

    /// Whether such a tag can be made: whether there are an identity and, where tags are signed, a key.
    pub(crate) fn try_tag(self) -> Result<()> {
        let name = "xtask-release-trial";
        self.tag(name, "a trial, deleted at once")
            .context("git cannot make the tags of this release")?;
        self.output("update-ref -d", [&*format!("refs/tags/{name}")])
            .map(drop)
    }

    pub(crate) fn tracks(self, path: &str) -> bool {
        self.output("ls-files --error-unmatch --", [path]).is_ok()
    }

    /// Commits these files, which nothing ignores, and nothing else; the index is as it was if that fails.
    pub(crate) fn commit(self, message: &str, files: &[&str]) -> Result<()> {
        // `git add` would refuse what the user ignores everywhere, and keep what it had added until then.
        let outcome = self
            .output("update-index --add --", files.iter().copied())
            .and_then(|_| {
                self.output(
                    "commit --quiet --message",
                    [&[message, "--only", "--"], files].concat(),
                )
            });
        outcome
            .map(drop)
            .or_else(|error| match self.output("read-tree HEAD", []) {
                Ok(_) => Err(error),
                Err(second) => {
                    Err(error.context(format!("the index may have changed ({second:#})")))
                }
            })
    }
}
