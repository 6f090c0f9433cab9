//! What cannot be read is reported and kept, and never replaced.

use std::fs;

use super::*;

/// Checks that all calls refuse the file and keep it, and that it can be deleted.
async fn refused(store: &FileStore, content: &[u8]) -> String {
    put(store, &token("a", 1)).await;
    let path = file(store, "token");
    fs::write(&path, content).unwrap();
    let mut all = all_say(store, &path).await;
    all.dedup();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(fs::read(&path).unwrap(), content);
    assert_eq!(files(store, "new"), [] as [PathBuf; 0]);
    store.delete(&key()).await.unwrap();
    assert_eq!(held(store).await, None);
    all.remove(0)
}

/// Checks that all calls take the file for no record, and that it is kept aside.
async fn kept_aside(store: &FileStore, content: &[u8]) {
    put(store, &token("a", 1)).await;
    let path = file(store, "token");
    fs::write(&path, content).unwrap();
    assert_eq!(held(store).await, None);
    assert_eq!(store.list().await.unwrap(), []);
    // Nothing has changed until a token is there to replace it.
    assert_eq!(fs::read(&path).unwrap(), content);
    put(store, &token("b", 1)).await;
    assert_eq!(held(store).await, Some(1));
    let aside = file(store, "damaged");
    assert_eq!(fs::read(&aside).unwrap(), content);
    assert_eq!(mode(&aside), 0o600);
    assert_eq!(store.list().await.unwrap(), [key()]);
    put(store, &token("c", 2)).await;
    assert_eq!(fs::read(&aside).unwrap(), content);
    // It may hold a token, which a log-out deletes.
    store.delete(&key()).await.unwrap();
    assert_eq!(files(store, "damaged"), [] as [PathBuf; 0]);
    assert_eq!(held(store).await, None);
}

#[tokio::test]
async fn a_file_that_is_cut_off_is_taken_for_none_and_kept_aside() {
    let (_directory, store) = store();
    put(&store, &token("a", 1)).await;
    let whole = fs::read(file(&store, "token")).unwrap();
    store.delete(&key()).await.unwrap();
    for length in 0..whole.len() {
        kept_aside(&store, &whole[..length]).await;
    }
}

#[tokio::test]
async fn what_is_no_json_is_taken_for_none_and_kept_aside() {
    let (_directory, store) = store();
    for content in [
        &b"my shopping list"[..],
        &[0],
        &[0; 4096],
        &[0xff, 0xfe],
        b"\n",
    ] {
        kept_aside(&store, content).await;
    }
}

#[tokio::test]
async fn a_damaged_record_is_reported_in_the_log() {
    let (_directory, store) = store();
    put(&store, &token("a", 1)).await;
    let path = file(&store, "token");
    fs::write(&path, "{\"token\":{\"access\":\"access-").unwrap();
    let (log, _guard) = log();
    assert_eq!(held(&store).await, None);
    put(&store, &token("b", 1)).await;
    let said = log.text();
    let lines = [
        (path.clone(), "is taken for none"),
        (path.with_extension("damaged"), "is kept here"),
    ];
    for (path, what) in lines {
        let path = path.display().to_string();
        let is_said =
            |line: &str| line.contains("WARN") && line.contains(what) && line.contains(&path);
        assert!(said.lines().any(is_said), "{said}");
    }
    assert!(!said.contains("access-"), "{said}");
}

#[tokio::test]
async fn a_damaged_record_that_cannot_be_kept_aside_is_not_replaced() {
    let (_directory, store) = store();
    put(&store, &token("a", 1)).await;
    let path = file(&store, "token");
    fs::write(&path, "").unwrap();
    let aside = path.with_extension("damaged");
    fs::create_dir(&aside).unwrap();
    let said = said(store.save(&key(), &token("b", 1)).await, &path);
    assert!(
        said.contains("cannot keep the damaged record aside"),
        "{said}"
    );
    assert_eq!(fs::read(&path).unwrap(), b"");
    fs::remove_dir(&aside).unwrap();
    put(&store, &token("b", 1)).await;
}

#[tokio::test]
async fn what_another_program_wrote_is_kept_and_never_replaced() {
    let (_directory, store) = store();
    let long = vec![b' '; (1 << 20) + 1];
    for (content, expected) in [
        (
            &br#"["my", "shopping list"]"#[..],
            "this is not a record of auth-store",
        ),
        (
            br#"{"format":"shop"}"#,
            "this is not a record of auth-store",
        ),
        (b"null", "this is not a record of auth-store"),
        (
            &long,
            "this is not a record of auth-store: it is far too long",
        ),
        (
            br#"{"format":"auth-store","version":2,"secret":"access-"}"#,
            "written by a later version of auth-store: record version 2; this one reads 1",
        ),
    ] {
        let said = refused(&store, content).await;
        assert!(said.ends_with(expected), "{said}");
    }
}

#[tokio::test]
async fn a_record_under_another_keys_name_is_refused() {
    let (_directory, store) = store();
    put(&store, &token("a", 1)).await;
    let path = file(&store, "token");
    let other = key_of("user2@iqm.com");
    let saved = store.save(&other, &token("b", 1)).await.unwrap();
    assert_eq!(saved, SaveOutcome::Saved);
    let others = files(&store, "token");
    let others = others.iter().find(|it| **it != path).unwrap();
    fs::copy(others, &path).unwrap();
    for said in all_say(&store, &path).await {
        assert!(
            said.ends_with("this is the record of another key"),
            "{said}"
        );
    }
    assert!(store.load(&other).await.unwrap().is_some());
}

#[tokio::test]
async fn files_with_other_names_are_left_alone() {
    let (_directory, store) = store();
    put(&store, &token("a", 1)).await;
    let notes = ["notes.txt", "iqm.token", "iqm-0.new", ".token"];
    for name in notes {
        fs::write(store.directory().join(name), "mine").unwrap();
    }
    let fresh = FileStore::at(store.directory());
    assert_eq!(fresh.list().await.unwrap(), [key()]);
    put(&fresh, &token("a", 2)).await;
    fresh.delete(&key()).await.unwrap();
    for name in notes {
        let text = fs::read_to_string(store.directory().join(name)).unwrap();
        assert_eq!(text, "mine", "{name}");
    }
}

#[cfg(feature = "encryption")]
#[tokio::test]
async fn a_file_is_read_with_the_key_with_which_it_was_written_only() {
    use auth_store::EncryptionKey;

    let (_directory, plain) = store();
    let sealed_with = |letter: &str| {
        let key = EncryptionKey::from_base64(&format!("{}=", letter.repeat(43)).into());
        plain.clone().encrypt_with(key.unwrap())
    };
    // The last letter of 43 holds four bits.
    let (sealed, other) = (sealed_with("A"), sealed_with("Q"));
    put(&sealed, &token("a", 1)).await;
    let path = file(&plain, "token");
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        !text.contains("access") && !text.contains("refresh"),
        "{text}"
    );
    for (store, expected) in [
        (
            &plain,
            "the record is encrypted, and this store was given no encryption key",
        ),
        (&other, "encrypted with another key, or was changed since"),
    ] {
        for result in [
            store.load(&key()).await.map(|_| ()),
            store.save(&key(), &token("b", 9)).await.map(|_| ()),
        ] {
            let said = said(result, &path);
            assert!(said.ends_with(expected), "{said}");
        }
        // The keys are not secret.
        assert_eq!(store.list().await.unwrap(), [key()]);
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    sealed.delete(&key()).await.unwrap();
    put(&plain, &token("a", 1)).await;
    let said = said(sealed.load(&key()).await, &path);
    assert!(said.contains("the record is not encrypted"), "{said}");
}
