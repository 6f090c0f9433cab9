//! `release plan` on a copy of this repository in which every crate has been released.

use std::collections::BTreeMap;

use semver::Version;
use serde_json::{Value, json};

use crate::repository::{CRATES, Repository, failure, success};

/// Those that need auth-core, and so follow what breaks in it.
const FOLLOWERS: [&str; 6] = [
    "auth-sandbox",
    "auth-store",
    "edgeiq-auth",
    "eqworks-auth",
    "identityx-auth",
    "iqm-auth",
];

/// A copy with a tag for every crate's present version, and these versions.
pub(crate) fn released() -> (Repository, BTreeMap<String, Version>) {
    let repository = Repository::copy();
    let mut versions = BTreeMap::new();
    for entry in crates(&repository) {
        let name = text(&entry["name"]);
        let version = Version::parse(text(&entry["version"])).unwrap();
        repository.tag(&format!("{name}-v{version}"));
        versions.insert(name.to_owned(), version);
    }
    (repository, versions)
}

/// What `release plan --json` says of each crate.
pub(crate) fn crates(repository: &Repository) -> Vec<Value> {
    let output = repository.xtask(&["release", "plan", "--json"]);
    let mut plan: Value = serde_json::from_str(&success(&output)).unwrap();
    serde_json::from_value(plan["crates"].take()).unwrap()
}

/// The crates that the plan wants released, with state and next version.
pub(crate) fn planned(repository: &Repository) -> Vec<(String, String, String)> {
    let entries = crates(repository);
    let released = entries.iter().filter(|it| it["state"] != "unchanged");
    let words = |entry: &Value, field: &str| text(&entry[field]).to_owned();
    released
        .map(|it| (words(it, "name"), words(it, "state"), words(it, "next")))
        .collect()
}

/// As `planned` gives it.
pub(crate) fn line(name: &str, state: &str, next: &Version) -> (String, String, String) {
    (name.to_owned(), state.to_owned(), next.to_string())
}

pub(crate) fn patched(version: &Version) -> Version {
    Version::new(version.major, version.minor, version.patch + 1)
}

/// The state and the version after a breaking change.
pub(crate) fn broken(version: &Version) -> (&'static str, Version) {
    match version.major {
        0 => ("minor", Version::new(0, version.minor + 1, 0)),
        major => ("major", Version::new(major + 1, 0, 0)),
    }
}

fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
}

/// The plan of a repository in which this was committed after all releases.
fn planned_after(message: &str, change: impl Fn(&Repository)) -> Vec<String> {
    let (repository, _) = released();
    change(&repository);
    repository.commit(message);
    let names = planned(&repository).into_iter();
    names
        .map(|(name, state, _)| format!("{name} {state}"))
        .collect()
}

#[test]
fn the_first_release_holds_all_crates_in_an_order_that_works() {
    let repository = Repository::copy();
    let entries = crates(&repository);
    let names: Vec<_> = entries.iter().map(|entry| text(&entry["name"])).collect();
    assert_eq!(names, CRATES);
    for entry in &entries {
        assert_eq!(entry["state"], "first-release", "{entry}");
        assert_eq!(entry["next"], entry["version"], "{entry}");
        assert_eq!(entry["last_tag"], Value::Null, "{entry}");
    }
    let table = success(&repository.xtask(&["release", "plan"]));
    let order = format!("To publish, in this order: {}.", CRATES.join(", "));
    assert!(table.contains(&order), "{table}");
    for hidden in ["xtask ", "examples"] {
        assert!(!table.contains(hidden), "{table}");
    }
}

#[test]
fn a_fix_moves_its_crate_by_a_patch_and_nobody_else() {
    let (repository, versions) = released();
    assert_eq!(planned(&repository), []);
    repository.append("crates/iqm-auth/src/wire.rs", "// Mended.");
    repository.commit("fix(iqm-auth): read the other form");
    let next = patched(&versions["iqm-auth"]);
    assert_eq!(planned(&repository), [line("iqm-auth", "patch", &next)]);
    let entries = crates(&repository);
    let iqm = entries.iter().find(|it| it["name"] == "iqm-auth").unwrap();
    assert_eq!(iqm["commits"], 1);
    let reason = text(&iqm["reasons"][0]);
    assert!(
        reason.starts_with("fix(iqm-auth): read the other form ("),
        "{reason}"
    );
    let table = success(&repository.xtask(&["release", "plan"]));
    assert!(
        table.contains("To publish, in this order: iqm-auth."),
        "{table}"
    );
}

#[test]
fn what_breaks_in_auth_core_moves_all_dependants_in_order() {
    let (repository, versions) = released();
    repository.append("crates/auth-core/src/token.rs", "// Another form.");
    repository.append("crates/iqm-auth/src/client.rs", "// The other form.");
    repository.commit("feat(auth-core)!: say it in another form");
    let expected: Vec<_> = ["auth-core"]
        .iter()
        .chain(&FOLLOWERS)
        .map(|name| {
            let (state, next) = broken(&versions[*name]);
            line(name, state, &next)
        })
        .collect();
    assert_eq!(planned(&repository), expected);
    let entries = crates(&repository);
    assert_eq!(entries[0]["followed_by"], json!(FOLLOWERS));
    assert_eq!(entries[7]["follows"], json!(["auth-core"]));
    // Identityx-codegen needs nobody.
    assert_eq!(entries[6]["state"], "unchanged");
}

#[test]
fn what_no_user_gets_moves_nobody() {
    let moved = planned_after("feat: much that nobody sees", |repository| {
        repository.append("crates/iqm-auth/tests/it/wire.rs", "// More.");
        repository.append("crates/auth-core/benches/hot_path.rs", "// More.");
        repository.append("crates/auth-core/CHANGELOG.md", "\nMore.");
        repository.append("crates/auth-store/Cargo.toml", "# More.");
        repository.append("xtask/src/main.rs", "// More.");
        repository.append("README.md", "More.");
        repository.replace(
            "Cargo.toml",
            "httpmock = { version = \"",
            "httpmock = { version = \">=",
        );
        repository.write("crates/iqm-auth/tests/it/another.rs", "//! More.\n");
    });
    assert_eq!(moved, [""; 0]);
}

#[test]
fn what_was_taken_back_moves_nobody() {
    let moved = planned_after("revert: the name", |repository| {
        let old = repository.read("crates/iqm-auth/src/wire.rs");
        repository.append("crates/iqm-auth/src/wire.rs", "// More.");
        repository.commit("feat!: another name");
        repository.write("crates/iqm-auth/src/wire.rs", &old);
        repository.write("unrelated", "");
    });
    assert_eq!(moved, [""; 0]);
}

#[test]
fn a_linked_file_counts_for_the_packages_that_hold_it() {
    let moved = planned_after("docs: say more of the schema", |repository| {
        repository.append("schemas/identityx.graphql", "# More.");
    });
    assert_eq!(moved, ["identityx-auth patch", "identityx-codegen patch"]);
}

#[test]
fn what_a_crate_inherits_counts_for_those_that_inherit_it() {
    let moved = planned_after("build: require a newer governor", |repository| {
        repository.replace(
            "Cargo.toml",
            "\ngovernor = { version = \"",
            "\ngovernor = { version = \">=",
        );
    });
    assert_eq!(moved, ["iqm-auth patch"]);
    // By its scope, though no file of the crate is touched.
    let moved = planned_after("feat(iqm-auth)!: require a newer governor", |repository| {
        repository.replace(
            "Cargo.toml",
            "\ngovernor = { version = \"",
            "\ngovernor = { version = \">=",
        );
    });
    assert_eq!(moved, ["iqm-auth minor"]);
    let moved = planned_after("chore: move", |repository| {
        repository.replace(
            "Cargo.toml",
            "repository = \"https://",
            "repository = \"http://",
        );
    });
    assert_eq!(moved.len(), CRATES.len(), "{moved:?}");
}

#[test]
fn a_merge_brings_what_its_branch_has_and_what_it_changed_itself() {
    let (repository, versions) = released();
    repository.git(&["checkout", "--quiet", "-b", "side"]);
    repository.append("crates/iqm-auth/src/wire.rs", "// Side.");
    repository.commit("feat(iqm-auth)!: a side");
    repository.git(&["checkout", "--quiet", "main"]);
    repository.append("crates/edgeiq-auth/src/wire.rs", "// Main.");
    repository.commit("fix: the main line");
    repository.git(&["merge", "--quiet", "--no-ff", "--no-commit", "side"]);
    repository.append("crates/auth-store/src/record.rs", "// Merged.");
    repository.commit("Merge side");
    let (state, next) = broken(&versions["iqm-auth"]);
    assert_eq!(
        planned(&repository),
        [
            line("auth-store", "patch", &patched(&versions["auth-store"])),
            line("edgeiq-auth", "patch", &patched(&versions["edgeiq-auth"])),
            line("iqm-auth", state, &next),
        ]
    );
}

#[test]
fn a_history_that_was_cut_off_is_refused() {
    let (repository, _) = released();
    repository.append("README.md", "More.");
    repository.commit("docs: more");
    let head = repository.git(&["rev-parse", "HEAD"]);
    repository.write(".git/shallow", &head);
    let said = failure(&repository.xtask(&["release", "plan"]));
    assert!(said.contains("git fetch --unshallow --tags"), "{said}");
}
