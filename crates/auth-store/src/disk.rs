//! Files and directories that only their owner can use. All others are refused, and each error begins
//! with the path.

use std::fmt;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{ErrorKind as Io, Read as _};
use std::path::Path;

use auth_core::Error;

use crate::error::store_error;
use crate::record::Bytes;

/// A record has a few hundred bytes, or a few thousand with a large JWT in it.
const MAX_BYTES: u64 = 1 << 20;

/// Runs `work` on a thread that may wait for the disk.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        Err(store_error(
            "the runtime ended while a token file was read or written",
        ))
    })
}

/// An error about the file or directory `path`.
pub(crate) fn at(path: &Path, what: impl fmt::Display) -> Error {
    store_error(format!("{}: {what}", path.display()))
}

/// An error of the system, which was to `what` the file or directory `path`.
pub(crate) fn failed(path: &Path, what: &str, error: std::io::Error) -> Error {
    at(path, format_args!("cannot {what}: {error}")).with_source(error)
}

/// The whole file; `None` if there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Bytes>, Error> {
    let file = match open(path, OpenOptions::new().read(true)) {
        Ok(Some(file)) => file,
        other => return other.map(|_| None),
    };
    let length = file
        .metadata()
        .map_err(|error| failed(path, "read it", error))?
        .len();
    if length > MAX_BYTES {
        return Err(at(
            path,
            "this is not a record of auth-store: it is far too long",
        ));
    }
    // Enough capacity for all of it: a buffer that grows leaves copies behind.
    let capacity = usize::try_from(length).unwrap_or_default() + 1;
    let mut bytes = Bytes::new(Vec::with_capacity(capacity));
    file.take(MAX_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(path, "read it", error))?;
    Ok(Some(bytes))
}

/// Opens a file that only its owner can use; `None` if there is none.
pub(crate) fn open(path: &Path, options: &mut OpenOptions) -> Result<Option<File>, Error> {
    let file = match private(options).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == Io::NotFound => return Ok(None),
        Err(error) => {
            // The owner or the mode may explain why it is not allowed.
            if let Ok(metadata) = fs::symlink_metadata(path) {
                check_file(path, &metadata)?;
            }
            return Err(failed(path, "open it", error));
        }
    };
    let metadata = file
        .metadata()
        .map_err(|error| failed(path, "look at it", error))?;
    check_file(path, &metadata)?;
    Ok(Some(file))
}

fn check_file(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    if metadata.is_symlink() {
        return Err(at(
            path,
            "this is a symbolic link, and links are not followed; put the file itself here",
        ));
    }
    if !metadata.is_file() {
        return Err(at(path, "this is not a regular file; move it away"));
    }
    check_owner(path, metadata, "600")
}

/// Checks the directory `path`; `false` if there is none.
pub(crate) fn check_directory(path: &Path) -> Result<bool, Error> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == Io::NotFound => return Ok(false),
        Err(error) => return Err(failed(path, "look at it", error)),
    };
    if !metadata.is_dir() {
        return Err(at(path, "this is not a directory; tokens are kept in one"));
    }
    check_owner(path, &metadata, "700")?;
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

/// Refuses what belongs to another user, and what others may read, write or enter.
#[cfg(unix)]
fn check_owner(path: &Path, metadata: &Metadata, wanted: &str) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt as _;

    let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
    let shown = path.display();
    if owner != user {
        return Err(at(
            path,
            format_args!(
                "it belongs to user {owner}, and this program runs as user {user}; run \
                 `chown {user} '{shown}'` if the tokens are yours, or name another directory"
            ),
        ));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(at(
            path,
            format_args!(
                "users other than its owner have rights to it (mode {mode:04o}); run \
                 `chmod {wanted} '{shown}'`"
            ),
        ));
    }
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix it can fail")]
fn check_owner(_path: &Path, _metadata: &Metadata, _wanted: &str) -> Result<(), Error> {
    Ok(())
}

/// Makes the directory `path`, unless it exists.
pub(crate) fn make_directory(path: &Path) -> Result<(), Error> {
    if check_directory(path)? {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .recursive(true)
        .create(path)
        .map_err(|error| failed(path, "make this directory", error))?;
    // Some file systems ignore the mode.
    check_directory(path)?;
    path.parent().map_or(Ok(()), sync)
}

/// Deletes a file; `false` if there is none.
pub(crate) fn remove(path: &Path) -> Result<bool, Error> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == Io::NotFound => Ok(false),
        Err(error) => Err(failed(path, "delete it", error)),
    }
}

/// Writes to the disk what was made, moved and deleted in the directory `path`.
#[cfg(unix)]
pub(crate) fn sync(path: &Path) -> Result<(), Error> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| failed(path, "sync this directory", error))
}

/// There is no such call.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix it can fail")]
pub(crate) fn sync(_path: &Path) -> Result<(), Error> {
    Ok(())
}
