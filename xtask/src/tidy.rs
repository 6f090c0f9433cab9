//! The house rules that no lint knows: each a function from the tree to what it finds there.

mod attributes;
mod dependencies;
mod documents;
mod files;
pub(crate) mod manifest;
mod markdown;
mod metadata;
mod readmes;
mod source;
mod tree;
mod vendors;
pub(crate) mod weight;
mod words;

use std::fmt;
use std::path::Path;

use anyhow::{Result, bail};

use crate::{cargo, graph};
use tree::Tree;

/// A place where a rule does not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    what: String,
    mend: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            what: what.into(),
            mend: mend.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            what,
            mend,
        } = self;
        write!(f, "{path}:{line}: {what}; {mend}")
    }
}

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: &[Rule] = &[
    vendors::have_the_same_sources,
    vendors::name_their_extra_sources,
    vendors::have_the_same_tests,
    files::say_what_they_are_for,
    files::are_short,
    files::have_telling_names,
    words::no_glob_reexports,
    words::reqwest_is_named_in_the_http_layer_only,
    words::graphql_client_is_named_where_it_is_used_only,
    words::nothing_is_left_unfinished,
    words::the_environment_is_read_at_the_edge,
    words::no_unsafe_blocks,
    words::tests_do_not_sleep,
    attributes::exceptions_have_reasons,
    attributes::no_test_is_ignored,
    dependencies::manifests_are_readable,
    dependencies::point_one_way,
    dependencies::the_sandbox_is_a_path,
    dependencies::versions_stand_in_the_workspace,
    dependencies::graphql_client_stays_where_it_is_used,
    metadata::every_crate_describes_itself,
    readmes::show_whole_code,
    readmes::link_to_what_a_stranger_finds,
    readmes::of_vendors_have_the_same_sections,
    documents::promises_name_their_tests,
    documents::links_lead_somewhere,
    documents::every_vendor_has_its_diagram,
];

/// Checks every rule and prints all findings at once.
pub(crate) fn run(root: &Path) -> Result<()> {
    let tree = Tree::read(root)?;
    let mut findings: Vec<_> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    let vendors = cargo::vendors(root)?;
    for vendor in &vendors {
        findings.extend(weight::findings(vendor, &graph::normal(root, vendor)?));
    }
    findings.sort();
    findings.dedup();
    if findings.is_empty() {
        println!(
            "tidy: {} rules hold in {} files, and {} vendor crates are light",
            RULES.len(),
            tree.len(),
            vendors.len()
        );
        return Ok(());
    }
    for finding in &findings {
        println!("{finding}");
    }
    bail!(
        "{} places break a house rule; see above how to mend each",
        findings.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_where_what_and_how_to_mend_it() {
        let finding = Finding::new("a/b.rs", 7, "is long", "split it");
        assert_eq!(finding.to_string(), "a/b.rs:7: is long; split it");
    }

    #[test]
    fn an_empty_tree_breaks_no_rule() {
        let tree = Tree::of(&[]);
        for rule in RULES {
            assert_eq!(rule(&tree), []);
        }
    }

    #[test]
    fn this_package_breaks_no_rule() {
        let root = cargo::root();
        let tree = Tree::read(&root).unwrap();
        let ours: Vec<_> = RULES
            .iter()
            .flat_map(|rule| rule(&tree))
            .filter(|finding| finding.path.starts_with("xtask/"))
            .map(|finding| finding.to_string())
            .collect();
        assert!(tree.len() > 10, "the tree was read");
        assert_eq!(ours, Vec::<String>::new());
    }
}
