//! EdgeIQ: a session token that is renewed by logging in again.

use std::time::Duration;

use auth_sandbox::Sandbox;
use edgeiq_auth::clock::{Clock, SystemClock};
use edgeiq_auth::{Client, Login, Session};
use examples::{Outcome, ends_in, needed, step};

pub(crate) async fn on_the_sandbox() -> Outcome {
    let sandbox = Sandbox::start()?;
    let edgeiq = sandbox.edgeiq();
    let client = Client::builder()
        .base_url(edgeiq.base_url())
        .clock(sandbox.clock())
        .build()?;
    let user = edgeiq.user();
    let session = client
        .session(Login::password(user.email, user.password))
        .build()?;
    println!("\nEdgeIQ, emulated at {}", edgeiq.base_url());
    let clock = sandbox.clock();
    use_it(&client, &session, &clock, async || {
        println!("  moving the clock past the token's end …");
        clock.advance(Duration::from_secs(4 * 60 * 60));
        Ok(())
    })
    .await?;
    sandbox.log().assert_count("edgeiq.authenticate", 2);
    println!("Two log-ins happened, one for each token: EdgeIQ has no refresh.");
    Ok(())
}

pub(crate) async fn live() -> Outcome {
    let base_url = std::env::var("EDGEIQ_BASE_URL");
    let base_url =
        base_url.unwrap_or_else(|_| edgeiq_auth::ClientBuilder::DEFAULT_BASE_URL.to_owned());
    let client = Client::builder().base_url(&base_url).build()?;
    let session = client
        .session(Login::password(
            needed("EDGEIQ_EMAIL")?,
            needed("EDGEIQ_PASSWORD")?,
        ))
        .build()?;
    println!("\nEdgeIQ, live at {base_url}");
    use_it(&client, &session, &SystemClock, async || {
        println!("  renewing at once, instead of waiting for the token's end …");
        session.renew().await?;
        Ok(())
    })
    .await
}

async fn use_it(
    client: &Client,
    session: &Session,
    clock: &dyn Clock,
    end_the_token: impl AsyncFnOnce() -> Outcome,
) -> Outcome {
    step(1, "the first use logs in");
    let auth_headers = session.auth_headers().await?;
    println!(
        "  token {}, {}",
        auth_headers.fingerprint(),
        ends_in(session.expiry(), clock)
    );

    step(2, "is the token good, and whose is it?");
    let user = client.me(&auth_headers).await?;
    println!(
        "  {}",
        user.email.as_deref().unwrap_or("a user without e-mail")
    );

    step(3, "the token ends");
    end_the_token().await?;

    step(4, "the same call again: the session logs in again first");
    let auth_headers = session.auth_headers().await?;
    client.me(&auth_headers).await?;
    println!(
        "  token {}, {}",
        auth_headers.fingerprint(),
        ends_in(session.expiry(), clock)
    );
    Ok(())
}
