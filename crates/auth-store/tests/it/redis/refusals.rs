//! What a server refuses: a message of its own for each, and what was saved is saved.

use auth_core::TokenStore as _;
use auth_store::RedisStore;

use super::server::{Look, Server};
use crate::samples::{held, key, log, put, token};

/// The messages of a load, a save and a list.
async fn all_say(store: &RedisStore, said: &str) {
    for error in [
        store.load(&key()).await.unwrap_err(),
        store.save(&key(), &token("new", 99)).await.unwrap_err(),
        store.list().await.unwrap_err(),
    ] {
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[tokio::test]
async fn a_user_without_channels_saves_and_that_is_logged_once() {
    let server = Server::start();
    let mut look = server.look();
    let _: String = look.ask("ACL SETUSER app on >pw ~auth-store:* +@all");
    let url = format!("redis://app:pw@127.0.0.1:{}", server.port);
    let store = RedisStore::builder(url.into()).build().unwrap();
    let (log, _guard) = log();
    for generation in 1..=3 {
        put(&store, &token("one", generation)).await;
        assert_eq!(held(&store).await, Some(generation));
    }
    let said = log.text();
    let lines = said.lines().filter(|line| line.contains("may not publish"));
    assert_eq!(lines.count(), 1, "{said}");
    assert!(said.contains("WARN") && !said.contains("access-"), "{said}");
}

#[tokio::test]
async fn a_node_of_a_cluster_refuses_every_call() {
    let server = Server::start_with(&["--cluster-enabled", "yes"]);
    let mut look = server.look();
    let store = server.store();
    // Without slots, and with some of them.
    all_say(&store, "is a node of a cluster").await;
    let _: String = look.ask("CONFIG SET cluster-require-full-coverage no");
    let _: String = look.ask("CLUSTER ADDSLOTSRANGE 0 8191");
    while !look
        .ask::<String>("CLUSTER INFO")
        .contains("cluster_state:ok")
    {
        std::thread::yield_now();
    }
    let error = store.list().await.unwrap_err();
    assert!(
        error.to_string().contains("is a node of a cluster"),
        "{error}"
    );
    // One that has all slots is as good as a server without them.
    let _: String = look.ask("CLUSTER ADDSLOTSRANGE 8192 16383");
    put(&store, &token("one", 1)).await;
    assert_eq!(store.list().await.unwrap(), [key()]);
}

#[tokio::test]
async fn a_wrong_database_is_named() {
    let server = Server::start();
    let url = format!("{}/99", server.url());
    let store = RedisStore::builder(url.into()).build().unwrap();
    all_say(&store, "has no database of that number").await;
}

#[tokio::test]
async fn a_server_with_too_few_replicas_says_so() {
    let server = Server::start();
    let store = server.store();
    put(&store, &token("one", 1)).await;
    let _: String = server.look().ask("CONFIG SET min-replicas-to-write 1");
    let error = store.save(&key(), &token("two", 2)).await.unwrap_err();
    assert!(
        error.to_string().contains("min-replicas-to-write"),
        "{error}"
    );
    assert_eq!(held(&store).await, Some(1));
}

#[tokio::test]
async fn a_replica_that_has_lost_its_primary_says_so() {
    let server = Server::start();
    let mut look = server.look();
    let _: String = look.ask("CONFIG SET replica-serve-stale-data no");
    let _: String = look.ask("REPLICAOF 127.0.0.1 1");
    all_say(&server.store(), "has lost its primary").await;
}

#[tokio::test]
async fn a_server_that_is_busy_with_a_script_says_so() {
    let server = Server::start_with(&["--lua-time-limit", "20"]);
    let mut look = server.look();
    let mut endless: Look = server.look();
    let script = std::thread::spawn(move || endless.endless_script());
    let is_busy = |look: &mut Look| look.says("PING").contains("BUSY");
    while !is_busy(&mut look) {
        std::thread::yield_now();
    }
    all_say(&server.store(), "is busy with a script").await;
    let _: String = look.ask("SCRIPT KILL");
    script.join().unwrap();
    put(&server.store(), &token("one", 1)).await;
}
