//! IQM: log in, make authorised calls, let the session renew the token.

use std::time::Duration;

use auth_sandbox::Sandbox;
use examples::{Outcome, ends_in, needed, step};
use iqm_auth::clock::{Clock, SystemClock};
use iqm_auth::{Client, Login, Session};

pub(crate) async fn on_the_sandbox() -> Outcome {
    // [readme]
    // The vendor, emulated on a loopback port. Against the real one: the client id and secret that
    // IQM's support gave you, and neither `base_url` nor `clock`.
    let sandbox = Sandbox::start()?;
    let iqm = sandbox.iqm();
    let client = Client::builder(iqm.client_id(), iqm.client_secret())
        .base_url(iqm.base_url())
        .clock(sandbox.clock())
        .build()?;

    // Nothing is sent yet: a session logs in when it is first used.
    let login = Login::password("user1@iqm.com", "123456");
    let session = client.session(login).build()?;
    // [/readme]
    println!("IQM, emulated at {}", iqm.base_url());
    let clock = sandbox.clock();
    use_it(
        &client,
        &session,
        iqm.base_url().as_str(),
        &clock,
        async || {
            println!("  moving the clock past the token's end …");
            clock.advance(Duration::from_secs(36_000));
            Ok(())
        },
    )
    .await?;

    let log = sandbox.log();
    println!("What the vendor saw:");
    for operation in ["iqm.log_in", "iqm.refresh", "iqm.profile", "iqm.log_out"] {
        println!("  {operation:<12} {}", log.count(operation));
    }
    assert_eq!(log.count("iqm.refresh"), 1, "exactly one refresh");
    println!("Exactly one refresh happened, without a call for it.");
    Ok(())
}

pub(crate) async fn live() -> Outcome {
    let base_url = std::env::var("IQM_BASE_URL");
    let base_url =
        base_url.unwrap_or_else(|_| iqm_auth::ClientBuilder::DEFAULT_BASE_URL.to_owned());
    let client = Client::builder(needed("IQM_CLIENT_ID")?, needed("IQM_CLIENT_SECRET")?)
        .base_url(&base_url)
        .build()?;
    let session = client
        .session(Login::password(
            needed("IQM_EMAIL")?,
            needed("IQM_PASSWORD")?,
        ))
        .build()?;
    println!("IQM, live at {base_url}");
    // The vendor's clock cannot be moved: the session is told to renew instead.
    use_it(&client, &session, &base_url, &SystemClock, async || {
        println!("  renewing at once, instead of waiting for the token's end …");
        session.renew().await?;
        Ok(())
    })
    .await
}

async fn use_it(
    client: &Client,
    session: &Session,
    base_url: &str,
    clock: &dyn Clock,
    end_the_token: impl AsyncFnOnce() -> Outcome,
) -> Outcome {
    let profile = format!("{}/api/v3/ua/profile", base_url.trim_end_matches('/'));
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;

    step(1, "a request wants headers, so the session logs in");
    let request = session.authorize(http.get(&profile)).await?;
    let auth_headers = session.auth_headers().await?;
    println!(
        "  token {}, {}",
        auth_headers.fingerprint(),
        ends_in(session.expiry(), clock)
    );

    step(2, "the profile is called with the session's headers");
    let response = request.send().await?.error_for_status()?;
    println!(
        "  {} {}",
        response.status(),
        response.json::<serde_json::Value>().await?["data"]["email"]
    );

    step(3, "the token ends");
    end_the_token().await?;

    step(
        4,
        "the same call again: the session renews by its refresh token first",
    );
    // [readme]
    // Any request to the vendor: with a valid token, and once more if the vendor refuses it.
    let response = session.send(http.get(&profile)).await?.error_for_status()?;
    // [/readme]
    let renewed = session.auth_headers().await?;
    println!(
        "  {} with token {}, {}",
        response.status(),
        renewed.fingerprint(),
        ends_in(session.expiry(), clock)
    );

    step(5, "there is a typed call for it, too");
    let who = client.profile(&renewed).await?;
    println!("  {} in workspace {}", who.email, who.ow_id);

    step(
        6,
        "logging out: the token is no longer valid, here and at the vendor",
    );
    // [readme]
    session.log_out().await?;
    // [/readme]
    println!(
        "  asking for headers now: {}",
        session.headers().await.err().ok_or("headers?")?
    );
    Ok(())
}
