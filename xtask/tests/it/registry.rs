//! A registry for `cargo publish`, on a loopback port: sparse index, downloads, uploads with a token.
//!
//! It stands in for crates.io by source replacement. What is not of ours is answered with the .crate
//! files that this machine's cargo has already, and else with a redirect to crates.io.

mod entry;
mod upstream;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Method, Request, Response, StatusCode, header, request::Parts};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::sync::oneshot;

use entry::Upload;

/// What an upload must come with.
pub(crate) const TOKEN: &str = "token-of-the-test-registry";
/// What the registry is called in [`Registry::config`].
pub(crate) const NAME: &str = "test";
const LARGEST_UPLOAD: usize = 16 * 1024 * 1024;

/// When the connection of an upload breaks. The client cannot tell one from the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// The registry never got the crate.
    BeforeItIsStored,
    /// The registry has the crate, and nobody heard of it.
    AfterItIsStored,
}

/// A registry, gone when dropped.
pub(crate) struct Registry {
    address: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Registry {
    /// A registry on any free port. Crates of these names are its own: never asked for elsewhere.
    pub(crate) fn start(own: &[&str]) -> Self {
        Self::listen(own, TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
    }

    /// The same, on the port of last time where that is free. Cargo unpacks crates into a folder
    /// that is named after the registry's address: with another one everything is compiled again.
    pub(crate) fn start_as_last_time(own: &[&str], folder: &Path) -> Self {
        let note = folder.join("port");
        let last: Option<u16> = fs::read_to_string(&note)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        let listener = last
            .and_then(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok())
            .unwrap_or_else(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        fs::create_dir_all(folder).unwrap();
        fs::write(&note, listener.local_addr().unwrap().port().to_string()).unwrap();
        Self::listen(own, listener)
    }

    fn listen(own: &[&str], listener: TcpListener) -> Self {
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            address,
            own: own.iter().map(|&name| name.to_owned()).collect(),
            shelf: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    _ = stopped => {}
                    () = serve(listener, served) => {}
                }
            });
        });
        Self {
            address,
            state,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// A configuration of cargo's in which this registry stands in for crates.io.
    pub(crate) fn config(&self) -> String {
        format!(
            "[source.crates-io]\nreplace-with = \"{NAME}\"\n\n\
             [registries.{NAME}]\nindex = \"sparse+http://{}/\"\ntoken = \"{TOKEN}\"\n",
            self.address
        )
    }

    /// The next upload of this crate breaks.
    pub(crate) fn kill(&self, name: &str, death: Death) {
        self.state.lock().deaths.insert(name.to_owned(), death);
    }

    /// The next upload of this crate stays out of the index until it was looked for this often.
    pub(crate) fn delay(&self, name: &str, looks: usize) {
        self.state.lock().delays.insert(name.to_owned(), looks);
    }

    /// Every upload that arrived whole with a good token, as `name-version`, in order.
    pub(crate) fn uploads(&self) -> Vec<String> {
        self.state.lock().uploads.clone()
    }

    /// What it has, as `name-version`, in the order in which it was stored.
    pub(crate) fn stored(&self) -> Vec<String> {
        self.state.lock().stored.clone()
    }

    /// How often crates were looked for in the index that have to appear there yet.
    pub(crate) fn vain_looks(&self) -> usize {
        self.state.lock().vain_looks
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct State {
    address: SocketAddr,
    own: BTreeSet<String>,
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    versions: BTreeMap<String, Vec<Stored>>,
    stored: Vec<String>,
    uploads: Vec<String>,
    deaths: BTreeMap<String, Death>,
    delays: BTreeMap<String, usize>,
    vain_looks: usize,
}

struct Stored {
    version: String,
    /// Its line in the index.
    line: String,
    archive: Bytes,
    hidden_for: usize,
}

impl Shelf {
    fn find(&self, name: &str, version: &str) -> Option<&Stored> {
        let mut versions = self.versions.get(name)?.iter();
        versions.find(|stored| stored.version == version)
    }
}

/// Makes hyper close the connection without an answer.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the registry was told to die")
    }
}

impl std::error::Error for Cut {}

async fn serve(listener: tokio::net::TcpListener, state: Arc<State>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let state = Arc::clone(&state);
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let state = Arc::clone(&state);
            async move {
                let (parts, body) = request.into_parts();
                let body = to_bytes(Body::new(body), LARGEST_UPLOAD)
                    .await
                    .map_err(|_| Cut)?;
                state.answer(&parts, &body)
            }
        });
        tokio::spawn(async move {
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // An error here is a connection that was cut, by us or by cargo.
            let _ = connection.await;
        });
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, parts: &Parts, body: &Bytes) -> Result<Response<Body>, Cut> {
        let path: Vec<_> = parts.uri.path().trim_matches('/').split('/').collect();
        Ok(match (&parts.method, path.as_slice()) {
            (&Method::GET, ["config.json"]) => {
                let api = format!("http://{}", self.address);
                let download = format!("{api}/download/{{crate}}/{{version}}");
                let config = json!({ "dl": download, "api": api });
                plain(StatusCode::OK, config.to_string())
            }
            (&Method::GET, ["download", name, version]) => self.download(name, version),
            (&Method::PUT, ["api", "v1", "crates", "new"]) => {
                let token = parts.headers.get(header::AUTHORIZATION);
                if token.is_none_or(|token| token != TOKEN) {
                    return Ok(refusal(StatusCode::FORBIDDEN, "this is no token of ours"));
                }
                return self.upload(body);
            }
            (&Method::GET, path) => self.look(path),
            _ => refusal(StatusCode::METHOD_NOT_ALLOWED, "there is no such call"),
        })
    }

    fn look(&self, path: &[&str]) -> Response<Body> {
        let name = path.last().copied().unwrap_or_default();
        if path != entry::index_path(name) {
            return plain(StatusCode::NOT_FOUND, "this is no path of an index");
        }
        if !self.own.contains(name) {
            return upstream::index(path);
        }
        let mut held = self.lock();
        let mut lines = Vec::new();
        let mut vain = 0;
        for stored in held.versions.get_mut(name).into_iter().flatten() {
            if stored.hidden_for == 0 {
                lines.push(format!("{}\n", stored.line));
            } else {
                stored.hidden_for -= 1;
                vain += 1;
            }
        }
        held.vain_looks += vain;
        if lines.is_empty() {
            return plain(StatusCode::NOT_FOUND, "no crate has this name");
        }
        plain(StatusCode::OK, lines.concat())
    }

    fn download(&self, name: &str, version: &str) -> Response<Body> {
        if !self.own.contains(name) {
            return upstream::archive(name, version);
        }
        match self.lock().find(name, version) {
            Some(stored) => plain(StatusCode::OK, stored.archive.clone()),
            None => plain(StatusCode::NOT_FOUND, "no crate has this name and version"),
        }
    }

    fn upload(&self, body: &Bytes) -> Result<Response<Body>, Cut> {
        let Some(upload) = Upload::parse(body) else {
            let text = "this is not how crates are uploaded";
            return Ok(refusal(StatusCode::BAD_REQUEST, text));
        };
        let (name, version) = (upload.name(), upload.version());
        let mut held = self.lock();
        held.uploads.push(format!("{name}-{version}"));
        if !self.own.contains(name) {
            let text = format!("`{name}` is somebody else's");
            return Ok(refusal(StatusCode::FORBIDDEN, &text));
        }
        if held.find(name, version).is_some() {
            let text = format!("crate version `{version}` is already uploaded");
            return Ok(refusal(StatusCode::BAD_REQUEST, &text));
        }
        let death = held.deaths.remove(name);
        if death == Some(Death::BeforeItIsStored) {
            return Err(Cut);
        }
        let stored = Stored {
            version: version.to_owned(),
            line: upload.line(),
            archive: upload.archive.clone(),
            hidden_for: held.delays.remove(name).unwrap_or_default(),
        };
        held.stored.push(format!("{name}-{version}"));
        let versions = held.versions.entry(name.to_owned()).or_default();
        versions.push(stored);
        if death == Some(Death::AfterItIsStored) {
            return Err(Cut);
        }
        let warnings = json!({ "invalid_categories": [], "invalid_badges": [], "other": [] });
        let answer = json!({ "warnings": warnings });
        Ok(plain(StatusCode::OK, answer.to_string()))
    }
}

fn plain(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
}

fn refusal(status: StatusCode, detail: &str) -> Response<Body> {
    let body = json!({ "errors": [{ "detail": detail }] });
    plain(status, body.to_string())
}
