//! Locks on files, which the system frees when their holder dies.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind as Io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use auth_core::Error;
use fs4::{FileExt, TryLockError};
use tokio::time::Instant;

use super::{access, blocking, failed};

/// The first pause between two looks at a lock of somebody else's; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// The longest pause.
const LAST_PAUSE: Duration = Duration::from_millis(50);

/// A lock on a file. It excludes everybody who opened the file, in this process, too.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

/// What came of one try.
pub(super) enum Attempt {
    Got(Lock),
    /// Somebody else has it. The file, for the next try.
    Busy(File),
}

impl Lock {
    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Not by closing the file alone: a child process that was just forked may have it, too.
        let _ = FileExt::unlock(&self.file);
    }
}

/// Waits for the lock on the file `path`, which is made; for `limit` at most, after which the
/// path is given back.
pub(super) async fn wait(path: PathBuf, limit: Duration) -> Result<Result<Lock, PathBuf>, Error> {
    // Looking again and again, since a thread that waits in the system's queue cannot be called
    // back and would keep the runtime from ending.
    let end = Instant::now().checked_add(limit);
    let mut pause = FIRST_PAUSE;
    let mut open = None;
    loop {
        let place = path.clone();
        match blocking(move || attempt(&place, open)).await? {
            Attempt::Got(lock) => return Ok(Ok(lock)),
            Attempt::Busy(file) => open = Some(file),
        }
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(Err(path));
        }
        tokio::time::sleep(pause.min(left.unwrap_or(pause))).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Tries to lock the file `path`, which is `open` perhaps, and is made otherwise.
pub(super) fn attempt(path: &Path, mut open: Option<File>) -> Result<Attempt, Error> {
    loop {
        let file = match open.take() {
            Some(file) => file,
            None => make(path)?,
        };
        match FileExt::try_lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Attempt::Busy(file)),
            Err(TryLockError::Error(error)) => return Err(failed(path, "lock it", error)),
        }
        let lock = Lock { file };
        if is_at(path, &lock.file).map_err(|error| failed(path, "look at it", error))? {
            return Ok(Attempt::Got(lock));
        }
        // Its last holder has deleted the file, and others lock the one that is there now.
    }
}

fn make(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false);
    let made = access::open(path, options)?;
    made.ok_or_else(|| failed(path, "make it", Io::NotFound.into()))
}

/// Whether the file `path` is `file`.
#[cfg(unix)]
fn is_at(path: &Path, file: &File) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let ours = file.metadata()?;
    match std::fs::symlink_metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == Io::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// No lock's file is ever deleted there.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix it can fail")]
fn is_at(_path: &Path, _file: &File) -> std::io::Result<bool> {
    Ok(true)
}
