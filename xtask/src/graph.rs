//! The crates that a user of one package compiles, as `cargo tree` resolves them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};

use crate::cargo;

/// One crate of the tree.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The features that are on.
    pub(crate) features: Vec<String>,
}

/// Every crate in `package`'s normal tree with default features, itself included, each once.
///
/// `cargo metadata` would not do: it joins the features of the whole workspace, so that what only
/// an example switches on would be counted for every vendor.
pub(crate) fn normal(root: &Path, package: &str) -> Result<Vec<Node>> {
    let printed = cargo::output(cargo::command(root).args([
        "tree",
        "--package",
        package,
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--no-dedupe",
        "--format",
        "{p}|{f}",
    ]))?;
    parse(&printed)
}

fn parse(printed: &str) -> Result<Vec<Node>> {
    // Keyed without features: a crate that is compiled once for us and once for a macro counts once,
    // as `sort -u` counts it.
    let mut nodes: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for line in printed.lines().filter(|line| !line.trim().is_empty()) {
        let (package, features) = line
            .split_once('|')
            .with_context(|| format!("cannot read this line of `cargo tree`: {line}"))?;
        let mut words = package.split_whitespace();
        let (name, version) = words
            .next()
            .zip(words.next().and_then(|version| version.strip_prefix('v')))
            .with_context(|| format!("cannot read this line of `cargo tree`: {line}"))?;
        let known = nodes.entry((name, version)).or_default();
        for feature in features
            .split(',')
            .map(str::trim)
            .filter(|feature| !feature.is_empty())
        {
            if !known.iter().any(|seen| seen == feature) {
                known.push(feature.to_owned());
            }
        }
    }
    Ok(nodes
        .into_iter()
        .map(|((name, version), features)| Node {
            name: name.to_owned(),
            version: version.to_owned(),
            features,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_counts_once_with_all_its_features_and_twice_with_two_versions() {
        let nodes = parse(
            "iqm-auth v0.1.0 (/work/crates/iqm-auth)|default,ring\n\
             serde v1.0.2|std\n\
             serde v1.0.2|derive,std\n\
             serde_derive v1.0.2 (proc-macro)|\n\
             http v0.2.1|\n\
             http v1.0.0|std\n",
        )
        .unwrap();
        let names: Vec<_> = nodes
            .iter()
            .map(|node| (&*node.name, &*node.version))
            .collect();
        assert_eq!(
            names,
            [
                ("http", "0.2.1"),
                ("http", "1.0.0"),
                ("iqm-auth", "0.1.0"),
                ("serde", "1.0.2"),
                ("serde_derive", "1.0.2")
            ]
        );
        assert_eq!(nodes[3].features, ["std", "derive"]);
        assert!(nodes[4].features.is_empty());
    }

    #[test]
    fn a_line_that_cargo_never_printed_is_an_error_and_not_a_smaller_count() {
        assert!(parse("serde v1.0.2\n").is_err());
        assert!(parse("serde 1.0.2|std\n").is_err());
    }
}
