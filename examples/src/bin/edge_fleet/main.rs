//! `EdgeIQ` for many customers: a service that keeps a session for each, on Redis, with metrics, health and a
//! graceful shutdown.
//!
//! `cargo run -p examples --features edge-fleet --bin edge_fleet` needs no account: the vendor is the sandbox. It
//! starts `redis-server`, or keeps tokens in memory where there is none, shows what an operator sees, and ends.
//! `--memory` or `--redis redis://…` choose the store. With `--hold` it serves until it is told to end (Ctrl-C,
//! `SIGTERM`, or the end of its standard input).

#![allow(clippy::print_stdout, reason = "an example explains what it does")]

mod redis;
mod service;

use std::error::Error;
use std::io::Read as _;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use auth_sandbox::{EdgeIqUser, Sandbox};
use auth_store::RedisStore;
use edgeiq_auth::store::{MemoryStore, TokenStore};
use edgeiq_auth::{Client, SessionPool};
use examples::{Outcome, step};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use self::redis::OwnServer;
use self::service::Fleet;

/// `EdgeIQ`'s session tokens live 4 hours.
const LIFETIME: Duration = Duration::from_secs(4 * 3_600);

const CUSTOMERS: [&str; 4] = ["north", "east", "south", "west"];

#[tokio::main]
async fn main() -> Outcome {
    // Where operators read: a line for each renewal, and a warning for each failure.
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing_subscriber::filter::LevelFilter::INFO)
        .init();
    // Before the first session, so that none is missed.
    let metrics = PrometheusBuilder::new()
        .set_buckets(&[0.05, 0.2, 1.0, 5.0, 30.0])?
        .install_recorder()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (hold, rest) = match arguments.split_last() {
        Some((&"--hold", rest)) => (true, rest),
        _ => (false, &arguments[..]),
    };
    let (store, _server) = store(rest)?;

    let sandbox = Sandbox::start()?;
    let edgeiq = sandbox.edgeiq();
    for customer in CUSTOMERS {
        edgeiq.add_user(EdgeIqUser::new(
            service::email(customer),
            password(customer),
        ));
    }
    let client = Client::builder()
        .base_url(edgeiq.base_url())
        .clock(sandbox.clock())
        .build()?;
    let at_most = NonZeroUsize::new(10_000).ok_or("no sessions")?;
    let pool = SessionPool::new(at_most).clock(Arc::new(sandbox.clock()));
    let fleet = Fleet {
        client,
        pool,
        store,
        password,
        metrics,
    };

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    println!("serving {address}");
    let (end, ended) = oneshot::channel::<()>();
    let ended = async move {
        // Either way: it was told, or its task is gone.
        let _ = ended.await;
    };
    let serving = axum::serve(listener, service::router(fleet.clone()));
    let serving = tokio::spawn(serving.with_graceful_shutdown(ended).into_future());
    if hold {
        until_told().await?;
    } else {
        show(&sandbox, &address).await?;
    }

    // Calls under way come to their end, and then renewals: what the vendor has issued is saved.
    println!("shutting down");
    let _ = end.send(());
    serving.await??;
    match fleet.pool.settle(Duration::from_secs(10)).await {
        0 => println!("every token is saved"),
        left => println!("{left} sessions are still renewing"),
    }
    Ok(())
}

/// Where the customers' passwords come from: a vault, in a real service.
fn password(customer: &str) -> String {
    format!("{customer}-correct-horse")
}

type Store = (Arc<dyn TokenStore>, Option<OwnServer>);

fn store(arguments: &[&str]) -> Result<Store, Box<dyn Error>> {
    let at = |url: &str| RedisStore::builder(url.into()).build();
    match arguments {
        [] => {
            if let Some(server) = OwnServer::start() {
                return Ok((Arc::new(at(&server.url())?), Some(server)));
            }
            println!("no redis-server is installed: the tokens stay in memory");
            Ok((Arc::new(MemoryStore::new()), None))
        }
        ["--memory"] => Ok((Arc::new(MemoryStore::new()), None)),
        ["--redis", url] => Ok((Arc::new(at(url)?), None)),
        _ => Err("usage: edge_fleet [--memory | --redis URL] [--hold]".into()),
    }
}

/// Waits for Ctrl-C, for `SIGTERM` or for the end of the standard input.
async fn until_told() -> Outcome {
    #[cfg(unix)]
    let mut terminate = {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate())?
    };
    #[cfg(unix)]
    let terminated = terminate.recv();
    #[cfg(not(unix))]
    let terminated = std::future::pending::<Option<()>>();
    // On a thread of its own: the end of `main` does not wait for it, as a runtime's pool would.
    let (end, ended) = oneshot::channel();
    std::thread::spawn(move || {
        let read = std::io::stdin().read_to_end(&mut Vec::new());
        end.send(read)
    });
    tokio::select! {
        told = tokio::signal::ctrl_c() => told?,
        _ = terminated => {}
        read = ended => drop(read??),
    }
    Ok(())
}

/// What an operator sees of a day.
async fn show(sandbox: &Sandbox, address: &str) -> Outcome {
    let http = reqwest::Client::new();
    let get = async |path: &str| -> Result<(u16, String), reqwest::Error> {
        let response = http.get(format!("{address}{path}")).send().await?;
        Ok((response.status().as_u16(), response.text().await?))
    };
    step(1, "each customer makes a call: each session logs in once");
    for customer in CUSTOMERS {
        let (status, body) = get(&format!("/customers/{customer}")).await?;
        println!("  {customer}: {status} {body}");
    }
    let (status, body) = get("/healthz").await?;
    println!("  /healthz: {status} {body}");

    step(
        2,
        "4 hours later: one has changed the password, the others log in again",
    );
    sandbox.clock().advance(LIFETIME);
    let edgeiq = sandbox.edgeiq();
    edgeiq.set_password(&service::email("east"), "another one");
    for customer in CUSTOMERS {
        let (status, body) = get(&format!("/customers/{customer}")).await?;
        println!("  {customer}: {status} {body}");
    }
    let (status, body) = get("/healthz").await?;
    println!("  /healthz: {status} {body}");

    step(3, "the same, as Prometheus reads it");
    let (_, metrics) = get("/metrics").await?;
    let counts = |line: &&str| line.starts_with("auth_") && !line.contains("_bucket");
    for line in metrics.lines().filter(counts) {
        println!("  {line}");
    }
    Ok(())
}
