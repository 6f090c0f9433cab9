//! A store is called from any runtime, and outlives that runtime.

use auth_core::TokenStore as _;
use tokio::runtime::{Builder, Runtime};

use super::server::Server;
use crate::samples::{key, token};

/// A runtime without a timer and without a network.
fn bare() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

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
