//! Repositories for tests, with a registry and a `CARGO_HOME` that know no setting of the person who
//! runs them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use tempfile::TempDir;

use super::registry::{Registry, TOKEN};

/// All that is published of this repository, in an order in which it can be.
pub(crate) const CRATES: [&str; 9] = [
    "auth-core",
    "auth-sandbox",
    "auth-store",
    "edgeiq-auth",
    "eqworks-auth",
    "identityx-auth",
    "identityx-codegen",
    "iqm-auth",
    "authctl",
];

/// A repository, a registry, and folders for cargo. Removed when it is dropped.
pub(crate) struct Repository {
    folder: TempDir,
    pub(crate) registry: Registry,
    /// None where the registry plays no part: what is fetched already need not be fetched again.
    home: Option<PathBuf>,
    target: PathBuf,
}

pub(crate) fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

impl Repository {
    /// What is here now, committed or not, without what git ignores.
    pub(crate) fn copy() -> Self {
        Self { home: None, ..Self::with(&[], None) }.fill()
    }

    /// The same with a registry that has no crate of this repository.
    pub(crate) fn copy_for_newcomers() -> Self {
        // Beside this folder in the target folder. What cargo fetches and compiles stays there, so
        // that dependencies are not compiled again in the next run.
        let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("proofs");
        // Cargo takes a version of a registry's for unchangeable, and here each run publishes another
        // content as 0.1.0: what was downloaded and compiled of this repository must go.
        let names = CRATES.join("|").replace('-', "[-_]");
        let pattern = format!(".*/(lib)?({names}|newcomer|tmp-|package$).*");
        let words = format!("-depth -regextype egrep -regex {pattern} -exec rm -rf {{}} +");
        fs::create_dir_all(&shared).unwrap();
        success(Command::new("find").arg(&shared).args(words.split(' ')));
        Self::with(&CRATES, Some(&shared)).fill()
    }

    fn fill(self) -> Self {
        let pack = "git ls-files -z --cached --others --exclude-standard | \
            tar --create --null --files-from=- --ignore-failed-read | tar --extract --directory";
        let pack = format!("{pack} {}", self.path().display());
        success(Command::new("sh").args(["-c", &pack]).current_dir(here()));
        self.commit("feat: everything so far");
        self
    }

    /// Three crates that need one another in a row, which take no time to compile, and one that is
    /// not published.
    pub(crate) fn chain() -> Self {
        let this = Self::with(&["first", "second", "third"], None);
        let workspace = "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n\n";
        let mut root = format!("{workspace}[workspace.dependencies]\n");
        let mut needs = String::new();
        for name in ["first", "second", "third", "hidden"] {
            let folder = format!("crates/{name}");
            let manifest = format!(
                "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
                 rust-version = \"1.85\"\ndescription = \"A test\"\nlicense = \"MIT\"\n\
                 repository = \"https://a.example\"\nreadme = \"README.md\"\n\
                 keywords = [\"one\"]\ncategories = [\"development-tools\"]\n\
                 exclude = [\"/notes\"]\npublish = {}\n\n\
                 [package.metadata.docs.rs]\nall-features = true\n\n[dependencies]\n{needs}",
                name != "hidden"
            );
            this.write(&format!("{folder}/Cargo.toml"), &manifest);
            this.write(&format!("{folder}/src/lib.rs"), "//! A test.\n");
            this.write(&format!("{folder}/README.md"), &format!("{name} = \"0.1\"\n"));
            this.write(&format!("{folder}/CHANGELOG.md"), "# Changelog\n\n## 0.1.0\n\nAll.\n");
            this.write(&format!("{folder}/LICENSE-MIT"), "Do as you like.\n");
            let entry = format!("{name} = {{ version = \"0.1.0\", path = \"crates/{name}\" }}\n");
            root.push_str(&entry);
            needs = format!("{name}.workspace = true\n");
        }
        this.write("Cargo.toml", &root);
        this.write("cliff.toml", &fs::read_to_string(here().join("cliff.toml")).unwrap());
        this.write(".gitignore", "/Cargo.lock\n/target\n");
        this.commit("feat: three crates");
        this
    }

    fn with(own: &[&str], shared: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = shared.unwrap_or(folder.path()).to_owned();
        let registry = Registry::start(own, &place);
        let (home, target) = (Some(place.join("home")), place.join("target"));
        let this = Self { folder, registry, home, target };
        this.use_token(TOKEN);
        // The tools that are installed here.
        for folder in [&this.path(), &this.target, &here().join("target/tools")] {
            fs::create_dir_all(folder).unwrap();
        }
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
        let text = fs::read_to_string(self.path().join(path)).unwrap_or_default();
        self.write(path, &format!("{text}{line}\n"));
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
        self.git(&["tag", "--list"]).lines().map(str::to_owned).collect()
    }

    pub(crate) fn git(&self, words: &[&str]) -> String {
        success(self.equipped("git", &self.path(), "").args(words))
    }

    /// `cargo xtask <words>` in this repository, by the binary that is being tested.
    pub(crate) fn xtask(&self, words: &str) -> Command {
        let mut command = self.equipped(env!("CARGO_BIN_EXE_xtask"), &self.path(), words);
        command.env("CARGO_MANIFEST_DIR", self.path().join("xtask"));
        command
    }

    pub(crate) fn cargo(&self, folder: &Path, words: &str) -> Command {
        self.equipped("nice", folder, &format!("cargo {words}"))
    }

    fn equipped(&self, program: &str, folder: &Path, words: &str) -> Command {
        let mut command = Command::new(program);
        command.args(words.split_whitespace()).current_dir(folder);
        let foreign =
            ["CARGO_REGISTRY", "CARGO_REGISTRIES", "CARGO_PKG_", "CLIPPY_", "GIT_", "RUSTC_"];
        for (name, _) in env::vars_os() {
            if foreign.iter().any(|it| name.to_string_lossy().starts_with(it)) {
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

/// What the command printed to stdout; a panic if it failed.
pub(crate) fn success(command: &mut Command) -> String {
    let [printed, _] = run(command, true);
    printed
}

/// What the command printed and said; a panic if it succeeded.
pub(crate) fn failure(command: &mut Command) -> String {
    run(command, false).concat()
}

fn run(command: &mut Command, succeeds: bool) -> [String; 2] {
    let output = command.output().unwrap();
    let [printed, said] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert!(!printed.contains(TOKEN) && !said.contains(TOKEN));
    assert_eq!(output.status.success(), succeeds, "{printed}\n{said}");
    [printed, said]
}
