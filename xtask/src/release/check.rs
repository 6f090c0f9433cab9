//! `release check`: everything that must hold before crates are published. It continues after a finding, so that all of
//! them are known at once.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use regex::Regex;
use serde_json::Value;

use super::crates::{Crate, Crates, packaged};
use super::git::{Git, tag_name};
use super::registry::Registry;
use super::semver_checks;
use crate::cargo::{self, note, say};
use crate::test::TLS;

/// The most bytes of a .crate file, compressed as it is uploaded and downloaded.
const LARGEST: u64 = 300_000;

/// Crates whose types may stand in any public API: what the design shares with users. `serde_core` is where serde's
/// traits lie, tracing's macros are expanded in the vendor crates.
const FREE: [&str; 7] = [
    "http",
    "url",
    "secrecy",
    "serde",
    "serde_core",
    "thiserror",
    "tracing",
];

/// A third party's types that a crate's design wants in its API.
const ALLOWED: [(&str, &str); 4] = [
    // The one HTTP library: its requests get headers, its builder knows what this one does not.
    ("auth-core", "reqwest"),
    // The standard library has no `Stream` yet, and its crate for that has been 0.3 since 2019.
    ("auth-core", "futures_core"),
    // A user's own operations are what its generator makes of them.
    ("identityx-auth", "graphql_client"),
    // Two scalars of the vendor's are any JSON, and serde is in the API already.
    ("identityx-auth", "serde_json"),
];

/// What is wrong; a finding is printed when it is added.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) wrong: usize,
}

impl Report {
    fn add(&mut self, what: &str, wrong: &[String]) {
        if wrong.is_empty() {
            say(format_args!("  ok     {what}"));
        }
        for finding in wrong {
            say(format_args!("  WRONG  {what}: {finding}"));
            self.wrong += 1;
        }
    }

    /// A command that takes long runs where it can be watched.
    fn run(&mut self, what: &str, command: &mut Command) {
        // What is for the terminal stays apart from the report.
        let failed = cargo::run(command.stdout(Stdio::from(std::io::stderr()))).err();
        self.add(
            what,
            &failed
                .map(|error| format!("{error:#}"))
                .into_iter()
                .collect::<Vec<_>>(),
        );
    }
}

pub(crate) fn run(root: &Path, chosen: &[&Crate]) -> Result<()> {
    let git = Git { root };
    let registry = Registry::of_requirements(root)?;
    let mut report = Report::default();
    say("the repository");
    let dirty = git.require_clean().err();
    report.add(
        "everything is committed",
        &dirty.iter().map(ToString::to_string).collect::<Vec<_>>(),
    );
    let mut package = cargo::cargo(root, "package --registry");
    package.arg(&registry.name);
    package.args(dirty.is_some().then_some("--allow-dirty"));
    package.args(chosen.iter().flat_map(|one| ["--package", &one.name]));
    report.run("cargo packages and builds what is named", &mut package);
    for one in chosen {
        say(format_args!("\n{} {}", one.name, one.version));
        of_package(root, one, &mut report)?;
        report.add(
            "every requirement can be met",
            &unmet(one, chosen, &registry),
        );
        // All features but those of TLS, of which the default one is enough: `cargo xtask test` tries the others.
        let features = one.package["features"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(feature, _)| feature.as_str());
        let features: Vec<_> = features
            .filter(|it| *it != "default" && !TLS.contains(it))
            .collect();
        let mut test = cargo::cargo(root, "test --package");
        report.run(
            "the tests pass",
            test.args([&one.name, "--features", &features.join(",")]),
        );
        let mut docs = cargo::cargo(root, "rustdoc --all-features --target-dir");
        docs.arg(cargo::target(root)?.join("docs-rs"))
            .env("RUSTC_BOOTSTRAP", "1")
            .args(["--package", &one.name]);
        docs.args(["--lib", "--", "-D", "warnings", "--cfg", "docsrs"]);
        let types = if has_library(one) {
            report.run("the docs build as on docs.rs, without a warning", &mut docs);
            foreign_types(root, one)?
        } else {
            Vec::new()
        };
        report.add(
            "the API names no third party's types but those that the design allows",
            &types,
        );
        compare(root, git, one, &mut report)?;
    }
    match report.wrong {
        0 => say("\nnothing is wrong; `cargo xtask release publish` publishes"),
        1 => bail!("one thing is wrong"),
        more => bail!("{more} things are wrong"),
    }
    Ok(())
}

/// Whether each package has what it should have; they are made for that.
pub(crate) fn packages(root: &Path, crates: &Crates) -> Result<()> {
    let mut package = cargo::cargo(root, "package --quiet --no-verify --allow-dirty");
    package.args(
        crates
            .sorted
            .iter()
            .flat_map(|one| ["--package", &one.name]),
    );
    cargo::run(&mut package)?;
    let mut report = Report::default();
    for one in &crates.sorted {
        say(&one.name);
        of_package(root, one, &mut report)?;
    }
    anyhow::ensure!(report.wrong == 0, "packages are not as they should be");
    Ok(())
}

/// What a crate says of itself, and what is in its package, which cargo has made.
fn of_package(root: &Path, one: &Crate, report: &mut Report) -> Result<()> {
    let package = &one.package;
    let keys = [
        "description",
        "license",
        "repository",
        "keywords",
        "categories",
        "rust_version",
        "readme",
    ];
    let is_blank = |value: &Value| match value {
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        other => other.is_null(),
    };
    let mut missing: Vec<_> = keys
        .into_iter()
        .filter(|key| is_blank(&package[*key]))
        .map(str::to_owned)
        .collect();
    if package["metadata"]["docs"]["rs"].is_null() {
        missing.push("[package.metadata.docs.rs]".to_owned());
    }
    report.add(
        "the manifest describes the crate",
        &missing
            .iter()
            .map(|it| format!("no {it}"))
            .collect::<Vec<_>>(),
    );
    let paths = packaged(root, &one.name)?;
    let paths: Vec<_> = paths.lines().collect();
    say(format_args!("  note   in the package: {}", paths.join(" ")));
    let mut wrong = Vec::new();
    let archive = format!("package/{}-{}.crate", one.name, one.version);
    match fs::metadata(cargo::target(root)?.join(archive)) {
        Ok(file) if file.len() < LARGEST => {}
        Ok(file) => wrong.push(format!(
            "{} bytes, and less than {LARGEST} are allowed",
            file.len()
        )),
        Err(_) => wrong.push("cargo has made no .crate file".to_owned()),
    }
    // MIT is in LICENSE-MIT, Apache-2.0 in LICENSE-APACHE.
    for id in package["license"]
        .as_str()
        .unwrap_or_default()
        .split([' ', '(', ')', '/'])
    {
        let file = format!(
            "LICENSE-{}",
            id.split('-').next().unwrap_or(id).to_ascii_uppercase()
        );
        if !["", "OR", "AND", "WITH"].contains(&id) && !paths.contains(&file.as_str()) {
            wrong.push(format!(
                "{file} is missing; a link to the repository's puts it there"
            ));
        }
    }
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    let by_path = dependencies
        .filter(|it| it["kind"] == "dev" && it["req"] == "*" && !it["path"].is_null())
        .count();
    let stray = paths
        .iter()
        .find(|path| path.starts_with("tests/") || path.starts_with("benches/"));
    if let Some(stray) = stray.filter(|_| by_path > 0) {
        wrong.push(format!(
            "{stray} cannot compile outside of the repository; leave it out by `include`"
        ));
    }
    report.add("the package is small, licensed and whole", &wrong);
    Ok(())
}

fn has_library(one: &Crate) -> bool {
    let targets = one.package["targets"].as_array().into_iter().flatten();
    targets
        .flat_map(|it| it["kind"].as_array().into_iter().flatten())
        .any(|kind| kind == "lib")
}

/// What can be had neither from the registry nor by publishing it along.
fn unmet(one: &Crate, chosen: &[&Crate], registry: &Registry) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, requirement) in &one.needs {
        let comes = chosen
            .iter()
            .any(|it| it.name == *name && requirement.matches(&it.version));
        if !comes {
            match registry.versions(name) {
                Ok(versions) if versions.meet(requirement) => {}
                Ok(_) => wrong.push(format!(
                    "{name} {requirement} is needed, and {} has none that is not yanked; publish {name} first, or name \
                     it here as well",
                    registry.name
                )),
                Err(error) => wrong.push(format!("whether {name} {requirement} is published is unknown: {error:#}")),
            }
        }
    }
    wrong
}

/// rustc knows which types of the public API are another crate's: to it, all dependencies are private here.
fn foreign_types(root: &Path, one: &Crate) -> Result<Vec<String>> {
    let mut check = cargo::cargo(
        root,
        "check -Zpublic-dependency --lib --all-features --color never --target-dir",
    );
    check
        .arg(cargo::target(root)?.join("docs-rs"))
        .args(["--package", &one.name])
        .env("RUSTC_BOOTSTRAP", "1");
    note(format_args!("    {}", cargo::line(&check)));
    let output = check.output().context("cannot start cargo")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Ok(vec![format!("it does not compile: {}", said.trim())]);
    }
    let ours = Crates::load(root)?.members;
    let mut found = BTreeSet::new();
    for words in
        Regex::new(r"(?m)^warning: (.*) from private dependency '(\w+)'")?.captures_iter(&said)
    {
        let party = &words[2];
        let is_ours = ours.iter().any(|it| it.replace('-', "_") == party);
        if !is_ours && !FREE.contains(&party) && !ALLOWED.contains(&(one.name.as_str(), party)) {
            found.insert(format!(
                "{} of {party}: hide it, or say in xtask/src/release/check.rs why not",
                &words[1]
            ));
        }
    }
    Ok(found.into_iter().collect())
}

/// Whether the API has only changed as the version says, by cargo-semver-checks.
fn compare(root: &Path, git: Git<'_>, one: &Crate, report: &mut Report) -> Result<()> {
    let Some(last) = git.last_version(&one.name)? else {
        return Ok(());
    };
    let tag = tag_name(&one.name, &last);
    if semver_checks::installed(root).is_none() {
        let install = semver_checks::INSTALL;
        say(format_args!(
            "  note   nothing compares the API with that of {tag}, for want of a tool: {install}"
        ));
        return Ok(());
    }
    let mut compare = cargo::cargo(root, "semver-checks --package");
    compare.args([&one.name, "--baseline-rev", &tag]);
    report.run(
        &format!("the API has changed since {tag} only as the version says"),
        &mut compare,
    );
    Ok(())
}
