//! The Rust of identityx-auth's own operations: generated, or compared with what would be.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use identityx_codegen::{Document, Options, generate};

/// Code that is generated from one schema.
struct Target {
    schema: &'static str,
    operations: &'static str,
    sources: &'static str,
    options: fn() -> Options,
}

const TARGETS: [Target; 2] = [
    Target {
        schema: "schemas/identityx.graphql",
        operations: "crates/identityx-auth/graphql",
        sources: "crates/identityx-auth/src",
        // No `Debug`: some of these types hold tokens.
        options: || Options::new().runtime("crate").response_derives("Clone").variables_derives(""),
    },
    // What a user would get; that crate's tests compile and use it.
    Target {
        schema: "crates/identityx-codegen/tests/zoo/zoo.graphql",
        operations: "crates/identityx-codegen/tests/zoo/operations",
        sources: "crates/identityx-codegen/tests/it",
        options: Options::new,
    },
];

/// Writes the generated files.
pub(crate) fn write(root: &Path) -> Result<()> {
    let wanted = generated(root)?;
    let found = present(root)?;
    for path in found.keys().filter(|path| !wanted.contains_key(*path)) {
        fs::remove_file(root.join(path)).with_context(|| format!("cannot remove {path}"))?;
    }
    for (path, text) in &wanted {
        if found.get(path) != Some(text) {
            let to = root.join(path);
            fs::create_dir_all(to.parent().unwrap_or(root))?;
            fs::write(to, text).with_context(|| format!("cannot write {path}"))?;
        }
    }
    println!("codegen: {} files are up to date", wanted.len());
    Ok(())
}

/// Fails if a file is not what would be written, and names it with the first line that differs.
pub(crate) fn check(root: &Path) -> Result<()> {
    let wanted = generated(root)?;
    let drift = drift(&wanted, &present(root)?);
    if drift.is_empty() {
        println!("codegen: {} files are up to date", wanted.len());
        return Ok(());
    }
    bail!(
        "generated code is out of date:\n  {}\n\
         run `cargo xtask codegen` and commit what it writes",
        drift.join("\n  ")
    )
}

/// Our copy of IdentityX's schema, and the operations of identityx-auth.
pub(crate) fn identityx(root: &Path) -> Result<(Document, Vec<Document>)> {
    inputs(root, &TARGETS[0])
}

fn inputs(root: &Path, target: &Target) -> Result<(Document, Vec<Document>)> {
    let operations = list(root, target.operations)?
        .into_iter()
        .filter(|path| path.ends_with(".graphql"))
        .map(|path| read(root, path))
        .collect::<Result<Vec<_>>>()?;
    ensure!(!operations.is_empty(), "no operation in {}", target.operations);
    Ok((read(root, target.schema.to_owned())?, operations))
}

/// The files as they ought to be, by their path from the root.
fn generated(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for target in &TARGETS {
        let (schema, operations) = inputs(root, target)?;
        for (path, text) in generate(&schema, &operations, &(target.options)())?.files() {
            let path = path.to_string_lossy().replace('\\', "/");
            files.insert(format!("{}/{path}", target.sources), rustfmt(root, &text)?);
        }
    }
    Ok(files)
}

/// The files as they are.
fn present(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for Target { sources, .. } in &TARGETS {
        let folder = format!("{sources}/generated");
        let mut paths = vec![format!("{sources}/generated.rs")];
        if root.join(&folder).is_dir() {
            paths.extend(list(root, &folder)?);
        }
        for path in paths.into_iter().filter(|path| root.join(path).is_file()) {
            let text = read(root, path.clone())?.text().to_owned();
            files.insert(path, text);
        }
    }
    Ok(files)
}

/// The paths of a folder's files, from the root and in order.
fn list(root: &Path, folder: &str) -> Result<Vec<String>> {
    let entries =
        fs::read_dir(root.join(folder)).with_context(|| format!("cannot list {folder}"))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(format!("{folder}/{}", entry?.file_name().to_string_lossy()));
    }
    paths.sort();
    Ok(paths)
}

fn read(root: &Path, path: String) -> Result<Document> {
    let text =
        fs::read_to_string(root.join(&path)).with_context(|| format!("cannot read {path}"))?;
    Ok(Document::new(path, text))
}

/// What differs, one line for each file.
fn drift(wanted: &BTreeMap<String, String>, found: &BTreeMap<String, String>) -> Vec<String> {
    let mut drift = Vec::new();
    for (path, text) in wanted {
        match found.get(path) {
            None => drift.push(format!("{path}: missing")),
            Some(is) if is != text => drift.push(first_difference(path, is, text)),
            Some(_) => {}
        }
    }
    for path in found.keys().filter(|path| !wanted.contains_key(*path)) {
        drift.push(format!("{path}: no operation has this file any more"));
    }
    drift
}

fn first_difference(path: &str, is: &str, wanted: &str) -> String {
    let shared = is.lines().zip(wanted.lines());
    let same = shared.take_while(|(is, wanted)| is == wanted).count();
    let line = |text: &str| {
        text.lines()
            .nth(same)
            .map_or_else(|| "the end of the file".to_owned(), |line| format!("`{}`", line.trim()))
    };
    format!("{path}:{}: {} stands where {} belongs", same + 1, line(is), line(wanted))
}

/// The text as `cargo fmt` would have it.
fn rustfmt(root: &Path, text: &str) -> Result<String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--emit", "stdout", "--quiet", "--config-path"])
        .arg(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .context("cannot start rustfmt")?;
    let mut input = child.stdin.take().context("rustfmt has no input")?;
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(move || input.write_all(text.as_bytes()));
        let output = child.wait_with_output();
        (writer.join(), output)
    });
    let output = written.1.context("rustfmt did not end")?;
    ensure!(output.status.success(), "rustfmt ended with {}", output.status);
    String::from_utf8(output.stdout).context("rustfmt printed something that is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the checks read of this repository, in a folder where it can be changed.
    fn copy() -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        let here = crate::cargo::root();
        let mut paths = vec!["rustfmt.toml".to_owned()];
        for target in &TARGETS {
            paths.push(target.schema.to_owned());
            paths.extend(list(&here, target.operations).unwrap());
            paths.push(format!("{}/generated.rs", target.sources));
            paths.extend(list(&here, &format!("{}/generated", target.sources)).unwrap());
        }
        for path in paths {
            let to = copy.path().join(&path);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(here.join(&path), to).unwrap();
        }
        copy
    }

    fn replace(root: &Path, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(root.join(path)).unwrap();
        assert!(text.contains(from), "{from} stands in {path}");
        fs::write(root.join(path), text.replace(from, to)).unwrap();
    }

    fn refusal(root: &Path) -> String {
        format!("{:#}", check(root).unwrap_err())
    }

    const OPERATION: &str = "crates/identityx-auth/graphql/log_in_app_user.graphql";
    const MODULE: &str = "crates/identityx-auth/src/generated/log_in_app_user.rs";

    #[test]
    fn what_is_checked_in_is_up_to_date() {
        check(copy().path()).unwrap();
    }

    #[test]
    fn a_field_renamed_in_the_schema_is_found_where_it_is_used() {
        let root = copy();
        replace(root.path(), TARGETS[0].schema, "loginSource:", "logInSource:");
        let refusal = refusal(root.path());
        assert!(refusal.contains(&format!("{OPERATION}:20:5: ")), "{refusal}");
        assert!(refusal.contains("`loginSource`"), "{refusal}");
    }

    #[test]
    fn a_field_renamed_in_an_operation_is_found_there() {
        let root = copy();
        replace(root.path(), OPERATION, "loginSource", "logInSource");
        let refusal = refusal(root.path());
        assert!(refusal.contains(&format!("{OPERATION}:20:5: ")), "{refusal}");
    }

    #[test]
    fn a_field_renamed_in_both_is_found_in_the_generated_code() {
        let root = copy();
        replace(root.path(), TARGETS[0].schema, "loginSource:", "logInSource:");
        replace(root.path(), OPERATION, "loginSource", "logInSource");
        let refusal = refusal(root.path());
        let first = "`loginSource` stands where `logInSource` belongs";
        assert!(refusal.contains(&format!("{MODULE}:44: {first}")), "{refusal}");
        assert!(refusal.contains("cargo xtask codegen"), "{refusal}");
        write(root.path()).unwrap();
        check(root.path()).unwrap();
    }

    #[test]
    fn a_change_that_only_the_schema_shows_is_found_in_the_generated_code() {
        let root = copy();
        replace(root.path(), TARGETS[0].schema, "loginSource: String", "loginSource: String!");
        let refusal = refusal(root.path());
        assert!(refusal.contains(MODULE), "{refusal}");
        assert_eq!(refusal.matches(".rs:").count(), 1, "{refusal}");
    }

    #[test]
    fn generated_files_that_were_edited_lost_or_left_behind_are_named() {
        let root = copy();
        let ping = "crates/identityx-auth/src/generated/ping.rs";
        replace(root.path(), MODULE, "Clone", "Clone, Debug");
        fs::remove_file(root.path().join(ping)).unwrap();
        let left = "crates/identityx-auth/src/generated/left.rs";
        fs::write(root.path().join(left), "").unwrap();
        let found = refusal(root.path());
        assert!(found.contains(&format!("{MODULE}:")), "{found}");
        assert!(found.contains(&format!("{ping}: missing")), "{found}");
        assert!(found.contains(&format!("{left}: no operation")), "{found}");
        write(root.path()).unwrap();
        check(root.path()).unwrap();
        assert!(!root.path().join(left).exists());
    }

    #[test]
    fn a_text_that_ends_early_differs_at_its_end() {
        assert_eq!(
            first_difference("a.rs", "one\n", "one\ntwo\n"),
            "a.rs:2: the end of the file stands where `two` belongs"
        );
    }
}
