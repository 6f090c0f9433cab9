//! The rules that no tool has: the shape of the vendor crates, what documents promise, and who may
//! depend on whom.

mod documents;
mod layout;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::cargo::{self, say};

/// The files of the repository: the text of those that are read here, and none of the others.
pub(crate) struct Tree(BTreeMap<String, String>);

/// Places where a rule does not hold: `path:line: what; how to fix it`.
type Findings = Vec<String>;

const RULES: [fn(&Tree) -> Findings; 5] = [
    layout::vendors_have_the_same_files,
    layout::files_are_short,
    documents::promises_name_their_proof,
    documents::vendors_have_the_same_sections,
    documents::links_lead_somewhere,
];

pub(crate) fn run(root: &Path) -> Result<()> {
    let mut files = BTreeMap::new();
    let list = "ls-files -z --cached --others --exclude-standard";
    let listed = cargo::output(&mut cargo::program("git", root, list))?;
    for path in listed.split_terminator('\0').filter(|path| root.join(path).is_file()) {
        let is_read = [".rs", ".md", "Cargo.toml"].iter().any(|end| path.ends_with(end));
        let text = if is_read { fs::read_to_string(root.join(path)) } else { Ok(String::new()) };
        files.insert(path.to_owned(), text.context(path.to_owned())?);
    }
    let tree = Tree(files);
    let mut findings: Vec<_> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    findings.extend(layout::dependencies_are_few(root, &tree)?);
    findings.iter().for_each(say);
    ensure!(findings.is_empty(), "{} places break a rule; see above", findings.len());
    say(format_args!("tidy: all rules hold in {} files", tree.0.len()));
    Ok(())
}

impl Tree {
    fn text(&self, path: &str) -> &str {
        self.0.get(path).map_or("", String::as_str)
    }

    /// Whether there is such a file or folder.
    fn holds(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.0.contains_key(path) || self.0.keys().any(|it| it.starts_with(&folder))
    }

    fn ending(&self, end: &str) -> impl Iterator<Item = (&str, &str)> {
        let files = self.0.iter().filter(move |(path, _)| path.ends_with(end));
        files.map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The Rust that people have written.
    fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.ending(".rs").filter(|(path, _)| !path.contains("/generated"))
    }

    /// The vendor crates, `crates/*-auth`, in order.
    fn vendors(&self) -> Vec<&str> {
        let name = |path: &'_ str| path.len() - "/Cargo.toml".len();
        let paths = self.ending("-auth/Cargo.toml").map(|(path, _)| &path[..name(path)]);
        paths.filter_map(|path| path.strip_prefix("crates/")).collect()
    }

    #[cfg(test)]
    fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect())
    }
}
