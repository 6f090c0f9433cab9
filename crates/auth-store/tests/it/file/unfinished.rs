//! What a writer that died has left is taken away, and a living one's is not.

use std::fs;

use super::*;

const LEFT: &str = "{\"format\":\"auth-store\",\"version\":1,\"token\":{\"access\":\"left";

#[tokio::test]
async fn the_file_of_a_writer_that_died_goes_with_the_next_save() {
    let (_directory, store) = store();
    put(&store, &token(1, "a")).await;
    let unfinished = file(&store, "token").with_extension("new");
    fs::write(&unfinished, LEFT).unwrap();
    assert_eq!(held(&store).await, Some(1));
    put(&store, &token(2, "a")).await;
    assert!(!unfinished.exists());
    fs::write(&unfinished, LEFT).unwrap();
    store.delete(&key()).await.unwrap();
    assert!(!unfinished.exists());
}

#[tokio::test]
async fn the_files_of_all_keys_go_when_another_process_begins() {
    let (_directory, store) = store();
    put(&store, &token(1, "a")).await;
    // Of a key that is locked by itself.
    let ours = file(&store, "lock");
    let digit = if ours.ends_with("write-0.lock") {
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
    // Somebody is writing it.
    fs4::FileExt::lock(&writer).unwrap();
    put(&FileStore::at(store.directory()), &token(2, "a")).await;
    assert!(left.exists());
    drop(writer);
    put(&FileStore::at(store.directory()), &token(3, "a")).await;
    assert!(!left.exists());
}
