//! Leases by locks on files.

use std::fs;
use std::time::Instant;

use super::*;

#[tokio::test]
async fn a_dropped_lease_counts_as_abandoned_unless_no_caller_got_it() {
    let (_directory, store) = store();
    put(&store, &token("a", 1)).await;
    for was_dropped in [false, true, true, false] {
        let lease = store.lease(&key()).await.unwrap();
        let before = lease.was_abandoned();
        if was_dropped {
            drop(lease);
        } else {
            lease.release().await.unwrap();
        }
        let lease = store.lease(&key()).await.unwrap();
        assert_eq!(lease.was_abandoned(), was_dropped, "{before}");
        lease.release().await.unwrap();
    }
    // A caller that stops waiting, at any step, has not begun a renewal.
    let key = key();
    for polls in 0..30 {
        let mut lease = store.lease(&key);
        let mut is_ready = false;
        for _ in 0..polls {
            is_ready = futures_util::poll!(&mut lease).is_ready();
            if is_ready {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(lease);
        let lease = store.lease(&key).await.unwrap();
        assert_eq!(lease.was_abandoned(), is_ready, "after {polls} polls");
        lease.release().await.unwrap();
    }
}

#[tokio::test]
async fn nothing_of_a_lease_is_left_where_there_is_no_token() {
    let (_directory, store) = store();
    let lease = store.lease(&key()).await.unwrap();
    assert_eq!(files(&store, "lease").len(), 1);
    lease.release().await.unwrap();
    assert_eq!(files(&store, "lease").len(), 0);
    // As a log-out does.
    put(&store, &token("a", 1)).await;
    let lease = store.lease(&key()).await.unwrap();
    store.delete(&key()).await.unwrap();
    lease.release().await.unwrap();
    assert_eq!(files(&store, "lease").len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_at_a_time_holds_a_lease_whose_file_comes_and_goes() {
    let (_directory, store) = store();
    let counter = store.directory().join("counter");
    fs::create_dir(store.directory()).unwrap();
    set_mode(store.directory(), 0o700);
    fs::write(&counter, "0").unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (store, counter) = (FileStore::at(store.directory()), counter.clone());
        tasks.spawn(async move {
            for _ in 0..25 {
                let lease = store.lease(&key()).await.unwrap();
                let count: u32 = fs::read_to_string(&counter).unwrap().parse().unwrap();
                tokio::task::yield_now().await;
                fs::write(&counter, (count + 1).to_string()).unwrap();
                // There is no token, so the file is deleted with the lease.
                lease.release().await.unwrap();
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    assert_eq!(fs::read_to_string(&counter).unwrap(), "200");
}

#[test]
fn a_runtime_ends_though_a_task_waits_for_a_lease() {
    let (_directory, store) = store();
    let store = store.lease_wait(Duration::from_secs(3600));
    let runtime = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap()
    };
    // A lease outlives the runtime on which it was taken, because the thread for renewals ends at once.
    let lease = runtime().block_on(store.lease(&key())).unwrap();
    let began = Instant::now();
    let waiting = runtime();
    waiting.block_on(async {
        let store = store.clone();
        let task = tokio::spawn(async move { store.lease(&key()).await.map(drop) });
        tokio::task::yield_now().await;
        assert!(!task.is_finished());
    });
    drop(waiting);
    assert!(began.elapsed() < Duration::from_secs(600));
    runtime().block_on(lease.release()).unwrap();
    let last = runtime();
    last.block_on(async { store.lease(&key()).await?.release().await })
        .unwrap();
}
