//! Which files of the workspace are in a crate's package.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::crates::Crate;
use super::manifest::Published;

/// What belongs to a package, as far as its users notice.
pub(crate) struct Content {
    folder: String,
    /// What its symlinks point to, since cargo packages the content; and where the links lie.
    links: BTreeMap<String, String>,
    listed: Gitignore,
    /// Whether what is listed is in the package, or is not.
    is_included: bool,
}

/// In the package, and yet no reason for a new one: the changelog tells of releases, the manifest is
/// compared as it is published.
const APART: [&str; 3] = ["Cargo.toml", "Cargo.lock", "CHANGELOG.md"];

/// Of no use to those who depend on the crate, even where they are in the package.
const FOR_US: [&str; 2] = ["tests/", "benches/"];

impl Content {
    /// Looks at the crate's folder as it is now.
    pub(crate) fn of(root: &Path, one: &Crate, published: &Published) -> Result<Self> {
        let folder = slashed(&one.folder);
        let mut links = BTreeMap::new();
        for entry in walkdir::WalkDir::new(root.join(&one.folder)) {
            let entry = entry.context("cannot list a crate's files")?;
            if entry.path_is_symlink() {
                let real = fs::canonicalize(root).context("cannot find the workspace")?;
                let target = fs::canonicalize(entry.path())
                    .with_context(|| format!("{} points nowhere", entry.path().display()))?;
                let link = entry.path().strip_prefix(root).unwrap_or(entry.path());
                if let Ok(target) = target.strip_prefix(real) {
                    links.insert(slashed(target), slashed(link));
                }
            }
        }
        Self::new(folder, links, published)
    }

    fn new(folder: String, links: BTreeMap<String, String>, published: &Published) -> Result<Self> {
        // As cargo reads them: patterns of .gitignore, seen from the crate's folder.
        let mut listed = GitignoreBuilder::new("");
        let is_included = !published.include.is_empty();
        let patterns = if is_included {
            &published.include
        } else {
            &published.exclude
        };
        for pattern in patterns {
            listed
                .add_line(None, pattern)
                .with_context(|| format!("`{pattern}` in {folder}/Cargo.toml"))?;
        }
        Ok(Self {
            folder,
            links,
            listed: listed.build()?,
            is_included,
        })
    }

    /// Where its files lie, for git.
    pub(crate) fn places(&self) -> Vec<&str> {
        let links = self.links.keys().map(String::as_str);
        links.chain([self.folder.as_str()]).collect()
    }

    /// Whether users notice when this file of the workspace changes.
    pub(crate) fn holds(&self, path: &str) -> bool {
        let linked = self.links.iter().any(|(target, link)| {
            let rest = below(target, path);
            rest.is_some_and(|rest| self.packages(&format!("{link}{rest}")))
        });
        linked || self.packages(path)
    }

    fn packages(&self, path: &str) -> bool {
        let Some(path) = below(&self.folder, path).and_then(|rest| rest.strip_prefix('/')) else {
            return false;
        };
        if APART.contains(&path) || FOR_US.iter().any(|folder| path.starts_with(folder)) {
            return false;
        }
        let is_listed = self
            .listed
            .matched_path_or_any_parents(path, false)
            .is_ignore();
        is_listed == self.is_included
    }
}

/// What is left of the path: nothing if it is `folder`, `/file` if it is below.
fn below<'a>(folder: &str, path: &'a str) -> Option<&'a str> {
    let rest = path.strip_prefix(folder)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

/// As git writes it.
fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(settings: &str) -> Content {
        let manifest = format!("[package]\nname = \"a\"\n{settings}\n");
        let published = Published::read(&manifest, "").unwrap();
        let link = |to: &str, from: &str| (to.to_owned(), from.to_owned());
        let links = BTreeMap::from([
            link("schemas/a.graphql", "crates/a/schema/a.graphql"),
            link("shared", "crates/a/tests/shared"),
            link("data", "crates/a/data"),
        ]);
        Content::new("crates/a".to_owned(), links, &published).unwrap()
    }

    #[test]
    fn only_what_users_get_is_in_the_package() {
        let plain = content("");
        for path in [
            "crates/a/src/lib.rs",
            "crates/a/README.md",
            "crates/a/src/tests/it.rs",
            "schemas/a.graphql",
            "data/x/y",
        ] {
            assert!(plain.holds(path), "{path}");
        }
        for path in [
            "crates/a/tests/it/main.rs",
            "crates/a/benches/b.rs",
            "crates/a/CHANGELOG.md",
            "crates/a/Cargo.toml",
            "crates/ab/src/lib.rs",
            "schemas/b.graphql",
            "shared/x.rs",
            "src/lib.rs",
        ] {
            assert!(!plain.holds(path), "{path}");
        }
        assert_eq!(
            plain.places(),
            ["data", "schemas/a.graphql", "shared", "crates/a"]
        );
    }

    #[test]
    fn what_the_manifest_leaves_out_is_not_in_the_package() {
        let without = content("exclude = [\"/graphql\", \"*.snap\", \"schema/a.graphql\"]");
        assert!(!without.holds("crates/a/graphql/x/y.graphql"));
        assert!(!without.holds("crates/a/src/b.snap"));
        assert!(!without.holds("schemas/a.graphql"));
        assert!(without.holds("crates/a/src/graphql/x.rs"));
        let only = content("include = [\"/src\", \"!/src/left_out.rs\"]");
        assert!(only.holds("crates/a/src/lib.rs"));
        assert!(!only.holds("crates/a/README.md"));
        assert!(!only.holds("crates/a/src/left_out.rs"));
    }
}
