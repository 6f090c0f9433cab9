//! The entries in the keyring.

use std::collections::HashMap;
use std::process::Command;
use std::time::Duration;

use auth_core::TokenStore as _;
use auth_store::KeyringStore;

use super::session::{Daemon, inside, with_service};
use crate::samples::{held, key, put, token};

#[cfg(feature = "testing")]
#[test]
fn the_keyring_store_keeps_the_contract() {
    inside(async |_| {
        let _daemon = Daemon::start().await;
        auth_store::testing::contract(async || {
            let builder = KeyringStore::builder().lease_wait(Duration::from_millis(300));
            builder.open().await.unwrap()
        })
        .await;
    });
}

#[test]
fn a_token_survives_the_keyring_s_restart_and_the_store_finds_the_new_one() {
    inside(async |_| {
        let mut daemon = Daemon::start().await;
        let store = KeyringStore::open().await.unwrap();
        put(&store, &token("one", 1)).await;
        daemon.kill();
        let _daemon = Daemon::start().await;
        let kept = store.load(&key()).await.unwrap().unwrap();
        assert_eq!(kept.fingerprint(), token("one", 1).fingerprint());
        assert_eq!(store.list().await.unwrap(), [key()]);
        put(&store, &token("two", 2)).await;
    });
}

#[test]
fn stores_of_two_programs_and_the_entries_of_others_stay_apart() {
    inside(async |_| {
        let _daemon = Daemon::start().await;
        let one = KeyringStore::open().await.unwrap();
        let other = KeyringStore::builder()
            .service("shop")
            .open()
            .await
            .unwrap();
        put(&one, &token("one", 1)).await;
        put(&other, &token("two", 2)).await;
        with_service(|service| {
            let collection = service.get_default_collection().unwrap();
            let foreign = HashMap::from([("service", "shop"), ("username", "another")]);
            let made = collection.create_item("foreign", foreign, b"x", false, "text/plain");
            made.unwrap();
        })
        .await;
        assert_eq!(other.list().await.unwrap(), [key()]);
        other.delete(&key()).await.unwrap();
        assert_eq!(other.list().await.unwrap(), []);
        assert_eq!(held(&one).await, Some(1));
        let labels = with_service(|service| {
            let items = service
                .search_items(HashMap::from([("service", "auth-store")]))
                .unwrap();
            items
                .unlocked
                .iter()
                .map(|item| item.get_label().unwrap())
                .collect::<Vec<_>>()
        });
        assert_eq!(labels.await, ["auth-store: user1@iqm.com (iqm)"]);
    });
}

/// Sets the secret of the one entry that is no other's copy; returns the former.
async fn set(secret: Option<&'static [u8]>) -> Vec<u8> {
    with_service(move |service| {
        let found = service.search_items(HashMap::from([("service", "auth-store")]));
        let found = found.unwrap().unlocked;
        assert_eq!(found.len(), 1);
        let before = found[0].get_secret().unwrap();
        if let Some(secret) = secret {
            found[0].set_secret(secret, "text/plain").unwrap();
        }
        before
    })
    .await
}

#[test]
fn a_record_that_cannot_be_read_is_reported_and_kept() {
    inside(async |_| {
        let _daemon = Daemon::start().await;
        let store = KeyringStore::open().await.unwrap();
        put(&store, &token("one", 1)).await;
        let later = br#"{"format":"auth-store","version":77}"#;
        set(Some(later)).await;
        let load = store.load(&key()).await.unwrap_err();
        let save = store.save(&key(), &token("two", 2)).await.unwrap_err();
        let list = store.list().await.unwrap_err();
        for error in [load, save, list] {
            let shown = error.to_string();
            assert!(shown.contains("record version 77"), "{shown}");
            assert!(shown.contains("the entry `iqm-"), "{shown}");
        }
        assert_eq!(set(None).await, later);
        store.delete(&key()).await.unwrap();
        assert_eq!(held(&store).await, None);
    });
}

#[test]
fn a_damaged_record_is_taken_for_none_and_kept_aside() {
    inside(async |_| {
        let _daemon = Daemon::start().await;
        let store = KeyringStore::open().await.unwrap();
        for content in [&b"cut off"[..], &[0; 64]] {
            put(&store, &token("one", 1)).await;
            set(Some(content)).await;
            assert_eq!(held(&store).await, None);
            assert_eq!(store.list().await.unwrap(), []);
            put(&store, &token("two", 1)).await;
            assert_eq!(held(&store).await, Some(1));
            assert_eq!(store.list().await.unwrap(), [key()]);
            let secrets = with_service(|service| {
                let found = service.search_items(HashMap::from([("service", "auth-store")]));
                let found = found.unwrap().unlocked;
                found
                    .iter()
                    .map(|item| item.get_secret().unwrap())
                    .collect::<Vec<_>>()
            })
            .await;
            assert_eq!(secrets.len(), 2);
            assert!(secrets.iter().any(|it| it == content));
            store.delete(&key()).await.unwrap();
            let left = with_service(|service| {
                let found = service.search_items(HashMap::from([("service", "auth-store")]));
                found.unwrap().unlocked.len()
            });
            assert_eq!(left.await, 0);
        }
    });
}

#[test]
fn a_process_that_dies_frees_the_lease_which_counts_as_abandoned() {
    inside(async |folder| {
        let ready = folder.join("holds-the-lease");
        if std::env::var_os("HOLD_THE_LEASE").is_some() {
            let store = KeyringStore::open().await.unwrap();
            let _lease = store.lease(&key()).await.unwrap();
            std::fs::write(&ready, "").unwrap();
            // Until it is killed.
            return std::future::pending().await;
        }
        let _daemon = Daemon::start().await;
        let mut holder = Command::new(std::env::current_exe().unwrap())
            .args(std::env::args().skip(1))
            .env("HOLD_THE_LEASE", "yes")
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        while !ready.exists() {
            assert!(
                holder.try_wait().unwrap().is_none(),
                "it should hold the lease"
            );
            std::thread::yield_now();
        }
        let hurried = KeyringStore::builder().lease_wait(Duration::from_millis(50));
        hurried
            .open()
            .await
            .unwrap()
            .lease(&key())
            .await
            .unwrap_err();
        holder.kill().unwrap();
        holder.wait().unwrap();
        let store = KeyringStore::open().await.unwrap();
        let lease = store.lease(&key()).await.unwrap();
        assert!(lease.was_abandoned());
        lease.release().await.unwrap();
    });
}
