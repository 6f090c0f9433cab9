//! The file store: who may read what, what is kept, and what is left behind.

mod crash;
mod damage;
mod full;
mod leases;
mod many;
mod owner;
mod place;
mod processes;
mod session;
mod unfinished;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use auth_core::{Error, ErrorKind, Expiry, SaveOutcome, StoreKey, Token, TokenStore};
use auth_store::FileStore;
use tempfile::TempDir;

/// A directory that is deleted in the end, and a store in it.
fn store() -> (TempDir, FileStore) {
    let directory = tempfile::tempdir().unwrap();
    let store = in_directory(directory.path());
    (directory, store)
}

fn in_directory(directory: &Path) -> FileStore {
    FileStore::at(directory.join("tokens")).lease_wait(Duration::from_secs(60))
}

fn key() -> StoreKey {
    StoreKey {
        vendor: "iqm".into(),
        account: "user1@iqm.com".into(),
        scope: "200001".into(),
        base_url: "https://api.iqm.com/".into(),
    }
}

/// A token of that generation; the secret tells whose.
fn token(generation: u64, whose: &str) -> Token {
    let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    Token::new(
        format!("access-{generation}-{whose}").into(),
        Expiry::Never,
        now,
    )
    .with_refresh(Some(format!("refresh-{generation}-{whose}").into()))
    .with_generation(generation)
}

async fn put(store: &FileStore, token: &Token) {
    assert_eq!(store.save(&key(), token).await.unwrap(), SaveOutcome::Saved);
}

/// The generation that the store holds.
async fn held(store: &FileStore) -> Option<u64> {
    let token = store.load(&key()).await.unwrap();
    token.as_ref().map(Token::generation)
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

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The text of a store's error, which names the file or directory.
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

/// What each call of the store says that looks at the file.
async fn all_say(store: &FileStore, path: &Path) -> Vec<String> {
    vec![
        said(store.load(&key()).await, path),
        said(store.save(&key(), &token(u64::MAX, "new")).await, path),
        said(store.list().await, path),
    ]
}
