//! A registry for `cargo publish`, on a loopback port: sparse index, downloads, uploads with a token.
//!
//! It stands in for crates.io by source replacement. Crates that are not its own are answered with the .crate files that
//! this machine's cargo has already, and else with a redirect to crates.io.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What an upload must come with.
pub(crate) const TOKEN: &str = "token-of-the-test-registry";
/// What the registry is called in [`Registry::config`].
pub(crate) const NAME: &str = "test";
/// crates.io, as cargo names it in what it uploads to another registry.
const CRATES_IO: &str = "https://github.com/rust-lang/crates.io-index";

/// When the connection of an upload breaks. The client cannot tell one from the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    BeforeItIsStored,
    AfterItIsStored,
}

#[derive(Clone)]
pub(crate) struct Registry {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Never asked for elsewhere.
    own: BTreeSet<String>,
    /// Index lines and archives, by `name-version`, in the order in which they were stored.
    stored: Vec<(String, Value, Vec<u8>)>,
    uploads: Vec<String>,
    deaths: BTreeMap<String, Death>,
    /// How often a crate is still to be looked for in vain.
    hidden: BTreeMap<String, usize>,
}

/// A status, a redirect and a body; none if the connection breaks.
type Answer = Option<(u16, String, Vec<u8>)>;

fn answer(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    Some((status, String::new(), body.into()))
}

fn refusal(status: u16, detail: &str) -> Answer {
    answer(
        status,
        json!({ "errors": [{ "detail": detail }] }).to_string(),
    )
}

impl Registry {
    /// On the port of last time where that is free: cargo unpacks crates into a folder that is named after the
    /// registry's address, and with another one everything is compiled again.
    pub(crate) fn start(own: &[&str], folder: &Path) -> Self {
        let note = folder.join("port");
        let last = fs::read_to_string(&note)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let bind = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let listener = bind(last).or_else(|_| bind(0)).unwrap();
        let address = listener.local_addr().unwrap();
        fs::create_dir_all(folder).unwrap();
        fs::write(note, address.port().to_string()).unwrap();
        let state = State {
            own: own.iter().map(ToString::to_string).collect(),
            ..State::default()
        };
        let this = Self {
            address,
            state: Arc::new(Mutex::new(state)),
        };
        let registry = this.clone();
        // It ends with the process of its test.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let registry = registry.clone();
                thread::spawn(move || registry.serve(stream.unwrap()));
            }
        });
        this
    }

    /// A configuration of cargo's in which this registry stands in for crates.io.
    pub(crate) fn config(&self, token: &str) -> String {
        format!(
            "[source.crates-io]\nreplace-with = \"{NAME}\"\n\n\
             [registries.{NAME}]\nindex = \"sparse+http://{}/\"\ntoken = \"{token}\"\n",
            self.address
        )
    }

    /// The next upload of this crate breaks.
    pub(crate) fn kill(&self, name: &str, death: Death) {
        self.state
            .lock()
            .unwrap()
            .deaths
            .insert(name.to_owned(), death);
    }

    /// This crate stays out of the index until it was looked for this often.
    pub(crate) fn hide(&self, name: &str, looks: usize) {
        self.state
            .lock()
            .unwrap()
            .hidden
            .insert(name.to_owned(), looks);
    }

    pub(crate) fn is_hidden(&self, name: &str) -> bool {
        self.state
            .lock()
            .unwrap()
            .hidden
            .get(name)
            .is_some_and(|left| *left > 0)
    }

    /// `name-version` can no longer be chosen.
    pub(crate) fn yank(&self, id: &str) {
        let mut state = self.state.lock().unwrap();
        let (_, line, _) = state.stored.iter_mut().find(|it| it.0 == id).unwrap();
        line["yanked"] = true.into();
    }

    /// Every upload that arrived whole with a good token, as `name-version`, in order.
    pub(crate) fn uploads(&self) -> Vec<String> {
        self.state.lock().unwrap().uploads.clone()
    }

    pub(crate) fn stored(&self) -> Vec<String> {
        self.state
            .lock()
            .unwrap()
            .stored
            .iter()
            .map(|it| it.0.clone())
            .collect()
    }

    /// One request; cargo makes a new connection for the next.
    fn serve(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut head, mut length, mut token) = (String::new(), 0, String::new());
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
        for line in reader
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty())
        {
            match line
                .split_once(": ")
                .map(|(name, value)| (name.to_lowercase(), value))
            {
                Some((name, value)) if name == "content-length" => length = value.parse().unwrap(),
                Some((name, value)) if name == "authorization" => value.clone_into(&mut token),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let path = head.split(' ').nth(1).unwrap().trim_matches('/');
        let answer = match (head.starts_with("PUT"), path) {
            (true, "api/v1/crates/new") if token == TOKEN => self.upload(&body),
            (true, _) => refusal(403, "this is not the token of the test registry"),
            (false, "config.json") => {
                let api = format!("http://{}", self.address);
                answer(
                    200,
                    json!({ "dl": format!("{api}/dl/{{crate}}/{{version}}"), "api": api })
                        .to_string(),
                )
            }
            (false, path) => match path
                .strip_prefix("dl/")
                .and_then(|rest| rest.split_once('/'))
            {
                Some((name, version)) => self.download(name, version),
                None => self.look(path),
            },
        };
        if let Some((status, redirect, body)) = answer {
            let head = format!(
                "HTTP/1.1 {status} -\r\nlocation: {redirect}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            // Cargo may have given up.
            let _ = stream.write_all(&[head.into_bytes(), body].concat());
        }
    }

    fn look(&self, path: &str) -> Answer {
        let name = path.rsplit('/').next().unwrap();
        let mut state = self.state.lock().unwrap();
        if !state.own.contains(name) {
            return Some((302, format!("https://index.crates.io/{path}"), Vec::new()));
        }
        let lines = state
            .stored
            .iter()
            .filter(|(_, line, _)| line["name"] == name);
        let lines: String = lines.map(|(_, line, _)| format!("{line}\n")).collect();
        let left = state.hidden.entry(name.to_owned()).or_default();
        if lines.is_empty() || *left > 0 {
            *left = if lines.is_empty() { *left } else { *left - 1 };
            return answer(404, "no crate has this name");
        }
        answer(200, lines)
    }

    fn download(&self, name: &str, version: &str) -> Answer {
        let state = self.state.lock().unwrap();
        let id = format!("{name}-{version}");
        if state.own.contains(name) {
            let stored = state.stored.iter().find(|it| it.0 == id);
            return stored.map_or_else(
                || answer(404, "no such version"),
                |it| answer(200, it.2.clone()),
            );
        }
        // Cargo checks the checksum, so whatever lies in the cache will do.
        let home = std::env::var_os("CARGO_HOME")
            .map_or_else(|| std::env::home_dir().unwrap().join(".cargo"), Into::into);
        let caches = fs::read_dir(home.join("registry/cache"))
            .into_iter()
            .flatten()
            .flatten();
        let cached = caches
            .map(|folder| fs::read(folder.path().join(format!("{id}.crate"))))
            .find_map(Result::ok);
        let elsewhere = || {
            Some((
                302,
                format!("https://static.crates.io/crates/{name}/{id}.crate"),
                Vec::new(),
            ))
        };
        cached
            .filter(|bytes| !bytes.is_empty())
            .map_or_else(elsewhere, |bytes| answer(200, bytes))
    }

    /// A length, metadata in JSON, a length, the .crate file.
    ///
    /// Source: The Cargo Book, "Registry Web API", *Publish*.
    fn upload(&self, body: &[u8]) -> Answer {
        let piece = |body: &[u8]| {
            let (length, rest) = body.split_first_chunk::<4>().unwrap();
            let (piece, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
            (piece.to_vec(), rest.to_vec())
        };
        let (metadata, rest) = piece(body);
        let (archive, _) = piece(&rest);
        let metadata: Value = serde_json::from_slice(&metadata).unwrap();
        let name = metadata["name"].as_str().unwrap();
        let id = format!("{name}-{}", metadata["vers"].as_str().unwrap());
        let mut state = self.state.lock().unwrap();
        state.uploads.push(id.clone());
        if !state.own.contains(name) || state.stored.iter().any(|it| it.0 == id) {
            return refusal(
                400,
                "this version is already uploaded, or this name is another person's",
            );
        }
        let death = state.deaths.remove(name);
        if death != Some(Death::BeforeItIsStored) {
            let line = index_line(&metadata, &archive);
            state.stored.push((id, line, archive));
        }
        if death.is_some() {
            return None;
        }
        let warnings = json!({ "invalid_categories": [], "invalid_badges": [], "other": [] });
        answer(200, json!({ "warnings": warnings }).to_string())
    }
}

/// What is uploaded, and the line that the index has of it: alike, and not the same.
///
/// Source: The Cargo Book, "Registry Index", *JSON schema*.
fn index_line(metadata: &Value, archive: &[u8]) -> Value {
    let dependency = |uploaded: &Value| {
        let mut entry = uploaded.clone();
        entry["req"] = entry["version_req"].take();
        // `null` means "this registry", which stands in for crates.io.
        entry["registry"] = uploaded["registry"]
            .as_str()
            .filter(|it| *it != CRATES_IO)
            .into();
        if let Some(renamed) = uploaded["explicit_name_in_toml"].as_str() {
            entry["package"] = entry["name"].take();
            entry["name"] = renamed.into();
        }
        entry
    };
    let mut checksum = String::new();
    Sha256::digest(archive)
        .iter()
        .for_each(|byte| write!(checksum, "{byte:02x}").unwrap());
    json!({
        "name": metadata["name"], "vers": metadata["vers"], "cksum": checksum, "yanked": false, "v": 2,
        "deps": metadata["deps"].as_array().unwrap().iter().map(dependency).collect::<Vec<_>>(),
        "features2": metadata["features"], "features": {}, "links": metadata["links"],
        "rust_version": metadata["rust_version"],
    })
}
