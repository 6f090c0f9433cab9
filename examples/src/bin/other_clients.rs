//! The same call by other HTTP clients: a service of `tower` (hyper), `reqwest-middleware`, ureq on
//! a thread without a runtime, and anything that takes a map of headers.
//!
//! `cargo run -p examples --features clients --bin other_clients` needs no account: the vendor is the
//! sandbox, which revokes the token before each call. The code is in `examples/src/clients.rs`.

#![allow(clippy::print_stdout, reason = "an example explains what it does")]

use std::time::Duration;

use auth_sandbox::Sandbox;
use examples::clients::{Answer, by_hand, by_middleware, by_tower, by_ureq};
use examples::{Outcome, step};
use iqm_auth::{Client, Login};

const TEN_MINUTES: Duration = Duration::from_secs(600);

#[tokio::main]
async fn main() -> Outcome {
    let sandbox = Sandbox::start()?;
    let iqm = sandbox.iqm();
    let client = Client::builder(iqm.client_id(), iqm.client_secret())
        .base_url(iqm.base_url())
        .clock(sandbox.clock())
        .build()?;
    let user = iqm.user();
    let session = client
        .session(Login::password(user.email, user.password))
        .build()?;
    session.headers().await?;
    let url = format!("{}api/v3/ua/profile", iqm.base_url());
    println!("IQM, emulated at {}", iqm.base_url());

    let tell = |answer: Answer| -> Outcome {
        let (status, body) = answer.map_err(|it| -> Box<dyn std::error::Error> { it })?;
        let log = sandbox.log();
        let (calls, renewals) = (log.count("iqm.profile"), log.count("iqm.refresh"));
        println!(
            "  {status}, {} bytes; {calls} requests and {renewals} renewals",
            body.len()
        );
        log.clear();
        // A vendor that refuses each new token at once would be asked more and more slowly.
        sandbox.clock().advance(TEN_MINUTES);
        iqm.revoke_access_tokens(user.email);
        Ok(())
    };
    step(1, "a service of tower, with a valid token");
    tell(by_tower(&session, &url).await)?;
    step(
        2,
        "the same with a token that was revoked: it is sent once more",
    );
    tell(by_tower(&session, &url).await)?;
    step(3, "reqwest-middleware, with a token that was revoked");
    tell(by_middleware(&session, &url).await)?;
    step(4, "ureq, on a thread, with a token that was revoked");
    let ureq = {
        let (session, url) = (session.clone(), url.clone());
        move || by_ureq(&session, &url)
    };
    tell(tokio::task::spawn_blocking(ureq).await?)?;
    step(
        5,
        "a map of headers: the caller gets the refusal, and reports it",
    );
    let refused = session.auth_headers().await?;
    tell(by_hand(&session, &url).await)?;
    session.invalidate(&refused);
    session.headers().await?;
    tell(by_hand(&session, &url).await)
}
