//! An application's own user: created, mailed a login link, logged in, and logged out again.
//!
//! `cargo run -p examples --bin identityx_app_user` needs no account and no mailbox: the vendor is
//! the sandbox, and its inbox is read. With `--live` it does the same against IdentityX, with
//! `IDENTITYX_APP_ID`, `IDENTITYX_EMAIL` and `IDENTITYX_AUTH_URL` (where your site takes login
//! links) from the environment, and the person pastes what came by mail. `IDENTITYX_BASE_URL`
//! overrides the address.

#![allow(clippy::print_stdout, reason = "an example explains what it does")]

use auth_sandbox::Sandbox;
use examples::{Outcome, address, needed, step};
use identityx_auth::identity::NewAppUser;
use identityx_auth::{
    ApplicationId, Client, ClientBuilder, ErrorKind, LoginLink, LoginLinkMail, SecretString,
};

#[tokio::main]
async fn main() -> Outcome {
    examples::run(on_the_sandbox, live).await
}

async fn on_the_sandbox() -> Outcome {
    let sandbox = Sandbox::start()?;
    let identityx = sandbox.identityx();
    let client = Client::builder()
        .base_url(identityx.base_url())
        .clock(sandbox.clock())
        .build()?;
    println!("IdentityX, emulated at {}", identityx.base_url());

    step(1, "a link to an address with a query would be broken");
    let email = "nina@example.com";
    let refused = LoginLinkMail::new(email, "https://www.example.test/?page=login");
    println!("  {}", refused.err().ok_or("a broken link?")?);
    let application = ApplicationId::new(identityx.application_id())?;

    let read_the_mail = async || {
        let mail = sandbox.inbox(email).latest().ok_or("no mail came")?;
        println!(
            "  the mail is there: {}",
            mail.link().ok_or("no link?")?.path()
        );
        Ok(mail.link_text().ok_or("no link?")?.into())
    };
    let auth_url = "https://www.example.test/user/authenticate";
    use_it(&client, &application, email, auth_url, read_the_mail).await?;

    let log = sandbox.log();
    println!("What the vendor saw:");
    for operation in [
        "identityx.create_app_user",
        "identityx.send_app_user_login_link",
        "identityx.log_in_app_user",
        "identityx.active_app_user",
        "identityx.log_out_app_user",
    ] {
        println!("  {operation:<35} {}", log.count(operation));
    }
    log.assert_count("identityx.send_app_user_login_link", 1);
    Ok(())
}

async fn live() -> Outcome {
    let base_url = address("IDENTITYX_BASE_URL", ClientBuilder::DEFAULT_BASE_URL);
    println!("IdentityX, live at {base_url}");
    let client = Client::builder().base_url(base_url).build()?;
    let application = ApplicationId::new(needed("IDENTITYX_APP_ID")?)?;
    let email = needed("IDENTITYX_EMAIL")?;
    let auth_url = needed("IDENTITYX_AUTH_URL")?;
    // Hidden: a person who reads it from the screen could log in.
    let paste = async || Ok(rpassword::prompt_password("  Paste the link: ")?.into());
    use_it(&client, &application, &email, &auth_url, paste).await
}

async fn use_it(
    client: &Client,
    application: &ApplicationId,
    email: &str,
    auth_url: &str,
    link: impl AsyncFnOnce() -> Result<SecretString, Box<dyn std::error::Error>>,
) -> Outcome {
    step(2, "a user who exists already is not created twice");
    let user = NewAppUser::new(email).given_name("Nina").city("Oslo");
    let profile = client.create_app_user(application, &user).await?;
    let again = client.create_app_user(application, &user).await?;
    println!("  {} is {}", profile.email, profile.id);
    assert_eq!(profile.id, again.id);

    step(3, "IdentityX mails a login link");
    let mail = LoginLinkMail::new(email, auth_url)?.source("example");
    client.send_app_user_login_link(application, &mail).await?;

    step(4, "the link is read and its token exchanged");
    let link = LoginLink::parse(&link().await?)?;
    let login = client.log_in_app_user(application, &link).await?;
    println!(
        "  token {}, asked for by {:?}",
        login.user.fingerprint(),
        login.source.as_deref().unwrap_or("none")
    );

    step(5, "a session gives the headers");
    let session = client.session(login.user.clone()).build()?;
    let user = session.auth_headers().await?;
    println!("  {:?}", user.headers());
    let profile = client.active_app_user(&user).await?;
    println!("  which are {}'s", profile.email);

    step(6, "after the log-out the token is refused");
    session.log_out().await?;
    let error = client.active_app_user(&user).await.err();
    let error = error.ok_or("the vendor still knows the token")?;
    println!("  {error}");
    assert_eq!(error.kind(), ErrorKind::TokenRejected);
    Ok(())
}
