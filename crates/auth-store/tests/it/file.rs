//! The file store: access rights, what is kept, and what is left behind.

mod crash;
mod damage;
mod fork;
mod full;
mod leases;
mod many;
mod owner;
mod place;
mod processes;
mod runtimes;
mod session;
mod unfinished;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use auth_core::{Error, ErrorKind, SaveOutcome, TokenStore};
use auth_store::FileStore;
use tempfile::TempDir;

use crate::samples::{held, key, key_of, log, put, token};

/// A directory that is deleted after the test, and a store in it.
fn store() -> (TempDir, FileStore) {
    let directory = tempfile::tempdir().unwrap();
    let store = in_directory(directory.path());
    (directory, store)
}

fn in_directory(directory: &Path) -> FileStore {
    FileStore::at(directory.join("tokens")).lease_wait(Duration::from_secs(60))
}

/// The one file of the store with that ending.
fn file(store: &FileStore, ending: &str) -> PathBuf {
    let mut found = files(store, ending);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn files(store: &FileStore, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(store.directory()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|it| it == ending))
        .collect()
}

fn mode(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A user that runs no test.
const OTHER_USER: u32 = 65534;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The message of a store's error, which names the file or directory.
#[track_caller]
fn said<T>(result: Result<T, Error>, path: &Path) -> String {
    let Err(error) = result else {
        panic!("nothing was wrong with {}", path.display())
    };
    assert_eq!(error.kind(), ErrorKind::Store);
    let shown = format!("{error} {error:?}");
    for secret in ["access-", "refresh-"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let said = error.to_string();
    assert!(said.starts_with(path.to_str().unwrap()), "{said}");
    said
}

/// The messages of all calls that read the file.
async fn all_say(store: &FileStore, path: &Path) -> Vec<String> {
    vec![
        said(store.load(&key()).await, path),
        said(store.save(&key(), &token("new", u64::MAX)).await, path),
        said(store.list().await, path),
    ]
}
