//! Rules: who may depend on whom, and what a user of a vendor crate compiles.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use super::{Findings, Tree};
use crate::cargo;
use crate::release::crates::{list, text};

/// How many crates a vendor crate's normal tree may have, itself included; that of identityx-auth
/// has one more, for GraphQL.
const MOST_CRATES: usize = 99;

/// What the default features do not bring in.
const ABSENT: [&str; 6] =
    ["axum", "aws-lc-rs", "aws-lc-sys", "native-tls", "openssl", "openssl-sys"];

/// What must not be there in two versions: the types of one do not fit the other.
const SINGLE: [&str; 4] = ["http", "hyper", "reqwest", "rustls"];

pub(super) fn findings(root: &Path, tree: &Tree) -> Result<Findings> {
    let mut metadata = cargo::cargo(root, "metadata --format-version=1 --no-deps");
    let mut findings = directions(&serde_json::from_str(&cargo::output(&mut metadata)?)?);
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

fn directions(metadata: &Value) -> Findings {
    let mut findings = Vec::new();
    for package in list(metadata, "packages") {
        for dependency in list(package, "dependencies") {
            let (from, to) = (text(package, "name"), text(dependency, "name"));
            let is_dev = dependency["kind"] == "dev";
            if !may_depend(from, to, is_dev) {
                findings.push(format!("{from} depends on {to}: see ARCHITECTURE.md"));
            }
            if is_dev && to == "auth-sandbox" && dependency["req"] != "*" {
                // With a version, each crate would wait for another to be published.
                findings.push(format!("{from} has a version of {to}; name its path only"));
            }
        }
    }
    findings
}

fn may_depend(from: &str, to: &str, is_dev: bool) -> bool {
    let is_vendor = |name: &str| name.ends_with("-auth");
    let is_for_tests = is_dev && ["auth-sandbox", "vendor-tests"].contains(&to);
    let is_tool = ["authctl", "examples", "xtask", "identityx-codegen"].contains(&to);
    match from {
        // Third parties that one crate hides from all others.
        _ if to == "graphql_client" => from == "identityx-auth",
        _ if to == "reqwest" => {
            is_dev || ["auth-core", "auth-core-tls", "examples", "vendor-tests"].contains(&from)
        }
        // Shared wire types would put the same mistake on both ends.
        "auth-sandbox" => !(is_vendor(to) || is_tool || to == "auth-store"),
        "auth-store" => is_for_tests || !(is_vendor(to) || is_tool || to == "auth-sandbox"),
        // It carries the schema and no code of this workspace; its tests compile what it generates.
        "identityx-codegen" => is_dev || !(is_vendor(to) || to.starts_with("auth")),
        "xtask" => is_for_tests || !(is_vendor(to) || to.starts_with("auth")),
        _ if from == "auth-core" || is_vendor(from) => {
            is_for_tests || !(is_vendor(to) || is_tool || to.starts_with("auth-s"))
        }
        _ => true,
    }
}

/// What is wrong with the crates that a user of this vendor crate compiles, one a line.
fn weight(vendor: &str, printed: &str) -> Findings {
    // A crate that is compiled once for users and once for a macro counts once.
    let words =
        |line: &'_ str| -> Vec<String> { line.split(' ').take(2).map(String::from).collect() };
    let crates: BTreeSet<_> = printed.lines().filter(|line| !line.is_empty()).map(words).collect();
    let count = |name: &str| crates.iter().filter(|words| words[0] == name).count();
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
    use serde_json::json;

    use super::*;

    fn check(from: &str, kind: Option<&str>, to: &str, req: &str) -> usize {
        let dependency = json!({ "name": to, "kind": kind, "req": req });
        let package = json!({ "name": from, "dependencies": [dependency] });
        directions(&json!({ "packages": [package] })).len()
    }

    #[test]
    fn dependencies_point_one_way() {
        for line in [
            "iqm-auth auth-core, auth-store auth-core, auth-sandbox auth-core, authctl iqm-auth",
            "auth-core reqwest, identityx-auth graphql_client, xtask identityx-codegen",
            "iqm-auth -auth-sandbox, iqm-auth -vendor-tests, auth-core -auth-sandbox",
            "iqm-auth -reqwest, xtask -auth-sandbox, identityx-codegen -identityx-auth",
        ] {
            for pair in line.split(", ") {
                let (from, to) = pair.split_once(' ').unwrap();
                let kind = to.starts_with('-').then_some("dev");
                assert_eq!(check(from, kind, to.trim_start_matches('-'), "*"), 0, "{pair}");
            }
        }
        for line in [
            "iqm-auth edgeiq-auth, iqm-auth -edgeiq-auth, iqm-auth auth-store, auth-core iqm-auth",
            "iqm-auth auth-sandbox, iqm-auth identityx-codegen, auth-core auth-sandbox",
            "auth-core auth-store, auth-store iqm-auth, auth-sandbox -iqm-auth, xtask auth-core",
            "auth-sandbox identityx-codegen, identityx-codegen iqm-auth, iqm-auth reqwest",
            "iqm-auth graphql_client, iqm-auth -graphql_client",
        ] {
            for pair in line.split(", ") {
                let (from, to) = pair.split_once(' ').unwrap();
                let kind = to.starts_with('-').then_some("dev");
                assert_eq!(check(from, kind, to.trim_start_matches('-'), "*"), 1, "{pair}");
            }
        }
        assert_eq!(check("iqm-auth", Some("dev"), "auth-sandbox", "^0.1"), 1);
    }

    #[test]
    fn what_a_user_compiles_is_few_light_and_single() {
        let crates = |number: usize| {
            let line = |it| {
                format!(
                    "a v1.{it}.0
a v1.{it}.0 (proc-macro)
"
                )
            };
            (0..number).map(line).collect::<Vec<_>>().concat()
        };
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
