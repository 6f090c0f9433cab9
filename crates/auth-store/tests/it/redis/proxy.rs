//! A proxy before a server: it loses a reply and cuts the connection, or becomes silent.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(crate) struct Proxy {
    pub(crate) port: u16,
    replies_to_lose: Arc<AtomicUsize>,
    /// Connections with a lower number forward nothing.
    silent_below: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl Proxy {
    /// Starts a proxy before the server on `port`. Its threads end with the process of the test.
    pub(crate) fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let replies_to_lose = Arc::new(AtomicUsize::new(0));
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            replies_to_lose: Arc::clone(&replies_to_lose),
            silent_below: Arc::default(),
            connections: Arc::default(),
        };
        let silent_below = Arc::clone(&proxy.silent_below);
        let connections = Arc::clone(&proxy.connections);
        std::thread::spawn(move || {
            for caller in listener.incoming() {
                let number = connections.fetch_add(1, Ordering::SeqCst);
                let (caller, to_lose) = (caller.unwrap(), Arc::clone(&replies_to_lose));
                let silent_below = Arc::clone(&silent_below);
                let is_silent = move || number < silent_below.load(Ordering::SeqCst);
                let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
                std::thread::spawn(move || serve(caller, server, &to_lose, is_silent));
            }
        });
        proxy
    }

    /// Loses the reply to the next script.
    pub(crate) fn lose_a_reply(&self) {
        self.replies_to_lose.store(1, Ordering::SeqCst);
    }

    /// Forwards nothing more on the present connections and leaves them open, like a firewall that
    /// has forgotten them.
    pub(crate) fn silence_the_present(&self) {
        let connections = self.connections.load(Ordering::SeqCst);
        assert!(connections > 0);
        self.silent_below.store(connections, Ordering::SeqCst);
    }

    pub(crate) fn has_lost_it(&self) -> bool {
        self.replies_to_lose.load(Ordering::SeqCst) == 0
    }
}

/// The client waits for each reply, so one read is one request or one reply.
fn serve(
    mut caller: TcpStream,
    mut server: TcpStream,
    to_lose: &AtomicUsize,
    is_silent: impl Fn() -> bool,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = caller.read(&mut buffer) {
        if is_silent() {
            continue;
        }
        let is_script = buffer[..length].windows(4).any(|it| it == b"EVAL");
        server.write_all(&buffer[..length]).unwrap();
        let Ok(length @ 1..) = server.read(&mut buffer) else {
            break;
        };
        let is_unknown = buffer.starts_with(b"-NOSCRIPT");
        if is_script && !is_unknown && to_lose.swap(0, Ordering::SeqCst) == 1 {
            break;
        }
        if caller.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = caller.shutdown(Shutdown::Both);
}
