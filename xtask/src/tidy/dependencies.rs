//! Rules: who may depend on whom, and where versions stand.

use super::Finding;
use super::manifest::{Kind, WorkspaceDependencies};
use super::tree::{Tree, is_vendor};
use super::words::GRAPHQL_USERS;

pub(crate) fn manifests_are_readable(tree: &Tree) -> Vec<Finding> {
    let unreadable = |path: &str, error: String| Finding::new(path, 1, error, "mend the TOML");
    let mut findings = Vec::new();
    if let Err(error) = tree.workspace_dependencies() {
        findings.push(unreadable("Cargo.toml", error));
    }
    for error in tree.manifests().into_iter().filter_map(Result::err) {
        let path = error.split(':').next().unwrap_or_default().to_owned();
        findings.push(unreadable(&path, error));
    }
    findings
}

pub(crate) fn point_one_way(tree: &Tree) -> Vec<Finding> {
    let members = tree.members();
    let workspace = workspace(tree);
    let ours: Vec<_> = members.iter().map(|member| member.name.as_str()).collect();
    let mut findings = Vec::new();
    for member in &members {
        for dependency in &member.dependencies {
            let package = workspace.package_of(dependency);
            if ours.contains(&package) && !may_depend(&member.name, package, dependency.kind) {
                findings.push(Finding::new(
                    &member.path,
                    dependency.line,
                    format!("{} depends on {package}", member.name),
                    "take it out: ARCHITECTURE.md says who may depend on whom",
                ));
            }
        }
    }
    findings
}

fn may_depend(from: &str, to: &str, kind: Kind) -> bool {
    // Crates that were split off for size, such as a test's fixtures, have no rule here until
    // ARCHITECTURE.md gives them one.
    let tested_with_the_sandbox = to == "auth-sandbox" && kind == Kind::Dev;
    match from {
        "auth-core" => tested_with_the_sandbox,
        "auth-store" => to == "auth-core" || tested_with_the_sandbox,
        "auth-sandbox" => !is_vendor(to) && !matches!(to, "auth-cli" | "identityx-codegen"),
        // It carries the schema and nothing else of ours; its tests compile what it generates.
        "identityx-codegen" => kind == Kind::Dev,
        "xtask" => to == "identityx-codegen" || tested_with_the_sandbox,
        vendor if is_vendor(vendor) => {
            !(is_vendor(to)
                || matches!(
                    to,
                    "auth-store" | "auth-cli" | "auth-sandbox" | "identityx-codegen"
                ))
                || tested_with_the_sandbox
        }
        _ => true,
    }
}

pub(crate) fn the_sandbox_is_a_path(tree: &Tree) -> Vec<Finding> {
    let workspace = workspace(tree);
    let mut findings = Vec::new();
    for member in tree.members() {
        for dependency in &member.dependencies {
            if dependency.kind == Kind::Dev
                && workspace.package_of(dependency) == "auth-sandbox"
                && workspace.has_version(dependency)
            {
                findings.push(Finding::new(
                    &member.path,
                    dependency.line,
                    "a dev-dependency on auth-sandbox with a version",
                    "name its path only, so that no crate waits for another to be published",
                ));
            }
        }
    }
    findings
}

pub(crate) fn versions_stand_in_the_workspace(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in tree.members() {
        for dependency in member
            .dependencies
            .iter()
            .filter(|dependency| dependency.has_version)
        {
            findings.push(Finding::new(
                &member.path,
                dependency.line,
                format!("a version of {} in a member's manifest", dependency.key),
                "move it to [workspace.dependencies] and say `workspace = true` here",
            ));
        }
    }
    findings
}

pub(crate) fn graphql_client_stays_where_it_is_used(tree: &Tree) -> Vec<Finding> {
    let workspace = workspace(tree);
    let mut findings = Vec::new();
    for member in tree.members() {
        if GRAPHQL_USERS.contains(&&*member.name) {
            continue;
        }
        for dependency in &member.dependencies {
            if workspace
                .package_of(dependency)
                .starts_with("graphql_client")
            {
                findings.push(Finding::new(
                    &member.path,
                    dependency.line,
                    format!("{} depends on graphql_client", member.name),
                    "keep GraphQL in identityx-auth",
                ));
            }
        }
    }
    findings
}

/// The workspace's entries; none if they cannot be read, which has a rule of its own.
fn workspace(tree: &Tree) -> WorkspaceDependencies {
    tree.workspace_dependencies().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No line; typed, since JSON's numbers compare with ours, too.
    const NOWHERE: [usize; 0] = [];

    const ROOT: &str = "\
[workspace.dependencies]
auth-core = { version = \"0.1\", path = \"crates/auth-core\" }
auth-sandbox = { path = \"crates/auth-sandbox\" }
auth-store = { path = \"crates/auth-store\" }
iqm-auth = { path = \"crates/iqm-auth\" }
edgeiq-auth = { path = \"crates/edgeiq-auth\" }
identityx-codegen = { path = \"crates/identityx-codegen\" }
gql = { version = \"1\", package = \"graphql_client\" }
serde = \"1\"
";

    /// What the rule finds where `member` has these lines in its manifest.
    fn check(rule: fn(&Tree) -> Vec<Finding>, member: &str, lines: &str) -> Vec<Finding> {
        let names = [
            "auth-cli",
            "auth-core",
            "auth-sandbox",
            "auth-store",
            "edgeiq-auth",
            "identityx-codegen",
            "iqm-auth",
            "xtask",
        ];
        let texts: Vec<_> = names
            .iter()
            .map(|name| {
                let lines = if *name == member { lines } else { "" };
                let folder = if *name == "xtask" { "" } else { "crates/" };
                let path = format!("{folder}{name}/Cargo.toml");
                (path, format!("[package]\nname = \"{name}\"\n{lines}"))
            })
            .collect();
        let mut files: Vec<(&str, &str)> = texts
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        files.push(("Cargo.toml", ROOT));
        rule(&Tree::of(&files))
    }

    fn lines(findings: &[Finding]) -> Vec<usize> {
        findings.iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn dependencies_that_the_architecture_allows_are_clean() {
        for (member, section, package) in [
            ("iqm-auth", "dependencies", "auth-core"),
            ("iqm-auth", "dev-dependencies", "auth-sandbox"),
            ("auth-core", "dev-dependencies", "auth-sandbox"),
            ("auth-store", "dependencies", "auth-core"),
            ("auth-sandbox", "dependencies", "auth-core"),
            ("auth-cli", "dependencies", "iqm-auth"),
            ("identityx-codegen", "dev-dependencies", "iqm-auth"),
            ("xtask", "dependencies", "identityx-codegen"),
            ("xtask", "dev-dependencies", "auth-sandbox"),
            ("xtask", "dependencies", "serde"),
        ] {
            let text = format!("[{section}]\n{package}.workspace = true\n");
            assert_eq!(
                check(point_one_way, member, &text),
                [],
                "{member} on {package}"
            );
        }
    }

    #[test]
    fn dependencies_that_the_architecture_forbids_are_found() {
        for (member, section, package) in [
            ("iqm-auth", "dependencies", "edgeiq-auth"),
            ("iqm-auth", "dev-dependencies", "edgeiq-auth"),
            ("iqm-auth", "dependencies", "auth-store"),
            ("iqm-auth", "dependencies", "auth-sandbox"),
            ("auth-core", "dependencies", "auth-sandbox"),
            ("auth-core", "dev-dependencies", "iqm-auth"),
            ("auth-core", "dependencies", "auth-store"),
            ("auth-store", "dependencies", "iqm-auth"),
            ("auth-sandbox", "dev-dependencies", "iqm-auth"),
            ("auth-sandbox", "build-dependencies", "iqm-auth"),
            ("auth-sandbox", "dev-dependencies", "identityx-codegen"),
            ("identityx-codegen", "dependencies", "iqm-auth"),
            ("iqm-auth", "build-dependencies", "identityx-codegen"),
            ("xtask", "dependencies", "auth-core"),
            ("iqm-auth", "target.'cfg(unix)'.dependencies", "edgeiq-auth"),
        ] {
            let text = format!("[{section}]\n{package}.workspace = true\n");
            let found = check(point_one_way, member, &text);
            assert_eq!(lines(&found), [4], "{member} on {package}");
        }
    }

    #[test]
    fn another_name_does_not_hide_a_dependency() {
        let text = "[dependencies]\nother = { package = \"edgeiq-auth\", path = \"x\" }\n";
        assert_eq!(lines(&check(point_one_way, "iqm-auth", text)), [4]);
    }

    #[test]
    fn the_sandbox_comes_by_path_and_without_a_version() {
        let rule = |text| lines(&check(the_sandbox_is_a_path, "iqm-auth", text));
        assert_eq!(
            rule("[dev-dependencies]\nauth-sandbox.workspace = true\n"),
            NOWHERE
        );
        assert_eq!(
            rule("[dev-dependencies]\nauth-sandbox = { path = \"x\" }\n"),
            NOWHERE
        );
        let versioned = "[dev-dependencies]\nauth-sandbox = { path = \"x\", version = \"1\" }\n";
        assert_eq!(rule(versioned), [4]);
    }

    #[test]
    fn versions_stand_in_the_workspace_only() {
        let rule = |text| lines(&check(versions_stand_in_the_workspace, "iqm-auth", text));
        assert_eq!(
            rule("[dependencies]\nserde = { workspace = true, optional = true }\n"),
            NOWHERE
        );
        assert_eq!(rule("[dependencies]\nserde = \"1\"\n"), [4]);
        assert_eq!(
            rule("[dev-dependencies]\nserde = { version = \"1\" }\n"),
            [4]
        );
        assert_eq!(rule("[build-dependencies.serde]\ngit = \"x\"\n"), [3]);
    }

    #[test]
    fn graphql_client_is_found_under_any_name() {
        let text = "[dependencies]\ngql.workspace = true\n";
        let rule = |member| lines(&check(graphql_client_stays_where_it_is_used, member, text));
        assert_eq!(rule("xtask"), NOWHERE);
        assert_eq!(rule("iqm-auth"), [4]);
    }

    #[test]
    fn a_manifest_that_is_no_toml_is_found() {
        assert_eq!(check(manifests_are_readable, "iqm-auth", ""), []);
        let found = check(manifests_are_readable, "iqm-auth", "[dependencies\n");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "crates/iqm-auth/Cargo.toml");
        assert_eq!(
            manifests_are_readable(&Tree::of(&[("Cargo.toml", "[workspace")])).len(),
            1
        );
    }
}
