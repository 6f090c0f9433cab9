//! The store without a runtime, and in a child process made by `fork()`.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use auth_core::TokenStore as _;
use auth_store::KeyringStore;

use super::session::{Daemon, inside};
use crate::samples::{held, key, put, token};
use crate::surroundings::{in_a_child, without_runtime};

#[test]
fn every_call_works_without_a_runtime() {
    inside(async |_| {
        let _daemon = Daemon::start().await;
        let outside = std::thread::spawn(|| {
            without_runtime(async {
                let store = KeyringStore::open().await.unwrap();
                put(&store, &token("one", 1)).await;
                assert_eq!(held(&store).await, Some(1));
                assert_eq!(store.list().await.unwrap(), [key()]);
                store.lease(&key()).await.unwrap().release().await.unwrap();
                store.delete(&key()).await.unwrap();
            });
        });
        outside.join().unwrap();
    });
}

#[test]
fn a_child_gets_an_error_at_once_and_the_parent_s_keyring_stays_usable() {
    inside(async |_| {
        let _daemon = Daemon::start().await;
        let store = KeyringStore::open().await.unwrap();
        put(&store, &token("one", 1)).await;
        let inherited = Arc::new(Mutex::new(Some(store)));
        let theirs = Arc::clone(&inherited);
        in_a_child(move || {
            let began = Instant::now();
            without_runtime(async {
                let store = theirs.lock().unwrap().take().unwrap();
                let (key, token) = (key(), token("two", 2));
                let errors = [
                    store.load(&key).await.unwrap_err(),
                    store.save(&key, &token).await.unwrap_err(),
                    store.delete(&key).await.unwrap_err(),
                    store.list().await.unwrap_err(),
                    KeyringStore::open().await.unwrap_err(),
                ];
                for error in errors {
                    assert!(error.to_string().contains("was forked"), "{error}");
                }
            });
            assert!(began.elapsed() < Duration::from_secs(2));
        });
        let store = inherited.lock().unwrap().take().unwrap();
        assert_eq!(held(&store).await, Some(1));
        put(&store, &token("three", 3)).await;
    });
}
