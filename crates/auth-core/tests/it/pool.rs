//! Many users' sessions: bounded, one for each key, gone when they are not used.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{Error, ErrorKind, Session, SessionPool, State};
use auth_sandbox::SandboxClock;
use futures_util::FutureExt as _;

use crate::vendor::{LIFETIME, Vendor, number, until};

type Pool = SessionPool<String, Vendor>;

const MINUTE: Duration = Duration::from_secs(60);

fn pool(capacity: usize) -> (Vendor, SandboxClock, Pool) {
    let clock = SandboxClock::frozen();
    let pool = SessionPool::new(NonZeroUsize::new(capacity).unwrap())
        .idle(10 * MINUTE)
        .clock(Arc::new(clock.clone()));
    (Vendor::new(&clock), clock, pool)
}

fn get(pool: &Pool, vendor: &Vendor, key: &str) -> Session<Vendor> {
    pool.get_or_make(&key.to_owned(), || vendor.session().build())
        .unwrap()
}

/// How many sessions exist, in the pool or out of it: each has a handle of the vendor.
fn sessions(vendor: &Vendor) -> usize {
    vendor.handles() - 1
}

#[tokio::test]
async fn whoever_asks_for_a_key_gets_the_same_session() {
    let (vendor, _, pool) = pool(10);
    assert!(pool.is_empty() && pool.get("ann").is_none());
    assert_eq!(
        number(&get(&pool, &vendor, "ann").headers().await.unwrap()),
        1
    );
    assert_eq!(
        number(&get(&pool, &vendor, "bob").headers().await.unwrap()),
        2
    );
    for _ in 0..10 {
        let ann = get(&pool.clone(), &vendor, "ann");
        assert_eq!(number(&ann.headers().await.unwrap()), 1);
    }
    assert_eq!((pool.len(), vendor.calls(), sessions(&vendor)), (2, 2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_tasks_that_make_the_same_session_renew_once() {
    let (vendor, _, pool) = pool(10);
    let tasks: Vec<_> = (0..1_000)
        .map(|_| {
            let (vendor, pool) = (vendor.clone(), pool.clone());
            tokio::spawn(
                async move { number(&get(&pool, &vendor, "ann").headers().await.unwrap()) },
            )
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), 1);
    }
    assert_eq!((pool.len(), vendor.calls()), (1, 1));
}

#[tokio::test]
async fn the_session_that_was_longest_unused_leaves_a_full_pool_and_memory() {
    let (vendor, _, pool) = pool(3);
    for key in ["ann", "bob", "cid"] {
        get(&pool, &vendor, key);
    }
    get(&pool, &vendor, "ann");
    get(&pool, &vendor, "dan");
    assert_eq!((pool.len(), sessions(&vendor)), (3, 3));
    assert!(pool.get("bob").is_none());
    for key in ["ann", "cid", "dan"] {
        assert!(pool.get(key).is_some(), "{key}");
    }
}

#[tokio::test]
async fn a_session_that_left_while_in_use_is_not_made_a_second_time() {
    let (vendor, clock, pool) = pool(1);
    let ann = get(&pool, &vendor, "ann");
    ann.headers().await.unwrap();
    get(&pool, &vendor, "bob");
    assert_eq!(pool.len(), 1);
    clock.advance(LIFETIME);
    // It renews for both of its holders at once.
    vendor.hold();
    assert_eq!(ann.try_headers(), None);
    let again = get(&pool, &vendor, "ann");
    assert_eq!(again.try_headers(), None);
    vendor.release();
    assert_eq!(number(&again.headers().await.unwrap()), 2);
    assert_eq!(number(&ann.headers().await.unwrap()), 2);
    assert_eq!(vendor.calls(), 2);
}

#[tokio::test]
async fn a_session_that_left_while_it_was_renewing_is_not_made_a_second_time() {
    let (vendor, _, pool) = pool(1);
    vendor.hold();
    assert_eq!(get(&pool, &vendor, "ann").try_headers(), None);
    vendor.until_calls(1).await;
    get(&pool, &vendor, "bob");
    let ann = get(&pool, &vendor, "ann");
    vendor.release();
    assert_eq!(number(&ann.headers().await.unwrap()), 1);
    assert_eq!(vendor.calls(), 1);
}

#[tokio::test]
async fn idle_sessions_leave_and_those_in_use_stay() {
    let (vendor, clock, pool) = pool(10);
    for key in ["ann", "bob"] {
        get(&pool, &vendor, key).headers().await.unwrap();
    }
    clock.advance(6 * MINUTE);
    get(&pool, &vendor, "ann");
    clock.advance(4 * MINUTE);
    assert_eq!(pool.evict_idle(), 1);
    assert_eq!((pool.evict_idle(), pool.len()), (0, 1));
    // The renewal's own handle goes a moment later.
    until(|| sessions(&vendor) == 1).await;
    clock.advance(6 * MINUTE);
    assert!(pool.get("ann").is_none() && pool.is_empty());
    until(|| sessions(&vendor) == 0).await;
}

#[tokio::test]
async fn a_session_is_taken_out_to_be_logged_out() {
    let (vendor, _, pool) = pool(10);
    get(&pool, &vendor, "ann").headers().await.unwrap();
    let ann = pool.remove("ann").unwrap();
    ann.log_out().await.unwrap();
    assert!(pool.is_empty() && pool.remove("ann").is_none());
    // The next one is another one.
    assert_eq!(
        number(&get(&pool, &vendor, "ann").headers().await.unwrap()),
        2
    );
}

#[tokio::test]
async fn a_session_that_was_taken_out_is_not_made_a_second_time_while_it_may_renew() {
    let (vendor, _, pool) = pool(10);
    let first = get(&pool, &vendor, "ann");
    first.headers().await.unwrap();
    assert!(pool.remove("ann").is_some() && pool.is_empty());
    assert!(pool.remove("ann").is_some(), "a handle is held");
    let again = get(&pool, &vendor, "ann");
    assert_eq!(number(&again.headers().await.unwrap()), 1);
    assert_eq!((pool.len(), sessions(&vendor)), (1, 1));
    // Logged out in the pool it stays, to be logged in again.
    again.log_out().await.unwrap();
    assert!(get(&pool, &vendor, "ann").try_headers().is_none());
    drop((pool.remove("ann"), again));
    until(|| sessions(&vendor) == 1).await;
    get(&pool, &vendor, "ann");
    assert_eq!(sessions(&vendor), 2);
    // The one without a handle is gone at once.
    drop((pool.remove("ann"), first));
    until(|| sessions(&vendor) == 0).await;
    assert!(pool.get("ann").is_none());
}

#[test]
fn a_session_that_cannot_be_made_is_not_kept() {
    let (vendor, _, pool) = pool(10);
    let failed = pool.get_or_make(&"ann".to_owned(), || {
        Err(Error::new(ErrorKind::InvalidConfig, "no such user"))
    });
    assert_eq!(failed.unwrap_err().to_string(), "no such user");
    assert!(pool.is_empty());
    get(&pool, &vendor, "ann");
    assert_eq!(pool.len(), 1);
}

#[test]
fn a_pool_forgets_the_keys_of_ten_thousand_users_who_left() {
    let (vendor, _, pool) = pool(4);
    for user in 0..10_000 {
        get(&pool, &vendor, &user.to_string());
    }
    assert_eq!((pool.len(), sessions(&vendor)), (4, 4));
    assert!(pool.get("0").is_none());
}

#[tokio::test]
async fn looking_at_all_sessions_is_no_use_of_them() {
    let (vendor, clock, pool) = pool(10);
    for key in ["ann", "bob"] {
        get(&pool, &vendor, key).headers().await.unwrap();
    }
    get(&pool, &vendor, "cid");
    get(&pool, &vendor, "ann");
    clock.advance(9 * MINUTE);
    let states = |pool: &Pool| -> Vec<_> {
        let snapshot = pool.snapshot().into_iter();
        snapshot.map(|(key, state)| (key, state.name())).collect()
    };
    let expected = [("bob", "fresh"), ("cid", "absent"), ("ann", "fresh")];
    assert_eq!(
        states(&pool),
        expected.map(|(key, name)| (key.to_owned(), name))
    );
    let mut seen = Vec::new();
    pool.for_each(|key, session| {
        // The pool may be asked meanwhile.
        assert_eq!(pool.len(), 3);
        seen.push((key.clone(), session.state().name()));
    });
    assert_eq!(seen, states(&pool));
    clock.advance(MINUTE);
    assert_eq!(pool.evict_idle(), 3, "looking at them was no use");
    assert_eq!(states(&pool), []);
}

/// The next change, as a word; `left` for a session that has left.
async fn next(states: &mut auth_core::PoolStates<String, Vendor>) -> (String, &'static str) {
    let (key, state) = states.next().await.unwrap();
    let name = state.as_ref().map_or("left", State::name);
    (key, name)
}

fn change(key: &str, name: &'static str) -> (String, &'static str) {
    (key.to_owned(), name)
}

#[tokio::test]
async fn the_states_of_all_sessions_are_one_stream_that_ends_with_the_pool() {
    let (vendor, _, pool) = pool(2);
    get(&pool, &vendor, "ann").headers().await.unwrap();
    let bob = get(&pool, &vendor, "bob");
    let mut states = pool.states();
    assert_eq!(next(&mut states).await, change("ann", "fresh"));
    assert_eq!(next(&mut states).await, change("bob", "absent"));
    vendor.hold();
    assert_eq!(bob.try_headers(), None);
    assert_eq!(next(&mut states).await, change("bob", "renewing"));
    vendor.release();
    assert_eq!(next(&mut states).await, change("bob", "fresh"));
    // One comes, for which another leaves.
    let cid = get(&pool, &vendor, "cid");
    let mut two = [next(&mut states).await, next(&mut states).await];
    two.sort();
    assert_eq!(two, [change("ann", "left"), change("cid", "absent")]);
    cid.log_out().await.unwrap();
    assert_eq!(next(&mut states).await, change("cid", "login_required"));
    // One that has left and is still held tells nothing, until it comes back.
    pool.remove("bob").unwrap();
    assert_eq!(next(&mut states).await, change("bob", "left"));
    bob.renew().await.unwrap();
    get(&pool, &vendor, "bob");
    assert_eq!(next(&mut states).await, change("bob", "fresh"));
    // A reader that waits is woken, and one of later begins with what there is.
    let waiting = tokio::spawn(async move {
        let (key, _) = states.next().await.unwrap();
        (key, states)
    });
    tokio::task::yield_now().await;
    let mut late = pool.states();
    late.next().await.unwrap();
    late.next().await.unwrap();
    cid.renew().await.unwrap();
    let (woken_by, mut states) = waiting.await.unwrap();
    assert_eq!(woken_by, "cid");
    until(|| late.next().now_or_never().is_some()).await;
    drop((pool, bob, cid));
    while let Some((key, _)) = states.next().await {
        assert_eq!(key, "cid");
    }
    while late.next().await.is_some() {}
}

#[tokio::test]
async fn a_reader_of_states_that_does_not_read_costs_one_entry_for_each_key() {
    let (vendor, clock, pool) = pool(2);
    let mut states = pool.states();
    let ann = get(&pool, &vendor, "ann");
    for _ in 0..1_000 {
        ann.renew().await.unwrap();
        clock.advance(MINUTE);
    }
    assert_eq!(next(&mut states).await, change("ann", "fresh"));
    let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
    assert!(std::pin::pin!(states.next()).poll(context).is_pending());
    assert_eq!(vendor.calls(), 1_000);
}
