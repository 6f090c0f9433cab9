//! Two processes share one IQM account through files: one of them renews, both have the token.
//!
//! `cargo run -p examples --bin shared_store` needs no account: the vendor is the sandbox, whose
//! refresh tokens work once, and which notices if one is used twice. With `--live` it is one
//! process of a fleet: start it in several terminals, with `IQM_CLIENT_ID`, `IQM_CLIENT_SECRET`,
//! `IQM_EMAIL` and `IQM_PASSWORD` in the environment. `IQM_BASE_URL` overrides the address.

#![allow(clippy::print_stdout, reason = "an example explains what it does")]

use std::time::Duration;

use auth_sandbox::Sandbox;
use auth_store::FileStore;
use examples::fleet::{self, Task, WORKER, Worker};
use examples::{Outcome, address, ends_in, needed, step};
use iqm_auth::clock::SystemClock;
use iqm_auth::{Client, ClientBuilder, Login};

/// IQM's tokens live 10 hours.
const LIFETIME: Duration = Duration::from_secs(36_000);

#[tokio::main]
async fn main() -> Outcome {
    if std::env::args().nth(1).as_deref() == Some(WORKER) {
        return fleet::work().await;
    }
    examples::run(on_the_sandbox, live).await
}

async fn on_the_sandbox() -> Outcome {
    let sandbox = Sandbox::builder().iqm_rotate_refresh_tokens(true).start()?;
    let folder = tempfile::tempdir()?;
    println!("IQM, emulated at {}", sandbox.iqm().base_url());

    step(1, "two processes start, with the same folder");
    let store = folder.path().join("tokens");
    let task = Task::new(store.to_string_lossy());
    let program = std::env::current_exe()?;
    let mut workers = Vec::new();
    for _ in 0..2 {
        workers.push(Worker::start(&program, &sandbox, &task)?);
    }
    let mut before = [0, 0];
    for life in 0_u32..4 {
        if life == 0 {
            step(2, "100 tasks in each want a token, and there is none");
        } else {
            step(life + 2, "10 hours later they want one again");
            sandbox.clock().advance(LIFETIME);
            for worker in &mut workers {
                worker.advance(LIFETIME)?;
            }
        }
        for worker in &mut workers {
            worker.begin(100)?;
        }
        for (number, worker) in workers.iter_mut().enumerate() {
            let report = worker.report()?;
            let has_renewed = report.renewals > before[number];
            before[number] = report.renewals;
            println!(
                "  process {}: {} tasks have {}, which {}",
                number + 1,
                report.valid,
                report.token,
                if has_renewed {
                    "it got from the vendor"
                } else {
                    "it found in the folder"
                }
            );
        }
    }
    let log = sandbox.log();
    println!("What the vendor saw:");
    for operation in ["iqm.log_in", "iqm.refresh"] {
        println!("  {operation:<12} {}", log.count(operation));
    }
    log.assert_count("iqm.log_in", 1);
    log.assert_count("iqm.refresh", 3);
    assert_eq!(sandbox.iqm().reuse_detected(), 0);
    println!("One log-in and one refresh for each lifetime, by the first session that needed it.");
    Ok(())
}

async fn live() -> Outcome {
    let base_url = address("IQM_BASE_URL", ClientBuilder::DEFAULT_BASE_URL);
    let client = Client::builder(needed("IQM_CLIENT_ID")?, needed("IQM_CLIENT_SECRET")?)
        .base_url(&base_url)
        .build()?;
    let store = FileStore::in_state_directory()?;
    println!(
        "IQM, live at {base_url}; tokens in {}",
        store.directory().display()
    );
    let email = needed("IQM_EMAIL")?;
    let login = Login::password(email, needed("IQM_PASSWORD")?);
    let session = client.session(login).store(store).build()?;
    let token = session.auth_headers().await?;
    println!(
        "  token {}, {}: the same one in every terminal",
        token.fingerprint(),
        ends_in(Some(token.expiry()), &SystemClock)
    );
    Ok(())
}
