//! A lock on one file.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use auth_core::Error;
use fs4::{FileExt, TryLockError};
use tokio::time::Instant;

use crate::disk::{blocking, call, missing, open, unless_missing};

/// The first pause between two attempts. Each later pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// The longest pause.
const LAST_PAUSE: Duration = Duration::from_millis(50);

/// A lock on a file. It excludes all others that opened the file, this process included.
#[derive(Debug)]
pub(crate) struct FileLock {
    file: File,
    process: u32,
}

/// The outcome of one attempt.
pub(super) enum Attempt {
    Locked(FileLock),
    /// Another holder has it. The file is for the next attempt.
    Busy(File),
}

impl FileLock {
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Whether this process took the lock, and not the one from which it was forked. That one still
    /// has it.
    pub(super) fn is_here(&self) -> bool {
        self.process == std::process::id()
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child process that was just forked may have it open. That
        // one only closes it.
        if self.is_here() {
            let _ = FileExt::unlock(&self.file);
        }
    }
}

/// Makes the file `path` and waits for its lock. Returns the path if the lock is still held
/// elsewhere after `limit`.
pub(super) async fn wait(
    path: PathBuf,
    limit: Duration,
) -> Result<Result<FileLock, PathBuf>, Error> {
    // By polling, because a thread that waits in the system's queue cannot be cancelled and would
    // keep the runtime from ending.
    let end = Instant::now().checked_add(limit);
    let mut pause = FIRST_PAUSE;
    let mut opened = None;
    loop {
        let file = path.clone();
        match blocking(move || attempt(&file, opened)).await? {
            Attempt::Locked(lock) => return Ok(Ok(lock)),
            Attempt::Busy(file) => opened = Some(file),
        }
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(Err(path));
        }
        tokio::time::sleep(pause.min(left.unwrap_or(pause))).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Tries to lock the file `path`, which may be `opened` already. Otherwise it is opened or made.
pub(super) fn attempt(path: &Path, mut opened: Option<File>) -> Result<Attempt, Error> {
    loop {
        let file = match opened.take() {
            Some(file) => file,
            None => make(path)?,
        };
        let is_locked = call(path, "lock it", || match FileExt::try_lock(&file) {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        })?;
        if !is_locked {
            return Ok(Attempt::Busy(file));
        }
        let process = std::process::id();
        let lock = FileLock { file, process };
        if is_at(path, &lock.file)? {
            return Ok(Attempt::Locked(lock));
        }
        // Its last holder deleted the file, and others lock the new one at this path.
    }
}

fn make(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false);
    let made = open(path, options)?;
    made.ok_or_else(|| missing(path))
}

/// Whether the file `path` is `file`.
#[cfg(unix)]
fn is_at(path: &Path, file: &File) -> Result<bool, Error> {
    use std::os::unix::fs::MetadataExt as _;

    const LOOK: &str = "look at it";
    let locked = call(path, LOOK, || file.metadata())?;
    let there = unless_missing(call(path, LOOK, || std::fs::symlink_metadata(path)))?;
    let id = (locked.dev(), locked.ino());
    Ok(there.is_some_and(|there| (there.dev(), there.ino()) == id))
}

/// There, the file of a lock is never deleted.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix it can fail")]
fn is_at(_path: &Path, _file: &File) -> Result<bool, Error> {
    Ok(true)
}
