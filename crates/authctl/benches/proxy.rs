//! `authctl proxy` beside a bare proxy of the same shape: throughput of 64 connections, and the time to
//! the first byte of one. `cargo bench -p authctl --bench proxy`; `AUTH_PROXY_SECONDS` is how long each
//! throughput is measured (5 by default).

#![allow(clippy::disallowed_methods, reason = "a program reads its environment")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "it measures and prints"
)]

use std::convert::Infallible;
use std::io::{BufRead as _, BufReader as StdBufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use auth_store::FileStore;
use bytes::Bytes;
use edgeiq_auth::{ApiToken, Client};
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const CONNECTIONS: usize = 64;
const ROUNDS: u32 = 3;
const SEQUENTIAL: usize = 3000;

/// What this process is, where it is not the one that measures; with the address of the vendor.
const ROLE: &str = "AUTH_PROXY_BENCH_ROLE";

fn main() {
    let runtime = Runtime::new().unwrap();
    match std::env::var(ROLE) {
        Ok(role) if role == "vendor" => runtime.block_on(vendor()),
        Ok(vendor) => runtime.block_on(bare(vendor.parse().unwrap())),
        Err(_) => measure(&runtime),
    }
}

/// A process that prints the first line of what it serves.
struct Running(Child, String);

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        StdBufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self(child, line.trim().to_owned())
    }

    fn in_role(role: &str) -> Self {
        Self::start(Command::new(std::env::current_exe().unwrap()).env(ROLE, role))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn measure(runtime: &Runtime) {
    let vendor = Running::in_role("vendor");
    let bare = Running::in_role(&vendor.1);
    let home = tempfile::tempdir().unwrap();
    runtime.block_on(log_in(home.path(), &vendor.1));
    let mut authctl = Command::new(env!("CARGO_BIN_EXE_authctl"));
    authctl
        .args(["--json", "proxy"])
        .env("XDG_CONFIG_HOME", home.path())
        .env("HOME", home.path());
    let authctl = Running::start(&mut authctl);
    let says: serde_json::Value = serde_json::from_str(&authctl.1).unwrap();
    let url: Uri = says["url"].as_str().unwrap().parse().unwrap();

    let path = format!("{}/v1/things", url.path());
    let proxies = [
        ("bare", bare.1.parse().unwrap(), "/v1/things"),
        (
            "authctl",
            url.authority().unwrap().as_str().parse().unwrap(),
            path.as_str(),
        ),
    ];
    let seconds = std::env::var("AUTH_PROXY_SECONDS").ok();
    let time = Duration::from_secs(seconds.map_or(5, |text| text.parse().unwrap()));
    let mut throughput = [0.0, 0.0];
    let mut first_byte = [Duration::ZERO; 2];
    for _ in 0..ROUNDS {
        for (index, (_, address, path)) in proxies.into_iter().enumerate() {
            let calls = runtime.block_on(flood(address, path, time / ROUNDS));
            throughput[index] += f64::from(calls) / time.as_secs_f64();
            first_byte[index] += runtime.block_on(median(address, path)) / ROUNDS;
        }
    }
    for (index, (name, ..)) in proxies.into_iter().enumerate() {
        let (calls, first_byte) = (throughput[index], first_byte[index]);
        println!(
            "{name:<8} {calls:>8.0} calls/s on {CONNECTIONS} connections, first byte {first_byte:>8.1?} (median of one)"
        );
    }
    println!(
        "authctl / bare: {:.2} of the throughput (goal: 0.70 at least), first byte {:.3} ms later (goal: 2 ms at most)",
        throughput[1] / throughput[0],
        (first_byte[1].as_secs_f64() - first_byte[0].as_secs_f64()) * 1000.0
    );
}

/// A profile of a user at `vendor`, whose token has no end.
async fn log_in(home: &Path, vendor: &str) {
    let base = format!("http://{vendor}/");
    let store = home.join("tokens");
    std::fs::create_dir(home.join("authctl")).unwrap();
    let config = format!(
        "[profiles.work]\nvendor = \"edgeiq\"\naccount = \"a@b.test\"\nbase-url = \"{base}\"\n\
         store = \"file\"\nstore-path = \"{}\"\n",
        store.display()
    );
    std::fs::write(home.join("authctl/config.toml"), config).unwrap();
    let client = Client::builder().base_url(base).build().unwrap();
    let token = ApiToken::new("0123456789".repeat(40)).with_account("a@b.test");
    let session = client
        .session(token)
        .store(FileStore::at(store))
        .build()
        .unwrap();
    session.save().await.unwrap();
}

/// How many calls the connections have answered within `time`.
async fn flood(address: SocketAddr, path: &str, time: Duration) -> u32 {
    let end = Instant::now() + time;
    let calls = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (calls, mut caller) = (Arc::clone(&calls), Caller::new(address, path).await);
        callers.spawn(async move {
            while Instant::now() < end {
                caller.call().await;
                calls.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    callers.join_all().await;
    u32::try_from(calls.load(Ordering::Relaxed)).unwrap()
}

/// The median time to the first byte of calls one after the other.
async fn median(address: SocketAddr, path: &str) -> Duration {
    let mut caller = Caller::new(address, path).await;
    let mut times = Vec::with_capacity(SEQUENTIAL);
    for _ in 0..SEQUENTIAL {
        times.push(caller.call().await);
    }
    times.sort_unstable();
    times[SEQUENTIAL / 2]
}

struct Caller(BufReader<TcpStream>, String);

impl Caller {
    async fn new(address: SocketAddr, path: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: */*\r\n\r\n");
        Self(BufReader::new(stream), request)
    }

    /// Makes a call; returns the time to its first byte.
    async fn call(&mut self) -> Duration {
        let began = Instant::now();
        self.0.write_all(self.1.as_bytes()).await.unwrap();
        let (mut first, mut length, mut line) = (None, 0, String::new());
        loop {
            line.clear();
            self.0.read_line(&mut line).await.unwrap();
            if first.is_none() {
                first = Some(began.elapsed());
                assert!(line.starts_with("HTTP/1.1 200 "), "{line}");
            }
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                length = text.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        self.0.read_exact(&mut vec![0; length]).await.unwrap();
        first.unwrap()
    }
}

/// A vendor that answers at once, with a kibibyte.
async fn vendor() {
    serve(|_| async { Ok(Response::new(Full::new(Bytes::from_static(&[b'x'; 1024])))) }).await;
}

/// A proxy that does nothing but pass on.
async fn bare(vendor: SocketAddr) {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: HyperClient<_, Incoming> =
        HyperClient::builder(TokioExecutor::new()).build(connector);
    serve(move |mut request: Request<Incoming>| {
        let client = client.clone();
        let path = request.uri().path_and_query().unwrap().as_str();
        *request.uri_mut() = format!("http://{vendor}{path}").parse().unwrap();
        request.headers_mut().remove(http::header::HOST);
        async move { Ok(client.request(request).await.unwrap()) }
    })
    .await;
}

/// Serves a free port, whose address is printed.
async fn serve<F, B>(answer: impl Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static)
where
    F: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
    B: hyper::body::Body<Data = Bytes, Error: std::error::Error + Send + Sync> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let connection = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service_fn(answer.clone()));
        tokio::spawn(async move {
            let _ = connection.await;
        });
    }
}
