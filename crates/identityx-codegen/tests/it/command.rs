//! The command, as a shell runs it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn run(folder: &Path, arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_identityx-codegen"))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap()
}

fn error(output: &Output) -> String {
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
fn an_operation_becomes_a_module_by_the_included_schema() {
    let folder = folder(&[
        ("who.graphql", WHO),
        ("ping.graphql", "query Ping { ping }"),
    ]);
    let arguments = "--operation who.graphql ping.graphql --out src";
    let output = run(folder.path(), arguments);
    assert!(output.status.success(), "{}", error(&output));
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
fn nothing_is_written_if_one_operation_is_invalid() {
    let folder = folder(&[("who.graphql", WHO), ("bad.graphql", BAD)]);
    let arguments = "--operation who.graphql --operation bad.graphql --out src";
    let output = run(folder.path(), arguments);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        error(&output).contains("\n --> bad.graphql:3:5\n"),
        "{}",
        error(&output)
    );
    assert_eq!(paths(folder.path()), ["bad.graphql", "who.graphql"]);
}

#[test]
fn existing_code_is_kept_if_an_operation_is_invalid() {
    let folder = folder(&[("who.graphql", WHO)]);
    let arguments = "--operation who.graphql --out src";
    assert!(run(folder.path(), arguments).status.success());
    let module = folder.path().join("src/generated/who_am_i.rs");
    let before = fs::read_to_string(&module).unwrap();
    fs::write(folder.path().join("who.graphql"), BAD).unwrap();
    assert!(!run(folder.path(), arguments).status.success());
    assert_eq!(fs::read_to_string(&module).unwrap(), before);
}

#[test]
fn the_module_of_a_removed_operation_is_removed_and_other_files_are_kept() {
    let folder = folder(&[("op.graphql", WHO)]);
    let arguments = "--operation op.graphql --out src";
    assert!(run(folder.path(), arguments).status.success());
    let generated = folder.path().join("src/generated");
    fs::write(generated.join("mine.rs"), "//! By hand.\n").unwrap();
    fs::write(folder.path().join("op.graphql"), "query Ping { ping }").unwrap();
    let output = run(folder.path(), arguments);
    assert!(output.status.success(), "{}", error(&output));
    assert_eq!(paths(&generated), ["mine.rs", "ping.rs"]);
}

#[test]
fn a_file_that_was_not_generated_is_not_overwritten() {
    let folder = folder(&[("who.graphql", WHO), ("generated.rs", "//! By hand.\n")]);
    let output = run(folder.path(), "--operation who.graphql --out .");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        error(&output).contains("generated.rs"),
        "{}",
        error(&output)
    );
    let kept = fs::read_to_string(folder.path().join("generated.rs")).unwrap();
    assert_eq!(kept, "//! By hand.\n");
    assert_eq!(paths(folder.path()), ["generated.rs", "who.graphql"]);
}

#[cfg(unix)]
#[test]
fn generated_files_have_the_permissions_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder(&[("who.graphql", WHO)]);
    let output = run(folder.path(), "--operation who.graphql --out .");
    assert!(output.status.success(), "{}", error(&output));
    let mode = |path: &str| {
        let metadata = fs::metadata(folder.path().join(path)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode("generated/who_am_i.rs"), mode("who.graphql"));
}

#[test]
fn the_schema_and_the_runtime_path_are_options() {
    let schema = "type Query { answer: Int! }";
    let folder = folder(&[("s.graphql", schema), ("op.graphql", "query Q { answer }")]);
    let arguments = "--schema s.graphql --operation op.graphql --runtime ::idx --out src";
    let output = run(folder.path(), arguments);
    assert!(output.status.success(), "{}", error(&output));
    let module = fs::read_to_string(folder.path().join("src/generated/q.rs")).unwrap();
    assert!(module.contains("(::idx::graphql::serde::"), "{module}");
}

#[test]
fn a_scalar_gets_its_type_and_a_name_becomes_a_secret() {
    let schema =
        "scalar Day type Query { day: Day card: Card } type Card { pin: String! no: String! }";
    let folder = folder(&[
        ("s.graphql", schema),
        ("q.graphql", "query Q { day card { pin no } }"),
    ]);
    let plain = "--schema s.graphql --operation q.graphql --out src";
    let with = format!("{plain} --scalar Day=::chrono::NaiveDate --secret Card.pin");
    let written = |arguments: &str| {
        let output = run(folder.path(), arguments);
        assert!(output.status.success(), "{}", error(&output));
        let module = fs::read_to_string(folder.path().join("src/generated/q.rs")).unwrap();
        (module, error(&output))
    };
    let (module, warnings) = written(&with);
    assert!(
        module.contains("pub day: ::std::option::Option<::chrono::NaiveDate>,"),
        "{module}"
    );
    assert!(
        module.contains("pub pin: ::identityx_auth::graphql::SecretString,")
            && module.contains("pub no: ::std::string::String,"),
        "{module}"
    );
    assert_eq!(warnings, "");
    // Without them, the one is a JSON value, with a warning, and the other a text.
    let (module, warnings) = written(plain);
    assert!(
        module.contains("pub pin: ::std::string::String,") && !module.contains("chrono"),
        "{module}"
    );
    assert!(
        warnings.starts_with("warning: the scalar `Day` has no type in Rust"),
        "{warnings}"
    );
    // What cannot be meant is refused: 2 for an argument, 1 for a path that is none.
    for (more, code) in [("--scalar Day", 2), ("--scalar Day=chrono..", 1)] {
        let output = run(folder.path(), &format!("{plain} {more}"));
        assert_eq!(output.status.code(), Some(code), "{}", error(&output));
        let said = error(&output);
        assert!(
            said.contains("--scalar` wants <name>=<path>") || said.contains("such as ::chrono"),
            "{said}"
        );
    }
}

#[test]
fn unknown_or_missing_arguments_print_the_usage() {
    let folder = folder(&[("who.graphql", WHO)]);
    for arguments in [
        "",
        "--operation who.graphql",
        "--out src",
        "who.graphql --out src",
        "--operation --out src",
        "--verbose",
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            error(&output).contains("usage: identityx-codegen"),
            "{arguments:?}"
        );
    }
    let help = run(folder.path(), "--help");
    assert!(help.status.success());
    assert!(
        String::from_utf8(help.stdout)
            .unwrap()
            .starts_with("usage: ")
    );
}

#[test]
fn a_missing_file_is_named() {
    let folder = folder(&[]);
    let output = run(folder.path(), "--operation no.graphql --out src");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        error(&output).starts_with("error: cannot read no.graphql: "),
        "{}",
        error(&output)
    );
}

const SCHEMA: &str = "type Query { loginSource: String ping: String }";

const WRITE: &str =
    "--schema schema.graphql --operation source.graphql ping.graphql --out src --runtime ::idx";
const CHECK: &str = "--check --schema schema.graphql --operation source.graphql ping.graphql \
                     --out src --runtime ::idx";

/// A folder with the code of two operations.
fn written() -> TempDir {
    let folder = folder(&[
        ("schema.graphql", SCHEMA),
        ("source.graphql", "query Source {\n  loginSource\n}"),
        ("ping.graphql", "query Ping { ping }"),
    ]);
    let output = run(folder.path(), WRITE);
    assert!(output.status.success(), "{}", error(&output));
    folder
}

fn rename_field(folder: &TempDir, file: &str) {
    let path = folder.path().join(file);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, text.replace("loginSource", "logInSource")).unwrap();
}

/// The refusal of a check. The check changes nothing, and the same command without `--check`
/// updates the files.
fn out_of_date(folder: &TempDir) -> String {
    let src = folder.path().join("src");
    let read = || {
        let read = |path: String| fs::read_to_string(src.join(path)).unwrap_or_default();
        paths(&src).into_iter().map(read).collect::<Vec<_>>()
    };
    let before = read();
    let output = run(folder.path(), CHECK);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(read(), before);
    assert!(run(folder.path(), WRITE).status.success());
    assert!(run(folder.path(), CHECK).status.success());
    let refusal = error(&output);
    let hint = "to update the files, run the same command without `--check`\n";
    assert!(refusal.ends_with(hint), "{refusal}");
    refusal
}

#[test]
fn a_check_of_code_that_is_up_to_date_passes_whatever_its_line_endings() {
    let folder = written();
    for _ in ["\n", "\r\n"] {
        let output = run(folder.path(), CHECK);
        assert!(output.status.success(), "{}", error(&output));
        assert_eq!(output.stdout, b"3 files are up to date\n");
        let module = folder.path().join("src/generated/ping.rs");
        let text = fs::read_to_string(&module).unwrap();
        fs::write(&module, text.replace('\n', "\r\n")).unwrap();
    }
}

#[test]
fn a_change_of_the_schema_and_the_operation_is_found_in_the_code() {
    let folder = written();
    rename_field(&folder, "schema.graphql");
    rename_field(&folder, "source.graphql");
    let refusal = out_of_date(&folder);
    let place = Path::new("src/generated").join("source.rs:26");
    let first = format!(
        "error: expected `logInSource`, found `loginSource`\n  --> {}\n",
        place.display()
    );
    assert!(refusal.starts_with(&first), "{refusal}");
    assert_eq!(refusal.matches(".rs:").count(), 1, "{refusal}");
}

#[test]
fn a_change_of_the_schema_alone_is_found_in_the_code() {
    let folder = written();
    let changed = SCHEMA.replace("loginSource: String", "loginSource: String!");
    fs::write(folder.path().join("schema.graphql"), changed).unwrap();
    let refusal = out_of_date(&folder);
    assert!(refusal.contains("source.rs:"), "{refusal}");
    assert_eq!(refusal.matches(".rs:").count(), 1, "{refusal}");
}

#[test]
fn a_check_reports_an_operation_that_is_no_longer_valid_with_its_place() {
    for file in ["schema.graphql", "source.graphql"] {
        let folder = written();
        rename_field(&folder, file);
        let output = run(folder.path(), CHECK);
        assert_eq!(output.status.code(), Some(1), "{file}");
        let refusal = error(&output);
        assert!(refusal.contains("--> source.graphql:2:3\n"), "{refusal}");
        assert!(!refusal.contains("--check"), "{refusal}");
    }
}

#[test]
fn a_check_names_files_that_were_edited_removed_or_left_behind() {
    let folder = written();
    let generated = folder.path().join("src/generated");
    let source = fs::read_to_string(generated.join("source.rs")).unwrap();
    fs::write(generated.join("left.rs"), &source).unwrap();
    fs::write(generated.join("source.rs"), source.replace("Clone", "Copy")).unwrap();
    fs::remove_file(generated.join("ping.rs")).unwrap();
    fs::write(generated.join("mine.rs"), "//! By hand.\n").unwrap();
    let refusal = out_of_date(&folder);
    for expected in [
        "source.rs:",
        "ping.rs\n",
        "missing",
        "left.rs\n",
        "no operation generates",
    ] {
        assert!(refusal.contains(expected), "{refusal}");
    }
    assert_eq!(refusal.matches("-->").count(), 3, "{refusal}");
    assert_eq!(paths(&generated), ["mine.rs", "ping.rs", "source.rs"]);
}

#[test]
fn a_check_before_the_code_was_written_names_each_missing_file() {
    let folder = folder(&[("who.graphql", WHO)]);
    let arguments = "--operation who.graphql --out src --check";
    let output = run(folder.path(), arguments);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(error(&output).matches("error: missing\n").count(), 2);
    assert_eq!(paths(folder.path()), ["who.graphql"]);
}

#[test]
fn files_that_are_up_to_date_are_not_written_again() {
    let folder = written();
    let module = folder.path().join("src/generated/ping.rs");
    let long_ago = std::time::SystemTime::UNIX_EPOCH;
    let file = fs::File::options().write(true).open(&module).unwrap();
    file.set_modified(long_ago).unwrap();
    drop(file);
    assert!(run(folder.path(), WRITE).status.success());
    let modified = fs::metadata(&module).unwrap().modified().unwrap();
    assert_eq!(modified, long_ago);
}

#[test]
fn rustfmt_leaves_generated_files_alone() {
    let folder = written();
    let list = folder.path().join("src/generated.rs");
    let status = Command::new("rustfmt")
        .args(["--edition=2024", "--config=hard_tabs=true,max_width=40"])
        .arg(&list)
        .status()
        .unwrap();
    assert!(status.success());
    let output = run(folder.path(), CHECK);
    assert!(output.status.success(), "{}", error(&output));
}
