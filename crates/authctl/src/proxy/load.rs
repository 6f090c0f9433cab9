//! Many connections while tokens end. `AUTH_PROXY_CALLS` is how many calls each phase has.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use auth_sandbox::Sandbox;
use iqm_auth::{Client, Login};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::tests::{SECRET, proxy};

const CONNECTIONS: usize = 64;

/// More than an access token of the sandbox lives.
const LIFETIME: Duration = Duration::from_secs(40_000);

/// Sends a request and returns the status of its response.
async fn call(connection: &mut BufReader<TcpStream>, request: &str) -> String {
    connection.write_all(request.as_bytes()).await.unwrap();
    let (mut status, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).await.unwrap();
        if status.is_empty() {
            status.clone_from(&line);
        }
        if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = text.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    connection.read_exact(&mut vec![0; length]).await.unwrap();
    status
}

#[tokio::test(flavor = "multi_thread")]
async fn no_refusal_reaches_64_connections_while_four_tokens_end_and_each_is_renewed_once() {
    let calls = std::env::var("AUTH_PROXY_CALLS").ok();
    let calls = calls.map_or(400, |calls| calls.parse::<usize>().unwrap());
    let sandbox = Sandbox::start().unwrap();
    let (iqm, user) = (sandbox.iqm(), sandbox.iqm().user());
    let client = Client::builder(iqm.client_id(), iqm.client_secret())
        .base_url(iqm.base_url())
        .clock(sandbox.clock())
        .build()
        .unwrap();
    let session = client
        .session(Login::password(user.email, user.password))
        .build()
        .unwrap();
    session.headers().await.unwrap();
    let session = Arc::new(session);
    let guard = auth_core::Authorizer::refresh_in_background(&*session).unwrap();
    let address = proxy(session.clone(), &iqm.base_url()).await;

    let answered = Arc::new(AtomicUsize::new(0));
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let request = format!(
        "GET /{SECRET}/iqm/api/v3/ua/profile HTTP/1.1\r\nHost: {address}\r\n\
         Accept: application/json\r\n\r\n"
    );
    let mut callers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (answered, stopped, request) = (answered.clone(), stopped.clone(), request.clone());
        let mut connection = BufReader::new(TcpStream::connect(address).await.unwrap());
        callers.spawn(async move {
            while !*stopped.borrow() {
                let status = call(&mut connection, &request).await;
                assert!(status.starts_with("HTTP/1.1 200 "), "{status}");
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let began = Instant::now();
    // A caller that saw anything else has panicked, and its count stands still.
    let more = async || {
        let goal = answered.load(Ordering::Relaxed) + calls;
        while answered.load(Ordering::Relaxed) < goal {
            tokio::task::yield_now().await;
        }
    };
    more().await;
    for renewals in 1..=3 {
        sandbox.clock().advance(LIFETIME);
        more().await;
        sandbox.log().assert_count("iqm.refresh", renewals);
    }
    // The vendor ends a token that is valid by its claims.
    iqm.revoke_access_tokens(user.email);
    more().await;
    sandbox.log().assert_count("iqm.refresh", 4);
    stop.send(true).unwrap();
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    drop(guard);
    let (answered, time) = (answered.load(Ordering::Relaxed), began.elapsed());
    eprintln!("{answered} calls on {CONNECTIONS} connections in {time:.1?}, 4 renewals");
}
