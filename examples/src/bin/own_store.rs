//! A token store of one's own: `SQLite`, beside the program's other data.
//!
//! `cargo run -p examples --features sqlite --bin own_store` needs no account: the vendor is the
//! sandbox. The store is in `examples/src/sqlite.rs`; `tests/sqlite.rs` checks it.

#![allow(clippy::print_stdout, reason = "an example explains what it does")]

use std::time::Duration;

use auth_sandbox::Sandbox;
use examples::sqlite::SqliteStore;
use examples::{Outcome, step};
use iqm_auth::{Client, Login, Session};

#[tokio::main]
async fn main() -> Outcome {
    let sandbox = Sandbox::builder().iqm_rotate_refresh_tokens(true).start()?;
    let (iqm, folder) = (sandbox.iqm(), tempfile::tempdir()?);
    let start = || -> Result<Session, Box<dyn std::error::Error>> {
        let client = Client::builder(iqm.client_id(), iqm.client_secret())
            .base_url(iqm.base_url())
            .clock(sandbox.clock())
            .build()?;
        let user = iqm.user();
        let login = Login::password(user.email, user.password);
        let store = SqliteStore::open(folder.path().join("app.sqlite"))?;
        Ok(client.session(login).store(store).build()?)
    };
    step(1, "the first run logs in, and saves the token in a table");
    println!("  token {}", start()?.auth_headers().await?.fingerprint());
    step(2, "the next run finds it there");
    println!("  token {}", start()?.auth_headers().await?.fingerprint());
    step(3, "ten hours later two runs want one at the same time");
    sandbox.clock().advance(Duration::from_secs(36_000));
    let (one, other) = (start()?, start()?);
    let (one, other) = tokio::join!(one.auth_headers(), other.auth_headers());
    println!(
        "  tokens {} and {}",
        one?.fingerprint(),
        other?.fingerprint()
    );
    let log = sandbox.log();
    log.assert_count("iqm.log_in", 1);
    log.assert_count("iqm.refresh", 1);
    println!("One log-in and one refresh, by the first that needed it.");
    Ok(())
}
