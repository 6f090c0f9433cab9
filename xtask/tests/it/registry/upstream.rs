//! The crates that are not ours: from this machine's own cache, or from crates.io.

use std::env;
use std::fs;
use std::path::PathBuf;

use axum::body::Body;
use axum::http::{Response, StatusCode, header};

use super::plain;

pub(super) fn index(path: &[&str]) -> Response<Body> {
    redirect(&format!("https://index.crates.io/{}", path.join("/")))
}

/// Cargo checks the checksum, so whatever lies in the cache can be handed out.
pub(super) fn archive(name: &str, version: &str) -> Response<Body> {
    let file = format!("{name}-{version}.crate");
    let cached = caches().into_iter().find_map(|folder| {
        let archive = fs::read(folder.join(&file)).ok()?;
        (!archive.is_empty()).then_some(archive)
    });
    match cached {
        Some(archive) => plain(StatusCode::OK, archive),
        None => redirect(&format!("https://static.crates.io/crates/{name}/{file}")),
    }
}

fn caches() -> Vec<PathBuf> {
    let home = || env::home_dir().map(|home| home.join(".cargo"));
    let Some(cargo_home) = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home) else {
        return Vec::new();
    };
    let folders = fs::read_dir(cargo_home.join("registry").join("cache"));
    let folders = folders.into_iter().flatten().flatten();
    folders.map(|folder| folder.path()).collect()
}

fn redirect(to: &str) -> Response<Body> {
    let mut response = plain(StatusCode::FOUND, "");
    let to = to.parse().unwrap();
    response.headers_mut().insert(header::LOCATION, to);
    response
}
