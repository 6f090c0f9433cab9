//! Whether the oldest versions that the manifests allow of our direct dependencies are enough.
//!
//! A user whose lock file holds an older version than ours would find out otherwise. What our tests
//! and tools need is not a user's business: those dependencies are left out. The lock file of this
//! check is kept, so that a dependency's new release never breaks it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use toml_edit::{DocumentMut, Item, Table};

use crate::cargo;
use crate::test::{Call, run_calls};

const LOCK: &str = "xtask/minimal-versions.lock";

/// Compiles the crates with the versions that are kept.
pub(crate) fn check(root: &Path) -> Result<()> {
    let workspace = copy(root)?;
    let lock =
        fs::read_to_string(root.join(LOCK)).with_context(|| format!("cannot read {LOCK}"))?;
    fs::write(workspace.join("Cargo.lock"), &lock)?;
    let stale = not_the_oldest(&workspace, &lock)?;
    if !stale.is_empty() {
        bail!(
            "{LOCK} does not hold the oldest versions that Cargo.toml allows: {}; run `cargo xtask minimal`, \
             and raise a requirement whose oldest version does not exist",
            stale.join(", ")
        );
    }
    let check = Call::new(
        "check --locked --workspace --target-dir ../target --features iqm-auth/rate-limit,\
         auth-store/encryption,auth-store/file,auth-store/keyring,auth-store/redis-tls,auth-store/testing",
    );
    run_calls(&workspace, &[check]).with_context(|| {
        format!("if dependencies have changed, `cargo xtask minimal` renews {LOCK}")
    })
}

/// Finds the oldest versions anew, and keeps them.
pub(crate) fn write(root: &Path) -> Result<()> {
    let workspace = copy(root)?;
    // Not to be had without a nightly cargo, or this variable.
    let update = Call::new("update --quiet -Z direct-minimal-versions");
    run_calls(&workspace, &[update.with("RUSTC_BOOTSTRAP", "1")])?;
    fs::copy(workspace.join("Cargo.lock"), root.join(LOCK))?;
    println!("{LOCK} is up to date");
    Ok(())
}

/// What the crates use of `[workspace.dependencies]` in another version than the requirement names.
fn not_the_oldest(workspace: &Path, lock: &str) -> Result<Vec<String>> {
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
    let manifest: DocumentMut = fs::read_to_string(workspace.join("Cargo.toml"))?.parse()?;
    let mut stale = Vec::new();
    for name in used(workspace)? {
        let entry = &manifest["workspace"]["dependencies"][&name];
        let requirement = entry.as_str().or_else(|| entry.get("version")?.as_str());
        // By path alone: ours.
        let Some(requirement) = requirement else {
            continue;
        };
        let missing = 2_usize.saturating_sub(requirement.matches('.').count());
        let oldest = format!("{requirement}{}", ".0".repeat(missing));
        if locked
            .get(&*name)
            .is_none_or(|versions| !versions.contains(&*oldest))
        {
            stale.push(format!("{name} {oldest}"));
        }
    }
    Ok(stale)
}

/// The dependencies that the copied crates inherit.
fn used(workspace: &Path) -> Result<BTreeSet<String>> {
    let mut used = BTreeSet::new();
    for entry in fs::read_dir(workspace.join("crates"))? {
        let manifest = fs::read_to_string(entry?.path().join("Cargo.toml"))?;
        let manifest: DocumentMut = manifest.parse()?;
        let targets = manifest.get("target").and_then(Item::as_table);
        let targets = targets
            .into_iter()
            .flatten()
            .filter_map(|(_, target)| target.as_table());
        for table in targets.chain([manifest.as_table()]) {
            for key in ["dependencies", "build-dependencies"] {
                let names = table.get(key).and_then(Item::as_table_like);
                used.extend(
                    names
                        .into_iter()
                        .flat_map(|table| table.iter().map(|(name, _)| name.to_owned())),
                );
            }
        }
    }
    Ok(used)
}

/// The crates and the root manifest, without what only tests and tools need, in the target folder.
fn copy(root: &Path) -> Result<PathBuf> {
    let workspace = cargo::target_folder(root).join("minimal-versions/workspace");
    if workspace.exists() {
        fs::remove_dir_all(&workspace).context("cannot remove the copy of an earlier run")?;
    }
    let crates = root.join("crates");
    let files = walkdir::WalkDir::new(&crates)
        .follow_links(true)
        .into_iter();
    for entry in files.filter_entry(|entry| entry.file_name() != "tests") {
        let entry = entry.context("cannot read crates/")?;
        let to = workspace
            .join("crates")
            .join(entry.path().strip_prefix(&crates)?);
        if entry.file_type().is_dir() {
            fs::create_dir_all(&to)?;
        } else if entry.file_name() == "Cargo.toml" {
            fs::write(&to, without_tests(&fs::read_to_string(entry.path())?)?)?;
        } else {
            fs::copy(entry.path(), &to)?;
        }
    }
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    fs::write(workspace.join("Cargo.toml"), with_crates_alone(&manifest)?)?;
    Ok(workspace)
}

fn without_tests(manifest: &str) -> Result<String> {
    let mut manifest: DocumentMut = manifest.parse()?;
    for key in ["dev-dependencies", "bench", "test"] {
        manifest.remove(key);
    }
    if let Some(targets) = manifest.get_mut("target").and_then(Item::as_table_mut) {
        for (_, target) in targets.iter_mut() {
            target
                .as_table_mut()
                .and_then(|target: &mut Table| target.remove("dev-dependencies"));
        }
    }
    Ok(manifest.to_string())
}

fn with_crates_alone(manifest: &str) -> Result<String> {
    let mut manifest: DocumentMut = manifest.parse()?;
    let members: toml_edit::Array = ["crates/*"].into_iter().collect();
    manifest["workspace"]["members"] = members.into();
    Ok(manifest.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_of_tests_are_left_out_and_the_rest_is_kept() {
        let manifest = "[package]\nname = \"a\" # ours\n[dependencies]\nb = \"1\"\n\
            [dev-dependencies]\nc = \"1\"\n[[bench]]\nname = \"d\"\n\
            [target.'cfg(unix)'.dependencies]\ne = \"1\"\n\
            [target.'cfg(unix)'.dev-dependencies]\nf = \"1\"\n";
        let kept = without_tests(manifest).unwrap();
        assert_eq!(
            kept,
            "[package]\nname = \"a\" # ours\n[dependencies]\nb = \"1\"\n\
             [target.'cfg(unix)'.dependencies]\ne = \"1\"\n"
        );
    }

    #[test]
    fn the_copied_workspace_has_the_crates_alone() {
        let manifest = "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\", \"xtask\"]\n";
        let copied = with_crates_alone(manifest).unwrap();
        assert_eq!(
            copied,
            "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n"
        );
    }

    #[test]
    fn a_lock_file_that_holds_a_newer_version_is_stale() {
        let workspace = tempfile::tempdir().unwrap();
        let member = workspace.path().join("crates/a");
        fs::create_dir_all(&member).unwrap();
        let manifest = "[dependencies]\nb.workspace = true\n[target.'cfg(unix)'.dependencies]\nc.workspace = true\n";
        fs::write(member.join("Cargo.toml"), manifest).unwrap();
        let root =
            "[workspace.dependencies]\nb = \"1.2\"\nc = { version = \"0.3.4\" }\nunused = \"9\"\n";
        fs::write(workspace.path().join("Cargo.toml"), root).unwrap();
        let lock = |b: &str| {
            format!(
                "[[package]]\nname = \"b\"\nversion = \"{b}\"\n[[package]]\nname = \"c\"\nversion = \"0.3.4+x\"\n"
            )
        };
        let stale = |b| not_the_oldest(workspace.path(), &lock(b)).unwrap();
        assert_eq!(stale("1.2.0"), Vec::<String>::new());
        assert_eq!(stale("1.2.1"), ["b 1.2.0"]);
    }
}
