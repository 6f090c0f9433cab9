//! Watches: other workers get a saved token at once.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use auth_core::{Token, TokenStore as _, Watch};
use auth_store::RedisStore;

use super::server::{Look, Server};
use crate::samples::{key, key_of, put, token};

/// The longest time for any step on a slow machine.
const LONG: Duration = Duration::from_secs(20);

fn watch(store: &RedisStore, account: &str) -> (Watch, Receiver<Token>) {
    let (sender, tokens) = channel();
    let on_saved = move |token| sender.send(token).unwrap_or_default();
    let watch = store.watch(&key_of(account), Box::new(on_saved)).unwrap();
    (watch, tokens)
}

fn until_subscribed(look: &mut Look, channels: usize) {
    look.until("as many channels as are watched", |look| {
        look.ask::<Vec<String>>("PUBSUB CHANNELS").len() == channels
    });
}

#[tokio::test]
async fn a_watch_gets_each_later_token_of_its_key_and_no_other() {
    let server = Server::start();
    let (saving, watching) = (server.store(), server.store());
    let (_one, tokens) = watch(&watching, "user1@iqm.com");
    let (_two, tokens_other) = watch(&watching, "other");
    until_subscribed(&mut server.look(), 2);
    for generation in 1..=3 {
        let token = token(&format!("t{generation}"), generation);
        put(&saving, &token).await;
        let got = tokens.recv_timeout(LONG).unwrap();
        assert_eq!(got.fingerprint(), token.fingerprint());
        assert_eq!(got.generation(), generation);
    }
    // No notification of a token that is not saved.
    let _ = saving.save(&key(), &token("late", 2)).await.unwrap();
    saving.delete(&key()).await.unwrap();
    let _ = saving
        .save(&key_of("other"), &token("theirs", 1))
        .await
        .unwrap();
    let got = tokens_other.recv_timeout(LONG).unwrap();
    assert_eq!(got.fingerprint(), token("theirs", 1).fingerprint());
    assert!(tokens.try_recv().is_err());
}

#[tokio::test]
async fn a_watch_gets_what_was_saved_while_the_connection_was_down() {
    let server = Server::start();
    let watching = server.store();
    let (_watch, tokens) = watch(&watching, "user1@iqm.com");
    let mut look = server.look();
    until_subscribed(&mut look, 1);
    // The store cannot subscribe until the limit is lifted, so it misses the message.
    let _: String = look.ask("CONFIG SET maxclients 2");
    let _: i64 = look.ask("CLIENT KILL TYPE pubsub");
    put(&watching, &token("one", 1)).await;
    assert!(tokens.try_recv().is_err());
    let _: String = look.ask("CONFIG SET maxclients 100");
    let got = tokens.recv_timeout(LONG).unwrap();
    assert_eq!(got.fingerprint(), token("one", 1).fingerprint());
    // From then on as before.
    until_subscribed(&mut look, 1);
    put(&server.store(), &token("two", 2)).await;
    assert_eq!(tokens.recv_timeout(LONG).unwrap().generation(), 2);
}

#[tokio::test]
async fn a_watch_begins_before_the_server_does_and_survives_its_restart() {
    let mut server = Server::start();
    server.kill();
    let watching = server.store();
    let (_watch, tokens) = watch(&watching, "user1@iqm.com");
    for generation in 1..=2 {
        server.restart();
        until_subscribed(&mut server.look(), 1);
        let token = token("one", generation);
        put(&server.store(), &token).await;
        assert_eq!(tokens.recv_timeout(LONG).unwrap().generation(), generation);
        server.kill();
    }
}

#[tokio::test]
async fn a_watch_ends_with_its_guard_and_its_channel_with_the_last_watch() {
    let server = Server::start();
    let store = server.store();
    let mut look = server.look();
    let (first, tokens_first) = watch(&store, "user1@iqm.com");
    let (second, tokens_second) = watch(&store, "user1@iqm.com");
    let (other, _) = watch(&store, "other");
    until_subscribed(&mut look, 2);
    drop(first);
    put(&store, &token("one", 1)).await;
    assert_eq!(tokens_second.recv_timeout(LONG).unwrap().generation(), 1);
    assert!(tokens_first.try_recv().is_err());
    drop(second);
    until_subscribed(&mut look, 1);
    drop(other);
    look.until("the subscribing connection is closed", |look| {
        look.ask::<String>("CLIENT LIST TYPE pubsub").is_empty()
    });
    // A new watch subscribes again.
    let (_third, tokens_third) = watch(&store, "user1@iqm.com");
    assert_eq!(tokens_third.recv_timeout(LONG).unwrap().generation(), 1);
}

#[tokio::test]
async fn a_callback_that_panics_does_not_end_the_other_watches() {
    let server = Server::start();
    let store = server.store();
    let _bad = store.watch(&key(), Box::new(|_| panic!("this is part of a test")));
    let (_good, tokens) = watch(&store, "user1@iqm.com");
    until_subscribed(&mut server.look(), 1);
    for generation in 1..=2 {
        put(&store, &token("one", generation)).await;
        assert_eq!(tokens.recv_timeout(LONG).unwrap().generation(), generation);
    }
}
