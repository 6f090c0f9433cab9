//! Whether each crate compiles from its package alone, and with the oldest versions of its
//! dependencies that it allows.
//!
//! A user would find out otherwise what a package lacks, or whose lock file holds an older version
//! than ours. What our tests and tools need is not a user's business: those dependencies are left
//! out. The lock file of this check is kept, so that a dependency's new release never breaks it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use toml_edit::{DocumentMut, Item, Table, TableLike, value};

use crate::test::{Call, run_calls};
use crate::{cargo, release};

const LOCK: &str = "xtask/minimal-versions.lock";
/// All but those of TLS, whose other two need no version of ours.
const FEATURES: &str = "iqm-auth/rate-limit,auth-store/encryption,auth-store/file,\
    auth-store/keyring,auth-store/redis-tls,auth-store/testing";

/// Compiles what is packaged, with the versions that are kept.
pub(crate) fn check(root: &Path) -> Result<()> {
    let workspace = unpack(root)?;
    let lock =
        fs::read_to_string(root.join(LOCK)).with_context(|| format!("cannot read {LOCK}"))?;
    fs::write(workspace.join("Cargo.lock"), &lock)?;
    let stale = not_the_oldest(&members(&workspace)?, &lock)?;
    if !stale.is_empty() {
        bail!(
            "{LOCK} does not hold the oldest versions that Cargo.toml allows: {}; run `cargo xtask \
             minimal`, and raise a requirement whose oldest version does not exist",
            stale.join(", ")
        );
    }
    let check = format!("check --workspace --target-dir ../target --features {FEATURES}");
    run_calls(&workspace, &[Call::new(&check)])
}

/// Finds the oldest versions anew, and keeps them.
pub(crate) fn write(root: &Path) -> Result<()> {
    let workspace = unpack(root)?;
    // Not to be had without a nightly cargo, or this variable.
    let update = Call::new("update --quiet -Z direct-minimal-versions");
    run_calls(&workspace, &[update.with("RUSTC_BOOTSTRAP", "1")])?;
    fs::copy(workspace.join("Cargo.lock"), root.join(LOCK))?;
    println!("{LOCK} is up to date");
    Ok(())
}

/// A workspace of all packages, as users get them, in the target folder.
fn unpack(root: &Path) -> Result<PathBuf> {
    let workspace = cargo::target_folder(root).join("packages/workspace");
    if workspace.exists() {
        fs::remove_dir_all(&workspace).context("cannot remove what an earlier run unpacked")?;
    }
    let mut manifest = DocumentMut::new();
    manifest["workspace"] = toml_edit::table();
    manifest["workspace"]["resolver"] = value("3");
    manifest["workspace"]["members"] = value(toml_edit::Array::from_iter(["crates/*"]));
    let mut paths = Table::new();
    for (name, files) in release::packages(root)? {
        let folder = format!("crates/{name}");
        for (path, bytes) in files {
            let to = workspace.join(&folder).join(&path);
            fs::create_dir_all(to.parent().unwrap_or(&workspace))?;
            if path == "Cargo.toml" {
                fs::write(&to, without_tests(&String::from_utf8(bytes)?)?)?;
            } else {
                fs::write(&to, bytes)?;
            }
        }
        paths[&name]["path"] = value(folder);
    }
    manifest["patch"]["crates-io"] = Item::Table(paths);
    fs::write(workspace.join("Cargo.toml"), manifest.to_string())?;
    Ok(workspace)
}

fn without_tests(manifest: &str) -> Result<String> {
    let mut manifest: DocumentMut = manifest.parse()?;
    manifest.remove("dev-dependencies");
    if let Some(targets) = manifest.get_mut("target").and_then(Item::as_table_mut) {
        for (_, target) in targets.iter_mut() {
            if let Some(target) = target.as_table_like_mut() {
                target.remove("dev-dependencies");
            }
        }
    }
    Ok(manifest.to_string())
}

fn members(workspace: &Path) -> Result<BTreeMap<String, DocumentMut>> {
    let mut members = BTreeMap::new();
    for entry in fs::read_dir(workspace.join("crates"))? {
        let entry = entry?;
        let manifest = fs::read_to_string(entry.path().join("Cargo.toml"))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        members.insert(name, manifest.parse()?);
    }
    Ok(members)
}

/// What the members need of others in another version than the requirement names.
fn not_the_oldest(members: &BTreeMap<String, DocumentMut>, lock: &str) -> Result<Vec<String>> {
    let lock: DocumentMut = lock
        .parse()
        .with_context(|| format!("cannot read {LOCK}"))?;
    let mut locked: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in lock["package"].as_array_of_tables().into_iter().flatten() {
        let text = |key| package.get(key).and_then(Item::as_str);
        if let (Some(name), Some(version)) = (text("name"), text("version")) {
            // Build metadata does not count.
            let version = version.split('+').next().unwrap_or(version);
            locked.entry(name).or_default().insert(version);
        }
    }
    let mut stale = BTreeSet::new();
    for (name, requirement) in members.values().flat_map(requirements) {
        if members.contains_key(&name) {
            continue;
        }
        let missing = 2_usize.saturating_sub(requirement.matches('.').count());
        let oldest = format!("{requirement}{}", ".0".repeat(missing));
        let versions = locked.get(&*name);
        if versions.is_none_or(|versions| !versions.contains(&*oldest)) {
            stale.insert(format!("{name} {oldest}"));
        }
    }
    Ok(stale.into_iter().collect())
}

/// The dependencies of a manifest, with what each requires.
fn requirements(manifest: &DocumentMut) -> Vec<(String, String)> {
    let targets = manifest.get("target").and_then(Item::as_table_like);
    let targets = targets.into_iter().flat_map(TableLike::iter);
    let targets = targets.filter_map(|(_, target)| target.as_table_like());
    let mut found = Vec::new();
    for table in targets.chain([manifest.as_table() as &dyn TableLike]) {
        for key in ["dependencies", "build-dependencies"] {
            let entries = table.get(key).and_then(Item::as_table_like);
            for (name, entry) in entries.into_iter().flat_map(TableLike::iter) {
                let requirement = entry.as_str().or_else(|| entry.get("version")?.as_str());
                found.extend(requirement.map(|it| (name.to_owned(), it.to_owned())));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_of_tests_are_left_out_and_the_rest_is_kept() {
        let manifest = "[package]\nname = \"a\" # ours\n[dependencies.b]\nversion = \"1\"\n\
            [dev-dependencies.c]\nversion = \"1\"\n\
            [target.'cfg(unix)'.dependencies.e]\nversion = \"1\"\n\
            [target.'cfg(unix)'.dev-dependencies.f]\nversion = \"1\"\n";
        let kept = without_tests(manifest).unwrap();
        assert_eq!(
            kept,
            "[package]\nname = \"a\" # ours\n[dependencies.b]\nversion = \"1\"\n\
             [target.'cfg(unix)'.dependencies.e]\nversion = \"1\"\n"
        );
    }

    #[test]
    fn a_lock_file_that_holds_a_newer_version_is_stale() {
        let manifest = "[dependencies.b]\nversion = \"1.2\"\n[dependencies.ours]\nversion = \"0.1.1\"\n\
            [target.'cfg(unix)'.dependencies]\nc = \"0.3.4\"\n[dev-dependencies]\nd = \"9\"\n";
        let members = BTreeMap::from([
            ("a".to_owned(), manifest.parse().unwrap()),
            ("ours".to_owned(), DocumentMut::new()),
        ]);
        let package =
            |name, version| format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n");
        let stale = |b| {
            let lock = package("b", b) + &package("c", "0.3.4+x") + &package("ours", "0.1.0");
            not_the_oldest(&members, &lock)
                .unwrap()
                .into_iter()
                .collect::<Vec<_>>()
        };
        assert_eq!(stale("1.2.0"), [""; 0]);
        assert_eq!(stale("1.2.1"), ["b 1.2.0"]);
    }
}
