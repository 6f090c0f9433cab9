//! What takes a compiler: tests, docs, and the public API.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, Package, TargetKind};

use super::Line;
use crate::cargo;
use crate::release::api;
use crate::release::crates::Crate;
use crate::release::git::{Git, tag_name};
use crate::release::semver_checks;
use crate::test::TLS;

/// Where the docs are built, in the target folder: build scripts run again when `RUSTC_BOOTSTRAP`
/// comes and goes, and everything after them would be built again.
const FOLDER: &str = "docs-rs";

/// All features but those of TLS, of which the default one is enough: `cargo xtask test` tries the
/// others.
pub(super) fn tests(root: &Path, package: &Package) -> Line {
    let features = package.features.keys().map(String::as_str);
    let features: Vec<_> = features
        .filter(|feature| *feature != "default" && !TLS.contains(feature))
        .collect();
    let mut command = cargo::command(root);
    command.args(["test", "--package", package.name.as_str()]);
    if !features.is_empty() {
        command.args(["--features", &features.join(",")]);
    }
    judge(&mut command, "the tests pass")
}

/// As docs.rs builds them, and without a warning.
pub(super) fn docs(root: &Path, package: &Package, metadata: &Metadata) -> Line {
    let mut command = rustdoc(root, package, metadata);
    command.args(["-D", "warnings", "--cfg", "docsrs"]);
    judge(
        &mut command,
        "the docs build as on docs.rs, without a warning",
    )
}

/// Whether the API has only changed as the version says, by cargo-semver-checks.
pub(super) fn semver(root: &Path, one: &Crate) -> Result<Line> {
    let Some(last) = Git::new(root).last_version(&one.name)? else {
        let what = "nothing is released yet that the API could break";
        return Ok(Line::passed(what));
    };
    if semver_checks::installed(root).is_none() {
        return Ok(Line::Said(format!(
            "cargo-semver-checks is not installed, and nobody compares the API with the last \
             release's: {}",
            semver_checks::INSTALL
        )));
    }
    let tag = tag_name(&one.name, &last);
    let mut command = cargo::command(root);
    command.args(["semver-checks", "--package", &one.name]);
    command.args(["--baseline-rev", &tag]);
    Ok(judge(
        &mut command,
        &format!("the API has changed since {tag} only as the version says"),
    ))
}

/// Whether the API names nobody's types but those that the design allows.
pub(super) fn api(root: &Path, package: &Package, metadata: &Metadata) -> Result<Vec<Line>> {
    let is_library = |target: &&cargo_metadata::Target| target.kind.contains(&TargetKind::Lib);
    let Some(library) = package.targets.iter().find(is_library) else {
        return Ok(vec![Line::passed("there is no library, and so no API")]);
    };
    let mut command = rustdoc(root, package, metadata);
    command.args(["-Zunstable-options", "--output-format", "json"]);
    let built = judge(&mut command, "rustdoc describes the API");
    if matches!(built, Line::Wrong { .. }) {
        return Ok(vec![built]);
    }
    let file = format!("{}.json", library.name.replace('-', "_"));
    let file = metadata
        .target_directory
        .join(FOLDER)
        .join("doc")
        .join(file);
    let json = fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
    let members = metadata.workspace_packages();
    let ours: Vec<_> = members.iter().map(|it| it.name.replace('-', "_")).collect();
    let found = api::foreign(&json, &ours)?;
    let mut lines = Vec::new();
    let mut wrong = false;
    for it in found {
        let said = format!("{} names {} of {}", it.item, it.named, it.party);
        if let Some(why) = it.allowed_because(&package.name) {
            lines.push(Line::Said(format!("{said}: {why}")));
        } else {
            wrong = true;
            let mend = "hide the type, or say in xtask/src/release/api.rs why users should depend \
                        on it";
            lines.push(Line::wrong(said, mend));
        }
    }
    if !wrong {
        let what = "the API names no third party's types but those that the design allows";
        lines.push(Line::passed(what));
    }
    Ok(lines)
}

/// rustdoc on the library with all features; its own words are still to come.
fn rustdoc(root: &Path, package: &Package, metadata: &Metadata) -> Command {
    let mut command = cargo::command(root);
    command
        .args(["rustdoc", "--package", package.name.as_str()])
        .args(["--lib", "--all-features", "--target-dir"])
        .arg(metadata.target_directory.join(FOLDER))
        .arg("--")
        .env("RUSTC_BOOTSTRAP", "1");
    command
}

/// Runs it before everybody's eyes.
fn judge(command: &mut Command, passes: &str) -> Line {
    let words = command.get_args().map(|word| word.to_string_lossy());
    let words = words.collect::<Vec<_>>().join(" ");
    eprintln!("==> cargo {words}");
    // What is for the terminal stays apart from the report.
    let output = command
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status();
    match output {
        Ok(status) if status.success() => Line::passed(passes),
        Ok(status) => Line::wrong(
            format!("not so: {passes}"),
            format!("`cargo {words}` ended with {status}, and says why"),
        ),
        Err(error) => Line::wrong(format!("cargo does not start: {error}"), "install it"),
    }
}
