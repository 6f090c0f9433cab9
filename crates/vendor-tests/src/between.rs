//! A server between a client and the sandbox.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::GzEncoder;
use url::Url;

use crate::{answering, response};

/// Sends each request to the sandbox and each answer back, or another answer in its place.
pub struct Between {
    /// Where a client finds the vendor.
    pub url: Url,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The body of the last answer of the sandbox.
    last: Vec<u8>,
    /// What is answered with status 200 from now on.
    instead: Option<Vec<u8>>,
    compresses: bool,
}

impl Between {
    /// In front of the vendor at this address of the sandbox, with the header `Date` or without.
    pub fn new(vendor: &Url, is_dated: bool) -> Self {
        let state = Arc::<Mutex<State>>::default();
        let sandbox = vendor.socket_addrs(|| None).unwrap()[0];
        let mut url = answering({
            let state = Arc::clone(&state);
            move |request| {
                let mut state = state.lock().unwrap();
                if let Some(instead) = &state.instead {
                    return response(200, "Content-Type: application/json\r\n", instead);
                }
                let (status, head, body) = ask(sandbox, request).unwrap();
                let is_kept = |line: &&str| {
                    let name = line.split(':').next().unwrap_or_default();
                    let own = ["connection", "content-length"];
                    !own.contains(&name) && (is_dated || name != "date")
                };
                let lines = head.lines().filter(is_kept);
                let mut lines = lines.flat_map(|line| [line, "\r\n"]).collect::<String>();
                let sent = if state.compresses {
                    lines += "Content-Encoding: GZIP\r\n";
                    gzip(&body)
                } else {
                    body.clone()
                };
                let answer = response(status, &lines, &sent);
                state.last = body;
                answer
            }
        });
        url.set_path(vendor.path());
        Self { url, state }
    }

    /// The body of the last answer.
    pub fn last(&self) -> Vec<u8> {
        self.state.lock().unwrap().last.clone()
    }

    /// Compresses the sandbox's answers by gzip from now on, or no longer.
    pub fn compress(&self, compresses: bool) {
        self.state.lock().unwrap().compresses = compresses;
    }

    /// Answers every request with this body.
    pub fn answer(&self, body: Vec<u8>) {
        self.state.lock().unwrap().instead = Some(body);
    }
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// The sandbox's status, the lines of the head below it, and the body.
fn ask(sandbox: SocketAddr, request: &[u8]) -> io::Result<(u16, String, Vec<u8>)> {
    let end = |text: &[u8], of: &[u8]| text.windows(of.len()).position(|it| it == of).unwrap();
    let (line, rest) = request.split_at(end(request, b"\r\n"));
    let mut connection = TcpStream::connect(sandbox)?;
    connection.write_all(&[line, b"\r\nConnection: close", rest].concat())?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    let at = end(&answer, b"\r\n\r\n");
    let head = String::from_utf8_lossy(&answer[..at]);
    let (line, lines) = head.split_once("\r\n").unwrap();
    let status = line.split(' ').nth(1).unwrap().parse().unwrap();
    Ok((status, lines.to_owned(), answer[at + 4..].to_vec()))
}
