//! A registry for `cargo publish`, on a loopback port: sparse index, downloads, uploads with a token.
//!
//! It stands in for crates.io by source replacement, and sends cargo there for others' crates.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::{fs, thread};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What an upload must come with.
pub(crate) const TOKEN: &str = "token-of-the-test-registry";
/// crates.io, as cargo names it in what it uploads to another registry.
const CRATES_IO: &str = "https://github.com/rust-lang/crates.io-index";

#[derive(Clone)]
pub(crate) struct Registry {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(crate) struct State {
    /// Names that are never asked for elsewhere.
    own: Vec<String>,
    /// Index lines and archives, by `name-version`, in the order in which they were stored.
    pub(crate) stored: Vec<(String, Value, Vec<u8>)>,
    /// Every upload that arrived whole with a good token, as `name-version`, in order.
    pub(crate) uploads: Vec<String>,
    /// The next upload of these breaks: after it is stored, or before. The client cannot tell.
    pub(crate) deaths: BTreeMap<String, bool>,
    /// How often a crate is still to be looked for in vain.
    pub(crate) hidden: BTreeMap<String, usize>,
}

impl Registry {
    /// On the port of last time where that is free: cargo unpacks crates into a folder that is named
    /// after the registry's address, and with another one everything is compiled again.
    pub(crate) fn start(own: &[&str], folder: &Path) -> Self {
        let note = folder.join("port");
        let last = fs::read_to_string(&note).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        let bind = |port: u16| TcpListener::bind(("127.0.0.1", port));
        let listener = bind(last).or_else(|_| bind(0)).unwrap();
        let address = listener.local_addr().unwrap();
        fs::create_dir_all(folder).unwrap();
        fs::write(note, address.port().to_string()).unwrap();
        let own = own.iter().map(ToString::to_string).collect();
        let state = Arc::new(Mutex::new(State { own, ..State::default() }));
        let this = Self { address, state };
        let registry = this.clone();
        listener.set_nonblocking(true).unwrap();
        // It ends with the process of its test.
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, Router::new().fallback(serve).with_state(registry)).await
            })
        });
        this
    }

    /// A configuration of cargo's in which this registry stands in for crates.io.
    pub(crate) fn config(&self, token: &str) -> String {
        let index = format!("sparse+http://{}/", self.address);
        let source = "[source.crates-io]\nreplace-with = \"test\"\n\n[registries.test]\n";
        format!("{source}index = \"{index}\"\ntoken = \"{token}\"\n")
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn stored(&self) -> Vec<String> {
        self.state().stored.iter().map(|it| it.0.clone()).collect()
    }

    fn look(&self, path: &str) -> Response {
        let name = path.rsplit('/').next().unwrap();
        let mut state = self.state();
        if !state.own.iter().any(|own| own == name) {
            return Redirect::temporary(&format!("https://index.crates.io/{path}")).into_response();
        }
        let lines = state.stored.iter().filter(|(_, line, _)| line["name"] == name);
        let lines: Vec<_> = lines.map(|(_, line, _)| line.to_string()).collect();
        let hidden = state.hidden.get_mut(name).filter(|left| **left > 0 && !lines.is_empty());
        if hidden.map(|left| *left -= 1).is_some() || lines.is_empty() {
            return StatusCode::NOT_FOUND.into_response();
        }
        lines.join("\n").into_response()
    }

    fn download(&self, name: &str, version: &str) -> Response {
        let (state, id) = (self.state(), format!("{name}-{version}"));
        if state.own.iter().any(|own| own == name) {
            let stored = state.stored.iter().find(|it| it.0 == id);
            return stored.map(|it| it.2.clone()).ok_or(StatusCode::NOT_FOUND).into_response();
        }
        let elsewhere = format!("https://static.crates.io/crates/{name}/{id}.crate");
        Redirect::temporary(&elsewhere).into_response()
    }

    /// A length, metadata in JSON, a length, the .crate file.
    ///
    /// Source: The Cargo Book, "Registry Web API", *Publish*.
    fn upload(&self, body: &[u8]) -> Response {
        let piece = |body: &[u8]| {
            let (length, rest) = body.split_first_chunk::<4>().unwrap();
            let (piece, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
            (piece.to_vec(), rest.to_vec())
        };
        let (metadata, rest) = piece(body);
        let (archive, _) = piece(&rest);
        let metadata: Value = serde_json::from_slice(&metadata).unwrap();
        let name = metadata["name"].as_str().unwrap().to_owned();
        let id = format!("{name}-{}", metadata["vers"].as_str().unwrap());
        let mut state = self.state();
        state.uploads.push(id.clone());
        if !state.own.contains(&name) || state.stored.iter().any(|it| it.0 == id) {
            let why = format!("{id} is already uploaded, or not yours");
            return refusal(StatusCode::BAD_REQUEST, &why);
        }
        let death = state.deaths.remove(&name);
        if death != Some(false) {
            state.stored.push((id, index_line(&metadata, &archive), archive));
        }
        if death.is_some() { StatusCode::BAD_GATEWAY.into_response() } else { "{}".into_response() }
    }
}

type Head = (Method, Uri, HeaderMap);

async fn serve(Shared(registry): Shared<Registry>, head: Head, body: Bytes) -> Response {
    let (method, uri, headers) = head;
    let path = uri.path().trim_matches('/');
    let is_known = headers.get("authorization").is_some_and(|token| token == TOKEN);
    match path.strip_prefix("dl/").and_then(|rest| rest.split_once('/')) {
        Some((name, version)) => registry.download(name, version),
        _ if method == Method::PUT && is_known => registry.upload(&body),
        _ if method == Method::PUT => refusal(StatusCode::FORBIDDEN, "not the registry's token"),
        _ if path == "config.json" => {
            let api = format!("http://{}", registry.address);
            let config = json!({ "dl": format!("{api}/dl/{{crate}}/{{version}}"), "api": api });
            config.to_string().into_response()
        }
        _ => registry.look(path),
    }
}

fn refusal(status: StatusCode, why: &str) -> Response {
    (status, json!({ "errors": [{ "detail": why }] }).to_string()).into_response()
}

/// What is uploaded, and the line that the index has of it: alike, and not the same.
///
/// Source: The Cargo Book, "Registry Index", *JSON schema*.
fn index_line(metadata: &Value, archive: &[u8]) -> Value {
    let dependency = |uploaded: &Value| {
        let mut entry = uploaded.clone();
        entry["req"] = entry["version_req"].take();
        // `null` means "this registry", which stands in for crates.io.
        entry["registry"] = uploaded["registry"].as_str().filter(|it| *it != CRATES_IO).into();
        if let Some(renamed) = uploaded["explicit_name_in_toml"].as_str() {
            entry["package"] = entry["name"].take();
            entry["name"] = renamed.into();
        }
        entry
    };
    let dependencies = metadata["deps"].as_array().unwrap().iter().map(dependency);
    let digits = Sha256::digest(archive).iter().map(|it| format!("{it:02x}")).collect::<Vec<_>>();
    json!({
        "name": metadata["name"], "vers": metadata["vers"], "cksum": digits.concat(), "v": 2,
        "deps": dependencies.collect::<Vec<_>>(), "features": {}, "yanked": false,
        "features2": metadata["features"], "links": metadata["links"],
        "rust_version": metadata["rust_version"],
    })
}
