//! What a registry has, by its sparse index.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use semver::{Version, VersionReq};
use serde_json::Value;

use crate::{cargo, http};

/// What cargo calls crates.io, as a registry and as a source.
const CRATES_IO: &str = "crates-io";
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// One registry.
pub(crate) struct Registry {
    /// As `cargo publish --registry` takes it.
    pub(crate) name: String,
    /// With a slash at the end.
    pub(crate) url: String,
}

/// The versions of one crate.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    /// Yanked ones as well: none of them can be published again.
    pub(crate) all: Vec<Version>,
    /// What cargo chooses from.
    available: Vec<Version>,
}

impl Versions {
    pub(crate) fn meet(&self, requirement: &VersionReq) -> bool {
        self.available
            .iter()
            .any(|version| requirement.matches(version))
    }
}

impl Registry {
    /// The registry to which is published: the one that is named, else crates.io itself.
    pub(crate) fn of(root: &Path, name: Option<&str>) -> Result<Self> {
        let name = name.unwrap_or(CRATES_IO);
        if name == CRATES_IO {
            return Self::new(name, "sparse+https://index.crates.io/");
        }
        let url = setting(root, &["registries", name, "index"])?.with_context(|| {
            format!(
                "cargo knows no registry `{name}`; its address belongs into `registries.{name}.index` of a \
                 `.cargo/config.toml`"
            )
        })?;
        Self::new(name, &url)
    }

    /// Where cargo looks up requirements: crates.io, or what is put in its place.
    pub(crate) fn of_requirements(root: &Path) -> Result<Self> {
        let Some(source) = setting(root, &["source", CRATES_IO, "replace-with"])? else {
            return Self::of(root, None);
        };
        match setting(root, &["source", &source, "registry"])? {
            Some(url) => Self::new(&source, &url),
            None => Self::of(root, Some(&source)),
        }
    }

    fn new(name: &str, url: &str) -> Result<Self> {
        let sparse = url.strip_prefix("sparse+");
        let url = sparse.with_context(|| {
            format!("`{name}` has no sparse index (`sparse+https://…`) but {url}")
        })?;
        Ok(Self {
            name: name.to_owned(),
            url: format!("{}/", url.trim_end_matches('/')),
        })
    }

    /// None if there is no such crate.
    pub(crate) fn versions(&self, name: &str) -> Result<Versions> {
        let url = format!("{}{}", self.url, path_of(name));
        let mut response = http::agent(TIME_LIMIT)
            .get(&url)
            .call()
            .with_context(|| format!("cannot reach {url}, which knows what is published"))?;
        match response.status().as_u16() {
            200 => parse(&response.body_mut().read_to_string()?)
                .with_context(|| format!("cannot read {url}")),
            // And what the storage of index.crates.io says in its place.
            404 | 410 | 451 => Ok(Versions::default()),
            status => anyhow::bail!("{url} answers {status}"),
        }
    }
}

/// A setting of cargo's, from wherever cargo takes it: files of the folders above, `CARGO_HOME`, the environment.
fn setting(root: &Path, key: &[&str]) -> Result<Option<String>> {
    for part in key {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        let is_name = !part.is_empty() && part.chars().all(is_plain);
        ensure!(is_name, "`{part}` cannot be the name of a registry");
    }
    let key = key.join(".");
    let mut command = cargo::cargo(root, "-Zunstable-options config get --format json-value");
    // The command is there and not yet stable. It compiles nothing.
    match cargo::output(command.arg(&key).env("RUSTC_BOOTSTRAP", "1")) {
        Ok(value) => {
            let value: Value = serde_json::from_str(&value)?;
            Ok(Some(
                value
                    .as_str()
                    .with_context(|| format!("`{key}` is no text"))?
                    .to_owned(),
            ))
        }
        Err(error) if error.to_string().contains("is not set") => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse(lines: &str) -> Result<Versions> {
    let mut versions = Versions::default();
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        let entry: Value = serde_json::from_str(line)?;
        let version = Version::parse(entry["vers"].as_str().context("a version has no `vers`")?)?;
        if entry["yanked"] != true {
            versions.available.push(version.clone());
        }
        versions.all.push(version);
    }
    Ok(versions)
}

/// Source: The Cargo Book, "Registry Index", *Index files*.
fn path_of(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    match (name.len(), name.get(..2), name.get(2..4)) {
        (length @ (1 | 2), ..) => format!("{length}/{name}"),
        (3, Some(start), _) => format!("3/{}/{name}", &start[..1]),
        (_, Some(start), Some(next)) => format!("{start}/{next}/{name}"),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yanked_version_is_taken_and_meets_no_requirement() {
        let versions =
            parse("{\"vers\":\"0.1.0\",\"yanked\":true}\n\n{\"vers\":\"0.2.0\"}\n").unwrap();
        assert_eq!(versions.all.len(), 2);
        assert!(!versions.meet(&VersionReq::parse("0.1").unwrap()));
        assert!(versions.meet(&VersionReq::parse("0.2").unwrap()));
        assert!(parse("<html>").is_err());
    }

    #[test]
    fn a_crate_lies_where_cargo_looks_for_it() {
        let paths = ["a", "ab", "abc", "Auth-Core"].map(path_of);
        assert_eq!(paths, ["1/a", "2/ab", "3/a/abc", "au/th/auth-core"]);
    }

    #[test]
    fn a_registry_that_cargo_does_not_know_is_refused_with_where_it_belongs() {
        let refusal = |name| {
            Registry::of(&cargo::root(), Some(name))
                .err()
                .unwrap()
                .to_string()
        };
        assert!(refusal("no-such-registry").contains("`registries.no-such-registry.index`"));
        assert!(refusal("a.b").contains("cannot be the name"));
        assert!(Registry::new("git", "https://a/b").is_err());
    }
}
