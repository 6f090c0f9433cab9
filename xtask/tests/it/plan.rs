//! `release plan` and `release prepare`, on three crates that need one another in a row, and on this repository.

use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};

use super::repository::{CRATES, Repository, failure, success};

/// Three crates of which 0.1.0 is released.
fn released() -> Repository {
    let repository = Repository::chain();
    for name in ["first", "second", "third"] {
        repository.tag(&format!("{name}-v0.1.0"));
    }
    repository
}

fn plan(repository: &Repository) -> Vec<Value> {
    let printed = success(&mut repository.xtask("release plan --registry test --json"));
    let plan: Value = serde_json::from_str(&printed).unwrap();
    plan["crates"].as_array().unwrap().clone()
}

/// What is released, with state and version.
fn planned(repository: &Repository) -> Vec<String> {
    let plan = plan(repository).into_iter().filter(|it| it["state"] != "unchanged");
    plan.map(|it| format!("{} {} {}", it["name"], it["state"], it["next"]).replace('"', ""))
        .collect()
}

/// The plan after one commit, which adds a line to each of these files of a released repository.
fn planned_after(message: &str, files: &[&str]) -> Vec<String> {
    let repository = released();
    for path in files {
        repository.write(
            path,
            &(fs::read_to_string(repository.path().join(path)).unwrap_or_default() + "# More.\n"),
        );
    }
    repository.commit(message);
    planned(&repository)
}

const SOURCE: &str = "crates/first/src/lib.rs";

#[test]
fn versions_move_by_what_commits_say_of_what_users_get() {
    for (message, files, expected) in [
        ("fix: more", &[SOURCE][..], &["first patch 0.1.1"][..]),
        ("feat(first): more", &[SOURCE], &["first patch 0.1.1"]),
        ("fix: more", &["crates/third/README.md"], &["third patch 0.1.1"]),
        // What breaks moves those that need it, in order.
        (
            "feat!: more",
            &[SOURCE],
            &["first minor 0.2.0", "second minor 0.2.0", "third minor 0.2.0"],
        ),
        (
            "fix: more\n\nBREAKING CHANGE: ask",
            &["crates/second/src/lib.rs"],
            &["second minor 0.2.0", "third minor 0.2.0"],
        ),
        // What is meant for another crate is a fix.
        (
            "feat(third)!: more",
            &["crates/third/src/lib.rs", "crates/second/src/lib.rs"],
            &["second patch 0.1.1", "third minor 0.2.0"],
        ),
        // What no user gets moves nothing.
        (
            "feat: more",
            &["crates/first/tests/it.rs", "crates/first/notes/a", "crates/hidden/src/lib.rs"],
            &[],
        ),
        (
            "feat: more",
            &["crates/first/CHANGELOG.md", "crates/first/Cargo.toml", "Cargo.toml", "README.md"],
            &[],
        ),
    ] {
        assert_eq!(planned_after(message, files), expected, "{message} {files:?}");
    }
}

#[test]
fn inherited_and_linked_content_counts_and_what_was_taken_back_does_not() {
    let repository = released();
    repository.append(SOURCE, "// More.", "feat!: another name");
    repository.replace(SOURCE, "// More.\n", "");
    repository.commit("revert: the name");
    assert_eq!(planned(&repository), [""; 0]);
    repository.replace(
        "Cargo.toml",
        "[workspace.dependencies]",
        "[workspace.package]\nhomepage = \"https://a.example\"\n[workspace.dependencies]",
    );
    repository.replace("crates/third/Cargo.toml", "publish", "homepage.workspace = true\npublish");
    repository.commit("docs: a page");
    for name in ["first", "third"] {
        repository.tag(&format!("{name}-v0.1.1"));
    }
    repository.replace("Cargo.toml", "a.example", "b.example");
    repository.commit("docs: another page");
    // Merged, and changed in the merge itself.
    repository.git(&["checkout", "--quiet", "-b", "side"]);
    repository.append("crates/first/README.md", "Side.", "feat(first)!: a side");
    repository.git(&["checkout", "--quiet", "main"]);
    repository.git(&["merge", "--quiet", "--no-ff", "--no-commit", "side"]);
    repository.append("crates/second/README.md", "Merged.", "Merge side");
    assert_eq!(
        planned(&repository),
        ["first minor 0.2.0", "second minor 0.2.0", "third minor 0.2.0"]
    );
    let plan = plan(&repository);
    assert_eq!(
        (&plan[0]["followed_by"], &plan[1]["follows"]),
        (&json!(["second"]), &json!(["first"]))
    );
    let reasons: Vec<_> = plan.iter().map(|it| it["reasons"].to_string()).collect();
    assert!(reasons[0].starts_with("[\"feat(first)!: a side ("), "{reasons:?}");
    assert!(reasons[1].contains("crates/second/README.md was changed in a merge"), "{reasons:?}");
    assert!(reasons[2].contains("docs: another page ("), "{reasons:?}");
}

#[test]
fn a_history_without_its_tags_or_its_beginning_is_no_first_release() {
    let repository = Repository::chain();
    success(&mut repository.xtask("release publish first --yes --registry test"));
    repository.git(&["tag", "--delete", "first-v0.1.0"]);
    let output = repository.xtask("release plan --registry test").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("WARNING: test has first 0.1.0 already") && !said.contains("second"),
        "{said}"
    );
    assert!(String::from_utf8(output.stdout).unwrap().contains("where is its tag?"));
    let first = &plan(&repository)[0];
    assert_eq!((&first["state"], &first["published"]), (&json!("first-release"), &json!("0.1.0")));

    repository.append(SOURCE, "// More.", "fix: more");
    repository.write(".git/shallow", &repository.git(&["rev-parse", "HEAD"]));
    let said = failure(&mut repository.xtask("release plan --registry test"));
    assert!(said.contains("git fetch --unshallow --tags"), "{said}");
}

#[test]
fn a_reader_that_goes_away_ends_the_plan_quietly() {
    let repository = Repository::chain();
    for line in ["release plan --registry test --json", "release plan"] {
        let mut child =
            repository.xtask(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Settings that change what git prints, reads or runs.
const HOSTILE: &str = "[i18n]\n logOutputEncoding = ISO-8859-1\n commitEncoding = ISO-8859-1\n\
    [log]\n showSignature = true\n date = relative\n follow = true\n[format]\n pretty = oneline\n\
    [color]\n ui = always\n[column]\n ui = always\n[core]\n quotePath = true\n excludesFile = IGNORED\n pager = false\n\
    autocrlf = true\n attributesFile = ATTRIBUTES\n[status]\n short = true\n branch = true\n showUntrackedFiles = no\n relativePaths = true\n\
    [diff]\n noprefix = true\n renames = copies\n external = false\n[tag]\n sort = -version:refname\n\
    [user]\n name = Tester\n email = tester@example.com\n";

#[test]
fn no_setting_of_the_user_changes_what_is_planned_and_prepared() {
    let results = [false, true].map(|hostile| {
        let repository = released();
        repository.append(
            SOURCE,
            "// Grün.",
            "fix(first): read grün, „quoted“\n\nBREAKING CHANGE: spell „grün“ out",
        );
        let config = repository.path().with_extension("gitconfig");
        let ignored = config.with_extension("ignored");
        fs::write(&ignored, "CHANGELOG.md\n").unwrap();
        fs::write(&config, HOSTILE.replace("IGNORED", ignored.to_str().unwrap())).unwrap();
        // One commit that is stored in another encoding, and a changelog that is still to be made.
        fs::remove_file(repository.path().join("crates/first/CHANGELOG.md")).unwrap();
        repository.append("crates/first/README.md", "More.", "");
        repository.git(&["add", "--all"]);
        let latin = repository.path().with_extension("message");
        fs::write(&latin, b"feat(first): sp\xe4ter").unwrap();
        repository.git(&[
            "-c",
            "i18n.commitEncoding=ISO-8859-1",
            "commit",
            "--quiet",
            "--file",
            latin.to_str().unwrap(),
        ]);
        let run = |line: &str| {
            let mut command = repository.xtask(line);
            if hostile {
                command
                    .env("GIT_CONFIG_GLOBAL", &config)
                    .env("LC_ALL", "de_DE.UTF-8")
                    .env("GIT_PREFIX", "x");
            }
            command
        };
        let plan = success(&mut run("release plan --registry test --json"));
        success(&mut run("release prepare first second"));
        let ids = regex::Regex::new(r"\([0-9a-f]{7,}\)").unwrap();
        let files = repository.git(&["show", "--name-only", "--format=%s", "HEAD"]);
        (
            ids.replace_all(&plan, "").into_owned(),
            repository.read("crates/first/CHANGELOG.md"),
            files,
        )
    });
    assert_eq!(results[0], results[1]);
    let [(plan, changelog, files), _] = results;
    assert!(plan.contains("read grün, „quoted“") && plan.contains("feat(first): später"), "{plan}");
    let expected = "# Changelog\n\n## 0.2.0\n\n### Breaking changes\n\n- Read grün, „quoted“: spell „grün“ out.\n\n\
        ### Added\n\n- Später.\n";
    assert_eq!(changelog, expected);
    assert!(files.starts_with("chore(release): first 0.2.0, second 0.2.0\n"), "{files}");
}

/// A refused `release prepare`, which leaves commit, index and tree as they were.
fn refused(repository: &Repository, crates: &str) -> String {
    let state = || {
        ["rev-parse HEAD", "diff --cached", "status --porcelain"]
            .map(|line| repository.git(&line.split(' ').collect::<Vec<_>>()))
    };
    let before = state();
    let said = failure(&mut repository.xtask(&format!("release prepare {crates}")));
    assert_eq!(state(), before, "{said}");
    said
}

#[cfg(unix)]
#[test]
fn what_cannot_be_committed_leaves_tree_and_index_as_they_were() {
    use std::os::unix::fs::PermissionsExt;

    let repository = released();
    fs::remove_file(repository.path().join("crates/first/CHANGELOG.md")).unwrap();
    repository.append(SOURCE, "// More.", "fix: be exact");
    let hook = repository.path().join(".git/hooks/pre-commit");
    repository.write(".git/hooks/pre-commit", "#!/bin/sh\necho not today >&2\nexit 1\n");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let said = refused(&repository, "first");
    assert!(said.contains("nothing was changed") && said.contains("not today"), "{said}");
    fs::remove_file(hook).unwrap();
    // An index that cannot be written.
    repository.write(".git/index.lock", "");
    let head = repository.git(&["rev-parse", "HEAD"]);
    let said = failure(&mut repository.xtask("release prepare first"));
    fs::remove_file(repository.path().join(".git/index.lock")).unwrap();
    assert!(said.contains("nothing was changed"), "{said}");
    assert_eq!(
        (repository.git(&["rev-parse", "HEAD"]), repository.git(&["status", "--porcelain"])),
        (head, String::new())
    );
}

#[test]
fn versions_that_cannot_be_are_refused_and_a_whole_section_is_kept() {
    let repository = released();
    repository.append(SOURCE, "// More.", "fix!: other names");
    for (crates, said) in [
        ("first@0.1.1", "needs 0.2.0 at least"),
        ("first@0.1.0", "not higher than 0.1.0"),
        ("first@0.2.0 first@0.3.0", "two versions"),
        ("second", "name first as well"),
        ("hidden", "`hidden` is not published"),
    ] {
        let refusal = refused(&repository, crates);
        assert!(refusal.contains(said), "{refusal}");
    }
    repository.write("left-over", "text");
    assert!(refused(&repository, "first").contains("not everything is committed: left-over"));
    fs::remove_file(repository.path().join("left-over")).unwrap();

    repository.replace(
        "crates/first/CHANGELOG.md",
        "## 0.1.0",
        "## 0.3.0 – unreleased\n\nBy hand.\n\n## 0.1.0",
    );
    repository.commit("docs: by hand");
    let said = success(&mut repository.xtask("release prepare first@0.3.0"));
    assert!(said.contains("second must follow first."), "{said}");
    assert_eq!(
        repository.read("crates/first/CHANGELOG.md"),
        "# Changelog\n\n## 0.3.0\n\nBy hand.\n\n## 0.1.0\n\nAll.\n"
    );
    assert_eq!(repository.read("crates/first/README.md"), "first = \"0.3\"\n");
    assert_eq!(
        planned(&repository),
        ["first prepared 0.3.0", "second minor 0.2.0", "third minor 0.2.0"]
    );
    success(&mut repository.xtask("release prepare --all"));
    let again = success(&mut repository.xtask("release prepare --all"));
    assert!(again.contains("Nothing had to change"), "{again}");
    repository.tag("first-v0.3.0");
    assert_eq!(planned(&repository), ["second prepared 0.2.0", "third prepared 0.2.0"]);
    let changelog = repository.read("crates/third/CHANGELOG.md");
    assert!(
        changelog.contains("- Requires `second` 0.2.0, whose types are in this crate's API.\n"),
        "{changelog}"
    );
}

/// The proof on the real crates: a patch release is one commit that moves one crate.
#[test]
fn a_patch_release_of_this_repository_moves_one_crate() {
    let repository = Repository::copy();
    for name in CRATES {
        let manifest = repository.read(&format!("crates/{name}/Cargo.toml"));
        let version = manifest.split("\nversion = \"").nth(1).unwrap();
        repository.tag(&format!("{name}-v{}", version.split('"').next().unwrap()));
    }
    let names: Vec<_> = plan(&repository).iter().map(|it| it["name"].clone()).collect();
    assert_eq!(names, CRATES);
    repository.append(
        "crates/iqm-auth/src/wire.rs",
        "// More.",
        "fix(iqm-auth): read `Vec<T>` & the other form",
    );
    repository.append(
        "crates/iqm-auth/src/wire.rs",
        "// More.",
        "feat(auth-core)!: be of use to others",
    );
    repository.append("crates/iqm-auth/tests/it/wire.rs", "// More.", "test(iqm-auth): one more");
    assert_eq!(planned(&repository), ["iqm-auth patch 0.1.1"]);
    success(&mut repository.xtask("release prepare iqm-auth"));
    let files = repository.git(&["show", "--name-only", "--format=%s", "HEAD"]);
    assert_eq!(
        files,
        "chore(release): iqm-auth 0.1.1\n\nCargo.lock\nCargo.toml\ncrates/iqm-auth/CHANGELOG.md\ncrates/iqm-auth/Cargo.toml\n"
    );
    let changelog = repository.read("crates/iqm-auth/CHANGELOG.md");
    let expected = "# Changelog\n\n## 0.1.1\n\n### Fixed\n\n- Read `Vec<T>` & the other form.\n\n### Changed\n\n\
        - `auth-core`: be of use to others.\n\n## 0.1.0";
    assert!(changelog.starts_with(expected), "{changelog}");
    success(
        &mut repository.cargo(&repository.path(), "metadata --format-version=1 --locked --offline"),
    );
}
