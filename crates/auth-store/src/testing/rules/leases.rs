//! One session at a time may renew.

use std::time::Duration;

use auth_core::{Error, ErrorKind, Lease, SaveOutcome, StoreKey, TokenStore};
use tokio::time::timeout;

use crate::testing::samples::token;
use crate::testing::suite::{Suite, broken, delete, done, ended, expect, put};

/// How long the contract checks that a lease is refused.
const REFUSED_FOR: Duration = Duration::from_millis(100);

pub(in crate::testing) async fn check<S: TokenStore>(suite: &Suite<S>) {
    one_at_a_time_holds_the_lease(suite).await;
    a_lease_that_is_dropped_is_given_back(suite).await;
    a_wait_for_the_lease_ends_with_an_error(suite).await;
    the_holder_reads_and_writes(suite).await;
}

async fn one_at_a_time_holds_the_lease<S: TokenStore>(suite: &Suite<S>) {
    let rule = "one session at a time holds the lease of a key";
    let key = suite.key("lease");
    let mut last_fence = 0;
    for round in 0..3 {
        let lease = take(rule, &*suite.one, &key).await;
        if lease.was_abandoned() {
            broken(rule, "a lease counts as abandoned that was released");
        }
        if lease.fence() < last_fence || (lease.fence() == last_fence && last_fence > 0) {
            broken(rule, format!("fence {} after {last_fence}", lease.fence()));
        }
        last_fence = lease.fence();
        // By each handle. A session that stops waiting does not get the lease later.
        for store in [&suite.one, &suite.other, &suite.other] {
            refused(rule, &**store, &key).await;
        }
        let another = suite.key(&format!("lease-{round}"));
        give_back(rule, take(rule, &*suite.other, &another).await).await;
        // Another session waits already.
        let waiting = tokio::spawn({
            let (store, key) = (suite.other.clone(), key.clone());
            async move { store.lease(&key).await }
        });
        tokio::task::yield_now().await;
        give_back(rule, lease).await;
        let next = match ended(rule, waiting).await {
            Ok(lease) => done(rule, std::future::ready(lease)).await,
            Err(error) => broken(rule, error),
        };
        refused(rule, &*suite.one, &key).await;
        last_fence = last_fence.max(next.fence());
        give_back(rule, next).await;
    }
    expect(rule, &*suite.one, &key, None).await;
}

async fn a_lease_that_is_dropped_is_given_back<S: TokenStore>(suite: &Suite<S>) {
    let rule = "a lease that is dropped is given back, and the next one counts as abandoned";
    let key = suite.key("dropped");
    drop(take(rule, &*suite.one, &key).await);
    // Twice: its holder may be interrupted, too. Each drop leaves the mark for one more lease.
    let lease = take_dropped(rule, &*suite.other, &key).await;
    drop(lease);
    give_back(rule, take_dropped(rule, &*suite.one, &key).await).await;
    let lease = take(rule, &*suite.other, &key).await;
    if lease.was_abandoned() {
        broken(
            rule,
            "a lease counts as abandoned after one that was released",
        );
    }
    give_back(rule, lease).await;
}

/// The lease after one that was dropped. A store that only lets it expire gets the time for that.
async fn take_dropped(rule: &str, store: &impl TokenStore, key: &StoreKey) -> Box<dyn Lease> {
    let lease = loop {
        match ended(rule, store.lease(key)).await {
            Ok(lease) => break lease,
            Err(error) => is_a_store_error(rule, &error),
        }
    };
    if !lease.was_abandoned() {
        broken(rule, "it does not count as abandoned");
    }
    lease
}

async fn a_wait_for_the_lease_ends_with_an_error<S: TokenStore>(suite: &Suite<S>) {
    let rule = "a wait for the lease is bounded, and ends with an error";
    let key = suite.key("bounded");
    let lease = take(rule, &*suite.one, &key).await;
    match ended(rule, suite.other.lease(&key)).await {
        Ok(_) => broken(rule, "a lease was given twice"),
        Err(error) => is_a_store_error(rule, &error),
    }
    give_back(rule, lease).await;
    give_back(rule, take(rule, &*suite.other, &key).await).await;
}

async fn the_holder_reads_and_writes<S: TokenStore>(suite: &Suite<S>) {
    let rule = "a lease keeps neither its holder nor others from reading and writing";
    let key = suite.key("holder");
    put(rule, &*suite.one, &key, &token(1)).await;
    let lease = take(rule, &*suite.one, &key).await;
    expect(rule, &*suite.one, &key, Some(&token(1))).await;
    put(rule, &*suite.one, &key, &token(2)).await;
    expect(rule, &*suite.other, &key, Some(&token(2))).await;
    // As a log-in beside a renewal does.
    if done(rule, suite.other.save(&key, &token(3))).await == SaveOutcome::Superseded {
        broken(rule, "a later token was refused");
    }
    delete(rule, &*suite.one, &key).await;
    refused(rule, &*suite.other, &key).await;
    give_back(rule, lease).await;
    expect(rule, &*suite.other, &key, None).await;
}

async fn take(rule: &str, store: &impl TokenStore, key: &StoreKey) -> Box<dyn Lease> {
    done(rule, store.lease(key)).await
}

async fn give_back(rule: &str, lease: Box<dyn Lease>) {
    done(rule, lease.release()).await;
}

/// Checks that the lease is not available.
async fn refused(rule: &str, store: &impl TokenStore, key: &StoreKey) {
    match timeout(REFUSED_FOR, store.lease(key)).await {
        Ok(Ok(_)) => broken(rule, "a lease was given that another session holds"),
        Ok(Err(error)) => is_a_store_error(rule, &error),
        Err(_) => {}
    }
}

fn is_a_store_error(rule: &str, error: &Error) {
    if error.kind() != ErrorKind::Store {
        broken(
            rule,
            format!("an error of kind {:?}: {error}", error.kind()),
        );
    }
}
