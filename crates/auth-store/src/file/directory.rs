//! The directory: what is written to it, and in which order.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind as Io, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use auth_core::Error;

use super::lock::{self, Attempt};
use super::name::Name;
use super::{access, failed};

pub(super) struct Directory(Arc<Path>);

impl Directory {
    pub(super) fn at(path: Arc<Path>) -> Self {
        Self(path)
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    /// Whether the directory is there; if so, it is ours alone.
    pub(super) fn check(&self) -> Result<bool, Error> {
        access::check_directory(&self.0)
    }

    /// Makes the directory if it is not there.
    pub(super) fn make(&self) -> Result<(), Error> {
        if self.check()? {
            return Ok(());
        }
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .recursive(true)
            .create(&self.0)
            .map_err(|error| failed(&self.0, "make this directory", error))?;
        // Whatever the file system made of the mode.
        self.check()?;
        self.0.parent().map_or(Ok(()), sync)
    }

    /// Puts `record` in the place of what was there, in one step. Under the write lock.
    pub(super) fn write(&self, name: &Name, record: &[u8]) -> Result<(), Error> {
        let unfinished = self.path(&name.unfinished());
        let written = write_whole(&unfinished, record).and_then(|()| {
            let path = self.path(&name.record());
            fs::rename(&unfinished, &path)
                .map_err(|error| failed(&path, "put the new token here", error))
        });
        if written.is_err() {
            // On a full disk every byte counts; and there may be a secret in it.
            let _ = fs::remove_file(&unfinished);
        }
        written?;
        sync(&self.0)
    }

    /// Deletes the record, whatever it is. Under the write lock.
    pub(super) fn delete(&self, name: &Name) -> Result<(), Error> {
        remove(&self.path(&name.unfinished()))?;
        if remove(&self.path(&name.record()))? {
            sync(&self.0)?;
        }
        Ok(())
    }

    pub(super) fn has_record(&self, name: &Name) -> bool {
        fs::symlink_metadata(self.path(&name.record())).is_ok()
    }

    /// The names of all records.
    pub(super) fn names(&self) -> Result<Vec<Name>, Error> {
        if self.check()? {
            self.files(Name::of_record)
        } else {
            Ok(Vec::new())
        }
    }

    /// Removes what processes that died while writing have left.
    pub(super) fn sweep(&self) -> Result<(), Error> {
        for name in self.files(Name::of_unfinished)? {
            // Whoever has the lock is alive and writing.
            if let Attempt::Got(_lock) = lock::attempt(&self.path(&name.write_lock()), None)? {
                remove(&self.path(&name.unfinished()))?;
            }
        }
        Ok(())
    }

    fn files(&self, name_of: fn(&str) -> Option<Name>) -> Result<Vec<Name>, Error> {
        let unreadable = |error| failed(&self.0, "list this directory", error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(unreadable)? {
            let file = entry.map_err(unreadable)?.file_name();
            names.extend(file.to_str().and_then(name_of));
        }
        Ok(names)
    }
}

fn write_whole(path: &Path, record: &[u8]) -> Result<(), Error> {
    // Nobody else writes under the lock: this one's writer is dead.
    remove(path)?;
    let mut options = OpenOptions::new();
    let made = access::open(path, options.write(true).create_new(true))?;
    let mut file = made.ok_or_else(|| failed(path, "make it", Io::NotFound.into()))?;
    file.write_all(record)
        .and_then(|()| file.sync_all())
        .map_err(|error| failed(path, "write the token", error))
}

/// Removes a file; `false` if there is none.
pub(super) fn remove(path: &Path) -> Result<bool, Error> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == Io::NotFound => Ok(false),
        Err(error) => Err(failed(path, "delete it", error)),
    }
}

/// Has what was made, moved and deleted in the directory `path` reach the disk.
#[cfg(unix)]
fn sync(path: &Path) -> Result<(), Error> {
    fs::File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| failed(path, "sync this directory", error))
}

/// There is no such call.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix it can fail")]
fn sync(_path: &Path) -> Result<(), Error> {
    Ok(())
}
