//! A registry, with a `CARGO_HOME` and a target folder that know it: never those of whoever runs
//! the tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

use super::registry::Registry;
use super::repository::{CRATES, Repository};

/// What the names of projects begin with that are made for a test.
pub(crate) const NEWCOMER: &str = "newcomer";

/// The folders of the shared workshop serve one test at a time.
static TURN: Mutex<()> = Mutex::new(());

pub(crate) struct Workshop {
    pub(crate) registry: Registry,
    home: PathBuf,
    target: PathBuf,
    _turn: Option<MutexGuard<'static, ()>>,
    _folder: Option<TempDir>,
}

impl Workshop {
    /// For the crates of this repository. The folders stay, so that their dependencies are compiled
    /// once for all tests and not again in the next run.
    pub(crate) fn shared() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        // CARGO_TARGET_TMPDIR is a folder in the target folder.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("proofs");
        let registry = Registry::start_as_last_time(&CRATES, &folder);
        let (home, target) = (folder.join("home"), folder.join("target"));
        forget_ours(&home, &target);
        Self::open(registry, home, target, Some(turn), None)
    }

    /// For crates that have no dependencies outside; nothing of it stays.
    pub(crate) fn scratch(crates: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (home, target) = (folder.path().join("home"), folder.path().join("target"));
        Self::open(Registry::start(crates), home, target, None, Some(folder))
    }

    fn open(
        registry: Registry,
        home: PathBuf,
        target: PathBuf,
        turn: Option<MutexGuard<'static, ()>>,
        folder: Option<TempDir>,
    ) -> Self {
        fs::create_dir_all(&home).unwrap();
        fs::write(home.join("config.toml"), registry.config()).unwrap();
        Self {
            registry,
            home,
            target,
            _turn: turn,
            _folder: folder,
        }
    }

    /// From now on, cargo has this token for the registry.
    pub(crate) fn use_token(&self, token: &str) {
        let config = self.registry.config();
        let config = config.replace(super::registry::TOKEN, token);
        fs::write(self.home.join("config.toml"), config).unwrap();
    }

    /// `cargo xtask <words>` in this repository, with the workshop's cargo.
    pub(crate) fn xtask(&self, repository: &Repository, words: &[&str]) -> Command {
        let mut command = repository.xtask_command(words);
        self.equip(&mut command);
        command
    }

    /// `cargo <words>` in this folder.
    pub(crate) fn cargo(&self, folder: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO"));
        command.args(words).current_dir(folder);
        self.equip(&mut command);
        command
    }

    fn equip(&self, command: &mut Command) {
        // A token or a registry of the person's own has no business here.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            let is_of_a_registry = ["CARGO_REGISTRY", "CARGO_REGISTRIES"]
                .iter()
                .any(|prefix| text.starts_with(prefix));
            if is_of_a_registry || text.starts_with("CARGO_PKG_") {
                command.env_remove(&name);
            }
        }
        command
            .env("CARGO_HOME", &self.home)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_TERM_COLOR", "never");
    }
}

/// Cargo takes a version of a registry's for unchangeable, and here each test publishes another
/// content as 0.1.0: what was downloaded and compiled of ours must go.
fn forget_ours(home: &Path, target: &Path) {
    let mut folders = Vec::new();
    for kind in ["cache", "src"] {
        folders.extend(entries(&home.join("registry").join(kind)));
    }
    for profile in ["", "build", "deps", ".fingerprint"] {
        folders.push(target.join("debug").join(profile));
    }
    folders.push(target.join("package"));
    let is_ours = |name: &str| {
        let mut ours = CRATES.iter().chain(&[NEWCOMER]);
        ours.any(|one| {
            let plain = name.strip_prefix("lib").unwrap_or(name).replace('_', "-");
            plain.starts_with(one)
        })
    };
    for entry in folders.iter().flat_map(|folder| entries(folder)) {
        let name = entry.file_name().unwrap().to_string_lossy();
        if is_ours(&name) || name.starts_with("tmp-") {
            if entry.is_dir() {
                fs::remove_dir_all(&entry).unwrap();
            } else {
                fs::remove_file(&entry).unwrap();
            }
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}
