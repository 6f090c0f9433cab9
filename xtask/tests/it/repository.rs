//! A copy of this repository's working tree, as a repository of its own with one commit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// All that is published of this repository, in an order in which it can be.
pub(crate) const CRATES: [&str; 8] = [
    "auth-core",
    "auth-sandbox",
    "auth-store",
    "edgeiq-auth",
    "eqworks-auth",
    "identityx-auth",
    "identityx-codegen",
    "iqm-auth",
];

/// Removed when it is dropped.
pub(crate) struct Repository {
    folder: TempDir,
}

impl Repository {
    /// What is here now, committed or not, without what git ignores.
    pub(crate) fn copy() -> Self {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let this = Self::empty();
        let listed = git_in(
            from,
            &[
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ],
        );
        for path in listed.split_terminator('\0') {
            copy(&from.join(path), &this.path().join(path));
        }
        this.commit("feat: everything so far");
        this
    }

    /// Nothing at all, without a commit.
    pub(crate) fn empty() -> Self {
        let this = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        this.git(&["init", "--quiet", "--initial-branch=main"]);
        for (key, value) in [
            ("user.name", "Tester"),
            ("user.email", "tester@example.com"),
        ] {
            this.git(&["config", key, value]);
        }
        this
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap_or_else(|it| panic!("{path}: {it}"))
    }

    /// Writes a file, and the folders in which it lies.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Puts one text in the place of another, which must be there.
    pub(crate) fn replace(&self, path: &str, old: &str, new: &str) {
        let text = self.read(path);
        assert!(text.contains(old), "{path} does not have `{old}`");
        self.write(path, &text.replace(old, new));
    }

    /// Adds a line at a file's end.
    pub(crate) fn append(&self, path: &str, line: &str) {
        let text = self.read(path);
        self.write(path, &format!("{text}{line}\n"));
    }

    /// Commits everything that is there.
    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// An annotated tag on the present commit.
    pub(crate) fn tag(&self, name: &str) {
        self.git(&["tag", "--annotate", "--message", name, name]);
    }

    /// What git prints; a panic if it fails.
    pub(crate) fn git(&self, words: &[&str]) -> String {
        git_in(self.path(), words)
    }

    /// `cargo xtask <words>` in this repository, by the binary that is being tested.
    pub(crate) fn xtask(&self, words: &[&str]) -> Output {
        self.xtask_command(words).output().unwrap()
    }

    /// The same before it is run, for more in its environment.
    pub(crate) fn xtask_command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .args(words)
            .current_dir(self.path())
            .env("CARGO_MANIFEST_DIR", self.path().join("xtask"));
        as_nobody(&mut command);
        command
    }
}

/// What the command printed to stdout; a panic with what it said if it failed.
pub(crate) fn success(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}\n{said}");
    printed.into_owned()
}

/// What the command said to stderr; a panic if it succeeded.
pub(crate) fn failure(output: &Output) -> String {
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "{printed}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn git_in(folder: &Path, words: &[&str]) -> String {
    let mut command = Command::new("git");
    as_nobody(&mut command);
    success(&command.args(words).current_dir(folder).output().unwrap())
}

/// Keeps away what whoever runs the tests has set: their settings of git (signing, hooks), and the
/// repository in whose hook the tests run.
fn as_nobody(command: &mut Command) {
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(name);
    }
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
}

fn copy(from: &Path, to: &PathBuf) {
    // What is deleted and not yet committed is still listed.
    let Ok(about) = fs::symlink_metadata(from) else {
        return;
    };
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    #[cfg(unix)]
    if about.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(from).unwrap(), to).unwrap();
    }
    assert!(about.is_file() || about.is_symlink(), "{}", from.display());
    fs::copy(from, to).unwrap();
}

#[test]
fn a_copy_is_whole_and_clean_and_builds_on_nothing_outside() {
    let repository = Repository::copy();
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    assert!(repository.read("Cargo.toml").contains("[workspace]"));
    let schema = repository
        .path()
        .join("crates/identityx-auth/schema/identityx.graphql");
    assert!(
        fs::canonicalize(&schema)
            .unwrap()
            .starts_with(fs::canonicalize(repository.path()).unwrap())
    );
    #[cfg(unix)]
    assert!(schema.is_symlink());
    let help = success(&repository.xtask(&["release", "help"]));
    assert!(help.contains("usage: cargo xtask release"), "{help}");
}
