//! What is uploaded, and the line that the index has of it: alike, and not the same.

use std::fmt::Write as _;

use axum::body::Bytes;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// crates.io, as cargo names it in what it uploads to another registry.
const CRATES_IO: &str = "https://github.com/rust-lang/crates.io-index";

/// An upload: a length, metadata in JSON, a length, the .crate file.
///
/// Source: The Cargo Book, "Registry Web API", *Publish*.
pub(super) struct Upload {
    metadata: Value,
    pub(super) archive: Bytes,
}

impl Upload {
    pub(super) fn parse(body: &Bytes) -> Option<Self> {
        let (metadata, rest) = piece(body)?;
        let (archive, rest) = piece(&rest)?;
        let metadata: Value = serde_json::from_slice(&metadata).ok()?;
        let named = metadata["name"].is_string() && metadata["vers"].is_string();
        (rest.is_empty() && named).then_some(Self { metadata, archive })
    }

    pub(super) fn name(&self) -> &str {
        self.metadata["name"].as_str().unwrap()
    }

    pub(super) fn version(&self) -> &str {
        self.metadata["vers"].as_str().unwrap()
    }

    /// Source: The Cargo Book, "Registry Index", *JSON schema*.
    pub(super) fn line(&self) -> String {
        let metadata = &self.metadata;
        let dependencies: Vec<_> = metadata["deps"]
            .as_array()
            .into_iter()
            .flatten()
            .map(dependency)
            .collect();
        // As crates.io does it: what old versions of cargo cannot read stands apart.
        let (new, old): (Map<_, _>, Map<_, _>) = metadata["features"]
            .as_object()
            .cloned()
            .unwrap_or_default()
            .into_iter()
            .partition(|(_, enables)| {
                let mut enables = enables.as_array().into_iter().flatten();
                enables.any(|it| it.as_str().unwrap().contains(['?', ':']))
            });
        let digest = Sha256::digest(&self.archive);
        let digest = digest.iter().fold(String::new(), |mut digits, byte| {
            let _ = write!(digits, "{byte:02x}");
            digits
        });
        json!({
            "name": metadata["name"],
            "vers": metadata["vers"],
            "deps": dependencies,
            "cksum": digest,
            "features": old,
            "features2": new,
            "yanked": false,
            "links": metadata["links"],
            "rust_version": metadata["rust_version"],
            "v": 2,
        })
        .to_string()
    }
}

fn piece(body: &Bytes) -> Option<(Bytes, Bytes)> {
    let (length, _) = body.split_first_chunk::<4>()?;
    let end = 4 + usize::try_from(u32::from_le_bytes(*length)).ok()?;
    (body.len() >= end).then(|| (body.slice(4..end), body.slice(end..)))
}

fn dependency(uploaded: &Value) -> Value {
    // `null` means "this registry". It stands in for crates.io, so what cargo calls crates.io's is its own.
    let registry = match uploaded["registry"].as_str() {
        Some(CRATES_IO) | None => Value::Null,
        Some(other) => other.into(),
    };
    let renamed = uploaded["explicit_name_in_toml"].as_str();
    json!({
        "name": renamed.map_or_else(|| uploaded["name"].clone(), Value::from),
        "package": renamed.map_or(Value::Null, |_| uploaded["name"].clone()),
        "req": uploaded["version_req"],
        "features": uploaded["features"],
        "optional": uploaded["optional"],
        "default_features": uploaded["default_features"],
        "target": uploaded["target"],
        "kind": uploaded["kind"],
        "registry": registry,
    })
}

/// Where a sparse index has a crate.
pub(super) fn index_path(name: &str) -> Vec<&str> {
    match name.len() {
        1 => vec!["1", name],
        2 => vec!["2", name],
        3 => vec!["3", &name[..1], name],
        _ if name.is_ascii() && name.len() > 3 => vec![&name[..2], &name[2..4], name],
        _ => Vec::new(),
    }
}
