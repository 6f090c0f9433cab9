//! `release prepare` on a copy of this repository in which every crate has been released.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::plan::{broken, crates, line, patched, planned, released};
use crate::repository::{Repository, failure, success};

/// Lets the copy use the tools that are installed here, instead of installing them again.
fn with_tools(repository: &Repository) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools");
    fs::create_dir_all(&here).unwrap();
    let target = repository.path().join("target");
    fs::create_dir_all(&target).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(fs::canonicalize(here).unwrap(), target.join("tools")).unwrap();
}

fn prepare(repository: &Repository, crates: &[&str]) -> String {
    let words = [&["release", "prepare"], crates].concat();
    success(&repository.xtask(&words))
}

fn refused(repository: &Repository, crates: &[&str]) -> String {
    let head = repository.git(&["rev-parse", "HEAD"]);
    let before = repository.git(&["status", "--porcelain"]);
    let words = [&["release", "prepare"], crates].concat();
    let said = failure(&repository.xtask(&words));
    assert_eq!(repository.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(repository.git(&["status", "--porcelain"]), before);
    said
}

/// The version that cargo sees, with the lock file as it is.
fn version(repository: &Repository, name: &str) -> String {
    let output = Command::new(std::env::var_os("CARGO").unwrap())
        .args(["metadata", "--format-version=1", "--locked"])
        .current_dir(repository.path())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_str(&success(&output)).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let mut packages = packages.iter();
    let found = packages.find(|it| it["name"] == name && it["source"].is_null());
    found.unwrap()["version"].as_str().unwrap().to_owned()
}

fn files_of_last_commit(repository: &Repository) -> Vec<String> {
    let said = repository.git(&["show", "--name-only", "--format=", "HEAD"]);
    said.lines().map(str::to_owned).collect()
}

#[test]
fn a_patch_release_is_one_commit_that_moves_one_crate() {
    let (repository, versions) = released();
    with_tools(&repository);
    for message in [
        "fix(iqm-auth): read `Vec<T>` & the other form",
        "feat(iqm-auth): limits by name.\n\nThey were numbers.",
        "refactor(iqm-auth): rename a local",
        "test(iqm-auth): one more",
        "Say more of limits",
        "feat(auth-core)!: be of use to others\n\nBREAKING CHANGE: ask them",
    ] {
        repository.append(
            "crates/iqm-auth/src/wire.rs",
            &format!("// {}", message.len()),
        );
        repository.commit(message);
    }
    repository.append("crates/edgeiq-auth/src/wire.rs", "// More.");
    repository.commit("fix(edgeiq-auth): something else");
    // Another crate's release in between is nothing to iqm-auth.
    repository.tag("auth-store-v99.0.0");
    repository.append("crates/iqm-auth/src/wire.rs", "// Last.");
    repository.commit("perf(iqm-auth): be quick");

    let next = patched(&versions["iqm-auth"]);
    let said = prepare(&repository, &["iqm-auth"]);
    assert!(
        said.contains("cargo xtask release publish iqm-auth"),
        "{said}"
    );
    assert_eq!(
        repository.git(&["log", "-1", "--format=%s"]).trim(),
        format!("chore(release): iqm-auth {next}")
    );
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    assert_eq!(
        files_of_last_commit(&repository),
        [
            "Cargo.lock",
            "Cargo.toml",
            "crates/iqm-auth/CHANGELOG.md",
            "crates/iqm-auth/Cargo.toml"
        ]
    );
    let changelog = repository.read("crates/iqm-auth/CHANGELOG.md");
    let expected = format!(
        "# Changelog\n\n## {next}\n\n\
         ### Added\n\n- Limits by name.\n\n\
         ### Fixed\n\n- Read `Vec<T>` & the other form.\n\n\
         ### Changed\n\n- Say more of limits.\n- `auth-core`: be of use to others.\n\
         - Be quick.\n\n\
         ## {}\n",
        versions["iqm-auth"]
    );
    assert!(changelog.starts_with(&expected), "{changelog}");
    assert_eq!(version(&repository, "iqm-auth"), next.to_string());
    let requirement = format!("iqm-auth = {{ version = \"{next}\", path");
    assert!(repository.read("Cargo.toml").contains(&requirement));

    // The plan agrees: it waits, and the other fix is open still.
    let edgeiq = patched(&versions["edgeiq-auth"]);
    let plan = planned(&repository);
    assert!(
        plan.contains(&line("iqm-auth", "prepared", &next)),
        "{plan:?}"
    );
    assert!(
        plan.contains(&line("edgeiq-auth", "patch", &edgeiq)),
        "{plan:?}"
    );
    // A second time changes nothing.
    let again = prepare(&repository, &["iqm-auth"]);
    assert!(again.contains("Nothing had to change"), "{again}");
    // Published, it is done with.
    repository.tag(&format!("iqm-auth-v{next}"));
    assert!(
        planned(&repository)
            .iter()
            .all(|(name, ..)| name != "iqm-auth")
    );
}

#[test]
fn what_breaks_is_prepared_with_all_that_follow() {
    let (repository, versions) = released();
    with_tools(&repository);
    repository.append("crates/auth-core/src/token.rs", "// Another form.");
    repository.commit("feat(auth-core)!: say it in another form\n\nBREAKING CHANGE: spell it out");
    let said = refused(&repository, &["iqm-auth"]);
    assert!(said.contains("name auth-core as well"), "{said}");

    let said = prepare(&repository, &["auth-core", "edgeiq-auth"]);
    assert!(said.contains("iqm-auth must follow auth-core."), "{said}");
    assert!(!said.contains("edgeiq-auth must follow"), "{said}");
    let (_, core) = broken(&versions["auth-core"]);
    let (_, edgeiq) = broken(&versions["edgeiq-auth"]);
    let changelog = repository.read("crates/auth-core/CHANGELOG.md");
    let expected = format!(
        "# Changelog\n\n## {core}\n\n### Breaking changes\n\n\
         - Say it in another form: spell it out.\n\n## {}",
        versions["auth-core"]
    );
    assert!(changelog.starts_with(&expected), "{changelog}");
    let changelog = repository.read("crates/edgeiq-auth/CHANGELOG.md");
    let expected = format!(
        "# Changelog\n\n## {edgeiq}\n\n### Breaking changes\n\n\
         - Requires `auth-core` {core}, whose types are in this crate's API.\n\n## "
    );
    assert!(changelog.starts_with(&expected), "{changelog}");
    let readme = repository.read("crates/edgeiq-auth/README.md");
    let line_of = |major: u64, minor: u64| match major {
        0 => format!("\nedgeiq-auth = \"0.{minor}\"\n"),
        major => format!("\nedgeiq-auth = \"{major}\"\n"),
    };
    assert!(
        readme.contains(&line_of(edgeiq.major, edgeiq.minor)),
        "{readme}"
    );

    // The rest still has to follow what is prepared, and can.
    let open: Vec<_> = planned(&repository)
        .into_iter()
        .filter(|(_, state, _)| state != "prepared")
        .map(|(name, ..)| name)
        .collect();
    let expected = [
        "auth-sandbox",
        "auth-store",
        "eqworks-auth",
        "identityx-auth",
        "iqm-auth",
    ];
    assert_eq!(open, expected);
    prepare(&repository, &["--all"]);
    let states: Vec<_> = planned(&repository)
        .into_iter()
        .map(|(_, state, _)| state)
        .collect();
    assert_eq!(states, ["prepared"; 7]);
    let (_, iqm) = broken(&versions["iqm-auth"]);
    assert_eq!(version(&repository, "iqm-auth"), iqm.to_string());
}

#[test]
fn a_version_that_was_asked_for_is_taken_if_it_is_enough() {
    let (repository, versions) = released();
    with_tools(&repository);
    repository.append("crates/iqm-auth/src/wire.rs", "// More.");
    repository.commit("fix!: other names");
    let last = &versions["iqm-auth"];
    let said = refused(&repository, &[&format!("iqm-auth@{}", patched(last))]);
    assert!(said.contains("at least"), "{said}");
    let said = refused(&repository, &[&format!("iqm-auth@{last}")]);
    assert!(said.contains("not higher than"), "{said}");
    let said = refused(&repository, &["xtask"]);
    assert!(said.contains("`xtask` is not published"), "{said}");
    let said = refused(&repository, &["edgeiq-auth"]);
    assert!(said.contains("nothing that users notice"), "{said}");
    prepare(&repository, &["iqm-auth@7.0.0"]);
    assert_eq!(version(&repository, "iqm-auth"), "7.0.0");
    assert!(
        repository
            .read("crates/iqm-auth/README.md")
            .contains("\niqm-auth = \"7\"\n")
    );
    let next = semver::Version::new(7, 0, 0);
    assert_eq!(planned(&repository), [line("iqm-auth", "prepared", &next)]);
}

#[test]
fn what_was_written_by_hand_begins_the_section_and_a_whole_one_is_kept() {
    let (repository, versions) = released();
    with_tools(&repository);
    let next = patched(&versions["iqm-auth"]);
    let last = format!("## {}", versions["iqm-auth"]);
    let by_hand = format!("## Unreleased\n\n- By hand.\n\n{last}");
    repository.replace("crates/iqm-auth/CHANGELOG.md", &last, &by_hand);
    repository.append("crates/iqm-auth/src/wire.rs", "// More.");
    repository.commit("fix: be exact");
    let whole = patched(&versions["edgeiq-auth"]);
    let last = format!("## {}", versions["edgeiq-auth"]);
    let by_hand = format!("## {whole}\n\n- Written before.\n\n{last}");
    repository.replace("crates/edgeiq-auth/CHANGELOG.md", &last, &by_hand);
    repository.append("crates/edgeiq-auth/src/wire.rs", "// More.");
    repository.commit("fix: be more exact");
    let changelog = repository.read("crates/edgeiq-auth/CHANGELOG.md");

    prepare(&repository, &["iqm-auth", "edgeiq-auth"]);
    let merged = format!("## {next}\n\n- By hand.\n\n### Fixed\n\n- Be exact.\n\n## ");
    let text = repository.read("crates/iqm-auth/CHANGELOG.md");
    assert!(
        text.contains(&merged) && !text.contains("Unreleased"),
        "{text}"
    );
    assert_eq!(
        repository.read("crates/edgeiq-auth/CHANGELOG.md"),
        changelog
    );
}

#[test]
fn a_first_release_whose_changelog_is_written_needs_no_commit() {
    let repository = Repository::copy();
    for entry in crates(&repository) {
        let name = entry["name"].as_str().unwrap();
        let changelog = format!("crates/{name}/CHANGELOG.md");
        let version = entry["version"].as_str().unwrap();
        repository.write(
            &changelog,
            &format!("# Changelog\n\n## {version}\n\n- All.\n"),
        );
    }
    repository.append("README.md", "More.");
    repository.commit("docs: changelogs");
    let head = repository.git(&["rev-parse", "HEAD"]);
    let said = prepare(&repository, &["--all"]);
    assert!(said.contains("Nothing had to change: auth-core "), "{said}");
    assert_eq!(repository.git(&["rev-parse", "HEAD"]), head);

    // What calls its version unreleased is put right.
    repository.replace(
        "crates/iqm-auth/CHANGELOG.md",
        "\n\n- All",
        " – unreleased\n\n- All",
    );
    repository.commit("docs: not yet");
    prepare(&repository, &["iqm-auth"]);
    assert_eq!(
        files_of_last_commit(&repository),
        ["crates/iqm-auth/CHANGELOG.md"]
    );
    assert!(
        !repository
            .read("crates/iqm-auth/CHANGELOG.md")
            .contains("unreleased")
    );
}

#[test]
fn a_dirty_tree_is_refused_before_anything_is_touched() {
    let (repository, _) = released();
    repository.append("crates/iqm-auth/src/wire.rs", "// More.");
    repository.commit("fix: be exact");
    repository.write("left-over", "text");
    let said = refused(&repository, &["iqm-auth"]);
    assert!(
        said.contains("not everything is committed: left-over"),
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn a_commit_that_is_refused_leaves_the_tree_as_it_was() {
    use std::os::unix::fs::PermissionsExt;

    let (repository, versions) = released();
    with_tools(&repository);
    repository.append("crates/iqm-auth/src/wire.rs", "// More.");
    repository.commit("fix: be exact");
    repository.write(
        ".git/hooks/pre-commit",
        "#!/bin/sh\necho not today >&2\nexit 1\n",
    );
    let hook = repository.path().join(".git/hooks/pre-commit");
    fs::set_permissions(hook, fs::Permissions::from_mode(0o755)).unwrap();
    let said = refused(&repository, &["iqm-auth"]);
    assert!(
        said.contains("nothing was changed") && said.contains("not today"),
        "{said}"
    );
    let now = version(&repository, "iqm-auth");
    assert_eq!(now, versions["iqm-auth"].to_string());
}
