//! Only the owner reads tokens. Anything else is refused, with a message that says what to do.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};

use super::*;

#[tokio::test]
async fn what_is_made_is_the_owners_alone_whatever_the_umask() {
    let (directory, _) = store();
    let store = FileStore::at(directory.path().join("a/b/tokens"));
    assert_eq!(held(&store).await, None);
    assert_eq!(store.list().await.unwrap(), []);
    store.delete(&key()).await.unwrap();
    assert!(!directory.path().join("a").exists(), "made too early");
    put(&store, &token("a", 1)).await;
    let lease = store.lease(&key()).await.unwrap();
    for made in ["a", "a/b", "a/b/tokens"] {
        assert_eq!(mode(&directory.path().join(made)), 0o700, "{made}");
    }
    let mut count = 0;
    for ending in ["token", "lease", "lock"] {
        for path in files(&store, ending) {
            assert_eq!(mode(&path), 0o600, "{path:?}");
            count += 1;
        }
    }
    assert_eq!(count, 3);
    lease.release().await.unwrap();
}

#[tokio::test]
async fn a_file_that_others_have_rights_to_is_refused() {
    let (_directory, store) = store();
    put(&store, &token("a", 1)).await;
    let path = file(&store, "token");
    for bad in [0o604, 0o640, 0o620, 0o601, 0o610, 0o666] {
        set_mode(&path, bad);
        for said in all_say(&store, &path).await {
            let expected = format!("(mode {bad:04o}); run `chmod 600 '{}'`", path.display());
            assert!(said.ends_with(&expected), "{said}");
        }
    }
    // As the message says.
    set_mode(&path, 0o600);
    assert_eq!(held(&store).await, Some(1));
}

#[tokio::test]
async fn a_directory_that_others_have_rights_to_is_refused() {
    let (_directory, store) = store();
    put(&store, &token("a", 1)).await;
    let path = store.directory();
    for bad in [0o755, 0o750, 0o701, 0o1777] {
        set_mode(path, bad);
        let mut all = all_say(&store, path).await;
        all.push(said(store.lease(&key()).await, path));
        all.push(said(store.delete(&key()).await, path));
        for said in all {
            let expected = format!("(mode {bad:04o}); run `chmod 700 '{}'`", path.display());
            assert!(said.ends_with(&expected), "{said}");
        }
    }
    set_mode(path, 0o700);
    assert_eq!(held(&store).await, Some(1));
}

#[tokio::test]
async fn what_belongs_to_another_user_is_refused() {
    if !is_root() {
        // It belongs to root.
        let store = FileStore::at("/etc");
        let said = said(store.load(&key()).await, store.directory());
        assert!(
            said.contains("it belongs to user 0, and this program"),
            "{said}"
        );
        return;
    }
    let (_directory, store) = store();
    put(&store, &token("a", 1)).await;
    store.lease(&key()).await.unwrap().release().await.unwrap();
    let record = file(&store, "token");
    for path in [&record, store.directory()] {
        chown(path, Some(OTHER_USER), None).unwrap();
        for said in all_say(&store, path).await {
            assert!(said.contains("belongs to user 65534"), "{said}");
            let expected = format!("run `chown 0 '{}'`", path.display());
            assert!(said.contains(&expected), "{said}");
        }
        chown(path, Some(0), None).unwrap();
    }
    let lease = file(&store, "lease");
    chown(&lease, Some(OTHER_USER), None).unwrap();
    said(store.lease(&key()).await, &lease);
}

#[tokio::test]
async fn no_symbolic_link_is_followed_to_a_file() {
    let (directory, store) = store();
    put(&store, &token("a", 1)).await;
    let lease = store.lease(&key()).await.unwrap();
    let lease_path = file(&store, "lease");
    lease.release().await.unwrap();
    let path = file(&store, "token");
    let target = directory.path().join("elsewhere");
    std::fs::rename(&path, &target).unwrap();
    let before = std::fs::read(&target).unwrap();
    for target in [target.clone(), directory.path().join("nowhere")] {
        symlink(&target, &path).unwrap();
        for said in all_say(&store, &path).await {
            assert!(said.ends_with("put the file itself here"), "{said}");
        }
        // The link is deleted, not the file.
        store.delete(&key()).await.unwrap();
        assert!(path.symlink_metadata().is_err());
    }
    std::fs::remove_file(&lease_path).ok();
    symlink(&target, &lease_path).unwrap();
    said(store.lease(&key()).await, &lease_path);
    // Nothing is written through a link.
    let unfinished = path.with_extension("new");
    symlink(&target, &unfinished).unwrap();
    put(&store, &token("a", 2)).await;
    assert_eq!(std::fs::read(&target).unwrap(), before);
    assert!(unfinished.symlink_metadata().is_err());
}

#[tokio::test]
async fn a_file_with_a_second_name_is_refused() {
    let (directory, store) = store();
    put(&store, &token("a", 1)).await;
    let lease = store.lease(&key()).await.unwrap();
    lease.release().await.unwrap();
    let second = directory.path().join("second");
    let refused = |said: &str| assert!(said.contains("2 names (hard links)"), "{said}");
    for ending in ["token", "lease", "lock"] {
        let path = file(&store, ending);
        std::fs::hard_link(&path, &second).unwrap();
        match ending {
            "token" => all_say(&store, &path)
                .await
                .iter()
                .for_each(|it| refused(it)),
            "lease" => refused(&said(store.lease(&key()).await, &path)),
            _ => refused(&said(store.save(&key(), &token("a", 2)).await, &path)),
        }
        std::fs::remove_file(&second).unwrap();
    }
    assert_eq!(held(&store).await, Some(1));
    let lease = store.lease(&key()).await.unwrap();
    // It was refused before it was marked.
    assert!(!lease.was_abandoned());
    put(&store, &token("a", 2)).await;
}

#[tokio::test]
async fn a_directory_that_others_could_replace_is_refused() {
    let (directory, _) = store();
    let above = directory.path().join("above");
    let inner = above.join("inner");
    let store = FileStore::at(inner.join("tokens"));
    put(&store, &token("a", 1)).await;
    let link = directory.path().join("link");
    symlink(store.directory(), &link).unwrap();
    let by_link = FileStore::at(&link);
    let refused = async || {
        for store in [&store, &by_link] {
            let path = store.directory();
            let mut all = all_say(store, path).await;
            all.push(said(store.lease(&key()).await, path));
            all.push(said(store.delete(&key()).await, path));
            for said in all {
                let named = format!("because '{}' above it", above.display());
                assert!(said.contains(&named), "{said}");
            }
        }
    };
    for bad in [0o777, 0o757, 0o703] {
        set_mode(&above, bad);
        refused().await;
    }
    if is_root() {
        set_mode(&above, 0o755);
        // The owner, and a group that is not the owner's own.
        chown(&above, Some(OTHER_USER - 1), None).unwrap();
        refused().await;
        chown(&above, Some(0), Some(OTHER_USER)).unwrap();
        set_mode(&above, 0o775);
        refused().await;
    }
    // As `/tmp` has it, and what only its owner can write.
    for good in [0o1777, 0o755] {
        set_mode(&above, good);
        assert_eq!(held(&store).await, Some(1));
        assert_eq!(held(&by_link).await, Some(1));
    }
}

#[tokio::test]
async fn a_directory_or_a_pipe_is_no_record() {
    let (_directory, store) = store();
    put(&store, &token("a", 1)).await;
    let path = file(&store, "token");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    for said in all_say(&store, &path).await {
        assert!(said.ends_with("not a regular file; move it away"), "{said}");
    }
    std::fs::remove_dir(&path).unwrap();
    // No process writes to it, and opening it must not wait for one.
    let owner_only = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, owner_only).unwrap();
    for said in all_say(&store, &path).await {
        assert!(said.ends_with("not a regular file; move it away"), "{said}");
    }
    std::fs::remove_file(&path).unwrap();
    let no_directory = FileStore::at(file(&store, "lock"));
    let said = said(no_directory.load(&key()).await, no_directory.directory());
    assert!(said.contains("this is not a directory"), "{said}");
}

#[tokio::test]
async fn a_link_to_the_directory_is_fine_if_the_directory_is() {
    let (directory, store) = store();
    put(&store, &token("a", 1)).await;
    let link = directory.path().join("link");
    symlink(store.directory(), &link).unwrap();
    let store = FileStore::at(&link);
    assert_eq!(held(&store).await, Some(1));
    put(&store, &token("a", 2)).await;
    assert_eq!(link.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(link.metadata().unwrap().nlink(), 2);
}
