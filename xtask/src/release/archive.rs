//! The .crate files: made by cargo, and looked into by us.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::read::GzDecoder;

use super::crates::{Crate, metadata};
use crate::cargo;

/// The commit from which a package was made: another one each time that anything is committed.
const COMMIT: &str = ".cargo_vcs_info.json";
/// What the package was verified with. It moves with every release of a dependency.
const LOCK: &str = "Cargo.lock";

/// A package's files by path, without the folder that all of them lie in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    files: BTreeMap<String, Vec<u8>>,
}

impl Contents {
    pub(crate) fn read(archive: &[u8]) -> Result<Self> {
        let mut files = BTreeMap::new();
        let mut archive = tar::Archive::new(GzDecoder::new(archive));
        for entry in archive.entries().context("this is no .crate file")? {
            let mut entry = entry.context("this is no .crate file")?;
            let path = entry.path()?.to_string_lossy().replace('\\', "/");
            let path = path.split_once('/').map_or("", |(_, path)| path).to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            files.insert(path, bytes);
        }
        Ok(Self { files })
    }

    pub(crate) fn into_files(self) -> BTreeMap<String, Vec<u8>> {
        self.files
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The files that are not the same in both.
    ///
    /// This is how a release that goes on knows that what is published is what is here. The
    /// checksum in the index says so as well if it is the same, and nothing if it is not: the
    /// commit is in the package, and so are the lock file and the compressor's version; a commit
    /// for another crate or a newer cargo changes it. The commit that the package names would do
    /// for a package of ours, and takes its word for it: whoever published from a dirty tree is
    /// told apart by the files alone.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let paths = self.files.keys().chain(other.files.keys());
        let mut paths: Vec<_> = paths
            .filter(|path| ![COMMIT, LOCK].contains(&path.as_str()))
            .filter(|path| self.files.get(*path) != other.files.get(*path))
            .cloned()
            .collect();
        paths.sort();
        paths.dedup();
        paths
    }
}

/// What to ask `cargo package` for.
#[derive(Clone, Copy, Default)]
pub(crate) struct Packaging<'a> {
    pub(crate) registry: Option<&'a str>,
    pub(crate) verify: bool,
    pub(crate) allow_dirty: bool,
}

/// Packages these crates together, so that they may need each other, and says where each lies.
pub(crate) fn package(
    root: &Path,
    crates: &[&Crate],
    packaging: Packaging<'_>,
) -> Result<Vec<PathBuf>> {
    let mut command = cargo::command(root);
    command.arg("package");
    for one in crates {
        command.args(["--package", &one.name]);
    }
    if let Some(registry) = packaging.registry {
        command.args(["--registry", registry]);
    }
    if !packaging.verify {
        command.arg("--no-verify");
    }
    if packaging.allow_dirty {
        command.arg("--allow-dirty");
    }
    cargo::output(&mut command)?;
    let folder = metadata(root)?.target_directory.join("package");
    Ok(crates
        .iter()
        .map(|one| {
            folder
                .join(format!("{}-{}.crate", one.name, one.version))
                .into()
        })
        .collect())
}

/// The contents of the package that would be published now.
pub(crate) fn contents(root: &Path, one: &Crate, registry: Option<&str>) -> Result<Contents> {
    let packaging = Packaging {
        registry,
        ..Packaging::default()
    };
    let archives = package(root, &[one], packaging)?;
    let archive = archives.first().context("cargo packaged nothing")?;
    let bytes = fs::read(archive).with_context(|| format!("cannot read {}", archive.display()))?;
    Contents::read(&bytes)
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn archive(files: &[(&str, &str)], level: u32) -> Vec<u8> {
        let encoder = GzEncoder::new(Vec::new(), Compression::new(level));
        let mut builder = tar::Builder::new(encoder);
        for (path, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            let path = format!("some-0.1.0/{path}");
            builder
                .append_data(&mut header, path, text.as_bytes())
                .unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn differences(one: &[(&str, &str)], other: &[(&str, &str)]) -> Vec<String> {
        let read = |files, level| Contents::read(&archive(files, level)).unwrap();
        read(one, 1).differences(&read(other, 9))
    }

    #[test]
    fn packages_are_the_same_if_their_files_are() {
        let files = [("Cargo.toml", "[package]"), ("src/lib.rs", "//! A")];
        assert_eq!(differences(&files, &files), [""; 0]);
        let later = [
            (".cargo_vcs_info.json", "{}"),
            ("Cargo.lock", "version = 4"),
            files[0],
            files[1],
        ];
        assert_eq!(differences(&files, &later), [""; 0]);
    }

    #[test]
    fn what_was_changed_added_or_taken_away_is_named() {
        let files = [("Cargo.toml", "[package]"), ("src/lib.rs", "//! A")];
        let other = [("Cargo.toml", "[package]\n"), ("src/more.rs", "//! A")];
        let expected = ["Cargo.toml", "src/lib.rs", "src/more.rs"];
        assert_eq!(differences(&files, &other), expected);
        assert_eq!(differences(&other, &files), expected);
    }

    #[test]
    fn what_is_no_package_is_refused() {
        assert!(Contents::read(b"<html>").is_err());
    }
}
