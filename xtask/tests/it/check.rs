//! `cargo xtask release check`, with crates that take no time to compile.

use super::registry;
use super::repository::{Repository, failure, success};
use super::workshop::Workshop;

const MANIFEST: &str = "\
[package]
name = \"some\"
version = \"0.1.0\"
edition = \"2021\"
description = \"A test\"
license = \"MIT\"
repository = \"https://a.example\"
keywords = [\"one\"]
categories = [\"development-tools\"]
readme = \"README.md\"
rust-version = \"1.85\"

[package.metadata.docs.rs]
all-features = true

[dependencies]
";

/// A workspace with one crate, of which nothing is wrong.
fn complete() -> Repository {
    let repository = Repository::empty();
    repository.write("Cargo.toml", "[workspace]\nmembers = [\"some\"]\n");
    repository.write(".gitignore", "Cargo.lock\n/target\n");
    repository.write("some/Cargo.toml", MANIFEST);
    repository.write("some/README.md", "# some\n");
    repository.write("some/LICENSE-MIT", "Do as you like.\n");
    repository.write(
        "some/src/lib.rs",
        "//! A test.\n\n/// One.\npub struct One;\n",
    );
    repository.commit("feat: some");
    repository
}

/// What the check prints, line by line, and whether it passes.
fn check(workshop: &Workshop, repository: &Repository) -> (bool, String) {
    let mut command = workshop.xtask(repository, &["release", "check", "some"]);
    let output = command.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), printed)
}

#[test]
fn a_complete_crate_passes_and_its_content_is_listed() {
    let (workshop, repository) = (Workshop::scratch(&[]), complete());
    let (passes, printed) = check(&workshop, &repository);
    assert!(passes && !printed.contains("WRONG"), "{printed}");
    assert!(printed.contains("in the package: "), "{printed}");
    assert!(
        printed.contains(" LICENSE-MIT README.md src/lib.rs"),
        "{printed}"
    );
    let is_ok = |line: &&str| line.starts_with("  ok     ");
    assert_eq!(printed.lines().filter(is_ok).count(), 10, "{printed}");
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let workshop = Workshop::scratch(&["stranger", "some"]);
    let stranger = Repository::empty();
    stranger.write("Cargo.toml", "[workspace]\nmembers = [\"stranger\"]\n");
    stranger.write(".gitignore", "Cargo.lock\n/target\n");
    let manifest = MANIFEST.replace("some", "stranger");
    stranger.write("stranger/Cargo.toml", &manifest);
    stranger.write("stranger/README.md", "# stranger\n");
    stranger.write("stranger/src/lib.rs", "pub struct Thing;\n");
    stranger.commit("feat: a stranger");
    let words = ["release", "publish", "stranger", "--yes", "--registry"];
    let words = [&words[..], &[registry::NAME]].concat();
    success(&workshop.xtask(&stranger, &words).output().unwrap());

    let repository = complete();
    repository.append("some/Cargo.toml", "stranger = \"0.1\"");
    repository.append(
        "some/src/lib.rs",
        "/// See [`Nowhere`].\npub fn thing() -> stranger::Thing { stranger::Thing }",
    );
    repository.write("some/tests/fails.rs", "#[test] fn fails() { panic!(); }\n");
    repository.replace("some/Cargo.toml", "keywords = [\"one\"]\n", "");
    repository.replace(
        "some/Cargo.toml",
        "license = \"MIT\"",
        "license = \"MIT OR 0BSD\"",
    );
    let (passes, printed) = check(&workshop, &repository);
    assert!(!passes);
    let mut wrong = printed
        .lines()
        .filter_map(|line| line.strip_prefix("  WRONG  "));
    for expected in [
        "not everything is committed: some/Cargo.toml and 2 more",
        "the manifest lacks keywords",
        "LICENSE-0BSD is not in the package",
        "not so: the tests pass",
        "not so: the docs build as on docs.rs",
        "some::thing names Thing of stranger",
    ] {
        let next = wrong.next().unwrap_or_default();
        assert!(
            next.starts_with(expected),
            "{next} for {expected}\n{printed}"
        );
    }
    assert_eq!(wrong.next(), None);
}

#[test]
fn a_requirement_that_nobody_has_published_is_named_and_so_is_one_by_path_alone() {
    let workshop = Workshop::scratch(&["some", "other", "third"]);
    let repository = complete();
    for name in ["other", "third"] {
        repository.write(
            &format!("{name}/Cargo.toml"),
            &MANIFEST.replace("some", name),
        );
        repository.write(&format!("{name}/src/lib.rs"), "//! A test.\n");
    }
    repository.write(
        "Cargo.toml",
        "[workspace]\nmembers = [\"some\", \"other\", \"third\"]\n",
    );
    repository.append(
        "some/Cargo.toml",
        "other = { version = \"0.1\", path = \"../other\" }\nthird = { path = \"../third\" }",
    );
    repository.commit("feat: need more");
    let (passes, printed) = check(&workshop, &repository);
    assert!(!passes);
    assert!(
        printed.contains("WRONG  other ^0.1 is needed, and test has none"),
        "{printed}"
    );
    assert!(
        printed.contains("publish other first, or name it"),
        "{printed}"
    );
    assert!(
        printed.contains("WRONG  third is needed by path alone"),
        "{printed}"
    );
    let refusal = failure(&repository.xtask(&["release", "check", "fourth"]));
    assert!(refusal.contains("`fourth`"), "{refusal}");
}
