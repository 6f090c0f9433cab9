//! A log-in by e-mail: ask for a passcode, paste the magic link, keep the token for the next start.
//!
//! `cargo run -p examples --bin eqworks_magic_link` needs no account and no mailbox: the vendor is
//! the sandbox, and its inbox is read. With `--live` it does the same against EQ Works, with
//! `EQWORKS_USER`, `EQWORKS_PRODUCT` and `EQWORKS_STAGE` (`dev` or `prod`) from the environment,
//! and the person pastes what came by mail. `EQWORKS_BASE_URL` overrides the address.

#![allow(clippy::print_stdout, reason = "an example explains what it does")]

use std::error::Error;
use std::time::Duration;

use auth_sandbox::Sandbox;
use eqworks_auth::clock::{Clock, SystemClock};
use eqworks_auth::{
    Client, ClientBuilder, ErrorKind, ExposeSecret as _, PendingLogin, Product, SecretString,
    Session, Stage, Token,
};
use examples::{Outcome, address, ends_in, needed, step};

#[tokio::main]
async fn main() -> Outcome {
    examples::run(on_the_sandbox, live).await
}

async fn on_the_sandbox() -> Outcome {
    let sandbox = Sandbox::start()?;
    let eqworks = sandbox.eqworks();
    let clock = sandbox.clock();
    let client = Client::builder(Stage::Prod, Product::ATOM)
        .base_url(eqworks.base_url())
        .clock(clock.clone())
        .build()?;
    println!("EQ Works, emulated at {}", eqworks.base_url());

    let pending = ask_for_a_mail(&client, eqworks.user().email).await?;
    let mail = sandbox.inbox(pending.user()).latest().ok_or("no mail?")?;
    let link = mail.link().ok_or("no link?")?;
    println!("  the mail is there; its link leads to {}", link.path());
    let session = log_in(&client, &pending, link.as_str().into(), &clock).await?;

    step(
        6,
        "70 days later a request wants headers: it gets them at once",
    );
    clock.advance(Duration::from_secs(70 * 24 * 60 * 60));
    let old = session.auth_headers().await?;
    println!(
        "  token {}, {}",
        old.fingerprint(),
        ends_in(Some(old.expiry()), &clock)
    );
    let mut states = session.states();
    while states.next().await == Some(eqworks_auth::State::Renewing) {}
    let new = session.auth_headers().await?;
    println!("  meanwhile the session has refreshed it:");
    println!(
        "  token {}, {}",
        new.fingerprint(),
        ends_in(Some(new.expiry()), &clock)
    );

    step(
        7,
        "a year later nothing can be refreshed: a person must log in",
    );
    clock.advance(Duration::from_secs(365 * 24 * 60 * 60));
    let error = session.headers().await.err().ok_or("headers?")?;
    println!("  {error}");
    assert_eq!(error.kind(), ErrorKind::InteractionRequired);

    let log = sandbox.log();
    println!("What the vendor saw:");
    for operation in [
        "eqworks.request_passcode",
        "eqworks.verify",
        "eqworks.confirm",
        "eqworks.refresh",
    ] {
        println!("  {operation:<25} {}", log.count(operation));
    }
    assert_eq!(log.count("eqworks.refresh"), 1, "exactly one refresh");
    println!("The link was read and never followed: one verification, one refresh.");
    Ok(())
}

async fn live() -> Outcome {
    let base_url = address("EQWORKS_BASE_URL", ClientBuilder::DEFAULT_BASE_URL);
    let stage = match needed("EQWORKS_STAGE")?.as_str() {
        "dev" => Stage::Dev,
        "prod" => Stage::Prod,
        _ => return Err("EQWORKS_STAGE is dev or prod".into()),
    };
    let client = Client::builder(stage, needed("EQWORKS_PRODUCT")?)
        .base_url(&base_url)
        .build()?;
    println!("EQ Works, live at {base_url}");

    let pending = ask_for_a_mail(&client, &needed("EQWORKS_USER")?).await?;
    // Hidden: a person who reads it from the screen could log in.
    let pasted = rpassword::prompt_password("  Paste the magic link or the passcode: ")?;
    let session = log_in(&client, &pending, pasted.into(), &SystemClock).await?;

    step(6, "refreshing now, instead of waiting for two months");
    let new = session.renew().await?;
    let left = ends_in(Some(new.expiry()), &SystemClock);
    println!("  token {}, {left}", new.fingerprint());
    Ok(())
}

async fn ask_for_a_mail(client: &Client, user: &str) -> Result<PendingLogin, Box<dyn Error>> {
    step(1, "EQ Works mails the user a passcode and a magic link");
    let pending = client.request_passcode(user).await?;
    println!("  to {}, for {}", pending.user(), pending.product());
    Ok(pending)
}

async fn log_in(
    client: &Client,
    pending: &PendingLogin,
    pasted: SecretString,
    clock: &dyn Clock,
) -> Result<Session, Box<dyn Error>> {
    step(
        2,
        "what was pasted is taken apart, checked, and its passcode traded for a token",
    );
    let token = pending.complete(&pasted).await?;
    println!(
        "  token {}, {}",
        token.fingerprint(),
        ends_in(Some(token.expiry()), clock)
    );

    step(
        3,
        "the token is kept as text, in a place for secrets: here in memory",
    );
    let kept = token.access_token().expose_secret().to_owned();
    drop(token);

    step(
        4,
        "the next start: a session resumes from the text, and no log-in is needed",
    );
    let session = client.session(Token::from_jwt(kept)?).build()?;
    let auth_headers = session.auth_headers().await?;
    println!(
        "  token {}, headers {:?}",
        auth_headers.fingerprint(),
        session.headers().await?
    );

    step(5, "only the vendor can verify the token, so it is asked");
    let confirmed = client.confirm(&auth_headers).await?;
    println!("  it is {}'s, for {}", confirmed.user, confirmed.product);
    Ok(session)
}
