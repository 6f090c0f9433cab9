//! The right to renew one token: a lock, and a mark that shows whether its holder gave it back.

use std::fmt;
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use auth_core::{BoxFuture, Error, Lease};

use super::file_lock::{self, FileLock};
use crate::disk::{self, Failed, at, blocking, call};
use crate::name::Name;
use crate::thread::Thread;

/// The text in the file while the lease is held. The number of the process follows it.
const MARK: &str = "held by process ";

/// Longer than any mark.
const MARK_BYTES: u64 = 64;

/// More than most records have.
const TRIAL_BYTES: usize = 8 * 1024;

/// The lease of one key. It has no fence, because the lock never ends before its holder does.
pub(super) struct FileLease {
    thread: Thread,
    directory: Arc<Path>,
    name: Name,
    // `None` after the release.
    lock: Option<FileLock>,
    was_abandoned: bool,
    /// Whether the caller got it. If not, nothing has happened under it.
    is_given: bool,
}

impl FileLease {
    /// Waits for the lease of the key called `name`, for `limit` at most. Call it on the thread.
    pub(super) async fn wait(
        thread: Thread,
        directory: Arc<Path>,
        name: Name,
        limit: Duration,
    ) -> Result<Self, Error> {
        let path = directory.join(name.lease());
        let made = Arc::clone(&directory);
        blocking(move || disk::make_directory(&made)).await?;
        let lock = match file_lock::wait(path, limit).await? {
            Ok(lock) => lock,
            Err(path) => return blocking(move || Err(busy(&path, limit))).await,
        };
        blocking(move || Self::mark(thread, directory, name, lock)).await
    }

    /// The same lease, once the caller has it.
    pub(super) fn given(mut self) -> Self {
        self.is_given = true;
        self
    }

    fn mark(
        thread: Thread,
        directory: Arc<Path>,
        name: Name,
        lock: FileLock,
    ) -> Result<Self, Error> {
        const MARKED: &str = "write who holds the lease";
        let path = directory.join(name.lease());
        let mut file = lock.file();
        let was_abandoned = call(&path, MARKED, || file.metadata())?.len() > 0;
        let mark = format!("{MARK}{}\n", std::process::id());
        // Written before the file is cut, so that a full disk leaves the earlier mark. Synced,
        // because the machine may fail as well as the process.
        let marked = call(&path, MARKED, || file.rewind())
            .and_then(|()| call(&path, MARKED, || file.write_all(mark.as_bytes())))
            .and_then(|()| call(&path, MARKED, || file.set_len(mark.len() as u64)))
            .and_then(|()| disk::sync_file(&path, MARKED, file))
            .map_err(Error::from)
            .and_then(|()| check_space(&directory, &name));
        if let Err(error) = marked {
            if !was_abandoned {
                let _ = unmark(&path, file);
            }
            return Err(error);
        }
        Ok(Self {
            thread,
            directory,
            name,
            lock: Some(lock),
            was_abandoned,
            is_given: false,
        })
    }

    /// Deletes the mark, and the file as well if there is no token for which to keep it.
    fn give_back(&self, lock: &FileLock) -> Result<(), Error> {
        let path = self.path();
        unmark(&path, lock.file())?;
        let record = self.directory.join(self.name.record());
        if cfg!(unix) && std::fs::symlink_metadata(record).is_err() {
            disk::remove(&path)?;
        }
        Ok(())
    }

    fn path(&self) -> PathBuf {
        self.directory.join(self.name.lease())
    }
}

/// Finds out before the vendor is asked whether a new file fits on the disk. The mark is in a file that
/// exists, and a token needs one more: its bytes, and an inode.
fn check_space(directory: &Path, name: &Name) -> Result<(), Error> {
    let path = directory.join(name.trial());
    let written = disk::write_whole(&path, &[0; TRIAL_BYTES], "write a file as long as a token");
    let removed = disk::remove(&path);
    written?;
    removed?;
    Ok(())
}

impl Lease for FileLease {
    fn was_abandoned(&self) -> bool {
        self.was_abandoned
    }

    fn release(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        let thread = self.thread.clone();
        Box::pin(async move {
            let give_back = blocking(move || {
                let lock = self.lock.take();
                lock.map_or(Ok(()), |lock| self.give_back(&lock))
            });
            // To its end: a caller that is dropped now has finished its renewal.
            thread.run(give_back).await
        })
    }
}

impl Drop for FileLease {
    fn drop(&mut self) {
        // The mark stays: a holder that did not release the lease was interrupted.
        if let Some(lock) = &self.lock
            && lock.is_here()
            && !(self.is_given || self.was_abandoned)
        {
            let _ = unmark(&self.path(), lock.file());
        }
    }
}

impl fmt::Debug for FileLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileLease")
            .field("name", &self.name)
            .field("was_abandoned", &self.was_abandoned)
            .finish_non_exhaustive()
    }
}

fn unmark(path: &Path, file: &File) -> Result<(), Failed> {
    call(path, "write that the lease is free", || file.set_len(0))
}

fn busy(path: &Path, limit: Duration) -> Error {
    let holder = holder(path).map_or_else(
        || "another session".to_owned(),
        |process| format!("process {process}"),
    );
    at(
        path,
        format_args!("{holder} renews the token and has not finished within {limit:?}"),
    )
}

/// The process that holds the lease, according to the mark.
fn holder(path: &Path) -> Option<u32> {
    let file = disk::open(path, File::options().read(true)).ok()??;
    let mut mark = String::new();
    file.take(MARK_BYTES).read_to_string(&mut mark).ok()?;
    mark.strip_prefix(MARK)?.trim_end().parse().ok()
}
