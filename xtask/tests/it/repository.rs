//! Repositories for tests, with a registry and a `CARGO_HOME` that know no setting of the person who runs them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::registry::{Registry, TOKEN};

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

/// A repository, a registry, and folders for cargo. Removed when it is dropped.
pub(crate) struct Repository {
    folder: TempDir,
    pub(crate) registry: Registry,
    /// None where the registry plays no part: what is fetched already need not be fetched again.
    home: Option<PathBuf>,
    target: PathBuf,
}

/// This repository's own folder.
pub(crate) fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

impl Repository {
    /// What is here now, committed or not, without what git ignores.
    pub(crate) fn copy() -> Self {
        let mut this = Self::with(&[], tempfile::tempdir().unwrap(), None);
        this.home = None;
        this.fill();
        this
    }

    /// The same with the registry, for which cargo has never seen a crate of this repository.
    pub(crate) fn copy_for_newcomers() -> Self {
        // CARGO_TARGET_TMPDIR is a folder in the target folder. What cargo fetches and compiles stays there, so that
        // dependencies are compiled once for all tests and not again in the next run.
        let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("proofs");
        forget(&shared);
        let this = Self::with(&CRATES, tempfile::tempdir().unwrap(), Some(&shared));
        this.fill();
        this
    }

    fn fill(&self) {
        for path in git(
            here(),
            &[
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ],
        )
        .split_terminator('\0')
        {
            let (from, to) = (here().join(path), self.path().join(path));
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            #[cfg(unix)]
            if from.is_symlink() {
                std::os::unix::fs::symlink(fs::read_link(from).unwrap(), to).unwrap();
                continue;
            }
            // What is deleted and not yet committed is still listed.
            if from.is_file() {
                fs::copy(from, to).unwrap();
            }
        }
        self.commit("feat: everything so far");
    }

    /// Three crates that need one another in a row, which take no time to compile, and one that is not published.
    pub(crate) fn chain() -> Self {
        let this = Self::with(
            &["first", "second", "third"],
            tempfile::tempdir().unwrap(),
            None,
        );
        let mut root =
            "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n\n[workspace.dependencies]\n"
                .to_owned();
        let mut needs = String::new();
        for name in ["first", "second", "third", "hidden"] {
            let manifest = format!(
                "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\nrust-version = \"1.85\"\n\
                 description = \"A test\"\nlicense = \"MIT\"\nrepository = \"https://a.example\"\nreadme = \"README.md\"\n\
                 keywords = [\"one\"]\ncategories = [\"development-tools\"]\nexclude = [\"/notes\"]\npublish = {}\n\n\
                 [package.metadata.docs.rs]\nall-features = true\n\n[dependencies]\n{needs}",
                name != "hidden"
            );
            this.write(&format!("crates/{name}/Cargo.toml"), &manifest);
            this.write(&format!("crates/{name}/src/lib.rs"), "//! A test.\n");
            this.write(
                &format!("crates/{name}/README.md"),
                &format!("{name} = \"0.1\"\n"),
            );
            this.write(
                &format!("crates/{name}/CHANGELOG.md"),
                "# Changelog\n\n## 0.1.0\n\nAll.\n",
            );
            this.write(&format!("crates/{name}/LICENSE-MIT"), "Do as you like.\n");
            root += &format!("{name} = {{ version = \"0.1.0\", path = \"crates/{name}\" }}\n");
            needs = format!("{name}.workspace = true\n");
        }
        this.write("Cargo.toml", &root);
        this.write(
            "cliff.toml",
            &fs::read_to_string(here().join("cliff.toml")).unwrap(),
        );
        this.write(".gitignore", "/Cargo.lock\n/target\n");
        this.commit("feat: three crates");
        this
    }

    fn with(own: &[&str], folder: TempDir, shared: Option<&Path>) -> Self {
        let place = shared.unwrap_or(folder.path()).to_owned();
        let this = Self {
            registry: Registry::start(own, &place),
            home: Some(place.join("home")),
            target: place.join("target"),
            folder,
        };
        fs::create_dir_all(this.path()).unwrap();
        this.use_token(TOKEN);
        // The tools that are installed here.
        fs::create_dir_all(here().join("target/tools")).unwrap();
        fs::create_dir_all(&this.target).unwrap();
        #[cfg(unix)]
        let _ = std::os::unix::fs::symlink(here().join("target/tools"), this.target.join("tools"));
        this.git(&["init", "--quiet", "--initial-branch=main"]);
        this.git(&["config", "user.name", "Tester"]);
        this.git(&["config", "user.email", "tester@example.com"]);
        this
    }

    pub(crate) fn use_token(&self, token: &str) {
        let home = self.home.as_ref().unwrap();
        fs::create_dir_all(home).unwrap();
        fs::write(home.join("config.toml"), self.registry.config(token)).unwrap();
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("repository")
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

    /// Adds a line at a file's end, and commits everything if there is a message.
    pub(crate) fn append(&self, path: &str, line: &str, message: &str) {
        self.write(path, &format!("{}{line}\n", self.read(path)));
        if !message.is_empty() {
            self.commit(message);
        }
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    pub(crate) fn tag(&self, name: &str) {
        self.git(&["tag", "--annotate", "--message", name, name]);
    }

    pub(crate) fn tags(&self) -> Vec<String> {
        self.git(&["tag", "--list"])
            .lines()
            .map(str::to_owned)
            .collect()
    }

    pub(crate) fn git(&self, words: &[&str]) -> String {
        git(&self.path(), words)
    }

    /// `cargo xtask <words>` in this repository, by the binary that is being tested.
    pub(crate) fn xtask(&self, line: &str) -> Command {
        let mut command = self.equipped(env!("CARGO_BIN_EXE_xtask"), &self.path(), line);
        command.env("CARGO_MANIFEST_DIR", self.path().join("xtask"));
        command
    }

    /// `cargo <words>` in this folder.
    pub(crate) fn cargo(&self, folder: &Path, line: &str) -> Command {
        self.equipped(env!("CARGO"), folder, line)
    }

    fn equipped(&self, program: &str, folder: &Path, line: &str) -> Command {
        let mut command = Command::new(program);
        command.args(line.split_whitespace()).current_dir(folder);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["CARGO_REGISTR", "CARGO_PKG_"]
                .iter()
                .any(|prefix| text.starts_with(prefix))
            {
                command.env_remove(&name);
            }
        }
        command
            .envs(self.home.as_ref().map(|home| ("CARGO_HOME", home)))
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_TERM_COLOR", "never")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        command
    }
}

/// What the command printed to stdout; a panic with what it said if it failed.
pub(crate) fn success(command: &mut Command) -> String {
    let (output, printed) = run(command);
    assert!(
        output.status.success(),
        "{printed}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    printed
}

/// What the command printed and said; a panic if it succeeded.
pub(crate) fn failure(command: &mut Command) -> String {
    let (output, printed) = run(command);
    assert!(!output.status.success(), "{printed}");
    printed + &String::from_utf8_lossy(&output.stderr)
}

fn run(command: &mut Command) -> (Output, String) {
    let output = command.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!printed.contains(TOKEN) && !String::from_utf8_lossy(&output.stderr).contains(TOKEN));
    (output, printed)
}

fn git(folder: &Path, words: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .args(words)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(name);
    }
    success(&mut command)
}

/// Cargo takes a version of a registry's for unchangeable, and here each test publishes another content as 0.1.0: what
/// was downloaded and compiled of this repository must go.
fn forget(shared: &Path) {
    let entries = |folder: PathBuf| {
        fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
    };
    let registry = ["cache", "src"].map(|kind| entries(shared.join("home/registry").join(kind)));
    let built =
        ["", "build", "deps", ".fingerprint"].map(|it| shared.join("target/debug").join(it));
    let folders = registry
        .into_iter()
        .flatten()
        .chain(built)
        .chain([shared.join("target/package")]);
    for entry in folders.flat_map(entries) {
        let name = entry
            .file_name()
            .unwrap()
            .to_string_lossy()
            .replace('_', "-");
        let name = name.strip_prefix("lib").unwrap_or(&name);
        if CRATES
            .iter()
            .chain(&["newcomer", "tmp-"])
            .any(|one| name.starts_with(one))
        {
            if entry.is_dir() {
                fs::remove_dir_all(&entry).unwrap()
            } else {
                fs::remove_file(&entry).unwrap()
            }
        }
    }
}
