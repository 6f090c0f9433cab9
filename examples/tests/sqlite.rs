//! The store of `own_store` does what sessions need.

use std::time::Duration;

use auth_core::{BaseUrl, StoreKey, TokenStore as _};
use examples::sqlite::SqliteStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_of_the_example_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sqlite");
    let open = async || {
        SqliteStore::open(&path)
            .unwrap()
            .lease_wait(Duration::from_millis(300))
    };
    auth_store::testing::contract(open).await;
}

#[tokio::test]
async fn a_lease_that_is_taken_too_late_is_given_back_as_it_was_found() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("app.sqlite")).unwrap();
    let base = BaseUrl::parse("https://api.example.com").unwrap();
    let key = StoreKey::new("example", "sue", "", &base);
    // Whatever the thread that asks has done by then.
    for polls in 0..20 {
        let mut asking = store.lease(&key);
        for _ in 0..polls {
            tokio::select! {
                biased;
                taken = &mut asking => {
                    taken.unwrap().release().await.unwrap();
                    asking = store.lease(&key);
                }
                () = tokio::task::yield_now() => {}
            }
        }
        drop(asking);
    }
    let lease = store.lease(&key).await.unwrap();
    assert!(!lease.was_abandoned());
    lease.release().await.unwrap();
}
