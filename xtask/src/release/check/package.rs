//! What is in a package, and whether it builds without the repository.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Package};
use semver::VersionReq;

use super::Line;
use crate::release::archive::{self, Contents, Packaging};
use crate::release::crates::Crate;

/// The most bytes of a .crate file, compressed as it is uploaded and downloaded.
const LARGEST: usize = 300_000;

/// The outcome of packaging all crates together.
pub(super) struct Packaged {
    pub(super) line: Vec<Line>,
    /// In the order of the crates; empty if cargo made none.
    pub(super) archives: Vec<PathBuf>,
}

/// Packages all crates in one go and has cargo build each from its package, so that one may need
/// another that is not published yet.
pub(super) fn all(root: &Path, crates: &[&Crate], is_dirty: bool) -> Packaged {
    eprintln!("==> packaging, and building what was packaged");
    let packaging = Packaging {
        registry: None,
        verify: true,
        // Not to be published, only looked at: the tree was complained about already.
        allow_dirty: is_dirty,
    };
    match archive::package(root, crates, packaging) {
        Ok(archives) => Packaged {
            line: vec![Line::passed("cargo packages and builds what is named")],
            archives,
        },
        Err(error) => {
            let error = format!("{error:#}");
            let errors = error
                .split_once("\nerror")
                .map_or(&*error, |(_, rest)| rest);
            Packaged {
                line: vec![Line::wrong(
                    "cargo cannot package and build what is named",
                    errors
                        .trim_start_matches([':', ' '])
                        .replace('\n', "\n         "),
                )],
                archives: Vec::new(),
            }
        }
    }
}

/// What is in the package of a crate, and what should not be or is missing.
pub(super) fn contents(archive: &Path, package: &Package) -> Result<(Contents, Vec<Line>)> {
    let bytes = fs::read(archive).with_context(|| format!("cannot read {}", archive.display()))?;
    let contents = Contents::read(&bytes)?;
    let paths: Vec<_> = contents.paths().collect();
    let lines = judge(bytes.len(), &paths, package);
    Ok((contents, lines))
}

fn judge(size: usize, paths: &[&str], package: &Package) -> Vec<Line> {
    let mut lines = vec![Line::Said(format!("in the package: {}", paths.join(" ")))];
    let said = format!("the .crate file has {size} bytes, compressed");
    if size < LARGEST {
        lines.push(Line::passed(format!("{said}, of less than {LARGEST}")));
    } else {
        lines.push(Line::wrong(
            format!("{said}, and {LARGEST} is too many"),
            "leave out what no user needs: `include` in the manifest",
        ));
    }
    let license = package.license.as_deref().unwrap_or_default();
    for id in license.split([' ', '(', ')', '/']) {
        // MIT is in LICENSE-MIT, Apache-2.0 in LICENSE-APACHE.
        let file = match id {
            "" | "OR" | "AND" | "WITH" => continue,
            id => {
                let short = id.split('-').next().unwrap_or(id);
                format!("LICENSE-{}", short.to_ascii_uppercase())
            }
        };
        if paths.contains(&file.as_str()) {
            lines.push(Line::passed(format!("{file} is in the package")));
        } else {
            lines.push(Line::wrong(
                format!("{file} is not in the package"),
                format!("a link to the repository's {file} in the crate's folder puts it there"),
            ));
        }
    }
    lines.extend(strays(paths, package));
    lines
}

/// Tests and benchmarks that came along although they need what did not.
fn strays(paths: &[&str], package: &Package) -> Option<Line> {
    let needs_the_repository = package.dependencies.iter().any(|dependency| {
        dependency.kind == DependencyKind::Development
            && dependency.path.is_some()
            && dependency.req == VersionReq::STAR
    });
    let mut paths = paths.iter();
    let stray = paths.find(|path| path.starts_with("tests/") || path.starts_with("benches/"))?;
    needs_the_repository.then(|| {
        Line::wrong(
            format!("{stray} cannot compile outside of the repository"),
            "leave it out: `include` in the manifest",
        )
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::release::crates::metadata;

    /// iqm-auth: with both licences, and with the sandbox by path.
    fn package() -> Package {
        let root: PathBuf = crate::cargo::root();
        let packages = metadata(&root).unwrap().packages;
        let mut packages = packages.into_iter();
        packages.find(|it| it.name.as_str() == "iqm-auth").unwrap()
    }

    fn wrong(size: usize, paths: &[&str]) -> Vec<String> {
        let lines = judge(size, paths, &package());
        let what = |line| match line {
            Line::Wrong { what, .. } => Some(what),
            _ => None,
        };
        lines.into_iter().filter_map(what).collect()
    }

    const COMPLETE: [&str; 4] = ["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "src/lib.rs"];

    #[test]
    fn a_small_package_with_its_licences_passes() {
        assert_eq!(wrong(LARGEST - 1, &COMPLETE), [""; 0]);
    }

    #[test]
    fn a_large_package_is_wrong_and_so_are_missing_licences_and_stray_tests() {
        let found = wrong(LARGEST, &["Cargo.toml", "LICENSE-MIT", "tests/it/main.rs"]);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains("300000"), "{found:?}");
        assert!(found[1].contains("LICENSE-APACHE"), "{found:?}");
        assert!(found[2].contains("tests/it/main.rs"), "{found:?}");
    }
}
