//! `EdgeIQ`: a forgotten password, from the e-mail to the log-in with the new one.
//!
//! `cargo run -p examples --bin edgeiq_password_reset` needs no account: the vendor and its e-mails
//! are the sandbox. With `--live` it sends a true e-mail to `EDGEIQ_EMAIL`, then asks for the link
//! from it and the new password; what is typed or pasted is not shown. `EDGEIQ_BASE_URL` overrides
//! the address.

#![allow(clippy::print_stdout, reason = "an example explains what it does")]

use auth_sandbox::Sandbox;
use edgeiq_auth::{
    Client, ClientBuilder, ErrorKind, Lifetime, ResetEmail, ResetToken, SecretString,
};
use examples::{Outcome, address, needed};

#[tokio::main]
async fn main() -> Outcome {
    examples::run(on_the_sandbox, live).await
}

async fn on_the_sandbox() -> Outcome {
    let sandbox = Sandbox::start()?;
    let (edgeiq, user) = (sandbox.edgeiq(), sandbox.edgeiq().user());
    println!("EdgeIQ, emulated at {}", edgeiq.base_url());
    let client = Client::builder()
        .base_url(edgeiq.base_url())
        .clock(sandbox.clock())
        .build()?;

    println!("0. an e-mail from an address of our own: the vendor must have whitelisted it");
    let mail = ResetEmail::new()
        .subject("A new password for your devices")
        .from_address("devices@example.com");
    let refused = client.request_password_reset(user.email, &mail).await;
    println!("  {}", refused.err().ok_or("an e-mail was sent")?);
    edgeiq.whitelist_sender("devices@example.com");

    reset(
        &client,
        user.email,
        &mail,
        || {
            let mail = sandbox.inbox(user.email).latest().ok_or("no e-mail")?;
            println!(
                "  it has arrived: {}",
                mail.subject().unwrap_or("no subject")
            );
            Ok(mail.link().ok_or("no link")?.as_str().into())
        },
        || Ok("A-new-password-1!".into()),
    )
    .await
}

async fn live() -> Outcome {
    let base_url = address("EDGEIQ_BASE_URL", ClientBuilder::DEFAULT_BASE_URL);
    println!("EdgeIQ, live at {base_url}");
    let client = Client::builder().base_url(base_url).build()?;
    let email = needed("EDGEIQ_EMAIL")?;
    // What is typed is not shown.
    let ask = |what: &str| Ok(rpassword::prompt_password(format!("  {what}: "))?.into());
    reset(
        &client,
        &email,
        &ResetEmail::new(),
        || ask("the link from the e-mail"),
        || ask("the new password"),
    )
    .await
}

async fn reset(
    client: &Client,
    email: &str,
    mail: &ResetEmail,
    link: impl FnOnce() -> Result<SecretString, Box<dyn std::error::Error>>,
    password: impl FnOnce() -> Result<SecretString, Box<dyn std::error::Error>>,
) -> Outcome {
    println!("1. asking for an e-mail to {email}");
    client.request_password_reset(email, mail).await?;

    println!("2. the whole link from it is the way to the token");
    let token = ResetToken::from_link(&link()?)?;

    println!("3. setting a new password: one, which the vendor wants twice");
    let password = password()?;
    match client.set_password(&token, &password).await {
        // The token can be used once, so it is not sent again: the log-in tells.
        Err(error) if error.kind() == ErrorKind::OutcomeUnknown => println!("  {error}"),
        other => other?,
    }

    println!("4. logging in with it");
    let authenticated = client
        .authenticate(email, &password, Lifetime::Default)
        .await?;
    println!("  token {}", authenticated.token.fingerprint());

    println!("5. the reset token is used up");
    let again = client.set_password(&token, &password).await;
    println!("  {}", again.err().ok_or("it worked a second time")?);
    Ok(())
}
