//! A server whose answers a test makes from the requests.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use url::Url;

/// Starts a server for as long as the process lives; each connection gets one answer, which `answer`
/// makes from the request.
pub fn answering(mut answer: impl FnMut(&[u8]) -> Vec<u8> + Send + 'static) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            // A client that went away is none of its business.
            let _ = connection.and_then(|connection| serve(connection, &mut answer));
        }
    });
    Url::parse(&address).unwrap()
}

fn serve(mut connection: TcpStream, answer: &mut impl FnMut(&[u8]) -> Vec<u8>) -> io::Result<()> {
    let (mut request, mut part) = (Vec::new(), [0; 16 * 1024]);
    while !is_whole(&request) {
        match connection.read(&mut part)? {
            0 => break,
            length => request.extend_from_slice(&part[..length]),
        }
    }
    connection.write_all(&answer(&request))
}

/// An answer of this status, with these lines in its head, and this body.
pub fn response(status: u16, lines: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} It\r\nConnection: close\r\nContent-Length: {length}\r\n{lines}\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let mut lengths = head.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().ok())?
    });
    body.len() >= lengths.next().unwrap_or_default()
}
