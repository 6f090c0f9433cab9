//! Whether the oldest versions that the manifests allow of our direct dependencies are enough.
//!
//! A user whose lock file holds an older version than ours would find out otherwise. What our tests
//! and tools need is not a user's business: those dependencies are left out.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use toml_edit::{DocumentMut, Item, Table};

use crate::cargo;
use crate::test::{Call, run_calls};

/// Copies the crates, resolves their direct dependencies to the oldest versions, and compiles.
pub(crate) fn check(root: &Path) -> Result<()> {
    let place = cargo::target_folder(root).join("minimal-versions");
    let workspace = place.join("workspace");
    if workspace.exists() {
        fs::remove_dir_all(&workspace).context("cannot remove the copy of an earlier run")?;
    }
    copy(root, &workspace)?;
    // Not to be had without a nightly cargo, or this variable; what is compiled afterwards never
    // sees it.
    let update = Call::new("update --quiet -Z direct-minimal-versions");
    run_calls(&workspace, &[update.with("RUSTC_BOOTSTRAP", "1")])?;
    let check = Call::new(
        "check --workspace --target-dir ../target --features iqm-auth/rate-limit,\
         auth-store/encryption,auth-store/file,auth-store/keyring,auth-store/redis-tls,auth-store/testing",
    );
    run_calls(&workspace, &[check])
}

/// The crates and the root manifest, without what only tests and tools need.
fn copy(root: &Path, workspace: &Path) -> Result<()> {
    let crates = root.join("crates");
    for entry in walkdir::WalkDir::new(&crates).follow_links(true) {
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
    Ok(())
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
}
