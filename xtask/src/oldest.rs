//! Whether each crate compiles from its package alone, with each set of its features, and with the
//! oldest versions of its dependencies that it allows.
//!
//! A user would find out otherwise what a package lacks, or whose lock file holds an older version
//! than this one. What tests need is not a user's business: those dependencies are left out.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use semver::{Version, VersionReq};
use serde_json::Value;
use toml_edit::{DocumentMut, Item, Table};

use crate::cargo;
use crate::release::check::packages;
use crate::release::crates::{Crate, Crates, list, text};
use crate::test::TLS;
use crate::tools::pinned;

pub(crate) fn check(root: &Path) -> Result<()> {
    let crates = Crates::load(root)?;
    packages(root, &crates)?;
    let workspace = unpack(root, &crates)?;
    // What a crate here names in the oldest version, and everything else as it is locked: so a new
    // release of a third party never breaks this check. Cargo has no stable option for it.
    let words = "metadata --format-version=1 -Zdirect-minimal-versions";
    let mut lock = cargo::cargo(&workspace, words);
    cargo::output(lock.env("RUSTC_BOOTSTRAP", "1")).context("a requirement is too low")?;
    // Every set of auth-core's features of TLS, and each other feature alone.
    for words in [
        "--package auth-core --feature-powerset --include-features ring,aws-lc-rs,native-tls",
        "--workspace --each-feature --exclude-all-features \
         --exclude-features default,ring,aws-lc-rs,native-tls",
    ] {
        let words = format!("hack check --locked {words}");
        let mut hack = cargo::program(pinned(root, "cargo-hack")?, &workspace, &words);
        // Much is compiled there already: what the versions have in common.
        cargo::run(hack.arg("--target-dir").arg(cargo::target(root)?))?;
    }
    // The vendor crates pass the features of TLS on.
    for tls in TLS {
        let vendors = crates.sorted.iter().filter(|one| !one.package["features"][tls].is_null());
        let mut check = cargo::cargo(&workspace, "check --locked --no-default-features");
        for Crate { name, .. } in vendors {
            check.args(["--package", name, "--features", &format!("{name}/{tls}")]);
        }
        cargo::run(check.arg("--target-dir").arg(cargo::target(root)?))?;
    }
    Ok(())
}

/// A workspace of the packages that cargo has made, in the target folder, with a lock file that
/// leaves the versions of direct dependencies open.
fn unpack(root: &Path, crates: &Crates) -> Result<PathBuf> {
    let packages = cargo::target(root)?.join("package");
    let workspace = packages.with_file_name("packages");
    if workspace.exists() {
        fs::remove_dir_all(&workspace).context("cannot remove what an earlier run unpacked")?;
    }
    fs::create_dir_all(&workspace)?;
    let mut manifest =
        "[workspace]\nresolver = \"3\"\nmembers = [\"*\"]\n\n[patch.crates-io]\n".to_owned();
    for one in &crates.sorted {
        let folder = format!("{}-{}", one.name, one.version);
        let archive = packages.join(format!("{folder}.crate"));
        cargo::output(cargo::program("tar", &workspace, "-xzf").arg(archive))?;
        let path = workspace.join(&folder).join("Cargo.toml");
        fs::write(&path, for_users(fs::read_to_string(&path)?.parse()?).to_string())?;
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

/// Without what only tests need, and with syn: of no use, but that only programs that run while
/// something is compiled ask for it. With the same features everywhere it and what is derived by it
/// are compiled once.
fn for_users(mut manifest: DocumentMut) -> DocumentMut {
    manifest.remove("dev-dependencies");
    if let Some(targets) = manifest.get_mut("target").and_then(Item::as_table_mut) {
        for (_, target) in targets.iter_mut() {
            target.as_table_like_mut().map(|target| target.remove("dev-dependencies"));
        }
    }
    let syn = "{ version = \"2.0.119\", features = [\"extra-traits\", \"full\", \"visit\", \"visit-mut\"] }";
    manifest.entry("build-dependencies").or_insert(toml_edit::table())["syn"] =
        syn.parse().map_or(Item::None, Item::Value);
    manifest
}

#[cfg(test)]
mod tests {
    #[test]
    fn dependencies_of_tests_are_left_out_and_the_rest_is_kept() {
        let kept = "[package]\nname = \"a\" # own\n[dependencies.b]\nversion = \"1\"\n\
            [target.'cfg(unix)'.dependencies.e]\nversion = \"1\"\n";
        let manifest = kept.to_owned()
            + "[dev-dependencies.c]\nversion = \"1\"\n\
               [target.'cfg(unix)'.dev-dependencies.f]\nversion = \"1\"\n";
        let manifest = super::for_users(manifest.parse().unwrap()).to_string();
        assert!(manifest.starts_with(kept) && !manifest.contains("dev-"), "{manifest}");
    }
}
