//! Whether each crate compiles from its package alone, with each set of its features, and with the
//! oldest versions of its dependencies that it allows.
//!
//! A user would find out otherwise what a package lacks, or whose lock file holds an older version
//! than this one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use semver::{Version, VersionReq};
use serde_json::Value;
use toml_edit::{DocumentMut, Item, Table};

use crate::cargo;
use crate::release::check::packages;
use crate::release::crates::{Crates, TLS, features, list, text};
use crate::tools::pinned;

const HACK: &str = "hack check --locked";
/// No crate here names these, but programs that run while something is compiled. With the same
/// features everywhere, they and what is made by them are compiled once, or have been for the tests.
const SHARED: &str = "{ cc = { version = '1', features = ['parallel'] }, quote = '1', \
    indexmap = { version = '2', features = ['serde'] }, proc-macro2 = '1', winnow = '1', \
    serde = { version = '1.0.229', features = ['alloc'] }, syn = { version = '2', features = \
    ['extra-traits', 'full', 'visit-mut'] }, syn3 = { package = 'syn', version = '3', features = \
    ['extra-traits', 'fold', 'full', 'visit', 'visit-mut'] } }";

pub(crate) fn check(root: &Path) -> Result<()> {
    let crates = Crates::load(root)?;
    packages(root, &crates)?;
    let workspace = unpack(root, &crates)?;
    let (hack, target) = (pinned(root, "cargo-hack")?, cargo::target(root)?);
    // Much is compiled there already: what the versions have in common.
    let run = |program: &Path, words: &str| {
        cargo::run(cargo::program(program, &workspace, words).env("CARGO_TARGET_DIR", &target))
    };
    // What tests need is not a user's business.
    run(&hack, "hack --remove-dev-deps --workspace")?;
    // What a crate here names in the oldest version, and everything else as it is locked: so a new
    // release of a third party never breaks this check. Cargo has no stable option for it.
    let lock = "metadata -Zdirect-minimal-versions --format-version=1";
    let mut lock = cargo::cargo(&workspace, lock);
    cargo::output(lock.env("RUSTC_BOOTSTRAP", "1")).context("a requirement is too low")?;
    // Every set of features of TLS, and each other feature alone; what is passed on, in all at once.
    let tls = TLS.join(",");
    run(&hack, &format!("{HACK} --package auth-core --feature-powerset --include-features {tls}"))?;
    let passed_on: Vec<_> = TLS.into_iter().chain(features(&crates.sorted[0].package)).collect();
    let others = format!("--exclude-features default,{}", passed_on.join(","));
    run(&hack, &format!("{HACK} --workspace --each-feature --exclude-all-features {others}"))?;
    for feature in passed_on {
        let all = crates.sorted.iter().filter(|one| !one.package["features"][feature].is_null());
        let words = all.map(|one| format!(" --package {0} --features {0}/{feature}", one.name));
        let words = words.collect::<String>();
        run("cargo".as_ref(), &format!("check --locked --no-default-features{words}"))?;
    }
    Ok(())
}

/// A workspace of the packages that cargo has made, in the target folder, with a lock file that
/// leaves the versions of direct dependencies open.
fn unpack(root: &Path, crates: &Crates) -> Result<PathBuf> {
    let packages = cargo::target(root)?.join("package");
    let workspace = packages.with_file_name("packages");
    // Where that fails, the next line fails as well.
    let _ = fs::remove_dir_all(&workspace);
    fs::create_dir(&workspace).context("cannot remove what an earlier run unpacked")?;
    let mut manifest =
        "[workspace]\nresolver = \"3\"\nmembers = [\"*\"]\n\n[patch.crates-io]\n".to_owned();
    for one in &crates.sorted {
        let folder = format!("{}-{}", one.name, one.version);
        let archive = packages.join(format!("{folder}.crate"));
        cargo::output(cargo::program("tar", &workspace, "-xzf").arg(archive))?;
        let path = workspace.join(&folder).join("Cargo.toml");
        let mut own: DocumentMut = fs::read_to_string(&path)?.parse()?;
        own["build-dependencies"] = Item::Value(SHARED.parse()?);
        fs::write(&path, own.to_string())?;
        let entry = format!("{} = {{ path = \"{folder}\" }}\n", one.name);
        manifest.push_str(&entry);
    }
    fs::write(workspace.join("Cargo.toml"), manifest)?;
    let dependencies = crates.sorted.iter().flat_map(|one| list(&one.package, "dependencies"));
    let direct: Vec<_> = dependencies.filter(|it| it["kind"] != "dev").collect();
    let mut lock: DocumentMut = fs::read_to_string(root.join("Cargo.lock"))?.parse()?;
    let locked = lock["package"].as_array_of_tables_mut().context("Cargo.lock is empty")?;
    let is_meant = |locked: &Table, it: &Value| {
        let version = locked["version"].as_str().and_then(|it| Version::parse(it).ok())?;
        let required = VersionReq::parse(text(it, "req")).ok()?;
        Some(locked["name"].as_str() == it["name"].as_str() && required.matches(&version))
    };
    locked.retain(|locked| !direct.iter().any(|it| is_meant(locked, it) == Some(true)));
    fs::write(workspace.join("Cargo.lock"), lock.to_string())?;
    Ok(workspace)
}
