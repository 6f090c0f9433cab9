//! What a registry has: its sparse index over HTTP, and the .crate files.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use semver::Version;
use serde_json::Value;

use crate::{cargo, http};

/// What cargo calls crates.io, as a registry and as a source.
const CRATES_IO: &str = "crates-io";
const CRATES_IO_INDEX: &str = "sparse+https://index.crates.io/";
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// The largest that crates.io takes, and ample for ours.
const LARGEST: u64 = 10 * 1024 * 1024;

/// The index of one registry.
pub(crate) struct Index {
    agent: ureq::Agent,
    /// As `cargo publish --registry` takes it.
    registry: String,
    /// With a slash at the end.
    url: String,
}

/// A version that the registry has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) version: Version,
    /// SHA-256 of the .crate file, in hexadecimal digits.
    pub(crate) checksum: String,
}

impl Index {
    /// The registry to which is published: the one that is named, else crates.io itself.
    pub(crate) fn of(root: &Path, registry: Option<&str>) -> Result<Self> {
        let registry = registry.unwrap_or(CRATES_IO);
        let url = if registry == CRATES_IO {
            CRATES_IO_INDEX.to_owned()
        } else {
            let named = setting(root, &["registries", registry, "index"])?;
            named.with_context(|| {
                format!(
                    "cargo knows no registry `{registry}`; its address belongs into \
                     `registries.{registry}.index` of a `.cargo/config.toml`"
                )
            })?
        };
        Self::new(registry, &url)
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

    fn new(registry: &str, url: &str) -> Result<Self> {
        let url = url.strip_prefix("sparse+").with_context(|| {
            format!("`{registry}` has no sparse index (`sparse+https://…`) but {url}")
        })?;
        Ok(Self {
            agent: http::agent(TIME_LIMIT),
            registry: registry.to_owned(),
            url: format!("{}/", url.trim_end_matches('/')),
        })
    }

    pub(crate) fn registry(&self) -> &str {
        &self.registry
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The versions of this crate, yanked ones as well: nobody can publish these again. None if
    /// there is no such crate.
    pub(crate) fn versions(&self, name: &str) -> Result<Vec<Published>> {
        let url = format!("{}{}", self.url, path_of(name));
        let Some(lines) = self.get(&url)? else {
            return Ok(Vec::new());
        };
        let text = String::from_utf8(lines).with_context(|| format!("{url} is not UTF-8"))?;
        parse(&text).with_context(|| format!("cannot read {url}"))
    }

    /// The .crate file, which is what the checksum says.
    pub(crate) fn download(&self, name: &str, published: &Published) -> Result<Vec<u8>> {
        let url = format!("{}config.json", self.url);
        let config = self
            .get(&url)?
            .with_context(|| format!("there is no {url}"))?;
        let config: Value =
            serde_json::from_slice(&config).with_context(|| format!("cannot read {url}"))?;
        let template = config["dl"]
            .as_str()
            .with_context(|| format!("{url} names no place for downloads"))?;
        let url = download_url(template, name, published)?;
        self.get(&url)?.with_context(|| {
            format!(
                "{} names {name} {}, and there is no {url}",
                self.registry, published.version
            )
        })
    }

    /// None if there is nothing at this address.
    fn get(&self, url: &str) -> Result<Option<Vec<u8>>> {
        let mut response = self.agent.get(url).call().with_context(|| {
            format!("cannot reach {url}; without the network nobody can say what is published")
        })?;
        let status = response.status().as_u16();
        // 404, and what index.crates.io's storage says in its place.
        if matches!(status, 404 | 410 | 451) {
            return Ok(None);
        }
        ensure!(status == 200, "{url} answers {status}");
        let body = response.body_mut().with_config().limit(LARGEST);
        let bytes = body
            .read_to_vec()
            .with_context(|| format!("cannot read {url}"))?;
        Ok(Some(bytes))
    }
}

/// A setting of cargo's, from wherever cargo takes it: files of the folders above, `CARGO_HOME`, the
/// environment.
fn setting(root: &Path, key: &[&str]) -> Result<Option<String>> {
    for part in key {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        ensure!(
            !part.is_empty() && part.chars().all(plain),
            "`{part}` cannot be the name of a registry"
        );
    }
    let key = key.join(".");
    let mut command = cargo::command(root);
    command
        .args(["-Zunstable-options", "config", "get"])
        .args(["--format", "json-value", &key])
        // The command is there and not yet stable. It compiles nothing.
        .env("RUSTC_BOOTSTRAP", "1");
    match cargo::output(&mut command) {
        Ok(value) => {
            let value: Value = serde_json::from_str(&value)
                .with_context(|| format!("cargo's setting `{key}` is unreadable"))?;
            let value = value
                .as_str()
                .with_context(|| format!("`{key}` is no text"))?;
            Ok(Some(value.to_owned()))
        }
        Err(error) if error.to_string().contains("is not set") => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse(lines: &str) -> Result<Vec<Published>> {
    let line = |line: &str| {
        let entry: Value = serde_json::from_str(line)?;
        let text = |key: &str| {
            let value = entry[key].as_str();
            value.with_context(|| format!("a version has no `{key}`"))
        };
        Ok(Published {
            version: Version::parse(text("vers")?)?,
            checksum: text("cksum")?.to_ascii_lowercase(),
        })
    };
    let lines = lines.lines().filter(|line| !line.trim().is_empty());
    lines.map(line).collect()
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

/// Source: The Cargo Book, "Registry Index", *Index configuration*.
fn download_url(template: &str, name: &str, published: &Published) -> Result<String> {
    let version = published.version.to_string();
    let path = path_of(name);
    let prefix = path.rsplit_once('/').map_or("", |(prefix, _)| prefix);
    let markers = [
        ("{crate}", name),
        ("{version}", &version),
        ("{prefix}", prefix),
        ("{lowerprefix}", prefix),
        ("{sha256-checksum}", &published.checksum),
    ];
    let mut url = template.to_owned();
    if !markers.iter().any(|(marker, _)| url.contains(marker)) {
        url = format!("{template}/{name}/{version}/download");
    }
    for (marker, value) in markers {
        url = url.replace(marker, value);
    }
    ensure!(
        url.starts_with("http"),
        "`{url}` is no address for downloads"
    );
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_lies_where_cargo_looks_for_it() {
        for (name, path) in [
            ("a", "1/a"),
            ("ab", "2/ab"),
            ("abc", "3/a/abc"),
            ("Auth-Core", "au/th/auth-core"),
        ] {
            assert_eq!(path_of(name), path);
        }
    }

    #[test]
    fn versions_come_with_their_checksums_and_yanked_ones_are_versions_too() {
        let lines = "{\"vers\":\"0.1.0\",\"cksum\":\"AB\",\"yanked\":true}\n\n\
                     {\"vers\":\"0.2.0-rc.1\",\"cksum\":\"cd\"}\n";
        let versions = parse(lines).unwrap();
        assert_eq!(versions.len(), 2);
        assert_eq!(versions[0].checksum, "ab");
        assert_eq!(versions[1].version, Version::parse("0.2.0-rc.1").unwrap());
        assert!(parse("{\"vers\":\"0.1.0\"}").is_err());
        assert!(parse("<html>").is_err());
    }

    #[test]
    fn downloads_follow_the_template_of_the_registry() {
        let published = Published {
            version: Version::new(1, 2, 3),
            checksum: "ab".to_owned(),
        };
        let url = |template: &str| download_url(template, "some", &published).unwrap();
        assert_eq!(url("https://a/dl"), "https://a/dl/some/1.2.3/download");
        assert_eq!(
            url("https://a/{prefix}/{crate}-{version}.crate"),
            "https://a/so/me/some-1.2.3.crate"
        );
        assert!(download_url("ftp://a", "some", &published).is_err());
    }

    #[test]
    fn a_registry_that_cargo_does_not_know_is_refused_with_where_it_belongs() {
        let root = cargo::root();
        let refusal = |name| Index::of(&root, Some(name)).err().unwrap().to_string();
        let unknown = refusal("no-such-registry");
        assert!(
            unknown.contains("`registries.no-such-registry.index`"),
            "{unknown}"
        );
        assert!(refusal("a.b").contains("cannot be the name"));
        assert!(Index::new("git", "https://a/b").is_err());
    }
}
