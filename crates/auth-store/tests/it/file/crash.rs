//! Processes that write at the same time, and that are killed while they write.

use std::collections::BTreeSet;

use super::processes::{Process, is_child, say, wait_to_be_killed};
use super::*;

/// Generations that each of the processes saves.
const GENERATIONS: u64 = 150;

#[tokio::test]
async fn of_several_processes_that_write_each_generation_is_saved_by_one() {
    if let Some(directory) = is_child() {
        let store = in_directory(&directory);
        let whose = std::process::id().to_string();
        for generation in 1..=GENERATIONS {
            let saved = store.save(&key(), &token(&whose, generation)).await;
            if saved.unwrap() == SaveOutcome::Saved {
                say(generation);
            }
            assert!(held(&store).await >= Some(generation));
        }
        return;
    }
    let test = "file::crash::of_several_processes_that_write_each_generation_is_saved_by_one";
    let (directory, store) = store();
    let processes: Vec<_> = (0..4)
        .map(|_| Process::run(test, directory.path()))
        .collect();
    let mut saved = BTreeSet::new();
    for process in processes {
        for line in process.lines_to_the_end() {
            let generation: u64 = line.parse().unwrap();
            assert!(saved.insert(generation), "{generation} was saved twice");
        }
    }
    assert!(saved.contains(&GENERATIONS), "{saved:?}");
    assert_eq!(held(&store).await, Some(GENERATIONS));
}

#[tokio::test]
async fn a_lease_is_free_when_its_holder_is_killed_and_says_so() {
    if let Some(directory) = is_child() {
        let store = in_directory(&directory);
        let _lease = store.lease(&key()).await.unwrap();
        say("leased");
        wait_to_be_killed();
    }
    let test = "file::crash::a_lease_is_free_when_its_holder_is_killed_and_says_so";
    let (directory, store) = store();
    put(&store, &token("a", 1)).await;
    let mut holder = Process::run(test, directory.path());
    assert_eq!(holder.line().as_deref(), Some("leased"));

    let hasty = store.clone().lease_wait(Duration::from_millis(50));
    let said = said(hasty.lease(&key()).await, &file(&store, "lease"));
    let expected = format!(
        "process {} renews the token and has not finished within 50ms",
        holder.id()
    );
    assert!(said.ends_with(&expected), "{said}");

    // Another session waits already.
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.lease(&key()).await }
    });
    tokio::task::yield_now().await;
    holder.kill();
    let lease = waiting.await.unwrap().unwrap();
    assert!(lease.was_abandoned());
    lease.release().await.unwrap();
    let lease = store.lease(&key()).await.unwrap();
    assert!(!lease.was_abandoned());
}

#[tokio::test]
async fn a_process_that_is_killed_while_it_writes_leaves_a_whole_token() {
    if let Some(directory) = is_child() {
        let store = in_directory(&directory);
        let first = held(&store).await.map_or(1, |held| held + 1);
        for generation in first.. {
            put(&store, &token("child", generation)).await;
            say(generation);
        }
    }
    let test = "file::crash::a_process_that_is_killed_while_it_writes_leaves_a_whole_token";
    let (directory, store) = store();
    for round in 1..20 {
        let mut writer = Process::run(test, directory.path());
        let mut last = 0;
        for _ in 0..round {
            last = writer.line().unwrap().parse().unwrap();
        }
        writer.kill();
        let held = held(&store).await.unwrap();
        assert!(held >= last, "{held} after {last}");
        put(
            &FileStore::at(store.directory()),
            &token("parent", held + 1),
        )
        .await;
        assert_eq!(files(&store, "new"), [] as [PathBuf; 0]);
    }
}
