//! A server that is down, out of reach or not a redis: an error in time, and success once it is back.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use auth_core::{Error, ErrorKind, Lease, SaveOutcome, TokenStore};
use auth_store::RedisStore;

use super::proxy::Proxy;
use super::server::Server;
use crate::samples::{held, key, put, token};

/// Short, so that the tests are short.
const TIMEOUT: Duration = Duration::from_millis(400);

/// Time for a slow machine.
const GRACE: Duration = Duration::from_secs(3);

/// The errors of all calls, which must fail in time.
async fn failures(store: &RedisStore) -> Vec<Error> {
    let mut errors = Vec::new();
    let began = Instant::now();
    errors.push(store.load(&key()).await.unwrap_err());
    errors.push(store.save(&key(), &token("one", 1)).await.unwrap_err());
    errors.push(store.delete(&key()).await.unwrap_err());
    errors.push(store.list().await.unwrap_err());
    errors.push(store.lease(&key()).await.unwrap_err());
    assert!(
        began.elapsed() < 5 * TIMEOUT + GRACE,
        "{:?}",
        began.elapsed()
    );
    for error in &errors {
        assert_eq!(error.kind(), ErrorKind::Store, "{error}");
    }
    errors
}

fn all_say(errors: &[Error], said: &str) {
    for error in errors {
        assert!(error.to_string().contains(said), "{error}");
    }
}

async fn works(store: &RedisStore) {
    let lease: Box<dyn Lease> = store.lease(&key()).await.unwrap();
    let generation = lease.fence();
    let saved = store.save(&key(), &token("new", generation)).await.unwrap();
    assert_eq!(saved, SaveOutcome::Saved);
    assert!(store.load(&key()).await.unwrap().is_some());
    lease.release().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_down_fails_every_call_and_is_used_again_when_it_is_back() {
    let mut server = Server::start();
    let store = server.builder().timeout(TIMEOUT).build().unwrap();
    works(&store).await;
    for _ in 0..2 {
        server.kill();
        all_say(&failures(&store).await, "refuses connections: start it");
        server.restart();
        works(&store).await;
    }
}

#[tokio::test]
async fn a_restart_between_two_calls_is_not_noticed() {
    let mut server = Server::start();
    let store = server.store();
    works(&store).await;
    for _ in 0..3 {
        server.kill();
        server.restart();
        works(&store).await;
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_fails_every_call_in_time_and_is_used_again() {
    let server = Server::start();
    let store = server.builder().timeout(TIMEOUT).build().unwrap();
    // Connected already, and not yet.
    for connected in [false, true] {
        if connected {
            works(&store).await;
        }
        server.signal("STOP");
        all_say(&failures(&store).await, "did not answer within 400ms");
        server.signal("CONT");
        works(&store).await;
    }
}

#[tokio::test]
async fn requests_that_a_silent_server_handles_later_do_no_harm() {
    let server = Server::start();
    let store = server.builder().timeout(TIMEOUT).build().unwrap();
    works(&store).await;
    server.signal("STOP");
    // Both requests wait in its socket.
    store.lease(&key()).await.unwrap_err();
    store.save(&key(), &token("lost", 100)).await.unwrap_err();
    server.signal("CONT");
    let hurried = server.builder().lease_wait(2 * GRACE).build().unwrap();
    let lease = hurried.lease(&key()).await.unwrap();
    // No caller got the first lease, so nothing happened under it.
    assert!(!lease.was_abandoned());
    lease.release().await.unwrap();
    // The token was saved though the caller got an error. The same token is accepted again.
    let again = store.save(&key(), &token("lost", 100)).await.unwrap();
    assert_eq!(again, SaveOutcome::Saved);
}

#[tokio::test]
async fn a_full_server_says_so_and_loses_nothing() {
    let server = Server::start();
    let store = server.store();
    put(&store, &token("one", 1)).await;
    let mut look = server.look();
    let _: String = look.ask("CONFIG SET maxmemory 1");
    let error = store.save(&key(), &token("two", 2)).await.unwrap_err();
    assert!(error.to_string().contains("is out of memory"), "{error}");
    assert_eq!(held(&store).await, Some(1));
    let _: String = look.ask("CONFIG SET maxmemory 0");
    put(&store, &token("two", 2)).await;
}

#[tokio::test]
async fn a_server_that_is_not_redis_is_distinguished_from_one_that_is_down() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for caller in listener.incoming() {
            use std::io::Write as _;
            let _ = caller.unwrap().write_all(b"220 mail.example ESMTP\r\n");
        }
    });
    let url = format!("redis://127.0.0.1:{port}");
    let store = RedisStore::builder(url.into())
        .timeout(TIMEOUT)
        .build()
        .unwrap();
    let errors = failures(&store).await;
    for error in errors {
        let shown = error.to_string();
        assert!(
            shown.contains("redis") && !shown.contains("mail.example"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_connection_that_was_lost_silently_is_replaced_after_one_time_limit() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let url = format!("redis://127.0.0.1:{}", proxy.port);
    let store = RedisStore::builder(url.into())
        .timeout(TIMEOUT)
        .build()
        .unwrap();
    works(&store).await;
    proxy.silence_the_present();
    let error = store.load(&key()).await.unwrap_err();
    assert!(error.to_string().contains("did not answer"), "{error}");
    works(&store).await;
}
