//! Whether each crate compiles from its package alone, and with the oldest versions of its dependencies that it allows.
//!
//! A user would find out otherwise what a package lacks, or whose lock file holds an older version than this one. What
//! tests and tools need is not a user's business: those dependencies are left out.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use toml_edit::{Array, DocumentMut, Item, value};

use crate::cargo;
use crate::release::check::packages;
use crate::release::crates::{Crates, packaged};

/// All but those of TLS, whose other two need no version that a manifest here names.
const FEATURES: &str = "iqm-auth/rate-limit,auth-store/encryption,auth-store/file,auth-store/keyring,\
    auth-store/redis-tls,auth-store/testing";

pub(crate) fn check(root: &Path) -> Result<()> {
    let crates = Crates::load(root)?;
    packages(root, &crates)?;
    let workspace = unpack(root, &crates)?;
    // What a crate here names in the oldest version, and everything else as it is locked: so a new release of a
    // third party never breaks this check. Cargo has no stable option for it.
    let mut update = cargo::cargo(
        &workspace,
        "metadata --format-version=1 -Zdirect-minimal-versions",
    );
    cargo::output(update.env("RUSTC_BOOTSTRAP", "1"))
        .context("a requirement of Cargo.toml may be too low for another crate, or name a version that does not exist")?;
    let mut check = cargo::cargo(
        &workspace,
        "check --locked --workspace --target-dir ../target --features",
    );
    cargo::run(check.arg(FEATURES))
}

/// A workspace of what is in the packages, in the target folder, with a lock file that leaves the versions of direct
/// dependencies open.
fn unpack(root: &Path, crates: &Crates) -> Result<PathBuf> {
    let workspace = cargo::target(root)?.join("packages/workspace");
    if workspace.exists() {
        fs::remove_dir_all(&workspace).context("cannot remove what an earlier run unpacked")?;
    }
    let read = |path: &Path| -> Result<DocumentMut> {
        fs::read_to_string(path)?
            .parse()
            .with_context(|| format!("cannot read {}", path.display()))
    };
    let mut direct = Vec::new();
    for one in &crates.sorted {
        let (from, to) = (root.join(&one.folder), workspace.join(&one.folder));
        for path in packaged(root, &one.name)?.lines() {
            // What cargo makes itself.
            if ![
                "Cargo.toml",
                "Cargo.toml.orig",
                "Cargo.lock",
                ".cargo_vcs_info.json",
            ]
            .contains(&path)
            {
                fs::create_dir_all(to.join(path).parent().unwrap_or(&to))?;
                fs::copy(from.join(path), to.join(path))?;
            }
        }
        let manifest = for_users(read(&from.join("Cargo.toml"))?);
        fs::write(to.join("Cargo.toml"), manifest.to_string())?;
        for it in one.package["dependencies"].as_array().into_iter().flatten() {
            direct.extend(
                it["name"]
                    .as_str()
                    .filter(|_| it["kind"] != "dev")
                    .map(str::to_owned),
            );
        }
    }
    let mut manifest = read(&root.join("Cargo.toml"))?;
    manifest["workspace"]["members"] = value(Array::from_iter(
        crates.sorted.iter().map(|one| one.folder.as_str()),
    ));
    fs::write(workspace.join("Cargo.toml"), manifest.to_string())?;
    let mut lock = read(&root.join("Cargo.lock"))?;
    if let Some(locked) = lock["package"].as_array_of_tables_mut() {
        locked.retain(|it| {
            it["name"]
                .as_str()
                .is_none_or(|name| !direct.iter().any(|direct| direct == name))
        });
    }
    fs::write(workspace.join("Cargo.lock"), lock.to_string())?;
    Ok(workspace)
}

/// Without what needs the repository.
fn for_users(mut manifest: DocumentMut) -> DocumentMut {
    for key in ["dev-dependencies", "test", "bench", "example"] {
        manifest.remove(key);
    }
    if let Some(targets) = manifest.get_mut("target").and_then(Item::as_table_mut) {
        for (_, target) in targets.iter_mut() {
            target
                .as_table_like_mut()
                .map(|target| target.remove("dev-dependencies"));
        }
    }
    manifest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_of_tests_are_left_out_and_the_rest_is_kept() {
        let manifest = "[package]\nname = \"a\" # own\n[dependencies.b]\nversion = \"1\"\n\
            [dev-dependencies.c]\nversion = \"1\"\n[[bench]]\nname = \"d\"\n\
            [target.'cfg(unix)'.dependencies.e]\nversion = \"1\"\n\
            [target.'cfg(unix)'.dev-dependencies.f]\nversion = \"1\"\n";
        let kept = "[package]\nname = \"a\" # own\n[dependencies.b]\nversion = \"1\"\n\
            [target.'cfg(unix)'.dependencies.e]\nversion = \"1\"\n";
        assert_eq!(for_users(manifest.parse().unwrap()).to_string(), kept);
    }
}
