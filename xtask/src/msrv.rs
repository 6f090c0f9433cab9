//! Whether the oldest Rust that the manifests promise is enough.
//!
//! With that toolchain at hand the crates are compiled with it. Without, what can be known is
//! checked: that no dependency of a user's declares a later one. (clippy's `incompatible_msrv` looks
//! for what our own code uses of the standard library.)

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use cargo_metadata::semver::Version;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

use crate::cargo;

/// Compiles the crates with the promised toolchain, or says why not and checks the declarations.
pub(crate) fn check(root: &Path) -> Result<()> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .exec()
        .context("cannot read the workspace by `cargo metadata`")?;
    let packages = promised(&metadata);
    let later = later_than_promised(&metadata, &packages)?;
    if !later.is_empty() {
        bail!(
            "these want a later Rust than is promised:\n  {}",
            later.join("\n  ")
        );
    }
    let versions: BTreeSet<_> = packages.values().collect();
    for version in versions {
        let toolchain = format!("{}.{}", version.major, version.minor);
        let Some(mut compile) = with_toolchain(root, &toolchain) else {
            println!(
                "Rust {toolchain} is not installed (`rustup toolchain install {toolchain}`): nothing was \
                 compiled with it. No dependency of a user's declares a later one."
            );
            continue;
        };
        for (package, _) in packages.iter().filter(|(_, promised)| *promised == version) {
            compile.args(["--package", package]);
        }
        let status = compile.status().context("cannot start rustup")?;
        if !status.success() {
            bail!("the crates do not compile with Rust {toolchain}: {status}");
        }
    }
    Ok(())
}

/// A check by that toolchain, in a folder of its own, if rustup has it.
fn with_toolchain(root: &Path, toolchain: &str) -> Option<Command> {
    let mut probe = Command::new("rustup");
    probe.args(["run", toolchain, "cargo", "--version"]);
    cargo::output(&mut probe).ok()?;
    let mut compile = cargo::program("rustup".as_ref(), root);
    compile
        .args([
            "run",
            toolchain,
            "cargo",
            "check",
            "--locked",
            "--all-features",
            "--target-dir",
        ])
        .arg(cargo::target_folder(root).join("msrv"));
    Some(compile)
}

/// What is published, with the Rust that it promises.
fn promised(metadata: &Metadata) -> BTreeMap<String, Version> {
    metadata
        .workspace_packages()
        .into_iter()
        .filter(|package| {
            package
                .publish
                .as_ref()
                .is_none_or(|places| !places.is_empty())
        })
        .filter_map(|package| Some((package.name.to_string(), package.rust_version.clone()?)))
        .collect()
}

/// Dependencies, of whatever is published, that declare a later Rust.
fn later_than_promised(
    metadata: &Metadata,
    packages: &BTreeMap<String, Version>,
) -> Result<Vec<String>> {
    let resolve = metadata
        .resolve
        .as_ref()
        .context("`cargo metadata` resolved nothing")?;
    let nodes: BTreeMap<&PackageId, _> =
        resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut later = BTreeSet::new();
    for package in metadata.workspace_packages() {
        let Some(promised) = packages.get(package.name.as_str()) else {
            continue;
        };
        let mut seen = BTreeSet::from([&package.id]);
        let mut open = vec![&package.id];
        while let Some(id) = open.pop() {
            let dependency = &metadata[id];
            if let Some(wanted) = &dependency.rust_version
                && wanted > promised
            {
                later.insert(format!(
                    "{} {} wants Rust {wanted}; {} promises {promised}",
                    dependency.name, dependency.version, package.name
                ));
            }
            let used = nodes
                .get(id)
                .into_iter()
                .flat_map(|node| &node.deps)
                .filter(|edge| {
                    let kinds = &edge.dep_kinds;
                    kinds
                        .iter()
                        .any(|kind| kind.kind != DependencyKind::Development)
                });
            open.extend(used.map(|edge| &edge.pkg).filter(|&id| seen.insert(id)));
        }
    }
    Ok(later.into_iter().collect())
}
