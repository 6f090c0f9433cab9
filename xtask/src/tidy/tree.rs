//! The repository's files, as the rules see them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use walkdir::WalkDir;

use super::manifest::{Manifest, WorkspaceDependencies};
use super::source::Source;

/// The files below one folder, by their path from there, with `/` between the parts.
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
    sources: Vec<Source>,
}

impl Tree {
    /// Reads the tree, build results and hidden folders aside.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        let walk = WalkDir::new(root)
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| {
                let name = entry.file_name().to_string_lossy();
                entry.depth() == 0 || !(name.starts_with('.') || name == "target")
            });
        for entry in walk {
            let entry = entry.context("cannot walk the tree")?;
            if !entry.file_type().is_file() {
                continue;
            }
            let path = entry.path();
            let parts: Vec<_> = path
                .strip_prefix(root)?
                .components()
                .map(|part| part.as_os_str().to_string_lossy())
                .collect();
            let is_text = path.extension().is_some_and(|extension| {
                extension == "rs" || extension == "toml" || extension == "md"
            });
            let text = if is_text {
                fs::read_to_string(path)
                    .with_context(|| format!("cannot read {}", path.display()))?
            } else {
                String::new()
            };
            files.insert(parts.join("/"), text);
        }
        Ok(Self::from_files(files))
    }

    /// A tree of these paths and texts.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self::from_files(
            files
                .iter()
                .map(|&(path, text)| (path.to_owned(), text.to_owned()))
                .collect(),
        )
    }

    fn from_files(files: BTreeMap<String, String>) -> Self {
        let sources = files
            .iter()
            .filter(|(path, _)| is_rust(path))
            .map(|(path, text)| Source::new(path, text))
            .collect();
        Self { files, sources }
    }

    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// Whether there is a file or a folder of this path.
    pub(crate) fn holds(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.has(path) || self.below(path).next().is_some()
    }

    /// What a file says.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// The Markdown documents, with what they say.
    pub(crate) fn documents(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter(|(path, _)| extension(path) == Some("md"))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The paths below a folder, from that folder.
    pub(crate) fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a str> {
        self.files
            .keys()
            .filter_map(move |path| path.strip_prefix(folder)?.strip_prefix('/'))
    }

    /// The Rust sources that people write: all that are not generated.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|source| !source.is_generated())
    }

    /// Every Rust source.
    pub(crate) fn all_sources(&self) -> &[Source] {
        &self.sources
    }

    /// The vendor crates: the folders `crates/*-auth` that hold a manifest.
    pub(crate) fn vendors(&self) -> Vec<&str> {
        self.below("crates")
            .filter_map(|path| path.strip_suffix("/Cargo.toml"))
            .filter(|name| is_vendor(name) && !name.contains('/'))
            .collect()
    }

    /// The members' manifests, or why one cannot be read.
    pub(crate) fn manifests(&self) -> Vec<Result<Manifest, String>> {
        self.files
            .iter()
            .filter(|(path, _)| path.ends_with("/Cargo.toml"))
            .map(|(path, text)| Manifest::parse(path, text))
            .collect()
    }

    /// The members' manifests that can be read.
    pub(crate) fn members(&self) -> Vec<Manifest> {
        self.manifests().into_iter().flatten().collect()
    }

    /// What the root manifest says about dependencies.
    pub(crate) fn workspace_dependencies(&self) -> Result<WorkspaceDependencies, String> {
        let text = self.files.get("Cargo.toml").map_or("", String::as_str);
        WorkspaceDependencies::parse("Cargo.toml", text)
    }

    /// Whether ARCHITECTURE.md names this file: as a word, so that `link.rs` is not found in
    /// `magic_link.rs`.
    pub(crate) fn architecture_names(&self, file: &str) -> bool {
        let text = self.files.get("ARCHITECTURE.md").map_or("", String::as_str);
        text.match_indices(file).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + file.len()..].chars().next();
            !before.is_some_and(is_part_of_a_word) && !after.is_some_and(is_part_of_a_word)
        })
    }
}

/// Whether this file is Rust source.
pub(crate) fn is_rust(path: &str) -> bool {
    extension(path) == Some("rs")
}

fn extension(path: &str) -> Option<&str> {
    Path::new(path).extension()?.to_str()
}

/// Whether this is the name of a vendor crate.
pub(crate) fn is_vendor(name: &str) -> bool {
    name.ends_with("-auth")
}

fn is_part_of_a_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '-'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_without_what_cargo_built_and_what_is_hidden() {
        let root = tempfile::tempdir().unwrap();
        for path in [
            "crates/a-auth/Cargo.toml",
            "target/x.rs",
            ".git/y.rs",
            "a.rs",
            "b.bin",
        ] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "[package]").unwrap();
        }
        let tree = Tree::read(root.path()).unwrap();
        assert!(tree.has("a.rs") && tree.has("b.bin") && tree.has("crates/a-auth/Cargo.toml"));
        assert_eq!(tree.len(), 3);
        assert_eq!(tree.vendors(), ["a-auth"]);
        assert_eq!(tree.sources().count(), 1);
    }

    #[test]
    fn a_folder_below_is_not_one_whose_name_begins_alike() {
        let tree = Tree::of(&[("crates/a/src/lib.rs", ""), ("crates/ab/src/lib.rs", "")]);
        assert_eq!(tree.below("crates/a").collect::<Vec<_>>(), ["src/lib.rs"]);
    }

    #[test]
    fn a_file_is_named_only_as_a_whole_word() {
        let tree = Tree::of(&[("ARCHITECTURE.md", "one more: `magic_link.rs`.")]);
        assert!(tree.architecture_names("magic_link.rs"));
        assert!(!tree.architecture_names("link.rs"));
        assert!(!tree.architecture_names("passcode.rs"));
    }
}
