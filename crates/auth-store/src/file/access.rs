//! Opening files that only we can read, and refusing all others.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{ErrorKind as Io, Read as _};
use std::path::Path;

use auth_core::Error;
use zeroize::Zeroizing;

use super::{at, failed};

/// A record has a few hundred bytes, or some thousand with a large JWT in it.
const MOST_BYTES: u64 = 1 << 20;

/// The whole file; `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let file = match open(path, OpenOptions::new().read(true)) {
        Ok(Some(file)) => file,
        other => return other.map(|_| None),
    };
    let length = file
        .metadata()
        .map_err(|error| failed(path, "read it", error))?
        .len();
    if length > MOST_BYTES {
        return Err(at(
            path,
            "this is no record of auth-store: it is far too long",
        ));
    }
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let room = usize::try_from(length).unwrap_or_default() + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(MOST_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(path, "read it", error))?;
    Ok(Some(bytes))
}

/// Opens a file of our own; `None` if there is none.
pub(super) fn open(path: &Path, options: &mut OpenOptions) -> Result<Option<File>, Error> {
    let file = match private(options).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == Io::NotFound => return Ok(None),
        Err(error) => {
            // Perhaps there is more to say than that it is not allowed.
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
            "this is a symbolic link, and none is followed; put the file itself here",
        ));
    }
    if !metadata.is_file() {
        return Err(at(path, "this is no regular file; move it away"));
    }
    check_owner(path, metadata, "600")
}

/// Checks the directory `path`; `false` if there is none.
pub(super) fn check_directory(path: &Path) -> Result<bool, Error> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == Io::NotFound => return Ok(false),
        Err(error) => return Err(failed(path, "look at it", error)),
    };
    if !metadata.is_dir() {
        return Err(at(path, "this is no directory; tokens are kept in one"));
    }
    check_owner(path, &metadata, "700")?;
    Ok(true)
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;

    // A pipe that somebody has put here would wait for its other end.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.mode(0o600).custom_flags(flags.bits().cast_signed())
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Refuses what is somebody else's, and what others may read, write or enter.
#[cfg(unix)]
fn check_owner(path: &Path, metadata: &Metadata, wanted: &str) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt as _;

    let (owner, we) = (metadata.uid(), rustix::process::geteuid().as_raw());
    let shown = path.display();
    if owner != we {
        return Err(at(
            path,
            format_args!(
                "it belongs to user {owner}, and this program runs as user {we}; run \
                 `chown {we} '{shown}'` if the tokens are yours, or name another directory"
            ),
        ));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(at(
            path,
            format_args!(
                "others than its owner have rights to it (mode {mode:04o}); run \
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
