//! A store in a child process made by `fork()`.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::TokenStore as _;

use super::server::Server;
use crate::samples::{held, key, key_of, put, token};
use crate::surroundings::{in_a_child, without_runtime};

#[test]
fn a_child_has_a_thread_and_a_connection_of_its_own_and_leaves_the_parent_s() {
    let server = Server::start();
    let mut look = server.look();
    let store = server.builder().lease_wait(Duration::ZERO).build().unwrap();
    without_runtime(put(&store, &token("a", 1)));
    let lease = without_runtime(store.lease(&key())).unwrap();
    let (sender, tokens) = channel();
    let sender = Mutex::new(sender);
    let on_saved = Box::new(move |token| sender.lock().unwrap().send(token).unwrap());
    let watch = store.watch(&key_of("user2@iqm.com"), on_saved).unwrap();
    look.until("the watch has subscribed", |look| {
        look.ask::<Vec<String>>("PUBSUB CHANNELS").len() == 1
    });
    let inherited = Arc::new(Mutex::new(Some((lease, watch, store.clone()))));
    let theirs = Arc::clone(&inherited);
    in_a_child(move || {
        without_runtime(async {
            let (lease, watch, store) = theirs.lock().unwrap().take().unwrap();
            assert_eq!(held(&store).await, Some(1));
            put(&store, &token("b", 2)).await;
            store.lease(&key()).await.unwrap_err();
            drop(watch);
            let error = lease.release().await.unwrap_err();
            assert!(error.to_string().contains("was forked"), "{error}");
            store.lease(&key()).await.unwrap_err();
            let (sender, tokens) = channel();
            let sender = Mutex::new(sender);
            let on_saved = Box::new(move |token| sender.lock().unwrap().send(token).unwrap());
            let _watch = store.watch(&key(), on_saved).unwrap();
            let token = tokens.recv_timeout(Duration::from_secs(10)).unwrap();
            assert_eq!(auth_core::Token::generation(&token), 2);
        });
    });
    // The parent's connections, watch and lease are as they were.
    let (lease, _watch, _) = inherited.lock().unwrap().take().unwrap();
    assert_eq!(without_runtime(held(&store)), Some(2));
    let (other, third) = (key_of("user2@iqm.com"), token("c", 3));
    let _ = without_runtime(store.save(&other, &third)).unwrap();
    let noticed = tokens.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(auth_core::Token::generation(&noticed), 3);
    without_runtime(store.lease(&key())).unwrap_err();
    without_runtime(lease.release()).unwrap();
    let next = without_runtime(store.lease(&key())).unwrap();
    assert!(!next.was_abandoned());
}
