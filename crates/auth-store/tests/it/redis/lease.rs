//! One worker renews at a time, and a worker that dies keeps others out for a short time only.

use std::time::Duration;

use auth_core::{ErrorKind, SaveOutcome, TokenStore as _};

use super::server::Server;
use crate::samples::{held, key, key_of, put, token};

#[tokio::test]
async fn a_second_worker_waits_until_the_first_gives_the_lease_back() {
    let server = Server::start();
    let first = server.store().lease(&key()).await.unwrap();
    let store = server.store();
    let second = tokio::spawn(async move { store.lease(&key()).await.unwrap() });
    // The lease of another key is free.
    let other = server.store().lease(&key_of("other")).await.unwrap();
    other.release().await.unwrap();
    server.look().pass(100);
    assert!(!second.is_finished());
    let fence = first.fence();
    first.release().await.unwrap();
    let second = second.await.unwrap();
    assert!(second.fence() > fence);
    assert!(!second.was_abandoned());
}

#[tokio::test]
async fn a_wait_for_a_lease_is_bounded_and_leaves_the_lease_to_its_holder() {
    let server = Server::start();
    let held = server.store().lease(&key()).await.unwrap();
    let hurried = server
        .builder()
        .lease_wait(Duration::from_millis(50))
        .build()
        .unwrap();
    let error = hurried.lease(&key()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(error.to_string().contains("50ms"), "{error}");
    // This would fail if the store that gave up had taken or deleted it.
    held.release().await.unwrap();
    let next = hurried.lease(&key()).await.unwrap();
    assert!(!next.was_abandoned());
}

#[tokio::test]
async fn a_lease_that_is_dropped_is_given_back_and_counts_as_abandoned() {
    let server = Server::start();
    let mut look = server.look();
    let lease = server.store().lease(&key()).await.unwrap();
    look.name("lease");
    drop(lease);
    look.until("the lease is free", |look| {
        look.ask::<Vec<String>>("KEYS *:lease").is_empty()
    });
    let next = server.store().lease(&key()).await.unwrap();
    assert!(next.was_abandoned());
    next.release().await.unwrap();
    let last = server.store().lease(&key()).await.unwrap();
    assert!(!last.was_abandoned());
}

#[tokio::test]
async fn a_caller_that_is_dropped_while_it_waits_takes_no_lease() {
    let server = Server::start();
    let store = server.store();
    let held = server.store().lease(&key()).await.unwrap();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.lease(&key()).await.map(drop) }
    });
    server.look().pass(50);
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    let fence = held.fence();
    held.release().await.unwrap();
    // Longer than the longest pause of a waiting worker. None has taken the lease.
    server.look().pass(700);
    let next = store.lease(&key()).await.unwrap();
    assert_eq!((next.fence(), next.was_abandoned()), (fence + 1, false));
}

#[tokio::test]
async fn a_lease_is_extended_while_it_is_held() {
    let server = Server::start();
    let mut look = server.look();
    let store = server
        .builder()
        .lease_time(Duration::from_millis(300))
        .build()
        .unwrap();
    let held = store.lease(&key()).await.unwrap();
    let name = look.name("lease");
    for _ in 0..3 {
        // Only an extension reduces the time again.
        let _: i64 = look.ask(&format!("PEXPIRE {name} 100000"));
        look.until("the lease is extended", |look| {
            (1..=300).contains(&look.ask::<i64>(&format!("PTTL {name}")))
        });
    }
    // A lease that expired is taken again, because no other worker had it meanwhile.
    let _: i64 = look.ask(&format!("DEL {name}"));
    look.until("the lease exists again", |look| {
        look.ask(&format!("EXISTS {name}"))
    });
    held.release().await.unwrap();
    assert!(!look.ask::<bool>(&format!("EXISTS {name}")));
}

#[tokio::test]
async fn the_lease_of_a_worker_that_died_expires_and_counts_as_abandoned() {
    let server = Server::start();
    let mut look = server.look();
    let dead = server.store().lease(&key()).await.unwrap();
    // As after `kill -9`: it is neither extended nor given back, and then its time is over.
    let name = look.name("lease");
    let fence = dead.fence();
    std::mem::forget(dead);
    let _: i64 = look.ask(&format!("PEXPIRE {name} 1"));
    let next = server.store().lease(&key()).await.unwrap();
    assert!(next.was_abandoned());
    assert_eq!(next.fence(), fence + 1);
    next.release().await.unwrap();
    let last = server.store().lease(&key()).await.unwrap();
    assert!(!last.was_abandoned());
}

#[tokio::test]
async fn a_worker_that_lost_the_lease_neither_takes_nor_frees_that_of_the_next() {
    let server = Server::start();
    let mut look = server.look();
    let hasty = server
        .builder()
        .lease_time(Duration::from_millis(300))
        .build()
        .unwrap();
    let slow = hasty.lease(&key()).await.unwrap();
    let name = look.name("lease");
    // If the slow worker takes it again first, it expires once more.
    let store = server.builder().lease_wait(Duration::ZERO).build().unwrap();
    let next = loop {
        let _: i64 = look.ask(&format!("DEL {name}"));
        if let Ok(lease) = store.lease(&key()).await {
            break lease;
        }
    };
    assert!(next.was_abandoned());
    let owner: String = look.ask(&format!("GET {name}"));
    // Longer than several extensions of the slow worker.
    look.pass(400);
    assert_eq!(look.ask::<String>(&format!("GET {name}")), owner);
    let error = slow.release().await.unwrap_err();
    assert!(
        error.to_string().contains("another worker has it"),
        "{error}"
    );
    assert_eq!(look.ask::<String>(&format!("GET {name}")), owner);
    next.release().await.unwrap();
    assert!(!look.ask::<bool>(&format!("EXISTS {name}")));
}

#[tokio::test]
async fn the_token_of_a_worker_whose_lease_expired_is_superseded() {
    let server = Server::start();
    let mut look = server.look();
    let store = server.store();
    // Log-ins increment generations, and take no lease.
    put(&store, &token("log-in", 7)).await;
    let slow = store.lease(&key()).await.unwrap();
    assert!(slow.fence() > 7, "{slow:?}");
    let name = look.name("lease");
    let _: i64 = look.ask(&format!("DEL {name}"));
    let next = store.lease(&key()).await.unwrap();
    assert!(next.fence() > slow.fence());
    let renewed = token("next", next.fence());
    put(&store, &renewed).await;
    let late = token("slow", slow.fence());
    assert_eq!(
        store.save(&key(), &late).await.unwrap(),
        SaveOutcome::Superseded
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_two_workers_renew_at_once() {
    let server = Server::start();
    let workers: Vec<_> = (0..6)
        .map(|_| {
            let store = server.store();
            tokio::spawn(async move {
                for _ in 0..5 {
                    let lease = store.lease(&key()).await.unwrap();
                    let last = store.load(&key()).await.unwrap();
                    let next = last.map_or(0, |it| it.generation()) + 1;
                    let token = token(&format!("t{next}"), next);
                    put(&store, &token).await;
                    lease.release().await.unwrap();
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    assert_eq!(held(&server.store()).await, Some(30));
}
