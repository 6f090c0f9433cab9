//! System calls that fail: each one once, with each error that a disk can answer.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use auth_core::{Error, ErrorKind, Expiry, SaveOutcome, StoreKey, Token, TokenStore as _};
use rustix::io::Errno;

use super::FileStore;
use crate::disk::faults::{Fault, Faults};

const ERRORS: [Errno; 5] = [
    Errno::IO,
    Errno::NOSPC,
    Errno::DQUOT,
    Errno::ROFS,
    Errno::INTR,
];

fn key() -> StoreKey {
    StoreKey {
        vendor: "iqm".into(),
        account: "user1@iqm.com".into(),
        scope: String::new(),
        base_url: "https://api.iqm.com/".into(),
    }
}

fn token(generation: u64) -> Token {
    let access = format!("access-{generation}").into();
    Token::new(access, Expiry::Never, SystemTime::now()).with_generation(generation)
}

fn raw(error: Errno) -> i32 {
    error.raw_os_error()
}

async fn held(directory: &Path) -> Option<u64> {
    let token = FileStore::at(directory).load(&key()).await.unwrap();
    token.as_ref().map(Token::generation)
}

async fn put(directory: &Path, generation: u64) {
    let saved = FileStore::at(directory)
        .save(&key(), &token(generation))
        .await;
    assert_eq!(saved.unwrap(), SaveOutcome::Saved);
}

/// Calls `act`, which gets a new handle, again and again. Each time the next system call fails in each
/// way, until there are no more. `check` gets the outcome, and the error, if one had to be reported.
async fn each_call_fails_once<T>(
    directory: &Path,
    act: impl AsyncFn(FileStore) -> Result<T, Error>,
    check: impl AsyncFn(Result<T, Error>, bool),
) {
    for error in ERRORS {
        for fault in [Fault::Instead(raw(error)), Fault::After(raw(error))] {
            if matches!((error, fault), (Errno::INTR, Fault::After(_))) {
                // What was interrupted was not done.
                continue;
            }
            for failing in 1.. {
                let calls = Arc::new(AtomicUsize::new(0));
                let counted = Arc::clone(&calls);
                let faults = Faults::new(directory, move |_, _| {
                    (counted.fetch_add(1, Ordering::SeqCst) + 1 == failing).then_some(fault)
                });
                let outcome = act(FileStore::at(directory)).await;
                drop(faults);
                if let Err(said) = &outcome {
                    let place = format!("call {failing}, {error:?}: {said}");
                    assert_eq!(said.kind(), ErrorKind::Store, "{place}");
                    assert_ne!(error, Errno::INTR, "{place}");
                    let said = said.to_string();
                    assert!(said.starts_with(directory.to_str().unwrap()), "{place}");
                    assert!(said.contains(": cannot "), "{place}");
                    let number = format!("(os error {})", raw(error));
                    assert!(said.ends_with(&number), "{place}");
                }
                let is_over = calls.load(Ordering::SeqCst) < failing;
                check(outcome, is_over).await;
                if is_over {
                    assert!(failing > 5, "the calls are not counted");
                    break;
                }
            }
        }
    }
}

fn files(directory: &Path, ending: &str) -> usize {
    let entries = std::fs::read_dir(directory).unwrap();
    entries
        .filter(|entry| {
            let path = entry.as_ref().unwrap().path();
            path.extension().is_some_and(|it| it == ending)
        })
        .count()
}

#[tokio::test]
async fn whatever_call_of_a_save_fails_the_old_or_the_new_token_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("tokens");
    let last = AtomicUsize::new(0);
    each_call_fails_once(
        &directory,
        async |store| {
            let next = last.load(Ordering::SeqCst) as u64 + 1;
            store.save(&key(), &token(next)).await
        },
        async |saved, is_over| {
            let before = last.load(Ordering::SeqCst) as u64;
            let now = held(&directory).await.unwrap_or_default();
            assert!(now == before || now == before + 1, "{before} {now}");
            if saved.is_ok() || is_over {
                assert_eq!(now, before + 1);
                assert_eq!(saved.unwrap(), SaveOutcome::Saved);
            }
            if directory.exists() {
                assert_eq!(files(&directory, "new"), 0);
            }
            last.store(usize::try_from(now).unwrap(), Ordering::SeqCst);
        },
    )
    .await;
}

#[tokio::test]
async fn whatever_call_of_a_deletion_fails_the_token_is_there_or_gone() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("tokens");
    put(&directory, 1).await;
    each_call_fails_once(
        &directory,
        async |store| store.delete(&key()).await,
        async |deleted, _| match held(&directory).await {
            None => put(&directory, 1).await,
            held => assert!(held == Some(1) && deleted.is_err()),
        },
    )
    .await;
}

#[tokio::test]
async fn whatever_call_for_a_lease_fails_the_mark_says_whether_the_holder_was_interrupted() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("tokens");
    put(&directory, 1).await;
    for was_abandoned in [false, true] {
        let prepare = async || {
            let lease = FileStore::at(&directory).lease(&key()).await.unwrap();
            if was_abandoned {
                drop(lease);
            } else {
                lease.release().await.unwrap();
            }
        };
        prepare().await;
        each_call_fails_once(
            &directory,
            async |store| store.lease(&key()).await,
            async |lease, _| {
                let is_held = lease.is_ok();
                if let Ok(lease) = &lease {
                    assert_eq!(lease.was_abandoned(), was_abandoned);
                }
                drop(lease);
                let next = FileStore::at(&directory).lease(&key()).await.unwrap();
                assert_eq!(next.was_abandoned(), is_held || was_abandoned);
                next.release().await.unwrap();
                assert_eq!(files(&directory, "trial"), 0);
                prepare().await;
            },
        )
        .await;
    }
}

#[tokio::test]
async fn a_lease_that_cannot_be_given_back_counts_as_abandoned() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("tokens");
    put(&directory, 1).await;
    let lease = FileStore::at(&directory).lease(&key()).await.unwrap();
    let faults = Faults::new(&directory, |_, what| {
        (what == "write that the lease is free").then_some(Fault::Instead(raw(Errno::IO)))
    });
    lease.release().await.unwrap_err();
    drop(faults);
    let next = FileStore::at(&directory).lease(&key()).await.unwrap();
    assert!(next.was_abandoned());
}

#[tokio::test]
async fn a_disk_without_inodes_or_without_space_for_a_token_stops_a_renewal_before_it_begins() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("tokens");
    put(&directory, 1).await;
    // The file of the lease exists after this, as in a session that has renewed before.
    let lease = FileStore::at(&directory).lease(&key()).await.unwrap();
    lease.release().await.unwrap();
    let no_inode: fn(&Path, &str) -> bool = |path, what| what == "open it" && !path.exists();
    let no_space: fn(&Path, &str) -> bool = |_, what| what == "write a file as long as a token";
    for is_full in [no_inode, no_space] {
        let faults = Faults::new(&directory, move |path, what| {
            is_full(path, what).then_some(Fault::Instead(raw(Errno::NOSPC)))
        });
        let store = FileStore::at(&directory);
        let said = store.lease(&key()).await.unwrap_err().to_string();
        assert!(said.contains("No space left"), "{said}");
        drop(faults);
        let lease = store.lease(&key()).await.unwrap();
        assert!(!lease.was_abandoned());
        lease.release().await.unwrap();
    }
}

/// The outcome of a save and a deletion if the `number`th call that is to `what` something fails.
async fn with_fault(what: &'static str, number: usize, error: Errno) -> [Result<(), Error>; 2] {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("tokens");
    put(&directory, 1).await;
    let rule = move || {
        let mut calls = 0;
        move |_: &Path, called: &str| {
            calls += usize::from(called == what);
            (called == what && calls == number).then_some(Fault::Instead(raw(error)))
        }
    };
    let store = FileStore::at(&directory);
    let faults = Faults::new(&directory, rule());
    let saved = store.save(&key(), &token(2)).await;
    drop(faults);
    if saved.is_ok() {
        assert_eq!(held(&directory).await, Some(2));
    }
    let faults = Faults::new(&directory, rule());
    let deleted = store.delete(&key()).await;
    drop(faults);
    if deleted.is_ok() {
        assert_eq!(held(&directory).await, None);
    }
    [saved.map(drop), deleted]
}

#[tokio::test]
async fn a_sync_that_the_file_system_does_not_support_is_no_failure_and_an_i_o_error_is() {
    const DIRECTORY: &str = "sync this directory";
    const FILE: &str = "write the token";
    // A directory is opened first, and a file written.
    for (what, number, error, is_fine) in [
        (DIRECTORY, 2, Errno::INVAL, true),
        (DIRECTORY, 2, Errno::OPNOTSUPP, true),
        (DIRECTORY, 2, Errno::NOSYS, true),
        (DIRECTORY, 2, Errno::IO, false),
        (DIRECTORY, 2, Errno::NOSPC, false),
        (DIRECTORY, 2, Errno::DQUOT, false),
        // The program may write the directory and not read it.
        (DIRECTORY, 1, Errno::ACCESS, true),
        (DIRECTORY, 1, Errno::IO, false),
        (DIRECTORY, 2, Errno::ACCESS, false),
        (FILE, 2, Errno::INVAL, true),
        (FILE, 2, Errno::OPNOTSUPP, true),
        (FILE, 2, Errno::IO, false),
        (FILE, 1, Errno::INVAL, false),
    ] {
        let [saved, deleted] = with_fault(what, number, error).await;
        assert_eq!(saved.is_ok(), is_fine, "{what} {number} {error:?}");
        let is_fine = is_fine || what == FILE;
        assert_eq!(deleted.is_ok(), is_fine, "{what} {number} {error:?}");
    }
}
