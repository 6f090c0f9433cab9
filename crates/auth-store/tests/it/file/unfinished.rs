//! The unfinished file of a writer that died is deleted, and that of a living writer is not.

use std::fs;

use super::*;

const LEFT: &str = "{\"format\":\"auth-store\",\"version\":1,\"token\":{\"access\":\"left";

#[tokio::test]
async fn the_next_save_deletes_the_file_of_a_writer_that_died() {
    let (_directory, store) = store();
    put(&store, &token("a", 1)).await;
    let unfinished = file(&store, "token").with_extension("new");
    fs::write(&unfinished, LEFT).unwrap();
    assert_eq!(held(&store).await, Some(1));
    put(&store, &token("a", 2)).await;
    assert!(!unfinished.exists());
    fs::write(&unfinished, LEFT).unwrap();
    store.delete(&key()).await.unwrap();
    assert!(!unfinished.exists());
}

#[tokio::test]
async fn the_first_save_of_a_process_deletes_such_files_of_all_keys() {
    let (_directory, store) = store();
    put(&store, &token("a", 1)).await;
    // Of a key with another lock.
    let lock = file(&store, "lock");
    let digit = if lock.ends_with("write-0.lock") {
        '1'
    } else {
        '0'
    };
    let left = format!("edgeiq-{}{digit}.new", "7".repeat(63));
    let left = store.directory().join(left);
    fs::write(&left, LEFT).unwrap();
    let lock = store.directory().join(format!("write-{digit}.lock"));
    let writer = fs::File::create(&lock).unwrap();
    set_mode(&lock, 0o600);
    // Another process is writing it.
    fs4::FileExt::lock(&writer).unwrap();
    put(&FileStore::at(store.directory()), &token("a", 2)).await;
    assert!(left.exists());
    drop(writer);
    put(&FileStore::at(store.directory()), &token("a", 3)).await;
    assert!(!left.exists());
}
