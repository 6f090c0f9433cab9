//! Rules: where code lies, and how much of it.

use std::collections::BTreeSet;

use super::{Findings, Tree};

/// What every vendor crate has.
const FILES: &str = "README.md CHANGELOG.md tests/it/main.rs src/lib.rs src/client.rs \
    src/builder.rs src/renew.rs src/types.rs src/wire.rs src/error.rs";

/// The most lines of a file without its unit tests.
const MOST_LINES: usize = 400;

/// What one vendor crate has, all have; but for one file, for the vendor's peculiar step, which
/// ARCHITECTURE.md names, and its tests.
pub(super) fn vendors_have_the_same_files(tree: &Tree) -> Findings {
    let vendors = tree.vendors();
    let mut files: BTreeSet<_> = FILES.split(' ').collect();
    for (path, _) in tree.sources() {
        let of =
            |vendor: &&str| path.strip_prefix("crates/")?.strip_prefix(*vendor)?.strip_prefix('/');
        // Of the sources, those at the top; a test may lie deeper.
        let counts = |file: &&str| match file.strip_prefix("src/") {
            Some(source) => !source.contains('/'),
            None => file.starts_with("tests/it/"),
        };
        files.extend(vendors.iter().find_map(of).filter(counts));
    }
    let architecture = tree.text("ARCHITECTURE.md");
    let is_own = |it: &&str| !FILES.contains(it) && architecture.contains(&format!("`{it}`"));
    let (own, shared): (Vec<_>, Vec<_>) = files.into_iter().partition(is_own);
    let mut findings = Vec::new();
    for vendor in vendors {
        let is_there = |file: &&&str| tree.holds(&format!("crates/{vendor}/{file}"));
        let missing = shared.iter().filter(|file| !is_there(file));
        let hint = "the other vendor crates have it; or name it in ARCHITECTURE.md";
        findings.extend(missing.map(|it| format!("crates/{vendor}/{it}:1: missing: {hint}")));
        let extra: Vec<_> =
            own.iter().filter(is_there).filter(|it| it.starts_with("src/")).collect();
        if extra.len() > 1 {
            findings.push(format!("crates/{vendor}/src:1: more than one extra file: {extra:?}"));
        }
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
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two whole vendor crates with these files more, and without those that end so.
    fn tree(more: &[(&str, &str)], less: &str) -> Tree {
        let mut files: Vec<(String, &str)> = Vec::new();
        for vendor in ["edgeiq-auth", "iqm-auth"] {
            let all = FILES.split(' ').chain(["Cargo.toml", "tests/it/session.rs"]);
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
        for file in FILES.split(' ').chain(["tests/it/session.rs"]) {
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
    fn a_file_is_short() {
        let check = |path: &str, text: &str| files_are_short(&Tree::of([(path, text)])).len();
        let long = "fn a() {}\n".repeat(MOST_LINES);
        let longer = format!("{long}\n");
        let tested = format!("{long}#[cfg(test)]\nmod tests {{\n{long}}}\n");
        assert_eq!(check("crates/a/src/b.rs", &tested), 0);
        assert_eq!(check("crates/a/src/b.rs", &longer), 1);
        assert_eq!(check("crates/a/tests/it/b.rs", &longer), 0);
        assert_eq!(check("crates/a/src/generated/b.rs", &longer), 0);
    }
}
