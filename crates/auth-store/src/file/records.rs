//! The records in a directory: what is read and written, and in which order.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use auth_core::{Error, SaveOutcome, StoreKey, Token};

use crate::cipher::Cipher;
use crate::disk::{self, at, call};
use crate::lock::Locks;
use crate::name::Name;
use crate::record;

/// Its calls block.
pub(super) struct Records {
    directory: Arc<Path>,
    cipher: Option<Arc<Cipher>>,
}

impl Records {
    pub(super) fn new(directory: Arc<Path>, cipher: Option<Arc<Cipher>>) -> Self {
        Self { directory, cipher }
    }

    /// Whether the directory exists. If it does, only its owner can use it.
    pub(super) fn exist(&self) -> Result<bool, Error> {
        disk::check_directory(&self.directory)
    }

    pub(super) fn load(&self, key: &StoreKey) -> Result<Option<Token>, Error> {
        if !self.exist()? {
            return Ok(None);
        }
        let path = self.path(&Name::of(key).record());
        let decode = |record: record::Bytes| {
            record::decode(key, &record, self.cipher.as_deref()).map_err(|error| at(&path, &error))
        };
        let stored = record::unless_damaged(disk::read(&path)?, path.display());
        stored.map(decode).transpose()
    }

    /// Saves `token` unless the stored one supersedes it. Call it under the write lock.
    pub(super) fn save(&self, key: &StoreKey, token: &Token) -> Result<SaveOutcome, Error> {
        let name = Name::of(key);
        let path = self.path(&name.record());
        let stored = disk::read(&path)?;
        let is_there = stored.is_some();
        let stored = record::unless_damaged(stored, path.display());
        let is_damaged = is_there && stored.is_none();
        let replacement = record::replacement(key, token, stored.as_ref(), self.cipher.as_deref());
        let Some(record) = replacement.map_err(|error| at(&path, &error))? else {
            return Ok(SaveOutcome::Superseded);
        };
        if is_damaged {
            let aside = self.path(&name.damaged());
            call(&path, "keep the damaged record aside", || {
                fs::rename(&path, &aside)
            })?;
            tracing::warn!(place = %aside.display(), "a damaged record is kept here");
        }
        let unfinished = self.path(&name.unfinished());
        // Only the holder of the lock writes, so the writer of an unfinished file that is there is dead.
        let written = disk::write_whole(&unfinished, &record, "write the token").and_then(|()| {
            let put = call(&path, "put the new token here", || {
                fs::rename(&unfinished, &path)
            });
            Ok(put?)
        });
        if written.is_err() {
            // It may hold a secret, and on a full disk every byte counts.
            let _ = disk::remove(&unfinished);
        }
        written?;
        disk::sync_directory(&self.directory)?;
        Ok(SaveOutcome::Saved)
    }

    /// Deletes the record, whatever it is. Call it under the write lock.
    pub(super) fn delete(&self, name: &Name) -> Result<(), Error> {
        disk::remove(&self.path(&name.unfinished()))?;
        // It may hold a token.
        let had_damaged = disk::remove(&self.path(&name.damaged()))?;
        if disk::remove(&self.path(&name.record()))? || had_damaged {
            disk::sync_directory(&self.directory)?;
        }
        Ok(())
    }

    /// The keys of all records, in order.
    pub(super) fn list(&self) -> Result<Vec<StoreKey>, Error> {
        let mut keys = Vec::new();
        for name in self.names(Name::of_record)? {
            let path = self.path(&name.record());
            // A record that is missing now was deleted meanwhile.
            let record = record::unless_damaged(disk::read(&path)?, path.display());
            if let Some(record) = record {
                let owner = record::owner(&record, |key| Name::of(key) == name);
                keys.push(owner.map_err(|error| at(&path, &error))?);
            }
        }
        keys.sort();
        Ok(keys)
    }

    /// Deletes what processes that died while writing have left.
    pub(super) fn sweep(&self, locks: &Locks) -> Result<(), Error> {
        for name in self.names(Name::of_unfinished)? {
            // The process that holds the lock is alive and writing.
            if let Some(_lock) = locks.try_write(&name)? {
                disk::remove(&self.path(&name.unfinished()))?;
            }
        }
        Ok(())
    }

    fn names(&self, name_of: fn(&str) -> Option<Name>) -> Result<Vec<Name>, Error> {
        let mut names = Vec::new();
        if self.exist()? {
            const LIST: &str = "list this directory";
            let mut entries = call(&self.directory, LIST, || fs::read_dir(&self.directory))?;
            while let Some(entry) = call(&self.directory, LIST, || entries.next().transpose())? {
                names.extend(entry.file_name().to_str().and_then(name_of));
            }
        }
        Ok(names)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.directory.join(file)
    }
}
