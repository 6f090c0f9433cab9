//! `cargo xtask release publish`, against a registry, with crates that take no time to compile.

use std::process::{Command, Output};

use super::registry::{self, Death};
use super::repository::{Repository, failure, success};
use super::workshop::Workshop;

const CRATES: [&str; 3] = ["first", "second", "third"];
const ALL: [&str; 3] = ["first-0.1.0", "second-0.1.0", "third-0.1.0"];
const TAGS: &str = "first-v0.1.0\nsecond-v0.1.0\nthird-v0.1.0\n";

/// A workspace of three crates that need one another in a row.
fn chain() -> Repository {
    let repository = Repository::empty();
    let mut manifest = "[workspace]\nresolver = \"3\"\nmembers = [\"*\"]\n\
                        exclude = [\".git\", \"target\"]\n\n[workspace.dependencies]\n"
        .to_owned();
    for (number, name) in CRATES.iter().enumerate() {
        let line = format!("{name} = {{ version = \"0.1.0\", path = \"{name}\" }}\n");
        manifest.push_str(&line);
        let needs = number.checked_sub(1).map_or(String::new(), |before| {
            format!("{}.workspace = true\n", CRATES[before])
        });
        repository.write(
            &format!("{name}/Cargo.toml"),
            &format!(
                "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
                 description = \"A test\"\nlicense = \"MIT\"\n\n[dependencies]\n{needs}"
            ),
        );
        repository.write(&format!("{name}/src/lib.rs"), "//! A test.\n");
    }
    repository.write("Cargo.toml", &manifest);
    repository.write(".gitignore", "/Cargo.lock\n/target\n");
    repository.commit("feat: three crates");
    repository
}

fn publish(workshop: &Workshop, repository: &Repository, words: &[&str]) -> Output {
    let words = [&["release", "publish", "--registry", registry::NAME], words].concat();
    let output = run(&mut workshop.xtask(repository, &words));
    for stream in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(stream);
        assert!(!text.contains(registry::TOKEN), "{text}");
    }
    output
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}

fn tags(repository: &Repository) -> String {
    repository.git(&["tag", "--list"])
}

#[test]
fn a_publish_that_died_goes_on_where_it_was_and_sends_nothing_twice() {
    for death in [Death::BeforeItIsStored, Death::AfterItIsStored] {
        let (workshop, repository) = (Workshop::scratch(&CRATES), chain());
        let registry = &workshop.registry;
        registry.kill("second", death);
        let said = failure(&publish(&workshop, &repository, &["--all", "--yes"]));
        assert!(said.contains("published and tagged: first 0.1.0"), "{said}");
        assert!(
            said.contains("not done: second 0.1.0, third 0.1.0"),
            "{said}"
        );
        assert!(said.contains("the same command goes on"), "{said}");
        assert_eq!(tags(&repository), "first-v0.1.0\n", "{death:?}");
        let arrived = match death {
            Death::BeforeItIsStored => &ALL[..1],
            Death::AfterItIsStored => &ALL[..2],
        };
        assert_eq!(registry.stored(), arrived);
        assert_eq!(registry.uploads(), &ALL[..2]);

        // Another commit changes the packages' checksums, and not what is in them.
        repository.write("notes.txt", "the registry was down\n");
        repository.commit("docs: take notes");
        success(&publish(&workshop, &repository, &["--all", "--yes"]));
        assert_eq!(registry.stored(), ALL, "{death:?}");
        let again = match death {
            Death::BeforeItIsStored => vec![ALL[0], ALL[1], ALL[1], ALL[2]],
            Death::AfterItIsStored => ALL.to_vec(),
        };
        assert_eq!(registry.uploads(), again, "{death:?}");
        assert_eq!(tags(&repository), TAGS);
        let kind = repository.git(&["cat-file", "-t", "second-v0.1.0"]);
        assert_eq!(kind.trim(), "tag", "annotated");
    }
}

#[test]
fn a_version_is_published_once() {
    let (workshop, repository) = (Workshop::scratch(&CRATES), chain());
    success(&publish(&workshop, &repository, &["first", "--yes"]));
    let refusal = failure(&publish(&workshop, &repository, &["first", "--yes"]));
    assert!(
        refusal.contains("first 0.1.0 is published and tagged already"),
        "{refusal}"
    );
    assert!(refusal.contains("release prepare"), "{refusal}");

    repository.append("first/src/lib.rs", "// Another thought.");
    repository.commit("fix: think again");
    for words in [&["first", "--yes"][..], &["--all", "--yes"]] {
        let refusal = failure(&publish(&workshop, &repository, words));
        assert!(refusal.contains("another content"), "{refusal}");
        assert!(refusal.contains("src/lib.rs"), "{refusal}");
        assert!(refusal.contains("release prepare first"), "{refusal}");
    }
    assert_eq!(workshop.registry.uploads(), &ALL[..1]);
    assert_eq!(tags(&repository), "first-v0.1.0\n");
}

#[test]
fn all_means_those_that_have_something_to_publish() {
    let (workshop, repository) = (Workshop::scratch(&CRATES), chain());
    success(&publish(&workshop, &repository, &["--all", "--yes"]));
    let (old, new) = ("version = \"0.1.0\"", "version = \"0.1.1\"");
    repository.replace("first/Cargo.toml", old, new);
    // What the second crate would require next time, and does not need now.
    repository.replace(
        "Cargo.toml",
        &format!("first = {{ {old}"),
        &format!("first = {{ {new}"),
    );
    repository.commit("chore(release): first 0.1.1");
    success(&publish(&workshop, &repository, &["--all", "--yes"]));
    let uploads = workshop.registry.uploads();
    assert_eq!(uploads, [&ALL[..], &["first-0.1.1"]].concat());
    assert_eq!(
        tags(&repository),
        format!("first-v0.1.0\nfirst-v0.1.1\n{}", &TAGS[13..])
    );
}

#[test]
fn nothing_is_sent_that_is_not_committed_confirmed_and_complete() {
    let (workshop, repository) = (Workshop::scratch(&CRATES), chain());
    let refusal = failure(&publish(&workshop, &repository, &["first"]));
    assert!(refusal.contains("`--yes`"), "{refusal}");
    let refusal = failure(&publish(&workshop, &repository, &["second", "--yes"]));
    assert!(refusal.contains("second needs first ^0.1.0"), "{refusal}");
    let refusal = failure(&publish(&workshop, &repository, &["fourth", "--yes"]));
    assert!(refusal.contains("`fourth`"), "{refusal}");

    // In no package: cargo would not mind.
    repository.write("notes.txt", "not committed\n");
    for words in [&["first", "--yes"][..], &["first", "--dry-run"]] {
        let refusal = failure(&publish(&workshop, &repository, words));
        assert!(refusal.contains("notes.txt"), "{refusal}");
    }
    assert_eq!(workshop.registry.uploads(), [""; 0]);
    assert_eq!(tags(&repository), "");
}

#[test]
fn a_dry_run_of_all_sends_nothing() {
    let (workshop, repository) = (Workshop::scratch(&CRATES), chain());
    let printed = success(&publish(&workshop, &repository, &["--all", "--dry-run"]));
    let place = |name| printed.find(name).unwrap();
    assert!(place("first 0.1.0") < place("second 0.1.0"), "{printed}");
    assert!(place("second 0.1.0") < place("third 0.1.0"), "{printed}");
    assert_eq!(workshop.registry.uploads(), [""; 0]);
    assert_eq!(tags(&repository), "");
}

#[test]
fn the_next_crate_waits_until_the_index_has_the_last_one() {
    let (workshop, repository) = (Workshop::scratch(&CRATES), chain());
    workshop.registry.delay("first", 2);
    success(&publish(
        &workshop,
        &repository,
        &["first", "second", "--yes"],
    ));
    assert_eq!(workshop.registry.vain_looks(), 2);
    assert_eq!(workshop.registry.stored(), &ALL[..2]);
}

#[test]
fn a_token_that_is_refused_publishes_and_tags_nothing() {
    let (workshop, repository) = (Workshop::scratch(&CRATES), chain());
    workshop.use_token("somebody-elses");
    let said = failure(&publish(&workshop, &repository, &["first", "--yes"]));
    assert!(said.contains("this is no token of ours"), "{said}");
    assert!(!said.contains("somebody-elses"), "{said}");
    assert_eq!(workshop.registry.stored(), [""; 0]);
    assert_eq!(tags(&repository), "");
}

#[test]
fn a_tag_that_was_not_made_is_made_later() {
    let (workshop, repository) = (Workshop::scratch(&CRATES), chain());
    success(&publish(&workshop, &repository, &["first", "--yes"]));
    repository.git(&["tag", "--delete", "first-v0.1.0"]);
    success(&publish(&workshop, &repository, &["first"]));
    assert_eq!(tags(&repository), "first-v0.1.0\n");
    assert_eq!(workshop.registry.uploads(), &ALL[..1]);
}

#[test]
fn a_tag_of_another_commit_is_not_believed() {
    let (workshop, repository) = (Workshop::scratch(&CRATES), chain());
    repository.tag("first-v0.1.0");
    repository.append("first/src/lib.rs", "// Another thought.");
    repository.commit("fix: think again");
    let refusal = failure(&publish(&workshop, &repository, &["first", "--yes"]));
    assert!(refusal.contains("a tag of another commit"), "{refusal}");
    assert_eq!(workshop.registry.uploads(), [""; 0]);
}
