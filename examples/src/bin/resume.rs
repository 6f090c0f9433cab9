//! Log in once with a magic link, and start again without: the token is kept in a file.
//!
//! `cargo run -p examples --bin resume` needs no account and no mailbox: the vendor is the sandbox,
//! and its inbox is read. With `--live` it does the same against EQ Works, with `EQWORKS_USER`,
//! `EQWORKS_PRODUCT` and `EQWORKS_STAGE` (`dev` or `prod`) from the environment: run it twice.
//! `EQWORKS_BASE_URL` overrides the address.

#![allow(clippy::print_stdout, reason = "an example explains what it does")]

use std::error::Error;
use std::time::Duration;

use auth_sandbox::Sandbox;
use auth_store::FileStore;
use eqworks_auth::clock::{Clock, SystemClock};
use eqworks_auth::{
    Client, ClientBuilder, ErrorKind, Login, Product, SecretString, Session, Stage,
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
    let folder = tempfile::tempdir()?;
    let user = eqworks.user().email;
    println!("EQ Works, emulated at {}", eqworks.base_url());
    for (number, start) in ["the first start", "a day later", "a month later"]
        .iter()
        .enumerate()
    {
        step(u32::try_from(number)? + 1, start);
        let client = Client::builder(Stage::Prod, Product::ATOM)
            .base_url(eqworks.base_url())
            .clock(clock.clone())
            .build()?;
        let store = FileStore::at(folder.path().join("tokens"));
        let session = begin(&client, store, user, &clock, async || {
            let mail = sandbox.inbox(user).latest().ok_or("no mail came")?;
            Ok(mail.link().ok_or("no link?")?.as_str().into())
        })
        .await?;
        // The process ends, and all that it knew.
        drop(session);
        let days = [1, 30, 0][number];
        clock.advance(Duration::from_secs(days * 86_400));
    }
    sandbox.log().assert_count("eqworks.verify", 1);
    println!("Three starts, one log-in.");
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
    let store = FileStore::in_state_directory()?;
    let user = needed("EQWORKS_USER")?;
    begin(&client, store, &user, &SystemClock, async || {
        // Hidden: a person who reads it from the screen could log in.
        let pasted = rpassword::prompt_password("  Paste the magic link or the passcode: ")?;
        Ok(pasted.into())
    })
    .await?;
    Ok(())
}

/// A session with the token from the file, or from a person where there is none.
async fn begin(
    client: &Client,
    store: FileStore,
    user: &str,
    clock: &dyn Clock,
    paste: impl AsyncFnOnce() -> Result<SecretString, Box<dyn Error>>,
) -> Result<Session, Box<dyn Error>> {
    let session = client.session(Login::stored(user)).store(store).build()?;
    match session.headers().await {
        Ok(_) => println!("  the token was in the file"),
        Err(error) if error.kind() == ErrorKind::InteractionRequired => {
            println!("  {error}; a mail is sent");
            let pending = client.request_passcode(user).await?;
            let token = pending.complete(&paste().await?).await?;
            // Kept from now on.
            session.set_token(token).await?;
            println!("  logged in");
        }
        Err(error) => return Err(error.into()),
    }
    let auth_headers = session.auth_headers().await?;
    let confirmed = client.confirm(&auth_headers).await?;
    println!(
        "  token {} of {}, {}",
        auth_headers.fingerprint(),
        confirmed.user,
        ends_in(session.expiry(), clock)
    );
    Ok(session)
}
