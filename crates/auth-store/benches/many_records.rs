//! The speed of a store with very many tokens.
//!
//! `cargo bench -p auth-store --features file --bench many_records [-- RECORDS [DIRECTORY]]`
//! writes 100,000 records, then prints the time for each call. A save takes as long as two syncs of
//! the disk. A directory in memory shows the rest.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(clippy::expect_used, reason = "a benchmark that cannot run ends")]

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use auth_core::{Expiry, StoreKey, Token, TokenStore as _};
use auth_store::FileStore;

const RECORDS: u32 = 100_000;

/// How many tasks write at once.
const WRITERS: u32 = 8;

/// How many calls the mean is taken of.
const CALLS: u32 = 1_000;

fn key(number: u32) -> StoreKey {
    StoreKey {
        vendor: "iqm".into(),
        account: format!("user{number}@iqm.com"),
        scope: "200001".into(),
        base_url: "https://api.iqm.com/".into(),
    }
}

fn token(generation: u64) -> Token {
    let access = "d90fa7de-534c-4652-ad8f-c4f6f70461ac".into();
    Token::new(access, Expiry::Never, SystemTime::now())
        .with_refresh(Some("2e379c6f-959d-498f-8319-ff13ebef6bfe".into()))
        .with_generation(generation)
}

fn show(what: &str, took: Duration) {
    println!("{what:<44}{took:>12.2?}");
}

#[tokio::main]
async fn main() {
    // Cargo adds `--bench` to the arguments.
    let mut arguments = std::env::args().skip(1).filter(|it| !it.starts_with("--"));
    let records = arguments.next().map_or(RECORDS, |text| {
        text.parse().expect("the first argument is a number")
    });
    let parent = arguments
        .next()
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = tempfile::tempdir_in(parent).expect("a directory");
    let store = FileStore::at(directory.path().join("tokens"));
    println!("{records} records in {}", store.directory().display());

    let began = Instant::now();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        writers.spawn(async move {
            for number in (writer..records).step_by(WRITERS as usize) {
                let saved = store.save(&key(number), &token(1)).await;
                let _ = saved.expect("saved");
            }
        });
    }
    writers.join_all().await;
    show("to save all, 8 at once", began.elapsed());

    let numbers = (0..CALLS).map(|call| call * (records / CALLS).max(1) % records);
    let began = Instant::now();
    for number in numbers.clone() {
        store
            .load(&key(number))
            .await
            .expect("loaded")
            .expect("there");
    }
    show("a load", began.elapsed() / CALLS);
    let began = Instant::now();
    for number in numbers.clone() {
        let _ = store.save(&key(number), &token(2)).await.expect("saved");
    }
    show("a save", began.elapsed() / CALLS);
    let began = Instant::now();
    for number in numbers {
        let lease = store.lease(&key(number)).await.expect("leased");
        lease.release().await.expect("released");
    }
    show("a lease, taken and released", began.elapsed() / CALLS);

    let began = Instant::now();
    let count = store.list().await.expect("listed").len();
    show("the list of all", began.elapsed());
    assert_eq!(count, records as usize);
    let began = Instant::now();
    let fresh = FileStore::at(store.directory());
    let _ = fresh.save(&key(0), &token(3)).await.expect("saved");
    show("the first save of a process", began.elapsed());
}
