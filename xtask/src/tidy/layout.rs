//! Rules: where code lies, how much of it, and what a user of a vendor crate compiles. Who may depend on
//! whom stands in deny.toml.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::{Findings, Tree};
use crate::cargo;

const FILES: &str = "README.md CHANGELOG.md tests/it/main.rs src/lib.rs src/client.rs \
    src/builder.rs src/renew.rs src/types.rs src/wire.rs src/error.rs";

/// The most lines of a file without its unit tests.
const MOST_LINES: usize = 400;

/// How many crates a vendor crate's normal tree may have, itself included (identityx-auth: one more),
/// without the 16 of ICU4X, which a user has who does not hold back `idna_adapter` (see deny.toml).
const MOST_CRATES: usize = 83;

/// What the default features do not bring in.
const ABSENT: [&str; 6] =
    ["axum", "aws-lc-rs", "aws-lc-sys", "native-tls", "openssl", "openssl-sys"];

/// What must not be there in two versions: the types of one do not fit the other.
const SINGLE: [&str; 4] = ["http", "hyper", "reqwest", "rustls"];

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
        let own = own.iter().filter(|it| it.starts_with("src/"));
        let extra: Vec<_> = own.filter(is_there).collect();
        if extra.len() > 1 {
            findings.push(format!("crates/{vendor}/src:1: more than one extra file: {extra:?}"));
        }
    }
    findings
}

pub(super) fn files_are_short(tree: &Tree) -> Findings {
    let tests = ["/tests/", "/benches/", "/tests.rs"];
    let is_for_tests = |path: &str| tests.iter().any(|part| path.contains(part));
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

pub(super) fn dependencies_are_few(root: &Path, tree: &Tree) -> Result<Findings> {
    let mut findings = Vec::new();
    for (path, text) in tree.ending("/Cargo.toml").filter(|(path, _)| !path.starts_with("fuzz/")) {
        // Such as `forbid(unsafe_code)`, which SECURITY.md cites.
        if !text.contains("[lints]\nworkspace = true") {
            findings.push(format!("{path}:1: no `[lints] workspace = true`; add it"));
        }
    }
    for vendor in tree.vendors() {
        // `cargo metadata` would join the features of the whole workspace.
        let words = "tree --edges normal --prefix none --no-dedupe --format {p} --package";
        let printed = cargo::output(cargo::cargo(root, words).arg(vendor))?;
        findings.extend(weight(vendor, &printed));
    }
    Ok(findings)
}

/// What is wrong with the crates that a user of this vendor crate compiles, one a line.
fn weight(vendor: &str, printed: &str) -> Findings {
    // A crate that is compiled once for users and once for a macro counts once.
    let id = |line: &str| line.strip_suffix(" (proc-macro)").unwrap_or(line).to_owned();
    let crates: BTreeSet<_> = printed.lines().filter(|line| !line.is_empty()).map(id).collect();
    let count = |name| crates.iter().filter(|it| it.split(' ').next() == Some(name)).count();
    let mut wrong = Vec::new();
    let most = MOST_CRATES + usize::from(vendor == "identityx-auth");
    if crates.len() > most {
        wrong.push(format!("{} crates, and {most} are the most", crates.len()));
    }
    let absent = ABSENT.iter().filter(|name| count(name) > 0);
    wrong.extend(absent.map(|name| format!("{name} among those of the default features")));
    let double = SINGLE.iter().filter(|name| count(name) > 1);
    wrong.extend(double.map(|name| format!("{name} in several versions")));
    let hint = format!("see `cargo tree -p {vendor} -e normal`");
    wrong.iter().map(|what| format!("crates/{vendor}/Cargo.toml:1: {what}; {hint}")).collect()
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

    #[test]
    fn what_a_user_compiles_is_few_light_and_single() {
        // Each once for users and once for a macro.
        let line = |it| format!("a v1.{it}.0\na v1.{it}.0 (proc-macro)\n");
        let crates = |number: usize| (0..number).map(line).collect::<String>();
        let check = |printed: &str| weight("iqm-auth", printed).len();
        assert_eq!([check(&crates(MOST_CRATES)), check(&crates(MOST_CRATES + 1))], [0, 1]);
        for name in ABSENT {
            assert_eq!(check(&format!("{name} v1.0.0\n")), 1, "{name}");
        }
        for name in SINGLE {
            assert_eq!(check(&format!("{name} v1.0.0\n{name} v2.0.0\n")), 1, "{name}");
        }
        assert_eq!(check("openssl-probe v0.2.0\nsyn v2.0.0\nsyn v3.0.0\n"), 0);
    }
}
