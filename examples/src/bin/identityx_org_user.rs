//! An administrator: logged in by a link, and then by a permanent API token that needs no mail.
//!
//! `cargo run -p examples --bin identityx_org_user` needs no account and no mailbox: the vendor is
//! the sandbox, and its inbox is read. With `--live` it does the same against IdentityX, with
//! `IDENTITYX_EMAIL` from the environment, and the person pastes what came by mail.
//! `IDENTITYX_BASE_URL` overrides the address.

#![allow(clippy::print_stdout, reason = "an example explains what it does")]

use auth_sandbox::Sandbox;
use examples::{Outcome, address, needed, step};
use identityx_auth::organization::OrganizationId;
use identityx_auth::{
    Client, ClientBuilder, ExposeSecret as _, LoginLink, OrgUserApiToken, SecretString,
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
    let email = identityx.org_user().email;
    use_it(&client, email, async || {
        let mail = sandbox.inbox(email).latest().ok_or("no mail came")?;
        println!("  the mail is there");
        Ok(mail.link_text().ok_or("no link?")?.into())
    })
    .await?;
    let mails = sandbox.inbox(email).count();
    assert_eq!(mails, 1);
    println!("One mail was needed, and none will be any more.");
    Ok(())
}

async fn live() -> Outcome {
    let base_url = address("IDENTITYX_BASE_URL", ClientBuilder::DEFAULT_BASE_URL);
    println!("IdentityX, live at {base_url}");
    let client = Client::builder().base_url(base_url).build()?;
    // Hidden: a person who reads it from the screen could log in.
    let paste = async || Ok(rpassword::prompt_password("  Paste the link: ")?.into());
    use_it(&client, &needed("IDENTITYX_EMAIL")?, paste).await
}

async fn use_it(
    client: &Client,
    email: &str,
    link: impl AsyncFnOnce() -> Result<SecretString, Box<dyn std::error::Error>>,
) -> Outcome {
    step(1, "IdentityX mails the administrator a link to its portal");
    client.send_org_user_login_link(email).await?;

    step(2, "the link is not followed: its token is exchanged here");
    let link = LoginLink::parse(&link().await?)?;
    let login = client.log_in_org_user(&link).await?;
    println!(
        "  token {} of {}",
        login.user.fingerprint(),
        login.profile.email
    );

    step(3, "what the administrator looks after");
    let headers = client.auth_headers(&login.user)?;
    for membership in client.organizations(&headers).await? {
        let organization = membership.organization;
        println!("  {:?} of {}", membership.role, organization.name);
        let id = OrganizationId::new(&organization.id)?;
        for application in client.applications(&headers, &id).await? {
            println!("    {} {}", application.id, application.name);
        }
    }

    step(4, "the permanent API token is kept, in a place for secrets");
    let token = client.create_api_token(&headers).await?;
    let kept = token.access_token().expose_secret().to_owned();

    step(5, "the log-out ends the session, and leaves the API token");
    client.log_out_org_user(&headers).await?;
    let error = client.active_org_user(&headers).await.err();
    println!("  session: {}", error.ok_or("still logged in?")?);

    step(6, "the next start, and all that follow");
    let token = OrgUserApiToken::from_jwt(kept)?;
    let session = client.session(token).build()?;
    let headers = session.auth_headers().await?;
    println!("  {:?}", headers.headers());
    let profile = client.active_org_user(&headers).await?;
    println!("  which are {}'s", profile.email);
    Ok(())
}
