//! Rules: who may depend on whom, and what a user of a vendor crate compiles.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use super::{Findings, Tree};
use crate::cargo;

/// How many crates a vendor crate's normal tree may have, itself included; identityx-auth has graphql_client as well.
const MOST_CRATES: [(&str, usize); 4] = [
    ("iqm-auth", 99),
    ("edgeiq-auth", 99),
    ("eqworks-auth", 99),
    ("identityx-auth", 100),
];

/// What the default features do not bring in.
const ABSENT: [&str; 6] = [
    "axum",
    "aws-lc-rs",
    "aws-lc-sys",
    "native-tls",
    "openssl",
    "openssl-sys",
];

/// What must not be there in two versions: each is large, and the types of one do not fit the other.
const SINGLE: [&str; 4] = ["http", "hyper", "reqwest", "rustls"];

pub(super) fn findings(root: &Path, tree: &Tree) -> Result<Findings> {
    let metadata = cargo::output(&mut cargo::cargo(
        root,
        "metadata --format-version=1 --no-deps",
    ))?;
    let mut findings = directions(&serde_json::from_str(&metadata)?);
    for (path, text) in tree
        .ending("Cargo.toml")
        .filter(|(path, _)| *path != "Cargo.toml" && !path.starts_with("fuzz/"))
    {
        // Such as `forbid(unsafe_code)`, which SECURITY.md cites.
        if !text.contains("[lints]\nworkspace = true") {
            findings.push(format!("{path}:1: no `[lints] workspace = true`; add it"));
        }
    }
    for vendor in tree.vendors() {
        // `cargo metadata` would join the features of the whole workspace.
        let line = "tree --edges normal --prefix none --no-dedupe --format {p} --package";
        let printed = cargo::output(cargo::cargo(root, line).arg(vendor))?;
        findings.extend(weight(vendor, &printed));
    }
    Ok(findings)
}

fn directions(metadata: &Value) -> Findings {
    let mut findings = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let from = package["name"].as_str().unwrap_or_default();
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = dependency["name"].as_str().unwrap_or_default();
            let is_dev = dependency["kind"] == "dev";
            if !may_depend(from, to, is_dev) {
                findings.push(format!(
                    "{from} depends on {to}; ARCHITECTURE.md says who may depend on whom"
                ));
            }
            if is_dev && to == "auth-sandbox" && dependency["req"] != "*" {
                findings.push(format!("{from} tests with a version of auth-sandbox; name its path only, so that no crate \
                                       waits for another to be published"));
            }
        }
    }
    findings
}

fn is_vendor(name: &str) -> bool {
    name.ends_with("-auth")
}

fn may_depend(from: &str, to: &str, is_dev: bool) -> bool {
    let is_for_tests = is_dev && ["auth-sandbox", "vendor-tests"].contains(&to);
    let is_tool = ["authctl", "examples", "xtask", "identityx-codegen"].contains(&to);
    match from {
        // Third parties that one crate hides from all others.
        _ if to == "reqwest" && !is_dev => {
            ["auth-core", "vendor-tests", "examples", "auth-core-tls"].contains(&from)
        }
        _ if to == "graphql_client" => from == "identityx-auth",
        "auth-core" => is_for_tests || !(is_vendor(to) || is_tool || to.starts_with("auth-s")),
        "auth-store" => is_for_tests || !(is_vendor(to) || is_tool || to == "auth-sandbox"),
        // Shared wire types would put the same mistake on both ends.
        "auth-sandbox" => !(is_vendor(to) || is_tool || to == "auth-store"),
        // It carries the schema and no code of this workspace; its tests compile what it generates.
        "identityx-codegen" => is_dev || !(is_vendor(to) || to.starts_with("auth")),
        "xtask" => is_for_tests || !(is_vendor(to) || to.starts_with("auth")),
        _ if is_vendor(from) => {
            is_for_tests || !(is_vendor(to) || is_tool || to.starts_with("auth-s"))
        }
        _ => true,
    }
}

/// What is wrong with the crates that a user of this vendor crate compiles, one a line.
fn weight(vendor: &str, printed: &str) -> Findings {
    // Without features and kinds: a crate that is compiled once for users and once for a macro counts once.
    let words = printed
        .lines()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>());
    let crates: BTreeSet<_> = words.filter(|words| words.len() == 2).collect();
    let count = |name: &str| crates.iter().filter(|words| words[0] == name).count();
    let mut findings = Vec::new();
    let place = format!("crates/{vendor}/Cargo.toml:1:");
    let limit = MOST_CRATES.iter().find(|(name, _)| *name == vendor);
    if let Some((_, limit)) = limit.filter(|(_, limit)| crates.len() > *limit) {
        let hint = format!("find the new ones with `cargo tree -p {vendor} -e normal`");
        findings.push(format!(
            "{place} {} crates in the tree, and {limit} are the most; {hint}",
            crates.len()
        ));
    }
    for name in ABSENT.iter().filter(|name| count(name) > 0) {
        findings.push(format!(
            "{place} {name} in the tree of the default features; `cargo tree -p {vendor} -i {name}`"
        ));
    }
    for name in SINGLE.iter().filter(|name| count(name) > 1) {
        findings.push(format!(
            "{place} {name} in several versions; `cargo tree -p {vendor} -e normal -d`"
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dependencies_point_one_way() {
        for (from, kind, to, allowed) in [
            ("iqm-auth", None, "auth-core", true),
            ("iqm-auth", Some("dev"), "auth-sandbox", true),
            ("iqm-auth", Some("dev"), "vendor-tests", true),
            ("auth-core", Some("dev"), "auth-sandbox", true),
            ("auth-store", None, "auth-core", true),
            ("auth-sandbox", None, "auth-core", true),
            ("authctl", None, "iqm-auth", true),
            ("identityx-codegen", Some("dev"), "identityx-auth", true),
            ("xtask", None, "identityx-codegen", true),
            ("xtask", Some("dev"), "auth-sandbox", true),
            ("auth-core", None, "reqwest", true),
            ("iqm-auth", Some("dev"), "reqwest", true),
            ("identityx-auth", None, "graphql_client", true),
            ("iqm-auth", None, "edgeiq-auth", false),
            ("iqm-auth", Some("dev"), "edgeiq-auth", false),
            ("iqm-auth", None, "auth-store", false),
            ("iqm-auth", None, "auth-sandbox", false),
            ("iqm-auth", Some("build"), "identityx-codegen", false),
            ("auth-core", None, "auth-sandbox", false),
            ("auth-core", Some("dev"), "iqm-auth", false),
            ("auth-core", None, "auth-store", false),
            ("auth-store", None, "iqm-auth", false),
            ("auth-sandbox", Some("dev"), "iqm-auth", false),
            ("auth-sandbox", Some("build"), "identityx-codegen", false),
            ("identityx-codegen", None, "iqm-auth", false),
            ("xtask", None, "auth-core", false),
            ("iqm-auth", None, "reqwest", false),
            ("iqm-auth", None, "graphql_client", false),
        ] {
            let dependency = json!({ "name": to, "kind": kind, "req": "*" });
            let found = directions(
                &json!({ "packages": [{ "name": from, "dependencies": [dependency] }] }),
            );
            assert_eq!(found.is_empty(), allowed, "{from} {kind:?} {to}");
        }
        let sandbox = json!({ "name": "auth-sandbox", "kind": "dev", "req": "^0.1" });
        let found =
            directions(&json!({ "packages": [{ "name": "iqm-auth", "dependencies": [sandbox] }] }));
        assert!(found[0].contains("path only"), "{found:?}");
    }

    #[test]
    fn what_a_user_compiles_is_few_light_and_single() {
        let limit = MOST_CRATES[0].1;
        let crates = |number: usize| {
            (0..number)
                .map(|it| format!("a v1.{it}.0\na v1.{it}.0 (proc-macro)\n"))
                .collect::<String>()
        };
        assert_eq!(weight("iqm-auth", &crates(limit)).len(), 0);
        assert_eq!(weight("iqm-auth", &crates(limit + 1)).len(), 1);
        for name in ABSENT {
            assert_eq!(
                weight("iqm-auth", &format!("{name} v1.0.0\n")).len(),
                1,
                "{name}"
            );
        }
        for name in SINGLE {
            assert_eq!(
                weight("iqm-auth", &format!("{name} v1.0.0\n{name} v2.0.0\n")).len(),
                1,
                "{name}"
            );
        }
        assert_eq!(
            weight("iqm-auth", "openssl-probe v0.2.0\nsyn v2.0.0\nsyn v3.0.0\n"),
            [""; 0]
        );
    }
}
