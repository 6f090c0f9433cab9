//! Rules: what a user of a vendor crate compiles. Who may depend on whom stands in deny.toml.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::{Findings, Tree};
use crate::cargo;

/// How many crates a vendor crate's normal tree may have, itself included; that of identityx-auth
/// has one more, for GraphQL.
const MOST_CRATES: usize = 99;

/// What the default features do not bring in.
const ABSENT: [&str; 6] =
    ["axum", "aws-lc-rs", "aws-lc-sys", "native-tls", "openssl", "openssl-sys"];

/// What must not be there in two versions: the types of one do not fit the other.
const SINGLE: [&str; 4] = ["http", "hyper", "reqwest", "rustls"];

pub(super) fn findings(root: &Path, tree: &Tree) -> Result<Findings> {
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
