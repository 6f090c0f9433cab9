//! Every system call about a file or directory is made here, so that a test can make each one fail.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind as Io};
use std::path::Path;

use auth_core::Error;

use crate::error::store_error;

#[cfg(test)]
use super::faults::attempt;

#[cfg(not(test))]
fn attempt<T>(
    _path: &Path,
    _what: &str,
    work: &mut impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    work()
}

/// An error about the file or directory `path`.
pub(crate) fn at(path: &Path, what: impl fmt::Display) -> Error {
    store_error(format!("{}: {what}", path.display()))
}

/// Makes a system call, which is to `what` the file or directory `path`. If a signal interrupts it, it
/// is made again.
pub(crate) fn call<T>(
    path: &Path,
    what: &str,
    mut work: impl FnMut() -> io::Result<T>,
) -> Result<T, Failed> {
    loop {
        match attempt(path, what, &mut work) {
            Err(error) if error.kind() == Io::Interrupted => {}
            Err(cause) => {
                let error = at(path, format_args!("cannot {what}: {cause}"));
                return Err(Failed { error, cause });
            }
            Ok(done) => return Ok(done),
        }
    }
}

/// A system call that failed.
pub(crate) struct Failed {
    error: Error,
    cause: io::Error,
}

impl Failed {
    pub(crate) fn kind(&self) -> Io {
        self.cause.kind()
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        failed.error.with_source(failed.cause)
    }
}

/// `None` if the call failed because there is no such file or directory.
pub(crate) fn unless_missing<T>(called: Result<T, Failed>) -> Result<Option<T>, Failed> {
    match called {
        Ok(done) => Ok(Some(done)),
        Err(failed) if failed.kind() == Io::NotFound => Ok(None),
        Err(failed) => Err(failed),
    }
}

/// Writes the file to the disk, where its file system can.
pub(crate) fn sync_file(path: &Path, what: &str, file: &File) -> Result<(), Failed> {
    unless_unsupported(call(path, what, || file.sync_all()))
}

/// Writes to the disk what was made, moved and deleted in the directory `path`.
///
/// A directory that the program may write and not read cannot be opened for that. What was done in it
/// is done all the same.
#[cfg(unix)]
pub(crate) fn sync_directory(path: &Path) -> Result<(), Failed> {
    const WHAT: &str = "sync this directory";
    match call(path, WHAT, || File::open(path)) {
        Ok(directory) => unless_unsupported(call(path, WHAT, || directory.sync_all())),
        Err(failed) if failed.kind() == Io::PermissionDenied => Ok(()),
        Err(failed) => Err(failed),
    }
}

/// There is no such call.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix it can fail")]
pub(crate) fn sync_directory(_path: &Path) -> Result<(), Failed> {
    Ok(())
}

/// Network and FUSE file systems answer so (`EINVAL`, `EOPNOTSUPP`, `ENOSYS`) where there is nothing
/// that they could sync. That is no failure of what was written.
fn unless_unsupported(synced: Result<(), Failed>) -> Result<(), Failed> {
    match synced {
        Err(failed) if matches!(failed.kind(), Io::InvalidInput | Io::Unsupported) => Ok(()),
        synced => synced,
    }
}
