//! The rules that no tool has: the shape of the vendor crates, what documents promise, and who may depend on whom.

mod dependencies;
mod documents;
mod layout;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cargo::{self, say};

/// The files of the repository: the text of those that are read here, and no text of the others.
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
}

/// Places where a rule does not hold: `path:line: what; how to fix it`.
type Findings = Vec<String>;

const RULES: &[fn(&Tree) -> Findings] = &[
    layout::vendors_have_the_same_files,
    layout::extra_sources_are_few_and_named,
    layout::public_roots_are_small,
    layout::files_are_short_and_have_telling_names,
    layout::code_has_no_forbidden_form,
    documents::promises_name_their_proof,
    documents::vendors_have_the_same_sections,
    documents::links_lead_somewhere,
    documents::every_vendor_has_its_diagram,
];

/// Checks every rule and prints all findings at once.
pub(crate) fn run(root: &Path) -> Result<()> {
    let tree = Tree::read(root)?;
    let mut findings: Vec<_> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    findings.extend(dependencies::findings(root, &tree)?);
    findings.sort();
    findings.iter().for_each(say);
    if !findings.is_empty() {
        bail!(
            "{} places break a rule; see above how to fix each",
            findings.len()
        );
    }
    say(format_args!(
        "tidy: all rules hold in {} files",
        tree.files.len()
    ));
    Ok(())
}

impl Tree {
    fn read(root: &Path) -> Result<Self> {
        let mut git = Command::new("git");
        git.current_dir(root).args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]);
        let mut files = BTreeMap::new();
        for path in cargo::output(&mut git)?
            .split_terminator('\0')
            .filter(|path| root.join(path).is_file())
        {
            let is_read = [".rs", ".md", "Cargo.toml"]
                .iter()
                .any(|end| path.ends_with(end));
            let text = if is_read {
                fs::read_to_string(root.join(path)).context(path.to_owned())?
            } else {
                String::new()
            };
            files.insert(path.to_owned(), text);
        }
        Ok(Self { files })
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether there is such a file or folder.
    fn holds(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.files.keys().any(|it| {
            it.strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    fn ending(&self, end: &str) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter(move |(path, _)| path.ends_with(end))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The Rust that people have written.
    fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.ending(".rs").filter(|(path, text)| {
            !path.contains("/generated/")
                && !path.ends_with("/generated.rs")
                && !text.starts_with("// @generated")
        })
    }

    /// The vendor crates, `crates/*-auth`, in order.
    fn vendors(&self) -> Vec<&str> {
        let manifests = self.ending("-auth/Cargo.toml");
        manifests
            .filter_map(|(path, _)| path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml"))
            .collect()
    }
}

#[cfg(test)]
impl Tree {
    fn of(files: &[(&str, &str)]) -> Self {
        Self {
            files: files
                .iter()
                .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
                .collect(),
        }
    }
}
