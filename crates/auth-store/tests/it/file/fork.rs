//! A store in a child process made by `fork()`.

use std::sync::{Arc, Mutex};

use super::*;
use crate::surroundings::{in_a_child, without_runtime};

#[test]
fn a_child_uses_the_store_on_a_thread_of_its_own_and_leaves_the_parent_s_lease() {
    let (_directory, store) = store();
    without_runtime(put(&store, &token("a", 1)));
    let released = without_runtime(store.lease(&key())).unwrap();
    let dropped = without_runtime(store.lease(&key_of("user2@iqm.com"))).unwrap();
    let leases = Arc::new(Mutex::new(Some((released, dropped))));
    let hasty = store.clone().lease_wait(Duration::ZERO);
    let (theirs, of_child) = (Arc::clone(&leases), hasty.clone());
    in_a_child(move || {
        without_runtime(async {
            let store = of_child;
            assert_eq!(held(&store).await, Some(1));
            put(&store, &token("b", 2)).await;
            let (released, dropped) = theirs.lock().unwrap().take().unwrap();
            let error = released.release().await.unwrap_err();
            assert!(error.to_string().contains("was forked"), "{error}");
            drop(dropped);
            for key in [key(), key_of("user2@iqm.com")] {
                store.lease(&key).await.unwrap_err();
            }
            let lease = store.lease(&key_of("user3@iqm.com")).await.unwrap();
            lease.release().await.unwrap();
        });
    });
    assert_eq!(without_runtime(held(&store)), Some(2));
    for key in [key(), key_of("user2@iqm.com")] {
        without_runtime(hasty.lease(&key)).unwrap_err();
    }
    let (released, dropped) = leases.lock().unwrap().take().unwrap();
    without_runtime(released.release()).unwrap();
    drop(dropped);
    let next = without_runtime(hasty.lease(&key())).unwrap();
    assert!(!next.was_abandoned());
    let next = without_runtime(hasty.lease(&key_of("user2@iqm.com"))).unwrap();
    assert!(next.was_abandoned());
}
