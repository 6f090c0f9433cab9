//! Git, by one function that leaves the user's settings no influence on what is read.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use semver::Version;

use crate::cargo;

#[derive(Clone, Copy)]
pub(crate) struct Git<'a> {
    pub(crate) root: &'a Path,
}

/// Instead of settings of the user that would change what is printed or written.
const NEUTRAL: &str = "-c i18n.logOutputEncoding=UTF-8 -c i18n.commitEncoding=UTF-8 \
    -c core.quotePath=false -c core.autocrlf=false -c core.fsmonitor=false -c color.ui=false \
    -c column.ui=never -c log.showSignature=false -c status.renames=false";

/// What would make git look at another repository: such as that in whose hook this is running.
const ELSEWHERE: [&str; 5] =
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_CONFIG_PARAMETERS"];

pub(crate) fn tag_name(name: &str, version: impl std::fmt::Display) -> String {
    format!("{name}-v{version}")
}

impl Git<'_> {
    /// Every call of git. Only plumbing, and formats that git promises to programs, are read.
    fn command(self, words: &str) -> Command {
        let mut git = Command::new("git");
        git.current_dir(self.root).stdin(Stdio::null()).env("LC_ALL", "C");
        for name in ELSEWHERE {
            git.env_remove(name);
        }
        git.args(NEUTRAL.split_whitespace()).args(words.split_whitespace());
        git
    }

    fn output(self, words: &str, more: &[&str]) -> Result<String> {
        cargo::output(self.command(words).args(more))
    }

    /// An error, with the first files, unless everything is committed.
    pub(crate) fn require_clean(self) -> Result<()> {
        let status = "status --porcelain=v1 -z --untracked-files=all --ignore-submodules=none";
        let status = self.output(status, &[])?;
        let files = status.split_terminator('\0').filter_map(|entry| entry.get(3..));
        let files = files.take(5).collect::<Vec<_>>().join(", ");
        let hint = "commit it or put it aside first";
        ensure!(files.is_empty(), "not everything is committed: {files}; {hint}");
        Ok(())
    }

    pub(crate) fn require_history(self) -> Result<()> {
        let is_cut = self.output("rev-parse --is-shallow-repository", &[])?;
        ensure!(is_cut.trim() == "false", "a shallow clone: `git fetch --unshallow --tags` first");
        Ok(())
    }

    pub(crate) fn commit_of(self, name: &str) -> Result<Option<String>> {
        let mut command = self.command("rev-parse --verify --quiet");
        let output = command.arg(format!("{name}^{{commit}}")).output();
        let output = output.context("cannot start git")?;
        let commit = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(output.status.success().then_some(commit))
    }

    /// The newest version of the crate that is tagged in the history of the present commit: an older
    /// line that is kept alive on a branch of its own must not see what came after it.
    pub(crate) fn last_version(self, name: &str) -> Result<Option<Version>> {
        let prefix = format!("refs/tags/{name}-v");
        let pattern = format!("{prefix}*");
        let tags = self.output("for-each-ref --merged=HEAD --format=%(refname)", &[&pattern])?;
        let version = |tag: &str| Version::parse(tag.strip_prefix(&prefix)?).ok();
        Ok(tags.lines().filter_map(version).max())
    }

    /// Ids and messages of the commits since `from` that touch one of the paths, oldest first,
    /// without merges.
    pub(crate) fn commits_since(self, from: &str, paths: &[String]) -> Result<Vec<[String; 2]>> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let list = "rev-list --reverse --full-history --no-merges --no-commit-header \
            --encoding=UTF-8 --format=%h%x00%B%x00";
        let range = format!("{from}..HEAD");
        let paths = paths.iter().map(String::as_str);
        let words: Vec<_> = [range.as_str(), "--"].into_iter().chain(paths).collect();
        let printed = self.output(list, &words)?;
        let parts: Vec<_> = printed.split('\0').map(|part| part.trim().to_owned()).collect();
        Ok(parts.chunks_exact(2).map(|pair| [pair[0].clone(), pair[1].clone()]).collect())
    }

    /// Writes all files of a commit into a folder; no hook runs, and the index stays as it is.
    pub(crate) fn export(self, commit: &str, folder: &Path) -> Result<()> {
        fs::create_dir(folder)?;
        let mut command = self.command("read-tree --reset -u");
        command.arg(commit).env("GIT_WORK_TREE", folder);
        cargo::output(command.env("GIT_INDEX_FILE", folder.with_extension("index"))).map(drop)
    }

    /// An annotated tag on the present commit, signed if the user signs tags.
    pub(crate) fn tag(self, name: &str, message: &str) -> Result<()> {
        self.output("tag --annotate --message", &[message, name]).map(drop)
    }

    /// Whether tags can be made: whether there are an identity and, where they are signed, a key.
    pub(crate) fn try_tag(self) -> Result<()> {
        let name = "xtask-release-trial";
        self.tag(name, "deleted at once").context("git cannot make the tags of this release")?;
        self.output("update-ref -d", &[&format!("refs/tags/{name}")]).map(drop)
    }

    /// A second working tree of the present commit. No hook runs: nothing has been done yet.
    pub(crate) fn add_tree(self, folder: &Path) -> Result<()> {
        let words = "-c core.hooksPath=/dev/null worktree add --quiet --detach";
        self.output(words, &[&folder.to_string_lossy(), "HEAD"]).map(drop)
    }

    /// Commits all that has changed in that tree, also what the user ignores everywhere, and brings
    /// it here: whole, or not at all.
    pub(crate) fn commit_tree(self, folder: &Path, message: &str) -> Result<()> {
        let there = Git { root: folder };
        there.output("add --all --force", &[])?;
        there.output("commit --quiet --message", &[message])?;
        let commit = there.output("rev-parse HEAD", &[])?;
        self.output("merge --quiet --ff-only", &[commit.trim()]).map(drop)
    }

    pub(crate) fn remove_tree(self, folder: &Path) -> Result<()> {
        self.output("worktree remove --force", &[&folder.to_string_lossy()]).map(drop)
    }
}
