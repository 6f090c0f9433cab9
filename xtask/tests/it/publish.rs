//! `release publish` and `release check`, against a registry, with crates that take no time to
//! compile.

use std::process::Command;

use super::repository::{Repository, failure, success};

const ALL: [&str; 3] = ["first-0.1.0", "second-0.1.0", "third-0.1.0"];
const TAGS: [&str; 3] = ["first-v0.1.0", "second-v0.1.0", "third-v0.1.0"];

fn publish(repository: &Repository, words: &str) -> Command {
    repository.xtask(&format!("release publish --registry test {words}"))
}

fn uploads(repository: &Repository) -> Vec<String> {
    repository.registry.state().uploads.clone()
}

#[test]
fn a_publish_that_died_continues_where_it_was_and_sends_nothing_twice() {
    for (is_stored, arrived, done, left) in [
        (false, 1, "first 0.1.0", "second 0.1.0, third 0.1.0"),
        (true, 2, "first 0.1.0, second 0.1.0", "third 0.1.0"),
    ] {
        let repository = Repository::chain();
        repository.registry.state().deaths.insert("second".to_owned(), is_stored);
        let said = failure(&mut publish(&repository, "--all --yes"));
        let summary = format!("published and tagged: {done}\nnot done: {left}\n");
        assert!(said.contains(&summary) && said.contains("the same command continues"), "{said}");
        assert_eq!(repository.tags(), TAGS[..arrived], "{is_stored}");
        assert_eq!(repository.registry.stored(), ALL[..arrived]);
        assert_eq!(uploads(&repository), ALL[..2]);

        // Another commit is no other release.
        repository.append("notes.txt", "the registry was down", "docs: take notes");
        success(&mut publish(&repository, "--all --yes"));
        assert_eq!(repository.registry.stored(), ALL, "{is_stored}");
        assert_eq!(uploads(&repository).len(), 5 - arrived, "{is_stored}");
        assert_eq!(repository.tags(), TAGS);
        assert_eq!(repository.git(&["cat-file", "-t", TAGS[1]]), "tag\n", "annotated");
    }
}

#[test]
fn a_version_is_published_once_a_missing_tag_is_made_and_a_tag_alone_is_not_believed() {
    let repository = Repository::chain();
    success(&mut publish(&repository, "first --yes"));
    let refusal = failure(&mut publish(&repository, "first --yes"));
    assert!(refusal.contains("first 0.1.0: published and tagged already"), "{refusal}");
    repository.append("crates/first/src/lib.rs", "// Another thought.", "fix: think again");
    for words in ["first --yes", "--all --yes"] {
        let refusal = failure(&mut publish(&repository, words));
        assert!(refusal.contains("first is published and has changed since"), "{refusal}");
    }
    assert_eq!((uploads(&repository).len(), repository.tags().len()), (1, 1));
    repository.git(&["reset", "--quiet", "--hard", "HEAD~"]);
    repository.git(&["tag", "--delete", TAGS[0]]);
    success(&mut publish(&repository, "first"));
    assert_eq!((uploads(&repository).len(), repository.tags()), (1, vec![TAGS[0].to_owned()]));
    repository.tag(TAGS[1]);
    let refusal = failure(&mut publish(&repository, "second --yes"));
    assert!(refusal.contains("test has no such version or has yanked it"), "{refusal}");
}

#[test]
fn all_means_those_that_have_something_to_publish_each_when_the_index_has_the_last_one() {
    let repository = Repository::chain();
    repository.registry.state().hidden.insert("first".to_owned(), 2);
    success(&mut publish(&repository, "--all --yes"));
    assert_eq!(repository.registry.state().hidden["first"], 0);
    repository.append("crates/first/src/lib.rs", "// Better.", "fix(first): be better");
    success(&mut repository.xtask("release prepare --all"));
    let printed = success(&mut publish(&repository, "--all --yes"));
    assert!(printed.contains("first 0.1.1: upload") && !printed.contains("second"), "{printed}");
    assert_eq!(uploads(&repository), [&ALL[..], &["first-0.1.1"]].concat());
    assert_eq!(repository.tags(), [TAGS[0], "first-v0.1.1", TAGS[1], TAGS[2]]);
}

#[test]
fn nothing_is_sent_that_is_not_committed_confirmed_complete_and_allowed() {
    let repository = Repository::chain();
    for (words, said) in [
        ("first", "`--yes`"),
        ("", "name the crates that are meant"),
        ("first@1.2.3", "`first@1.2.3` is no crate"),
        ("second --yes", "no matching package named `first` found"),
        ("hidden --yes", "`hidden` is not published"),
        ("fourth --yes", "`fourth` is no crate"),
    ] {
        let refusal = failure(&mut publish(&repository, words));
        assert!(refusal.contains(said), "{refusal}");
    }
    let printed = success(&mut publish(&repository, "third first second --dry-run"));
    let places = ALL.map(|id| printed.find(&id.replace("-0", " 0")).unwrap());
    assert!(places.is_sorted(), "{printed}");
    // In no package: cargo would not mind.
    repository.write("notes.txt", "not committed\n");
    for words in ["first --yes", "first --dry-run"] {
        let refusal = failure(&mut publish(&repository, words));
        assert!(refusal.contains("notes.txt"), "{refusal}");
    }
    repository.commit("docs: take notes");
    repository.use_token("of-another-person");
    let said = failure(&mut publish(&repository, "first --yes"));
    assert!(said.contains("not the registry's token") && !said.contains("of-another"), "{said}");
    let stored = repository.registry.stored();
    assert_eq!((stored.len(), uploads(&repository).len(), repository.tags().len()), (0, 0, 0));
}

#[test]
fn a_release_that_could_not_be_tagged_is_not_uploaded() {
    for (old, new) in [
        ("email = tester@example.com", "useConfigOnly = true"),
        ("[user]", "[tag]\ngpgSign = true\n[user]\nsigningKey = 0000000000000000"),
    ] {
        let repository = Repository::chain();
        repository.replace(".git/config", old, new);
        for words in ["first --yes", "first --dry-run"] {
            let said = failure(&mut publish(&repository, words));
            assert!(said.contains("git cannot make the tags"), "{said}");
        }
        assert_eq!((uploads(&repository).len(), repository.tags().len()), (0, 0), "{new}");
    }
}

#[test]
fn a_yanked_version_meets_no_requirement_and_that_is_known_before_anything_is_sent() {
    let repository = Repository::chain();
    success(&mut publish(&repository, "first second --yes"));
    repository.registry.state().stored[1].1["yanked"] = true.into();
    // The first crate has nothing to do with that, and would go first.
    repository.append("crates/first/src/lib.rs", "// Better.", "fix(first): be better");
    success(&mut repository.xtask("release prepare first"));
    for mut command in [
        publish(&repository, "first third --yes"),
        repository.xtask("release check --registry test third"),
    ] {
        let said = failure(&mut command);
        assert!(said.contains("version 0.1.0 is yanked"), "{said}");
    }
    let said = failure(&mut publish(&repository, "--all --yes"));
    assert!(said.contains("test has no such version or has yanked it"), "{said}");
    assert_eq!(uploads(&repository), ALL[..2]);
}

#[test]
fn a_complete_crate_passes_the_check_and_everything_that_is_wrong_is_said_at_once() {
    let repository = Repository::chain();
    let printed = success(&mut repository.xtask("release check --registry test first second"));
    assert!(printed.contains("in the package: .cargo_vcs_info.json CHANGELOG.md "), "{printed}");
    assert_eq!(printed.matches("  ok     ").count(), 2 + 2 * 5, "{printed}");

    let repository = Repository::chain();
    let thing = "/// A thing.\npub struct Thing;";
    repository.append("crates/first/src/lib.rs", thing, "feat: a thing");
    success(&mut publish(&repository, "first --yes"));
    // Another party's from here on.
    repository.git(&["rm", "-r", "--quiet", "crates/first"]);
    let entry = "{ version = \"0.1.0\", path = \"crates/first\" }";
    repository.replace("Cargo.toml", entry, "\"0.1\"");
    for (old, new) in [
        ("keywords = [\"one\"]\n", ""),
        ("license = \"MIT\"", "license = \"MIT OR 0BSD\""),
        ("[dependencies]", "[dependencies]\nhidden = { path = \"../hidden\" }"),
    ] {
        repository.replace("crates/second/Cargo.toml", old, new);
    }
    let hidden = "[package]\nname = \"hidden\"\nedition = \"2021\"\n";
    repository.write("crates/hidden/Cargo.toml", hidden);
    let code = "/// See [`Nowhere`].\npub fn thing() -> first::Thing {\n    first::Thing\n}";
    repository.append("crates/second/src/lib.rs", code, "");
    repository.write("crates/second/tests/fails.rs", "#[test] fn fails() { panic!(); }\n");
    let printed = failure(&mut repository.xtask("release check --registry test second"));
    let wrong = printed.lines().filter_map(|line| line.strip_prefix("  WRONG  "));
    let expected = [
        "everything is committed: not everything is committed: Cargo.toml, ",
        "cargo packages and builds what is named, with what is published: ",
        "the manifest describes the crate: no keywords",
        "the package is small, licensed and whole: cargo has made no .crate file",
        "the package is small, licensed and whole: LICENSE-0BSD is missing",
        "the tests pass: `cargo test ",
        "the docs build as on docs.rs, without a warning: `cargo rustdoc ",
        "the API has no third party's types that the design does not allow: type `Thing` of first",
    ];
    assert_eq!(wrong.clone().count(), expected.len(), "{printed}");
    for (found, expected) in wrong.zip(expected) {
        assert!(found.starts_with(expected), "{found} for {expected}\n{printed}");
    }
}
