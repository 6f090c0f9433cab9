//! New texts of files, written all at once, and taken back all at once.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cargo;
use crate::release::git::Git;

/// What is to be written; nothing is until `commit`.
pub(super) struct Edits<'a> {
    root: &'a Path,
    /// What each file held, none if it was not there; and what it is to hold.
    files: BTreeMap<PathBuf, (Option<String>, String)>,
}

impl<'a> Edits<'a> {
    pub(super) fn new(root: &'a Path) -> Self {
        Self {
            root,
            files: BTreeMap::new(),
        }
    }

    /// The file as it is to be, or as it is; empty if it is not there.
    pub(super) fn read_or_empty(&self, path: &Path) -> Result<String> {
        Ok(match self.files.get(path) {
            Some((_, text)) => text.clone(),
            None => self.on_disk(path)?.unwrap_or_default(),
        })
    }

    /// A file that must be there.
    pub(super) fn read(&self, path: &Path) -> Result<String> {
        match self.files.get(path) {
            Some((_, text)) => Ok(text.clone()),
            None => self
                .on_disk(path)?
                .with_context(|| format!("there is no {}", path.display())),
        }
    }

    /// What the file is to hold.
    pub(super) fn set(&mut self, path: &Path, text: String) -> Result<()> {
        let before = match self.files.remove(path) {
            Some((before, _)) => before,
            None => self.on_disk(path)?,
        };
        if before.as_ref() != Some(&text) {
            self.files.insert(path.to_owned(), (before, text));
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Writes and commits everything, with the lock file where versions move; takes it back if
    /// something fails.
    pub(super) fn commit(mut self, git: Git<'_>, message: &str, versions_move: bool) -> Result<()> {
        let lock = Path::new("Cargo.lock");
        if versions_move && let Some(text) = self.on_disk(lock)? {
            self.files
                .insert(lock.to_owned(), (Some(text.clone()), text));
        }
        let outcome = self.write().and_then(|()| {
            if versions_move {
                update_lock(self.root)?;
            }
            let paths: Vec<_> = self
                .files
                .keys()
                .map(|path| path.to_string_lossy())
                .collect();
            let paths: Vec<&str> = paths.iter().map(AsRef::as_ref).collect();
            git.commit(message, &paths)
        });
        outcome.or_else(|error| {
            self.take_back().context(format!("{error:#}; and then"))?;
            Err(error.context("nothing was changed"))
        })
    }

    fn write(&self) -> Result<()> {
        for (path, (_, text)) in &self.files {
            fs::write(self.root.join(path), text)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    fn take_back(&self) -> Result<()> {
        for (path, (before, _)) in &self.files {
            let whole = self.root.join(path);
            match before {
                Some(text) => fs::write(whole, text),
                None => match fs::remove_file(whole) {
                    Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                    outcome => outcome,
                },
            }
            .with_context(|| format!("cannot put {} back", path.display()))?;
        }
        Ok(())
    }

    fn on_disk(&self, path: &Path) -> Result<Option<String>> {
        match fs::read_to_string(self.root.join(path)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }
}

fn update_lock(root: &Path) -> Result<()> {
    let update = |more: &[&str]| {
        let mut command = cargo::command(root);
        cargo::output(
            command
                .args(["update", "--workspace", "--quiet"])
                .args(more),
        )
    };
    // What is locked stays so; cargo needs the index only where it has never seen that.
    update(&["--offline"]).or_else(|_| update(&[])).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_to_what_it_was_is_no_edit() {
        let root = tempfile::tempdir().unwrap();
        let (a, b) = (Path::new("a"), Path::new("b"));
        fs::write(root.path().join("a"), "one").unwrap();
        let mut edits = Edits::new(root.path());
        edits.set(a, "one".into()).unwrap();
        assert!(edits.is_empty());
        edits.set(a, "two".into()).unwrap();
        assert_eq!(edits.read(a).unwrap(), "two");
        assert_eq!(edits.read_or_empty(b).unwrap(), "");
        edits.read(b).unwrap_err();
        edits.set(a, "one".into()).unwrap();
        assert!(edits.is_empty());
        assert_eq!(fs::read_to_string(root.path().join("a")).unwrap(), "one");
    }

    #[test]
    fn what_cannot_be_committed_is_taken_back() {
        // No repository.
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a"), "one").unwrap();
        let mut edits = Edits::new(root.path());
        edits.set(Path::new("a"), "two".into()).unwrap();
        edits.set(Path::new("b"), "new".into()).unwrap();
        let error = edits
            .commit(Git::new(root.path()), "words", false)
            .unwrap_err();
        assert!(
            format!("{error:#}").contains("nothing was changed: "),
            "{error:#}"
        );
        assert_eq!(fs::read_to_string(root.path().join("a")).unwrap(), "one");
        assert!(!root.path().join("b").exists());
    }
}
