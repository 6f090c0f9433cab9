//! A store is called from any runtime, and from none.

use std::time::Instant;

use super::*;
use crate::surroundings::{bare, without_runtime};

/// All calls, with a lease that has to be waited for.
async fn all_calls(store: FileStore) {
    put(&store, &token("a", 1)).await;
    assert_eq!(held(&store).await, Some(1));
    assert_eq!(store.list().await.unwrap(), [key()]);
    let lease = store.lease(&key()).await.unwrap();
    let hasty = store.clone().lease_wait(Duration::from_millis(60));
    let began = Instant::now();
    let said = said(hasty.lease(&key()).await, &file(&store, "lease"));
    assert!(said.contains("has not finished within 60ms"), "{said}");
    assert!(began.elapsed() >= Duration::from_millis(60));
    lease.release().await.unwrap();
    drop(store.lease(&key()).await.unwrap());
    assert!(store.watch(&key(), Box::new(drop)).is_none());
    store.delete(&key()).await.unwrap();
    assert_eq!(held(&store).await, None);
}

#[test]
fn every_call_works_without_a_runtime() {
    let (_directory, store) = store();
    without_runtime(all_calls(store));
}

#[test]
fn every_call_works_on_a_runtime_without_timers() {
    let (_directory, store) = store();
    bare().block_on(all_calls(store));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_stands_still_makes_no_call_time_out() {
    let (_directory, store) = store();
    all_calls(store).await;
}

#[test]
fn a_caller_that_is_dropped_while_it_waits_saves_nothing_later() {
    let (_directory, store) = store();
    without_runtime(put(&store, &token("a", 1)));
    let lock = fs_lock(&file(&store, "lock"));
    {
        let (key, token) = (key(), token("a", 2));
        let mut saved = store.save(&key, &token);
        let polled = without_runtime(async { futures_util::poll!(&mut saved) });
        assert!(polled.is_pending());
    }
    drop(lock);
    // Under the same lock as the save.
    without_runtime(store.delete(&key())).unwrap();
    assert_eq!(without_runtime(held(&store)), None);
    without_runtime(put(&store, &token("b", 1)));
    assert_eq!(without_runtime(held(&store)), Some(1));
}

/// Another process that writes.
fn fs_lock(path: &Path) -> std::fs::File {
    let file = std::fs::File::open(path).unwrap();
    fs4::FileExt::lock(&file).unwrap();
    file
}
