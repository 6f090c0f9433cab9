//! A store is called from any runtime, and outlives that runtime.

use super::server::Server;
use crate::samples::{key, token};
use crate::surroundings::{bare, without_runtime};
use auth_core::TokenStore as _;

#[test]
fn every_call_works_on_a_bare_runtime_and_after_its_end() {
    let server = Server::start();
    let store = server.store();
    let _ = bare()
        .block_on(store.save(&key(), &token("one", 1)))
        .unwrap();
    // The connection was made under the first, and serves the second.
    let lease = bare().block_on(store.lease(&key())).unwrap();
    assert!(bare().block_on(store.load(&key())).unwrap().is_some());
    assert_eq!(bare().block_on(store.list()).unwrap(), [key()]);
    bare().block_on(lease.release()).unwrap();
    bare().block_on(store.delete(&key())).unwrap();
    let mut look = server.look();
    let clients: String = look.ask("CLIENT LIST");
    assert_eq!(clients.lines().count(), 2, "{clients}");
}

#[test]
fn every_call_works_without_a_runtime() {
    let server = Server::start();
    without_runtime(async {
        let store = server.store();
        let _ = store.save(&key(), &token("one", 1)).await.unwrap();
        assert!(store.load(&key()).await.unwrap().is_some());
        assert_eq!(store.list().await.unwrap(), [key()]);
        store.lease(&key()).await.unwrap().release().await.unwrap();
        drop(store.lease(&key()).await.unwrap());
        drop(store.watch(&key(), Box::new(drop)).unwrap());
        store.delete(&key()).await.unwrap();
    });
}

#[test]
fn the_store_s_connection_ends_with_its_last_clone_lease_and_watch() {
    let server = Server::start();
    let mut look = server.look();
    let store = server.store();
    let lease = bare().block_on(store.lease(&key())).unwrap();
    let watch = store.watch(&key(), Box::new(drop)).unwrap();
    let alone =
        |look: &mut super::server::Look| look.ask::<String>("CLIENT LIST").lines().count() == 1;
    look.until("the watch has subscribed", |look| {
        look.ask::<Vec<String>>("PUBSUB CHANNELS").len() == 1
    });
    drop(store);
    drop(lease);
    look.until("the lease is given back", |look| {
        look.ask::<Vec<String>>("KEYS *:lease").is_empty()
    });
    assert!(!alone(&mut look));
    drop(watch);
    look.until("all connections are closed", alone);
}
