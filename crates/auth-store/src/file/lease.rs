//! The right to renew one token: a lock, and a mark that tells whether its holder gave it back.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::Duration;

use auth_core::{BoxFuture, Error, Lease};

use super::directory::{self, Directory};
use super::lock::{self, Lock};
use super::name::Name;
use super::{access, at, blocking, failed};

/// What stands in the file while the lease is held, before the number of the process.
const MARK: &str = "held by process ";

/// Longer than any mark.
const MARK_BYTES: u64 = 64;

/// The lease of one key. It has no fence, since the lock ends with its holder only.
#[derive(Debug)]
pub(super) struct FileLease {
    name: Name,
    // `None` after the release.
    held: Option<Held>,
    was_abandoned: bool,
    /// Whether anybody was told of it: if not, nothing has happened under it.
    is_given: bool,
}

struct Held {
    directory: Directory,
    lock: Lock,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Held").field(&self.lock).finish()
    }
}

impl FileLease {
    /// Waits for the lease of the key called `name`, for `limit` at most.
    pub(super) async fn wait(
        directory: Directory,
        name: Name,
        limit: Duration,
    ) -> Result<Self, Error> {
        let path = directory.path(&name.lease());
        let directory = blocking(move || directory.make().map(|()| directory)).await?;
        let lock = match lock::wait(path, limit).await? {
            Ok(lock) => lock,
            Err(path) => return blocking(move || Err(busy(&path, limit))).await,
        };
        let mut lease = blocking(move || Self::mark(directory, name, lock)).await?;
        lease.is_given = true;
        Ok(lease)
    }

    fn mark(directory: Directory, name: Name, lock: Lock) -> Result<Self, Error> {
        let path = directory.path(&name.lease());
        let unmarked = |error| failed(&path, "write who holds the lease", error);
        let mut file = lock.file();
        let was_abandoned = file.metadata().map_err(unmarked)?.len() > 0;
        let mark = format!("{MARK}{}\n", std::process::id());
        // Written before it is cut, so that a full disk leaves the mark that was there. Synced,
        // since the machine may fail as well as the process.
        file.rewind()
            .and_then(|()| file.write_all(mark.as_bytes()))
            .and_then(|()| file.set_len(mark.len() as u64))
            .and_then(|()| file.sync_data())
            .map_err(|error| {
                if !was_abandoned {
                    let _ = unmark(file);
                }
                unmarked(error)
            })?;
        Ok(Self {
            name,
            held: Some(Held { directory, lock }),
            was_abandoned,
            is_given: false,
        })
    }
}

impl Lease for FileLease {
    fn was_abandoned(&self) -> bool {
        self.was_abandoned
    }

    fn release(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        let (name, held) = (self.name.clone(), self.held.take());
        Box::pin(blocking(move || {
            held.map_or(Ok(()), |held| give_back(&held, &name))
        }))
    }
}

impl Drop for FileLease {
    fn drop(&mut self) {
        // The mark stays: whoever did not get to the release broke off in the middle of something.
        if let Some(held) = &self.held
            && !(self.is_given || self.was_abandoned)
        {
            let _ = unmark(held.lock.file());
        }
    }
}

/// Takes the mark away, and the file as well where there is no token for which to keep it.
fn give_back(held: &Held, name: &Name) -> Result<(), Error> {
    let path = held.directory.path(&name.lease());
    unmark(held.lock.file())
        .map_err(|error| failed(&path, "write that the lease is free", error))?;
    if cfg!(unix) && !held.directory.has_record(name) {
        directory::remove(&path)?;
    }
    Ok(())
}

fn unmark(file: &File) -> io::Result<()> {
    file.set_len(0)
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

/// The process that says that it holds the lease.
fn holder(path: &Path) -> Option<u32> {
    let file = access::open(path, File::options().read(true)).ok()??;
    let mut mark = String::new();
    file.take(MARK_BYTES).read_to_string(&mut mark).ok()?;
    mark.strip_prefix(MARK)?.trim_end().parse().ok()
}
