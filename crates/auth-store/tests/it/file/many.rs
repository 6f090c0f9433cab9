//! Thousands of keys in one directory; `cargo bench -p auth-store` prints the figures for more.

use super::*;

const KEYS: u64 = 2_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_keys_are_kept_and_listed() {
    let (_directory, store) = store();
    let key_of = |number: u64| key_of(&format!("user{number}@iqm.com"));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let store = store.clone();
        writers.spawn(async move {
            for number in (0..KEYS).filter(|it| it % 8 == writer) {
                let saved = store.save(&key_of(number), &token("a", number)).await;
                assert_eq!(saved.unwrap(), SaveOutcome::Saved);
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    let mut expected: Vec<_> = (0..KEYS).map(key_of).collect();
    expected.sort();
    assert!(store.list().await.unwrap() == expected, "other keys");
    for number in [0, 7, KEYS / 2, KEYS - 1] {
        let token = store.load(&key_of(number)).await.unwrap();
        assert_eq!(token.unwrap().generation(), number);
    }
    let stripes = files(&store, "lock").len();
    assert!(stripes <= 16, "{stripes} locks");
}
