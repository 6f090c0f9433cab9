//! Files and directories that only their owner can use. All others are refused, and each error begins
//! with the path.

mod access;
#[cfg(test)]
pub(crate) mod faults;
mod system;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind as Io, Read as _, Write as _};
use std::path::Path;

use auth_core::Error;
use tracing::{Dispatch, dispatcher};

use crate::error::store_error;
use crate::record::Bytes;
pub(crate) use system::{Failed, at, call, sync_directory, sync_file, unless_missing};

/// A record has a few hundred bytes, or a few thousand with a large JWT in it.
const MAX_BYTES: u64 = 1 << 20;

/// Runs `work` on a thread that may wait for the disk.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    // A subscriber that is set for one thread only sees what is logged there, too.
    let subscriber = dispatcher::get_default(Dispatch::clone);
    let work = move || dispatcher::with_default(&subscriber, work);
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        Err(store_error(
            "the runtime ended while a token file was read or written",
        ))
    })
}

/// The whole file; `None` if there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Bytes>, Error> {
    const READ: &str = "read it";
    let Some(mut file) = open(path, OpenOptions::new().read(true))? else {
        return Ok(None);
    };
    let length = call(path, READ, || file.metadata())?.len();
    if length > MAX_BYTES {
        return Err(at(
            path,
            "this is not a record of auth-store: it is far too long",
        ));
    }
    // Enough capacity for all of it: a buffer that grows leaves copies behind.
    let capacity = usize::try_from(length).unwrap_or_default() + 1;
    let mut bytes = Bytes::new(Vec::with_capacity(capacity));
    call(path, READ, || {
        (&mut file).take(MAX_BYTES).read_to_end(&mut bytes)
    })?;
    Ok(Some(bytes))
}

/// Opens a file that only its owner can use; `None` if there is none.
pub(crate) fn open(path: &Path, options: &mut OpenOptions) -> Result<Option<File>, Error> {
    let options = private(options);
    let file = match unless_missing(call(path, "open it", || options.open(path))) {
        Ok(Some(file)) => file,
        Ok(None) => return Ok(None),
        Err(failed) => {
            // The owner or the mode may explain why it is not allowed.
            if let Ok(metadata) = fs::symlink_metadata(path) {
                access::check_file(path, &metadata)?;
            }
            return Err(failed.into());
        }
    };
    let metadata = call(path, "look at it", || file.metadata())?;
    access::check_file(path, &metadata)?;
    Ok(Some(file))
}

/// Checks the directory `path`; `false` if there is none.
pub(crate) fn check_directory(path: &Path) -> Result<bool, Error> {
    let metadata = unless_missing(call(path, "look at it", || fs::metadata(path)))?;
    let Some(metadata) = metadata else {
        return Ok(false);
    };
    access::check_directory(path, &metadata)?;
    Ok(true)
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;

    // Opening a named pipe would wait for its other end.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.mode(0o600).custom_flags(flags.bits().cast_signed())
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Makes the directory `path`, unless it exists.
pub(crate) fn make_directory(path: &Path) -> Result<(), Error> {
    if check_directory(path)? {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true);
    call(path, "make this directory", || builder.create(path))?;
    // Some file systems ignore the mode.
    check_directory(path)?;
    Ok(path.parent().map_or(Ok(()), sync_directory)?)
}

/// Makes the file `path` with `content`, and writes it to the disk. A file that is there is deleted.
pub(crate) fn write_whole(path: &Path, content: &[u8], what: &str) -> Result<(), Error> {
    remove(path)?;
    let mut options = OpenOptions::new();
    let made = open(path, options.write(true).create_new(true))?;
    let mut file = made.ok_or_else(|| missing(path))?;
    call(path, what, || file.write_all(content))?;
    Ok(sync_file(path, what, &file)?)
}

/// For a file that should have been made.
pub(crate) fn missing(path: &Path) -> Error {
    at(path, format_args!("cannot make it: {}", Io::NotFound))
}

/// Deletes a file; `false` if there is none.
pub(crate) fn remove(path: &Path) -> Result<bool, Failed> {
    let removed = call(path, "delete it", || fs::remove_file(path));
    unless_missing(removed).map(|removed| removed.is_some())
}
