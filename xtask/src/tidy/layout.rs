//! Rules: where code lies, and how much of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Findings, Tree};

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

/// The most lines of a file without its unit tests.
const MOST_LINES: usize = 400;

/// What one vendor crate has, all have; but for one file, for the vendor's peculiar step, which
/// ARCHITECTURE.md names, and its tests.
pub(super) fn vendors_have_the_same_files(tree: &Tree) -> Findings {
    let vendors = tree.vendors();
    let mut holders: BTreeMap<_, Vec<_>> = FILES.iter().map(|file| (*file, Vec::new())).collect();
    for vendor in &vendors {
        let folder = format!("crates/{vendor}/");
        for file in tree.sources().filter_map(|(path, _)| path.strip_prefix(&*folder)) {
            // Of the sources, those at the top; a test may lie deeper.
            let source = file.strip_prefix("src/").map(|source| !source.contains('/'));
            if source.unwrap_or(file.starts_with("tests/it/")) {
                holders.entry(file).or_default().push(*vendor);
            }
        }
    }
    let architecture = tree.text("ARCHITECTURE.md");
    let is_named =
        |file: &str| !FILES.contains(&file) && architecture.contains(&format!("`{file}`"));
    let mut findings = Vec::new();
    let mut extras: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (file, holders) in &holders {
        for vendor in &vendors {
            let is_there = tree.holds(&format!("crates/{vendor}/{file}"));
            if is_there && is_named(file) && file.starts_with("src/") {
                extras.entry(vendor).or_default().push(*file);
            } else if !is_there && !is_named(file) {
                let hint = format!("{holders:?} have it; or name `{file}` in ARCHITECTURE.md");
                findings.push(format!("crates/{vendor}/{file}:1: missing: {hint}"));
            }
        }
    }
    for (vendor, files) in extras.iter().filter(|(_, files)| files.len() > 1) {
        findings.push(format!("crates/{vendor}/src:1: more than one extra file: {files:?}"));
    }
    findings
}

pub(super) fn files_are_short(tree: &Tree) -> Findings {
    let is_for_tests =
        |path: &str| ["/tests/", "/benches/", "/tests.rs"].iter().any(|part| path.contains(part));
    let mut findings = Vec::new();
    for (path, text) in tree.sources().filter(|(path, _)| !is_for_tests(path)) {
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
        let lines = code.lines().count();
        if lines > MOST_LINES {
            findings.push(format!("{path}:{MOST_LINES}: {lines} lines without tests; split it"));
        }
    }
    let paths: BTreeSet<_> = tree.sources().flat_map(|(path, _)| path.split(['/', '.'])).collect();
    let empty = ["utils", "common", "helpers", "prelude"].into_iter();
    let named = empty.filter(|name| paths.contains(name));
    findings.extend(named.map(|name| format!("{name}: says nothing; name it after what it holds")));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two whole vendor crates with these files more, and without those that end so.
    fn tree(more: &[(&str, &str)], less: &str) -> Tree {
        let mut files: Vec<(String, &str)> = Vec::new();
        for vendor in ["edgeiq-auth", "iqm-auth"] {
            let all = FILES.iter().chain(&["Cargo.toml", "tests/it/session.rs"]);
            files.extend(all.map(|file| (format!("crates/{vendor}/{file}"), "")));
        }
        files.retain(|(path, _)| less.is_empty() || !path.ends_with(less));
        files.extend(more.iter().map(|(path, text)| ((*path).to_owned(), *text)));
        Tree::of(files.iter().map(|(path, text)| (path.as_str(), *text)))
    }

    #[test]
    fn each_file_that_a_vendor_crate_lacks_is_found_and_one_of_its_own_is_named() {
        let check = |more: &[_], less: &str| vendors_have_the_same_files(&tree(more, less));
        assert_eq!(check(&[], ""), [""; 0]);
        for file in FILES.iter().chain(&["tests/it/session.rs"]) {
            let path = format!("crates/iqm-auth/{file}");
            let found = check(&[], &path);
            assert!(found[0].starts_with(&format!("{path}:1: missing")), "{found:?}");
        }
        let file = |name: &'static str| (name, "");
        let (one, two) = ("crates/iqm-auth/src/limiter.rs", "crates/iqm-auth/src/quirk.rs");
        let other = file("crates/edgeiq-auth/src/limiter.rs");
        let named = ("ARCHITECTURE.md", "`src/limiter.rs` `src/quirk.rs`");
        for (more, count) in [
            (&[file(one)][..], 1),
            (&[file(one), other], 0),
            (&[file(one), named], 0),
            (&[file(one), file(two), named], 1),
            (&[file("crates/iqm-auth/src/wire/a.rs")], 0),
            (&[file("crates/iqm-auth/src/generated/a.rs")], 0),
        ] {
            assert_eq!(check(more, "").len(), count, "{more:?}");
        }
    }

    #[test]
    fn a_file_is_short_and_its_name_says_something() {
        let check = |path: &str, text: &str| files_are_short(&Tree::of([(path, text)])).len();
        let long = "fn a() {}\n".repeat(MOST_LINES);
        let longer = format!("{long}\n");
        let tested = format!("{long}#[cfg(test)]\nmod tests {{\n{long}}}\n");
        assert_eq!(check("crates/a/src/b.rs", &tested), 0);
        assert_eq!(check("crates/a/src/b.rs", &longer), 1);
        assert_eq!(check("crates/a/tests/it/b.rs", &longer), 0);
        assert_eq!(check("crates/a/src/generated/b.rs", &longer), 0);
        assert_eq!(check("crates/a/src/utils.rs", ""), 1);
    }
}
