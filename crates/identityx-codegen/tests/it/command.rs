//! The command, as a shell runs it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn run(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_identityx-codegen"))
        .args(words)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        fs::write(folder.path().join(path), text).unwrap();
    }
    folder
}

/// Every path below the folder.
fn paths(folder: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            paths.extend(paths_below(&path));
        }
        paths.push(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    paths.sort();
    paths
}

fn paths_below(folder: &Path) -> Vec<String> {
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let below = paths(folder);
    below.iter().map(|path| format!("{name}/{path}")).collect()
}

const WHO: &str = "query WhoAmI { activeUser { email } }";
const BAD: &str = "query Bad {\n  activeUser {\n    mail\n  }\n}";

#[test]
fn an_operation_becomes_a_module_by_the_carried_schema() {
    let folder = folder(&[
        ("who.graphql", WHO),
        ("ping.graphql", "query Ping { ping }"),
    ]);
    let words = ["--operation", "who.graphql", "ping.graphql", "--out", "src"];
    let output = run(folder.path(), &words);
    assert!(output.status.success(), "{}", said(&output));
    let src = folder.path().join("src");
    assert_eq!(
        paths(&src),
        [
            "generated",
            "generated.rs",
            "generated/ping.rs",
            "generated/who_am_i.rs"
        ]
    );
    let list = fs::read_to_string(src.join("generated.rs")).unwrap();
    assert!(
        list.contains("pub mod ping;\npub mod who_am_i;\n"),
        "{list}"
    );
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed.lines().count(), 3, "{printed}");
}

#[test]
fn nothing_is_written_where_one_operation_is_wrong() {
    let folder = folder(&[("who.graphql", WHO), ("bad.graphql", BAD)]);
    let words = [
        "--operation",
        "who.graphql",
        "--operation",
        "bad.graphql",
        "--out",
        "src",
    ];
    let output = run(folder.path(), &words);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).starts_with("bad.graphql:3:5: "),
        "{}",
        said(&output)
    );
    assert_eq!(paths(folder.path()), ["bad.graphql", "who.graphql"]);
}

#[test]
fn code_that_was_there_stays_where_an_operation_is_wrong() {
    let folder = folder(&[("who.graphql", WHO)]);
    let words = ["--operation", "who.graphql", "--out", "src"];
    assert!(run(folder.path(), &words).status.success());
    let module = folder.path().join("src/generated/who_am_i.rs");
    let before = fs::read_to_string(&module).unwrap();
    fs::write(folder.path().join("who.graphql"), BAD).unwrap();
    assert!(!run(folder.path(), &words).status.success());
    assert_eq!(fs::read_to_string(&module).unwrap(), before);
}

#[test]
fn the_module_of_an_operation_that_is_gone_goes_and_other_files_stay() {
    let folder = folder(&[("op.graphql", WHO)]);
    let words = ["--operation", "op.graphql", "--out", "src"];
    assert!(run(folder.path(), &words).status.success());
    let generated = folder.path().join("src/generated");
    fs::write(generated.join("mine.rs"), "//! By hand.\n").unwrap();
    fs::write(folder.path().join("op.graphql"), "query Ping { ping }").unwrap();
    let output = run(folder.path(), &words);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(paths(&generated), ["mine.rs", "ping.rs"]);
}

#[test]
fn a_file_that_somebody_wrote_is_not_overwritten() {
    let folder = folder(&[("who.graphql", WHO), ("generated.rs", "//! By hand.\n")]);
    let output = run(folder.path(), &["--operation", "who.graphql", "--out", "."]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("generated.rs"), "{}", said(&output));
    let kept = fs::read_to_string(folder.path().join("generated.rs")).unwrap();
    assert_eq!(kept, "//! By hand.\n");
    assert_eq!(paths(folder.path()), ["generated.rs", "who.graphql"]);
}

#[cfg(unix)]
#[test]
fn what_is_written_is_as_readable_as_any_new_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder(&[("who.graphql", WHO)]);
    let output = run(folder.path(), &["--operation", "who.graphql", "--out", "."]);
    assert!(output.status.success(), "{}", said(&output));
    let mode = |path: &str| {
        let metadata = fs::metadata(folder.path().join(path)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode("generated/who_am_i.rs"), mode("who.graphql"));
}

#[test]
fn another_schema_and_another_name_of_the_crate_are_taken() {
    let schema = "type Query { answer: Int! }";
    let folder = folder(&[("s.graphql", schema), ("op.graphql", "query Q { answer }")]);
    let words = [
        "--schema",
        "s.graphql",
        "--operation",
        "op.graphql",
        "--runtime",
        "::idx",
        "--out",
        "src",
    ];
    let output = run(folder.path(), &words);
    assert!(output.status.success(), "{}", said(&output));
    let module = fs::read_to_string(folder.path().join("src/generated/q.rs")).unwrap();
    assert!(module.contains("use ::idx::serde::"), "{module}");
}

#[test]
fn words_that_mean_nothing_are_answered_with_the_usage() {
    let folder = folder(&[("who.graphql", WHO)]);
    for words in [
        &[][..],
        &["--operation", "who.graphql"],
        &["--out", "src"],
        &["who.graphql", "--out", "src"],
        &["--operation", "--out", "src"],
        &["--verbose"],
    ] {
        let output = run(folder.path(), words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(
            said(&output).contains("usage: identityx-codegen"),
            "{words:?}"
        );
    }
    let help = run(folder.path(), &["--help"]);
    assert!(help.status.success());
    assert!(
        String::from_utf8(help.stdout)
            .unwrap()
            .starts_with("usage: ")
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let folder = folder(&[]);
    let output = run(
        folder.path(),
        &["--operation", "no.graphql", "--out", "src"],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).starts_with("cannot read no.graphql: "),
        "{}",
        said(&output)
    );
}
