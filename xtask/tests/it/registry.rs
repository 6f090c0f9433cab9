//! A registry for `cargo publish`, on a loopback port: sparse index, downloads, uploads with a token.
//!
//! It stands in for crates.io by source replacement. Crates that are not its own come from this
//! machine's cargo, or else from crates.io.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::{env, fs, thread};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What an upload must come with.
pub(crate) const TOKEN: &str = "token-of-the-test-registry";
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
pub(crate) struct State {
    /// Names that are never asked for elsewhere.
    own: Vec<String>,
    /// Index lines and archives, by `name-version`, in the order in which they were stored.
    stored: Vec<(String, Value, Vec<u8>)>,
    /// Every upload that arrived whole with a good token, as `name-version`, in order.
    pub(crate) uploads: Vec<String>,
    /// The next upload of these breaks.
    pub(crate) deaths: BTreeMap<String, Death>,
    /// How often a crate is still to be looked for in vain.
    pub(crate) hidden: BTreeMap<String, usize>,
}

/// A status with a body, or with an address to go to.
enum Answer {
    Found(Vec<u8>),
    Refused(u16, String),
    Elsewhere(String),
    Cut,
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
        let index = format!("sparse+http://{}/", self.address);
        format!(
            "[source.crates-io]\nreplace-with = \"test\"\n\n\
             [registries.test]\nindex = \"{index}\"\ntoken = \"{token}\"\n"
        )
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn stored(&self) -> Vec<String> {
        self.state().stored.iter().map(|it| it.0.clone()).collect()
    }

    /// One request; cargo makes a new connection for the next.
    fn serve(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut lines = reader.by_ref().lines().map_while(Result::ok);
        let Some(head) = lines.next() else { return };
        let lines = lines.take_while(|line| !line.is_empty());
        let headers: BTreeMap<_, _> = lines
            .filter_map(|line| Some((line.split_once(": ")?.0.to_lowercase(), line)))
            .map(|(name, line)| (name, line.split_once(": ").unwrap().1.to_owned()))
            .collect();
        let length = headers.get("content-length").map_or(0, |it| it.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let path = head.split(' ').nth(1).unwrap().trim_matches('/');
        let is_known = headers.get("authorization").is_some_and(|token| token == TOKEN);
        let answer = match path.strip_prefix("dl/").and_then(|rest| rest.split_once('/')) {
            Some((name, version)) => self.download(name, version),
            _ if head.starts_with("PUT") && is_known => self.upload(&body),
            _ if head.starts_with("PUT") => Answer::Refused(403, "not the registry's token".into()),
            _ if path == "config.json" => {
                let api = format!("http://{}", self.address);
                let config = json!({ "dl": format!("{api}/dl/{{crate}}/{{version}}"), "api": api });
                Answer::Found(config.to_string().into())
            }
            _ => self.look(path),
        };
        let (head, body) = match answer {
            Answer::Found(body) => ("200 OK".to_owned(), body),
            Answer::Refused(status, why) => {
                let body = json!({ "errors": [{ "detail": why }] });
                (format!("{status} -"), body.to_string().into())
            }
            Answer::Elsewhere(address) => (format!("302 -\r\nlocation: {address}"), Vec::new()),
            Answer::Cut => return,
        };
        let length = body.len();
        let head =
            format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        // Cargo may have given up.
        let _ = stream.write_all(&[head.into_bytes(), body].concat());
    }

    fn look(&self, path: &str) -> Answer {
        let name = path.rsplit('/').next().unwrap();
        let mut state = self.state();
        if !state.own.iter().any(|own| own == name) {
            return Answer::Elsewhere(format!("https://index.crates.io/{path}"));
        }
        let lines = state.stored.iter().filter(|(_, line, _)| line["name"] == name);
        let lines: Vec<_> = lines.map(|(_, line, _)| line.to_string()).collect();
        let left = state.hidden.get_mut(name).filter(|left| **left > 0 && !lines.is_empty());
        if let Some(left) = left {
            *left -= 1;
            return Answer::Refused(404, "not yet".into());
        }
        if lines.is_empty() {
            return Answer::Refused(404, "no crate has this name".into());
        }
        Answer::Found(lines.join("\n").into())
    }

    fn download(&self, name: &str, version: &str) -> Answer {
        let (state, id) = (self.state(), format!("{name}-{version}"));
        if state.own.iter().any(|own| own == name) {
            let stored = state.stored.iter().find(|it| it.0 == id);
            return stored
                .map_or(Answer::Refused(404, "none".into()), |it| Answer::Found(it.2.clone()));
        }
        // Cargo checks the checksum, so whatever lies in the cache will do.
        let home = env::var_os("CARGO_HOME").map(Into::into);
        let home = home.unwrap_or_else(|| env::home_dir().unwrap().join(".cargo"));
        let folders = fs::read_dir(home.join("registry/cache")).into_iter().flatten().flatten();
        let archive = |folder: fs::DirEntry| fs::read(folder.path().join(format!("{id}.crate")));
        let cached = folders.map(archive).find_map(Result::ok).filter(|bytes| !bytes.is_empty());
        let elsewhere = format!("https://static.crates.io/crates/{name}/{id}.crate");
        cached.map_or(Answer::Elsewhere(elsewhere), Answer::Found)
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
        let name = metadata["name"].as_str().unwrap().to_owned();
        let id = format!("{name}-{}", metadata["vers"].as_str().unwrap());
        let mut state = self.state();
        state.uploads.push(id.clone());
        if !state.own.contains(&name) || state.stored.iter().any(|it| it.0 == id) {
            return Answer::Refused(400, format!("{id} is already uploaded, or not yours"));
        }
        let death = state.deaths.remove(&name);
        if death != Some(Death::BeforeItIsStored) {
            let line = index_line(&metadata, &archive);
            state.stored.push((id, line, archive));
        }
        let warnings = json!({ "invalid_categories": [], "invalid_badges": [], "other": [] });
        let answer = json!({ "warnings": warnings }).to_string();
        if death.is_some() { Answer::Cut } else { Answer::Found(answer.into()) }
    }

    /// `name-version` can no longer be chosen.
    pub(crate) fn yank(&self, id: &str) {
        let mut state = self.state();
        state.stored.iter_mut().find(|it| it.0 == id).unwrap().1["yanked"] = true.into();
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
