//! `release plan` and `release prepare`, on three crates that need one another in a row, and on this
//! repository.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::repository::{CRATES, Repository, failure, success};

const SOURCE: &str = "crates/first/src/lib.rs";
const CHANGELOG: &str = "crates/first/CHANGELOG.md";

/// Three crates of which 0.1.0 is released.
fn released() -> Repository {
    let repository = Repository::chain();
    for name in ["first", "second", "third"] {
        repository.tag(&format!("{name}-v0.1.0"));
    }
    repository
}

fn plan(command: &mut Command) -> Vec<Value> {
    let plan: Value = serde_json::from_str(&success(command)).unwrap();
    plan["crates"].as_array().unwrap().clone()
}

const PLAN: &str = "release plan --registry test --json";

fn planned(repository: &Repository) -> Vec<String> {
    released_by(plan(&mut repository.xtask(PLAN)))
}

fn released_by(mut plan: Vec<Value>) -> Vec<String> {
    plan.retain(|it| it["state"] != "unchanged");
    let words = |it: &Value| format!("{} {} {}", it["name"], it["state"], it["next"]);
    plan.iter().map(|it| words(it).replace('"', "")).collect()
}

#[test]
fn versions_move_by_what_commits_say_of_what_users_get() {
    let both = "third/src/lib.rs second/src/lib.rs";
    let others = "second minor 0.2.0, third minor 0.2.0";
    for (message, files, expected) in [
        ("fix: more", "first/src/lib.rs", "first patch 0.1.1"),
        ("feat(first): more", "first/src/lib.rs", "first patch 0.1.1"),
        ("Say more", "third/README.md", "third patch 0.1.1"),
        // What breaks moves those that need it, in order.
        ("feat(session)!: more", "first/src/lib.rs", &format!("first minor 0.2.0, {others}")),
        ("fix: a\n\nBREAKING CHANGE: b", "second/src/lib.rs", others),
        ("feat(second, third)!: more", both, others),
        // What is meant for another crate is a fix.
        ("feat(third)!: more", both, "second patch 0.1.1, third minor 0.2.0"),
        // What no user gets moves nothing.
        ("feat: more", "first/tests/it.rs first/notes/a hidden/src/lib.rs ../README.md", ""),
        ("feat: more", "first/CHANGELOG.md first/Cargo.toml ../Cargo.toml", ""),
    ] {
        let repository = released();
        for path in files.split(' ') {
            repository.append(&format!("crates/{path}"), "# More.", "");
        }
        repository.commit(message);
        assert_eq!(planned(&repository).join(", "), expected, "{message} {files}");
    }
}

#[test]
fn what_is_inherited_or_merged_counts_and_what_was_taken_back_does_not() {
    let repository = released();
    repository.append(SOURCE, "// More.", "feat!: another name");
    repository.replace(SOURCE, "// More.\n", "");
    repository.commit("revert: the name");
    assert_eq!(planned(&repository), [""; 0]);
    let page = "[workspace.package]\nhomepage = \"https://a.example\"\n";
    repository.append("Cargo.toml", page, "");
    repository.replace("crates/third/Cargo.toml", "publish", "homepage.workspace = true\npublish");
    repository.commit("docs: a page");
    repository.tag("third-v0.1.1");
    repository.replace("Cargo.toml", "a.example", "b.example");
    repository.commit("docs: another page");
    // Merged, and changed in the merge itself.
    repository.git(&["checkout", "--quiet", "-b", "side"]);
    repository.append("crates/first/README.md", "Side.", "feat(first)!: a side");
    repository.git(&["checkout", "--quiet", "main"]);
    repository.git(&["merge", "--quiet", "--no-ff", "--no-commit", "side"]);
    repository.append("crates/second/README.md", "Merged.", "Merge side");
    let plan = plan(&mut repository.xtask(PLAN));
    assert_eq!(plan[0]["followed_by"], json!(["second"]));
    assert_eq!(plan[1]["follows"], json!(["first"]));
    for (number, reason) in [
        (0, "feat(first)!: a side ("),
        (1, "crates/second/README.md was changed in a merge"),
        (2, "docs: another page ("),
    ] {
        assert_eq!(plan[number]["next"], "0.2.0");
        let reasons = plan[number]["reasons"].to_string();
        assert!(reasons.contains(reason), "{reasons}");
    }
}

#[test]
fn a_history_without_its_tags_or_its_beginning_is_no_first_release() {
    let repository = Repository::chain();
    success(&mut repository.xtask("release publish first --yes --registry test"));
    repository.git(&["tag", "--delete", "first-v0.1.0"]);
    let output = repository.xtask("release plan --registry test").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let expected =
        "WARNING: test has first 0.1.0 already: where is its tag? This is no first release";
    assert!(said.contains(expected) && !said.contains("second"), "{said}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("where is its tag?"));
    let first = &plan(&mut repository.xtask(PLAN))[0];
    assert_eq!([&first["state"], &first["published"]], ["first-release", "0.1.0"]);

    // A reader that goes away (`| head`) ends it quietly.
    for line in [PLAN, "release plan --registry test"] {
        let mut command = repository.xtask(line);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    repository.append(SOURCE, "// More.", "fix: more");
    repository.write(".git/shallow", &repository.git(&["rev-parse", "HEAD"]));
    let said = failure(&mut repository.xtask("release plan"));
    assert!(said.contains("git fetch --unshallow --tags"), "{said}");
}

/// Settings that change what git prints, reads or runs.
const HOSTILE: &str = "[i18n]\n logOutputEncoding = ISO-8859-1\n commitEncoding = ISO-8859-1\n\
    [log]\n showSignature = true\n date = relative\n follow = true\n[format]\n pretty = oneline\n\
    [color]\n ui = always\n[column]\n ui = always\n[core]\n quotePath = true\n pager = false\n\
    autocrlf = true\n excludesFile = IGNORED\n[status]\n short = true\n branch = true\n\
    showUntrackedFiles = no\n relativePaths = true\n[diff]\n noprefix = true\n renames = copies\n\
    external = false\n[tag]\n sort = -version:refname\n[user]\n name = T\n email = t@example.com\n";

#[test]
fn no_setting_of_the_user_changes_what_is_planned_and_prepared() {
    let results = [false, true].map(|hostile| {
        let repository = released();
        let message = "fix(first): read grün, „quoted“\n\nBREAKING CHANGE: spell „grün“ out";
        repository.append(SOURCE, "// Grün.", message);
        let [config, ignored, latin] =
            ["config", "ignored", "latin"].map(|end| repository.path().with_extension(end));
        fs::write(&ignored, "CHANGELOG.md\n").unwrap();
        fs::write(&config, HOSTILE.replace("IGNORED", ignored.to_str().unwrap())).unwrap();
        // A changelog that is still to be made, and a commit that is stored in another encoding.
        fs::remove_file(repository.path().join(CHANGELOG)).unwrap();
        repository.append("crates/first/README.md", "More.", "");
        repository.git(&["add", "--all"]);
        fs::write(&latin, b"feat(first): sp\xe4ter").unwrap();
        let encoding = "i18n.commitEncoding=ISO-8859-1";
        repository.git(&["-c", encoding, "commit", "--quiet", "--file", latin.to_str().unwrap()]);
        let run = |line: &str| {
            let mut command = repository.xtask(line);
            if hostile {
                command.env("GIT_CONFIG_GLOBAL", &config).env("LC_ALL", "de_DE.UTF-8");
                command.env("GIT_PREFIX", "x");
            }
            success(&mut command)
        };
        let plan = run(PLAN);
        run("release prepare first second");
        let commit = repository.git(&["show", "--name-only", "--format=%s", "HEAD"]);
        let ids = regex::Regex::new(r"\([0-9a-f]{7,}\)").unwrap();
        (ids.replace_all(&plan, "").into_owned(), repository.read(CHANGELOG), commit)
    });
    assert_eq!(results[0], results[1]);
    let [(plan, changelog, commit), _] = results;
    assert!(plan.contains("read grün, „quoted“") && plan.contains("feat(first): später"), "{plan}");
    let expected = "# Changelog\n\n## 0.2.0\n\n### Breaking changes\n\n\
        - Read grün, „quoted“: spell „grün“ out.\n\n### Added\n\n- Später.\n";
    assert_eq!(changelog, expected);
    assert!(commit.starts_with("chore(release): first 0.2.0, second 0.2.0\n"), "{commit}");
}

/// A refused `release prepare`, which leaves commit, index and tree as they were.
fn refused(repository: &Repository, crates: &str) -> String {
    let calls = [&["rev-parse", "HEAD"][..], &["diff", "--cached"], &["status", "--porcelain"]];
    let state = || calls.map(|words| repository.git(words));
    let before = state();
    let said = failure(&mut repository.xtask(&format!("release prepare {crates}")));
    assert_eq!(state(), before, "{said}");
    said
}

#[cfg(unix)]
#[test]
fn what_cannot_be_committed_leaves_tree_and_index_as_they_were() {
    let repository = released();
    fs::remove_file(repository.path().join(CHANGELOG)).unwrap();
    repository.append(SOURCE, "// More.", "fix: be exact");
    let hook = repository.path().join(".git/hooks/pre-commit");
    repository.write(".git/hooks/pre-commit", "#!/bin/sh\necho not today >&2\nexit 1\n");
    success(Command::new("chmod").arg("+x").arg(&hook));
    let said = refused(&repository, "first");
    assert!(said.contains("nothing was changed") && said.contains("not today"), "{said}");
    fs::remove_file(hook).unwrap();
    // An index that cannot be written.
    repository.write(".git/index.lock", "");
    let said = refused(&repository, "first");
    assert!(said.contains("`git -c ") && said.contains("index.lock"), "{said}");
}

#[test]
fn versions_that_cannot_be_are_refused_and_a_whole_section_is_kept() {
    let repository = released();
    repository.append(SOURCE, "// More.", "fix!: other names");
    for (crates, said) in [
        ("first@0.1.1", "needs 0.2.0 at least"),
        ("first@0.1.0", "not higher than 0.1.0"),
        ("first@0.2.0 first@0.3.0", "first is named twice"),
        ("first@0.2", "first@0.2"),
        ("second", "name first as well"),
        ("hidden", "`hidden` is not published"),
    ] {
        let refusal = refused(&repository, crates);
        assert!(refusal.contains(said), "{refusal}");
    }
    repository.write("left-over", "text");
    assert!(refused(&repository, "first").contains("not everything is committed: left-over"));
    fs::remove_file(repository.path().join("left-over")).unwrap();

    repository.replace(CHANGELOG, "## 0.1.0", "## 0.3.0 – unreleased\n\nBy hand.\n\n## 0.1.0");
    repository.commit("docs: by hand");
    let said = success(&mut repository.xtask("release prepare first@0.3.0"));
    assert!(said.contains("second must follow first."), "{said}");
    let changelog = "# Changelog\n\n## 0.3.0\n\nBy hand.\n\n## 0.1.0\n\nAll.\n";
    assert_eq!(repository.read(CHANGELOG), changelog);
    assert_eq!(repository.read("crates/first/README.md"), "first = \"0.3\"\n");
    let others = ["second minor 0.2.0", "third minor 0.2.0"];
    assert_eq!(planned(&repository), ["first prepared 0.3.0", others[0], others[1]]);
    success(&mut repository.xtask("release prepare --all"));
    let again = success(&mut repository.xtask("release prepare --all"));
    assert!(again.contains("Nothing had to change"), "{again}");
    repository.tag("first-v0.3.0");
    assert_eq!(planned(&repository), ["second prepared 0.2.0", "third prepared 0.2.0"]);
    let changelog = repository.read("crates/third/CHANGELOG.md");
    assert!(changelog.contains("- Requires `second` 0.2.0, whose types"), "{changelog}");
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
    let wire = "crates/iqm-auth/src/wire.rs";
    repository.append(wire, "// More.", "fix(iqm-auth): read `Vec<T>` & the other form");
    repository.append(wire, "// More.", "feat(auth-core, xtask)!: be of use to others");
    repository.append("crates/iqm-auth/tests/it/wire.rs", "// More.", "test(iqm-auth): one more");
    let plan = plan(&mut repository.xtask(PLAN));
    assert_eq!(plan.iter().map(|it| it["name"].as_str().unwrap()).collect::<Vec<_>>(), CRATES);
    assert_eq!(released_by(plan), ["iqm-auth patch 0.1.1"]);
    success(&mut repository.xtask("release prepare iqm-auth"));
    let commit = repository.git(&["show", "--name-only", "--format=%s", "HEAD"]);
    let files = "Cargo.lock Cargo.toml crates/iqm-auth/CHANGELOG.md crates/iqm-auth/Cargo.toml";
    let files = files.replace(' ', "\n");
    assert_eq!(commit, format!("chore(release): iqm-auth 0.1.1\n\n{files}\n"));
    let changelog = repository.read("crates/iqm-auth/CHANGELOG.md");
    let expected = "# Changelog\n\n## 0.1.1\n\n### Fixed\n\n- Read `Vec<T>` & the other form.\n\n\
        ### Changed\n\n- `auth-core`, `xtask`: be of use to others.\n\n## 0.1.0";
    assert!(changelog.starts_with(expected), "{changelog}");
    let locked = "metadata --format-version=1 --locked --offline";
    success(&mut repository.cargo(&repository.path(), locked));
}
