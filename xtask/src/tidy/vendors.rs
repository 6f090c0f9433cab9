//! Rules: the vendor crates are parallel, file by file, and differ only where the vendors differ.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::tree::{Tree, is_rust};

/// What every vendor crate has.
const FILES: [&str; 10] = [
    "src/lib.rs",
    "src/client.rs",
    "src/builder.rs",
    "src/renew.rs",
    "src/types.rs",
    "src/wire.rs",
    "src/error.rs",
    "README.md",
    "CHANGELOG.md",
    "tests/it/main.rs",
];

/// How many more top-level sources a vendor crate may have.
const MOST_EXTRAS: usize = 2;

pub(crate) fn have_the_same_sources(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for vendor in tree.vendors() {
        for file in FILES {
            let path = format!("crates/{vendor}/{file}");
            if !tree.has(&path) {
                findings.push(Finding::new(
                    &path,
                    1,
                    "missing: every vendor crate has this file",
                    "write it, in the shape that it has in the other vendor crates",
                ));
            }
        }
        let source = format!("crates/{vendor}/src");
        let folders: BTreeSet<_> = tree
            .below(&source)
            .filter_map(|path| Some(path.split_once('/')?.0))
            .filter(|folder| *folder != "generated")
            .collect();
        for folder in folders {
            if !tree.has(&format!("{source}/{folder}.rs")) {
                findings.push(Finding::new(
                    &format!("{source}/{folder}"),
                    1,
                    format!("a folder without {folder}.rs beside it"),
                    format!("add {source}/{folder}.rs, or move the files up"),
                ));
            }
        }
    }
    findings
}

pub(crate) fn name_their_extra_sources(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for vendor in tree.vendors() {
        let extras = extra_sources(tree, vendor);
        if extras.len() > MOST_EXTRAS {
            findings.push(Finding::new(
                &format!("crates/{vendor}/src"),
                1,
                format!(
                    "{} sources beyond the common ones, {}, and {MOST_EXTRAS} are the most",
                    extras.len(),
                    extras.join(", ")
                ),
                "move what belongs together into a folder below the file that uses it",
            ));
        }
        for extra in extras {
            if !tree.architecture_names(extra) {
                findings.push(Finding::new(
                    &format!("crates/{vendor}/src/{extra}"),
                    1,
                    "no other vendor crate has this file, and ARCHITECTURE.md does not name it",
                    "name it there with the vendor's peculiarity, or move it into a common file",
                ));
            }
        }
    }
    findings
}

pub(crate) fn have_the_same_tests(tree: &Tree) -> Vec<Finding> {
    let vendors = tree.vendors();
    let mut holders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let folders: Vec<_> = vendors
        .iter()
        .map(|vendor| format!("crates/{vendor}/tests/it"))
        .collect();
    for (vendor, folder) in vendors.iter().zip(&folders) {
        for file in tree.below(folder).filter(|file| is_rust(file)) {
            holders.entry(file).or_default().push(vendor);
        }
    }
    let extras: BTreeSet<_> = vendors
        .iter()
        .flat_map(|vendor| extra_sources(tree, vendor))
        .collect();
    let mut findings = Vec::new();
    for (file, holders) in holders {
        // A test of an extra source bears its name, and that rule has its own finding. A common
        // name such as client.rs stands in ARCHITECTURE.md anyhow, so only the whole path counts.
        if file == "main.rs"
            || extras.contains(file)
            || tree.architecture_names(&format!("tests/it/{file}"))
        {
            continue;
        }
        for vendor in vendors.iter().filter(|vendor| !holders.contains(vendor)) {
            findings.push(Finding::new(
                &format!("crates/{vendor}/tests/it/{file}"),
                1,
                format!("missing: {} has it", holders.join(" and ")),
                format!("write the same tests here, or name tests/it/{file} in ARCHITECTURE.md"),
            ));
        }
    }
    findings
}

fn extra_sources<'a>(tree: &'a Tree, vendor: &str) -> Vec<&'a str> {
    let source = format!("crates/{vendor}/src/");
    tree.all_sources()
        .iter()
        .filter(|file| !file.is_generated())
        .filter_map(|file| file.path.strip_prefix(&source))
        .filter(|file| !file.contains('/') && !FILES.contains(&&*format!("src/{file}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole vendor crates, with these files more and less.
    fn tree(vendors: &[&str], more: &[(&str, &str)], less: &[&str]) -> Tree {
        let mut paths: Vec<String> = Vec::new();
        for vendor in vendors {
            paths.push(format!("crates/{vendor}/Cargo.toml"));
            paths.extend(FILES.iter().map(|file| format!("crates/{vendor}/{file}")));
            paths.push(format!("crates/{vendor}/tests/it/session.rs"));
        }
        paths.retain(|path| !less.contains(&path.as_str()));
        let mut files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "")).collect();
        files.extend(more);
        Tree::of(&files)
    }

    fn paths(findings: &[Finding]) -> Vec<&str> {
        findings
            .iter()
            .map(|finding| finding.path.as_str())
            .collect()
    }

    #[test]
    fn a_whole_vendor_crate_is_clean() {
        let tree = tree(&["iqm-auth"], &[("crates/auth-core/Cargo.toml", "")], &[]);
        assert_eq!(have_the_same_sources(&tree), []);
        assert_eq!(name_their_extra_sources(&tree), []);
        assert_eq!(have_the_same_tests(&tree), []);
    }

    #[test]
    fn each_file_that_is_missing_is_found() {
        for file in FILES {
            let path = format!("crates/iqm-auth/{file}");
            let tree = tree(&["iqm-auth"], &[], &[&path]);
            assert_eq!(paths(&have_the_same_sources(&tree)), [path]);
        }
    }

    #[test]
    fn a_folder_stands_beside_its_file_or_is_generated() {
        let with = |more: &[(&str, &str)]| have_the_same_sources(&tree(&["iqm-auth"], more, &[]));
        assert_eq!(with(&[("crates/iqm-auth/src/wire/login.rs", "")]), []);
        assert_eq!(with(&[("crates/iqm-auth/src/generated/query.rs", "")]), []);
        let found = with(&[("crates/iqm-auth/src/quirk/login.rs", "")]);
        assert_eq!(paths(&found), ["crates/iqm-auth/src/quirk"]);
    }

    #[test]
    fn an_extra_source_is_named_in_the_architecture() {
        let extra = ("crates/iqm-auth/src/magic_link.rs", "");
        let unnamed = tree(&["iqm-auth"], &[extra], &[]);
        assert_eq!(paths(&name_their_extra_sources(&unnamed)), [extra.0]);
        let named = tree(
            &["iqm-auth"],
            &[extra, ("ARCHITECTURE.md", "`magic_link.rs`")],
            &[],
        );
        assert_eq!(name_their_extra_sources(&named), []);
    }

    #[test]
    fn two_extra_sources_are_the_most() {
        let more = [
            ("crates/iqm-auth/src/a.rs", ""),
            ("crates/iqm-auth/src/b.rs", ""),
            ("ARCHITECTURE.md", "a.rs b.rs c.rs"),
            ("crates/iqm-auth/src/c.rs", ""),
        ];
        assert_eq!(
            name_their_extra_sources(&tree(&["iqm-auth"], &more[..3], &[])),
            []
        );
        let found = name_their_extra_sources(&tree(&["iqm-auth"], &more, &[]));
        assert_eq!(paths(&found), ["crates/iqm-auth/src"]);
    }

    #[test]
    fn the_crate_without_a_test_file_of_the_others_is_named() {
        let vendors = ["edgeiq-auth", "eqworks-auth", "iqm-auth"];
        let less = "crates/eqworks-auth/tests/it/session.rs";
        assert_eq!(have_the_same_tests(&tree(&vendors, &[], &[])), []);
        let found = have_the_same_tests(&tree(&vendors, &[], &[less]));
        assert_eq!(paths(&found), [less]);
        assert!(
            found[0].what.contains("edgeiq-auth and iqm-auth"),
            "{found:?}"
        );
    }

    #[test]
    fn a_test_file_of_one_vendor_is_named_or_tests_its_extra_source() {
        let vendors = ["edgeiq-auth", "iqm-auth"];
        let test = ("crates/iqm-auth/tests/it/quirk.rs", "");
        assert_eq!(have_the_same_tests(&tree(&vendors, &[test], &[])).len(), 1);
        // Named, but as some other file.
        let elsewhere = [test, ("ARCHITECTURE.md", "`src/quirk.rs`")];
        assert_eq!(
            have_the_same_tests(&tree(&vendors, &elsewhere, &[])).len(),
            1
        );
        let named = [test, ("ARCHITECTURE.md", "`tests/it/quirk.rs`")];
        assert_eq!(have_the_same_tests(&tree(&vendors, &named, &[])), []);
        let source = [test, ("crates/iqm-auth/src/quirk.rs", "")];
        assert_eq!(have_the_same_tests(&tree(&vendors, &source, &[])), []);
    }
}
