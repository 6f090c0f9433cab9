//! What a manifest says of its crate, and what it needs.

use cargo_metadata::{Dependency, DependencyKind, Package};
use semver::VersionReq;

use super::Line;
use crate::release::crates::Crate;
use crate::release::index::Index;

/// The most that crates.io takes.
const MOST_KEYWORDS: usize = 5;

/// Whether everything is there that crates.io and docs.rs show.
pub(super) fn described(package: &Package) -> Vec<Line> {
    let mut missing = Vec::new();
    let is_blank = |text: Option<&str>| text.is_none_or(|text| text.trim().is_empty());
    for (what, absent) in [
        ("description", is_blank(package.description.as_deref())),
        ("license", is_blank(package.license.as_deref())),
        ("repository", is_blank(package.repository.as_deref())),
        ("keywords", package.keywords.is_empty()),
        ("categories", package.categories.is_empty()),
        ("rust-version", package.rust_version.is_none()),
        (
            "readme",
            package
                .readme()
                .is_none_or(|readme| !readme.as_std_path().is_file()),
        ),
        (
            "[package.metadata.docs.rs]",
            package.metadata["docs"]["rs"].is_null(),
        ),
    ] {
        if absent {
            missing.push(what);
        }
    }
    let mut lines = Vec::new();
    if package.keywords.len() > MOST_KEYWORDS {
        let what = format!("there are {} keywords", package.keywords.len());
        lines.push(Line::wrong(
            what,
            format!("crates.io takes {MOST_KEYWORDS}"),
        ));
    }
    if missing.is_empty() {
        lines.push(Line::passed("the manifest describes the crate"));
    } else {
        lines.push(Line::wrong(
            format!("the manifest lacks {}", missing.join(", ")),
            format!("add it to {}", package.manifest_path),
        ));
    }
    lines
}

/// Whether everything that is needed can be had: from the registry, or published along.
pub(super) fn dependencies(package: &Package, named: &[&Crate], index: &Index) -> Vec<Line> {
    let mut lines = Vec::new();
    for dependency in &package.dependencies {
        // What is not by path, cargo has found in the registry already.
        if dependency.path.is_some() {
            lines.extend(by_path(package, dependency, named, index));
        }
    }
    if lines.is_empty() {
        lines.push(Line::passed("every requirement can be met"));
    }
    lines
}

fn by_path(
    package: &Package,
    dependency: &Dependency,
    named: &[&Crate],
    index: &Index,
) -> Option<Line> {
    let Dependency { name, req, .. } = dependency;
    if *req == VersionReq::STAR {
        // Cargo leaves a dev-dependency out that is by path alone.
        return (dependency.kind != DependencyKind::Development).then(|| {
            Line::wrong(
                format!("{name} is needed by path alone"),
                format!("give it a version in {}", package.manifest_path),
            )
        });
    }
    let comes = named.iter().find(|one| one.name == *name);
    if comes.is_some_and(|one| req.matches(&one.version)) {
        return None;
    }
    match index.versions(name) {
        Ok(versions) if versions.iter().any(|it| req.matches(&it.version)) => None,
        Ok(_) => Some(Line::wrong(
            format!("{name} {req} is needed, and {} has none", index.registry()),
            format!("publish {name} first, or name it here as well"),
        )),
        Err(error) => Some(Line::wrong(
            format!("whether {name} {req} is published is unknown: {error:#}"),
            "check again when the registry answers",
        )),
    }
}

#[cfg(test)]
mod tests {
    use cargo_metadata::MetadataCommand;
    use serde_json::{Value, json};

    use super::*;

    fn package(change: impl FnOnce(&mut Value)) -> Package {
        let mut package = json!({
            "name": "some", "version": "0.1.0", "id": "some 0.1.0",
            "description": "Some", "license": "MIT", "repository": "https://a.example",
            "keywords": ["one"], "categories": ["two"], "rust_version": "1.88",
            "readme": "Cargo.toml", "edition": "2024",
            "manifest_path": format!("{}/Cargo.toml", env!("CARGO_MANIFEST_DIR")),
            "metadata": { "docs": { "rs": { "all-features": true } } },
            "authors": [], "dependencies": [], "targets": [], "features": {},
        });
        change(&mut package);
        let metadata = json!({
            "packages": [package], "workspace_members": ["some 0.1.0"], "resolve": null,
            "workspace_root": "/", "target_directory": "/target", "version": 1,
        });
        let metadata = MetadataCommand::parse(metadata.to_string()).unwrap();
        metadata.packages[0].clone()
    }

    fn dependency(requirement: &str, kind: &Value) -> Value {
        json!({
            "name": "other", "req": requirement, "kind": kind, "path": "/other",
            "source": null, "optional": false, "uses_default_features": true, "features": [],
            "target": null, "rename": null, "registry": null,
        })
    }

    #[test]
    fn a_manifest_that_says_everything_passes() {
        let lines = described(&package(|_| ()));
        assert!(matches!(lines[..], [Line::Passed(_)]), "{lines:?}");
    }

    #[test]
    fn everything_that_a_manifest_lacks_is_named_at_once() {
        let lines = described(&package(|package| {
            package["description"] = json!(" ");
            package["readme"] = json!("no/such/file.md");
            package["metadata"] = Value::Null;
            package["keywords"] = json!(["a", "b", "c", "d", "e", "f"]);
        }));
        let [Line::Wrong { what: keywords, .. }, Line::Wrong { what, .. }] = &lines[..] else {
            panic!("{lines:?}");
        };
        assert!(keywords.contains('6'), "{keywords}");
        assert_eq!(
            what,
            "the manifest lacks description, readme, [package.metadata.docs.rs]"
        );
    }

    #[test]
    fn only_a_dev_dependency_may_be_by_path_alone() {
        let index = Index::of_requirements(&crate::cargo::root()).unwrap();
        let lines = |kind: &Value| {
            let package = package(|package| {
                package["dependencies"] = json!([dependency("*", kind)]);
            });
            dependencies(&package, &[], &index)
        };
        assert!(matches!(lines(&json!("dev"))[..], [Line::Passed(_)]));
        for kind in &[Value::Null, json!("build")] {
            assert!(matches!(lines(kind)[..], [Line::Wrong { .. }]));
        }
    }

    #[test]
    fn what_is_published_along_meets_a_requirement_of_its_version() {
        let package = package(|package| {
            package["dependencies"] = json!([dependency("^0.1.0", &Value::Null)]);
        });
        let index = Index::of_requirements(&crate::cargo::root()).unwrap();
        let other = Crate {
            name: "other".to_owned(),
            version: semver::Version::new(0, 1, 3),
            folder: "other".into(),
            dependencies: Vec::new(),
        };
        let lines = dependencies(&package, &[&other], &index);
        assert!(matches!(lines[..], [Line::Passed(_)]), "{lines:?}");
    }
}
