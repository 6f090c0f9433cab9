//! A keyring that cannot be used is an error in time, and the message names the choices.

use std::error::Error as _;

use auth_core::{Error, ErrorKind, TokenStore as _};
use auth_store::KeyringStore;

use super::session::{Daemon, in_time, inside, lock};
use crate::samples::{key, token};

const SECRET: &str = "secret-of-this-test";

#[track_caller]
fn says(error: &Error, what: &str, choice: &str) {
    assert_eq!(error.kind(), ErrorKind::Store);
    let shown = error.to_string();
    assert!(shown.contains(what) && shown.contains(choice), "{shown}");
    assert!(shown.contains("FileStore"), "{shown}");
    let all = format!("{error:?} {:?}", error.source());
    assert!(!all.contains(SECRET), "{all}");
}

/// The errors of all calls, which must fail in time.
async fn failures(store: &KeyringStore) -> Vec<Error> {
    let (key, token) = (key(), token(SECRET, 1));
    vec![
        in_time(store.load(&key)).await.unwrap_err(),
        in_time(store.save(&key, &token)).await.unwrap_err(),
        in_time(store.delete(&key)).await.unwrap_err(),
        in_time(store.list()).await.unwrap_err(),
    ]
}

#[test]
fn a_session_without_a_keyring_is_found_out() {
    inside(async |_| {
        let error = in_time(KeyringStore::open()).await.unwrap_err();
        says(&error, "no keyring in this session", "start one");
        let mut daemon = Daemon::start().await;
        let store = KeyringStore::open().await.unwrap();
        daemon.kill();
        for error in failures(&store).await {
            says(&error, "no keyring in this session", "start one");
        }
    });
}

#[test]
fn a_locked_keyring_is_found_out_without_a_prompt() {
    inside(async |_| {
        let _daemon = Daemon::start().await;
        let store = KeyringStore::open().await.unwrap();
        lock().await;
        let error = in_time(KeyringStore::open()).await.unwrap_err();
        says(&error, "the keyring is locked", "unlock it");
        for error in failures(&store).await {
            says(&error, "the keyring is locked", "unlock it");
        }
    });
}

/// Takes three seconds for each call, because a real service has no clock that the test can move.
#[test]
fn a_keyring_that_hangs_is_found_out_and_used_again() {
    inside(async |_| {
        let daemon = Daemon::start().await;
        let store = KeyringStore::open().await.unwrap();
        daemon.signal("STOP");
        let (opened, listed) = tokio::join!(in_time(KeyringStore::open()), in_time(store.list()));
        for error in [opened.unwrap_err(), listed.unwrap_err()] {
            says(&error, "did not answer within 3s", "unlock or restart it");
        }
        daemon.signal("CONT");
        assert_eq!(store.list().await.unwrap(), []);
    });
}
