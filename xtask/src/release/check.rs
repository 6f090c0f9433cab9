//! `release check`: everything that must hold before crates are published. It continues after a
//! finding, so that all of them are known at once.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, io};

use anyhow::{Context, Result, bail, ensure};
use regex::Regex;

use super::changes;
use super::crates::{Crate, Crates, features, list, packaged, text};
use super::git::{Git, tag_name};
use crate::cargo::{self, note, say};

/// The most bytes of a .crate file, compressed as it is uploaded and downloaded.
const LARGEST: u64 = 300_000;

/// Crates whose types may stand in any public API: what the design shares with users. `serde_core`
/// is where serde's traits lie.
const FREE: &str = "bytes http http_body secrecy serde serde_core url zeroize";

/// A third party's types that a crate's design wants in its API.
const ALLOWED: [(&str, &str); 2] = [
    // The one HTTP library; `Stream`, which the standard library has not yet; macros that are
    // expanded in the vendor crates; and those for which there are features.
    ("auth-core", "reqwest futures_core tracing reqwest_middleware tower_layer tower_service"),
    // A user's own operations are what its generator makes of them, and two scalars are any JSON.
    ("identityx-auth", "graphql_client serde_json"),
];

/// Counts what is wrong while it prints.
#[derive(Default)]
struct Report(usize);

impl Report {
    fn add(&mut self, what: &str, wrong: &[String]) {
        if wrong.is_empty() {
            say(format_args!("  ok     {what}"));
        }
        for finding in wrong {
            say(format_args!("  WRONG  {what}: {finding}"));
        }
        self.0 += wrong.len();
    }

    /// A command that takes long runs where it can be watched, apart from the report.
    fn run(&mut self, what: &str, command: &mut Command) {
        let failed = cargo::run(command.stdout(Stdio::from(io::stderr()))).err();
        self.add(what, &failed.iter().map(|error| format!("{error:#}")).collect::<Vec<_>>());
    }
}

pub(crate) fn run(root: &Path, chosen: &[&Crate], registry: &str) -> Result<()> {
    let git = Git { root };
    let mut report = Report::default();
    say("the repository");
    let dirty = git.require_clean().err();
    let wrong: Vec<_> = dirty.iter().map(ToString::to_string).collect();
    report.add("everything is committed", &wrong);
    let mut package = cargo::cargo(root, &format!("package --registry {registry}"));
    package.args(dirty.is_some().then_some("--allow-dirty"));
    package.args(chosen.iter().flat_map(|one| ["--package", &one.name]));
    report.run("cargo packages and builds what is named, with what is published", &mut package);
    let target = cargo::target(root)?.join("docs-rs");
    for one in chosen {
        say(format_args!("\n{} {}", one.name, one.version));
        of_package(root, one, &mut report)?;
        // All features but those of TLS: `cargo xtask test` tries these.
        let features = features(&one.package).join(",");
        let mut test = cargo::cargo(root, "test --package");
        report.run("the tests pass", test.args([&one.name, "--features", &features]));
        if list(&one.package, "targets").iter().all(|it| it["kind"][0] != "lib") {
            continue;
        }
        let mut docs = cargo::cargo(root, "rustdoc --all-features --lib --target-dir");
        docs.arg(&target).args(["--package", &one.name]).env("RUSTC_BOOTSTRAP", "1");
        docs.args(["--", "-D", "warnings", "--cfg", "docsrs"]);
        report.run("the docs build as on docs.rs, without a warning", &mut docs);
        let types = foreign_types(root, &target, one)?;
        report.add("the API has no third party's types that the design does not allow", &types);
        if let Some(last) = git.last_version(&one.name)? {
            let tag = tag_name(&one.name, &last);
            if changes::semver_checks(root).is_some() {
                let mut compare = cargo::cargo(root, "semver-checks --package");
                compare.args([&one.name, "--baseline-rev", &tag]);
                report.run("the API has changed only as the version says", &mut compare);
            } else {
                let install = changes::INSTALL;
                say(format_args!("  note   nothing compares the API with {tag}: {install}"));
            }
        }
    }
    ensure!(report.0 == 0, "{} wrong; see above", report.0);
    say("\nnothing is wrong; `cargo xtask release publish` publishes");
    Ok(())
}

/// Whether each package has what it should have; they are made for that.
pub(crate) fn packages(root: &Path, crates: &Crates) -> Result<()> {
    let mut package = cargo::cargo(root, "package --quiet --no-verify --allow-dirty");
    cargo::run(package.args(crates.sorted.iter().flat_map(|one| ["--package", &one.name])))?;
    let mut report = Report::default();
    for one in &crates.sorted {
        say(&one.name);
        of_package(root, one, &mut report)?;
    }
    ensure!(report.0 == 0, "packages are not as they should be");
    Ok(())
}

/// What a crate says of itself, and what is in its package, which cargo has made.
fn of_package(root: &Path, one: &Crate, report: &mut Report) -> Result<()> {
    let package = &one.package;
    let keys = "description license repository rust_version readme keywords categories";
    let has = |key: &&str| !text(package, key).is_empty() || !list(package, key).is_empty();
    let missing = keys.split(' ').filter(|key| !has(key));
    let docs = package["metadata"]["docs"]["rs"].is_null().then_some("[package.metadata.docs.rs]");
    let missing: Vec<_> = missing.chain(docs).map(|key| format!("no {key}")).collect();
    report.add("the manifest describes the crate", &missing);
    let paths = packaged(root, &one.name)?;
    let paths: Vec<_> = paths.lines().collect();
    say(format_args!("  note   in the package: {}", paths.join(" ")));
    let mut wrong = Vec::new();
    let archive = format!("package/{}-{}.crate", one.name, one.version);
    match fs::metadata(cargo::target(root)?.join(archive)) {
        Ok(file) if file.len() < LARGEST => {}
        Ok(file) => wrong.push(format!("{} bytes, of less than {LARGEST}", file.len())),
        Err(_) => wrong.push("cargo has made no .crate file".to_owned()),
    }
    // MIT is in LICENSE-MIT, Apache-2.0 in LICENSE-APACHE.
    for id in text(package, "license").split(" OR ") {
        let file = format!("LICENSE-{}", id.split('-').next().unwrap_or(id).to_uppercase());
        if !paths.contains(&file.as_str()) {
            wrong.push(format!("{file} is missing; a link to the repository's puts it there"));
        }
    }
    let is_here = |it: &serde_json::Value| it["kind"] == "dev" && !it["path"].is_null();
    let needs_repository = list(package, "dependencies").iter().any(is_here);
    let is_stray = |path: &&&str| path.starts_with("tests/") || path.starts_with("benches/");
    if let Some(stray) = paths.iter().find(is_stray).filter(|_| needs_repository) {
        wrong.push(format!("{stray} compiles in the repository only; leave it out by `include`"));
    }
    report.add("the package is small, licensed and whole", &wrong);
    Ok(())
}

/// rustc knows which types of the public API are another crate's: to it, all dependencies are
/// private here.
fn foreign_types(root: &Path, target: &Path, one: &Crate) -> Result<Vec<String>> {
    let words = "check -Zpublic-dependency --lib --all-features --color never --target-dir";
    let mut check = cargo::cargo(root, words);
    check.arg(target).args(["--package", &one.name]).env("RUSTC_BOOTSTRAP", "1");
    note(format_args!("    {}", cargo::line(&check)));
    let output = check.output().context("cannot start cargo")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{} does not compile: {}", one.name, said.trim());
    }
    let members = Crates::load(root)?.members;
    let mine = ALLOWED.iter().filter(|(name, _)| *name == one.name).map(|(_, all)| *all);
    let allowed: Vec<_> = mine.chain([FREE]).flat_map(|all| all.split(' ')).collect();
    let mut found = BTreeSet::new();
    // Warnings of the crates that it needs are repeated: only its own folder counts.
    let pattern = r"(?m)^warning: (.*) from private dependency '(\w+)'.*\n +--> ";
    let pattern = Regex::new(&format!("{pattern}{}/", regex::escape(&one.folder)))?;
    for words in pattern.captures_iter(&said) {
        let party = &words[2];
        let is_member = members.iter().any(|it| it.replace('-', "_") == party);
        if !is_member && !allowed.contains(&party) {
            found.insert(format!("{} of {party}; hide it", &words[1]));
        }
    }
    Ok(found.into_iter().collect())
}
