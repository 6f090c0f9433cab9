//! Disks that are full, and directories that cannot be written.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use super::processes::{Process, is_child, say};
use super::*;

/// What a process does that cannot write: no token is lost, and no renewal begins.
async fn nothing_is_lost(directory: &Path) {
    let store = in_directory(directory);
    assert_eq!(held(&store).await, Some(1));
    assert_eq!(store.list().await.unwrap(), [key()]);
    let save = store.save(&key(), &token("a", 2)).await.unwrap_err();
    say(format!("save: {save}"));
    let lease = store.lease(&key()).await.unwrap_err();
    say(format!("lease: {lease}"));
    assert_eq!(held(&store).await, Some(1));
    assert_eq!(files(&store, "new"), [] as [PathBuf; 0]);
    say("done");
}

#[tokio::test]
async fn on_a_full_disk_the_token_stays_and_no_renewal_begins() {
    if let Some(directory) = is_child() {
        nothing_is_lost(&directory).await;
        return;
    }
    let test = "file::full::on_a_full_disk_the_token_stays_and_no_renewal_begins";
    let (directory, store) = store();
    put(&store, &token("a", 1)).await;
    // No file may grow: the system refuses to write as it does on a full disk.
    let mut command = Command::new("sh");
    let program = std::env::current_exe().unwrap();
    command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""]);
    command.arg(program);
    let said = Process::run_as(command, test, directory.path()).lines_to_the_end();
    let [save, lease, done] = &said[..] else {
        panic!("{said:?}")
    };
    assert!(
        save.contains(".new: cannot write the token: File too large"),
        "{save}"
    );
    assert!(
        lease.contains("cannot write who holds the lease: File too large"),
        "{lease}"
    );
    assert_eq!(done, "done");
    // Once there is space again, the lease does not count as abandoned.
    put(&store, &token("a", 2)).await;
    assert!(!store.lease(&key()).await.unwrap().was_abandoned());
}

#[tokio::test]
async fn in_a_directory_that_cannot_be_written_tokens_are_read() {
    if let Some(directory) = is_child() {
        nothing_is_lost(&directory).await;
        return;
    }
    let test = "file::full::in_a_directory_that_cannot_be_written_tokens_are_read";
    let (directory, store) = store();
    put(&store, &token("a", 1)).await;
    set_mode(store.directory(), 0o500);
    let mut program = std::env::current_exe().unwrap();
    if is_root() {
        // Root may write anywhere, so the child runs as another user.
        let other_user = Some(OTHER_USER);
        for path in fs::read_dir(store.directory()).unwrap() {
            chown(path.unwrap().path(), other_user, other_user).unwrap();
        }
        chown(store.directory(), other_user, other_user).unwrap();
        set_mode(directory.path(), 0o755);
        let copy = directory.path().join("program");
        fs::copy(&program, &copy).unwrap();
        program = copy;
    }
    let mut command = Command::new(program);
    command.current_dir("/");
    if is_root() {
        command.uid(OTHER_USER).gid(OTHER_USER);
    }
    let said = Process::run_as(command, test, directory.path()).lines_to_the_end();
    let [save, lease, done] = &said[..] else {
        panic!("{said:?}")
    };
    assert!(save.contains("Permission denied"), "{save}");
    assert!(
        lease.contains(".lease: cannot open it: Permission denied"),
        "{lease}"
    );
    assert_eq!(done, "done");
    set_mode(store.directory(), 0o700);
}
