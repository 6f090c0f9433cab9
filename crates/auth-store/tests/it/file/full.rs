//! Disks that are full, and directories that cannot be written.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use super::processes::{Process, is_child, say};
use super::*;

/// What a process does that cannot write: nothing is lost, and nothing begun.
async fn nothing_is_lost(directory: &Path) {
    let store = in_directory(directory);
    assert_eq!(held(&store).await, Some(1));
    assert_eq!(store.list().await.unwrap(), [key()]);
    let save = store.save(&key(), &token(2, "a")).await.unwrap_err();
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
    put(&store, &token(1, "a")).await;
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
    // When there is room again, nobody is blamed for it.
    put(&store, &token(2, "a")).await;
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
    put(&store, &token(1, "a")).await;
    set_mode(store.directory(), 0o500);
    let mut program = std::env::current_exe().unwrap();
    if is_root() {
        // Root writes wherever it likes, so the child is somebody else.
        let nobody = Some(65534);
        for path in fs::read_dir(store.directory()).unwrap() {
            chown(path.unwrap().path(), nobody, nobody).unwrap();
        }
        chown(store.directory(), nobody, nobody).unwrap();
        set_mode(directory.path(), 0o755);
        let copy = directory.path().join("program");
        fs::copy(&program, &copy).unwrap();
        program = copy;
    }
    let mut command = Command::new(program);
    command.current_dir("/");
    if is_root() {
        command.uid(65534).gid(65534);
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
