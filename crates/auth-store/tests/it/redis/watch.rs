//! What one worker saves, the others hear at once.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use auth_core::{Token, TokenStore as _, Watch};
use auth_store::RedisStore;

use super::server::{Look, Server, key, key_of, token};

/// The longest that anything may take on a slow machine.
const LONG: Duration = Duration::from_secs(20);

fn watch(store: &RedisStore, account: &str) -> (Watch, Receiver<Token>) {
    let (tell, told) = channel();
    let on_saved = move |token| tell.send(token).unwrap_or_default();
    let watch = store.watch(&key_of(account), Box::new(on_saved)).unwrap();
    (watch, told)
}

fn until_subscribed(look: &mut Look, channels: usize) {
    look.until("as many channels as are watched", |look| {
        look.ask::<Vec<String>>("PUBSUB CHANNELS").len() == channels
    });
}

#[tokio::test]
async fn a_watcher_hears_of_each_later_token_of_its_key_and_of_no_other() {
    let server = Server::start();
    let (saving, watching) = (server.store(), server.store());
    let (_one, told) = watch(&watching, "user1@iqm.com");
    let (_two, told_other) = watch(&watching, "other");
    until_subscribed(&mut server.look(), 2);
    for generation in 1..=3 {
        let token = token(&format!("t{generation}"), generation);
        let _ = saving.save(&key(), &token).await.unwrap();
        let heard = told.recv_timeout(LONG).unwrap();
        assert_eq!(heard.fingerprint(), token.fingerprint());
        assert_eq!(heard.generation(), generation);
    }
    // What is not saved is not told.
    let _ = saving.save(&key(), &token("late", 2)).await.unwrap();
    saving.delete(&key()).await.unwrap();
    let _ = saving
        .save(&key_of("other"), &token("theirs", 1))
        .await
        .unwrap();
    let heard = told_other.recv_timeout(LONG).unwrap();
    assert_eq!(heard.fingerprint(), token("theirs", 1).fingerprint());
    assert!(told.try_recv().is_err());
}

#[tokio::test]
async fn what_was_saved_while_the_connection_was_down_is_heard_once_it_is_back() {
    let server = Server::start();
    let watching = server.store();
    let (_watch, told) = watch(&watching, "user1@iqm.com");
    let mut look = server.look();
    until_subscribed(&mut look, 1);
    // Nobody can subscribe until the limit is lifted: the message goes to nobody.
    let _: String = look.ask("CONFIG SET maxclients 2");
    let _: i64 = look.ask("CLIENT KILL TYPE pubsub");
    let _ = watching.save(&key(), &token("one", 1)).await.unwrap();
    assert!(told.try_recv().is_err());
    let _: String = look.ask("CONFIG SET maxclients 100");
    let heard = told.recv_timeout(LONG).unwrap();
    assert_eq!(heard.fingerprint(), token("one", 1).fingerprint());
    // And from then on as before.
    until_subscribed(&mut look, 1);
    let _ = server.store().save(&key(), &token("two", 2)).await.unwrap();
    assert_eq!(told.recv_timeout(LONG).unwrap().generation(), 2);
}

#[tokio::test]
async fn a_watch_begins_before_the_server_does_and_survives_its_restart() {
    let mut server = Server::start();
    server.kill();
    let watching = server.store();
    let (_watch, told) = watch(&watching, "user1@iqm.com");
    for generation in 1..=2 {
        server.restart();
        until_subscribed(&mut server.look(), 1);
        let token = token("one", generation);
        let _ = server.store().save(&key(), &token).await.unwrap();
        assert_eq!(told.recv_timeout(LONG).unwrap().generation(), generation);
        server.kill();
    }
}

#[tokio::test]
async fn a_watch_ends_with_its_guard_and_its_channel_with_the_last_watch() {
    let server = Server::start();
    let store = server.store();
    let mut look = server.look();
    let (first, told_first) = watch(&store, "user1@iqm.com");
    let (second, told_second) = watch(&store, "user1@iqm.com");
    let (other, _) = watch(&store, "other");
    until_subscribed(&mut look, 2);
    drop(first);
    let _ = store.save(&key(), &token("one", 1)).await.unwrap();
    assert_eq!(told_second.recv_timeout(LONG).unwrap().generation(), 1);
    assert!(told_first.try_recv().is_err());
    drop(second);
    until_subscribed(&mut look, 1);
    drop(other);
    look.until("the subscribing connection is closed", |look| {
        look.ask::<String>("CLIENT LIST TYPE pubsub").is_empty()
    });
    // And a new one begins anew.
    let (_third, told_third) = watch(&store, "user1@iqm.com");
    assert_eq!(told_third.recv_timeout(LONG).unwrap().generation(), 1);
}

#[tokio::test]
async fn a_watcher_that_panics_keeps_the_others_from_nothing() {
    let server = Server::start();
    let store = server.store();
    let _bad = store.watch(&key(), Box::new(|_| panic!("this is part of a test")));
    let (_good, told) = watch(&store, "user1@iqm.com");
    until_subscribed(&mut server.look(), 1);
    for generation in 1..=2 {
        let _ = store.save(&key(), &token("one", generation)).await.unwrap();
        assert_eq!(told.recv_timeout(LONG).unwrap().generation(), generation);
    }
}
