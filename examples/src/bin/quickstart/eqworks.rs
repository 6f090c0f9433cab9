//! EQ Works: a passcode by e-mail, and a 90-day token that is renewed weeks before its end.

use std::time::Duration;

use auth_sandbox::Sandbox;
use eqworks_auth::{Client, Product, Stage, State};
use examples::{Outcome, ends_in, step};

/// Between two thirds of the token's life and its end.
const LATE: Duration = Duration::from_secs(75 * 24 * 60 * 60);

pub(crate) async fn on_the_sandbox() -> Outcome {
    let sandbox = Sandbox::start()?;
    let (eqworks, clock) = (sandbox.eqworks(), sandbox.clock());
    let client = Client::builder(Stage::Prod, Product::LOCUS)
        .base_url(eqworks.base_url())
        .clock(clock.clone())
        .build()?;
    let user = eqworks.user().email;
    println!("\nEQ Works, emulated at {}", eqworks.base_url());

    step(1, "EQ Works mails the user a passcode and a magic link");
    let pending = client.request_passcode(user).await?;
    println!("  {} looks into the mailbox", pending.user());

    step(2, "the user pastes one of them");
    let mail = sandbox.inbox(user).latest().ok_or("no mail came")?;
    let link = mail.link().ok_or("the mail has no link")?.to_string();
    let token = pending.complete(&link.into()).await?;
    println!("  token {}", token.fingerprint());

    step(3, "a session puts it on every call");
    let session = client.session(token).build()?;
    let confirmed = client.confirm(&session.auth_headers().await?).await?;
    println!(
        "  confirmed for {}, {}",
        confirmed.user,
        ends_in(session.expiry(), &clock)
    );

    step(
        4,
        "75 days later a call begins the renewal, and does not wait for it",
    );
    clock.advance(LATE);
    let before = session.auth_headers().await?;
    println!("  called with {}", before.fingerprint());
    let mut states = session.states();
    while states.next().await.ok_or("the session is gone")? != State::Fresh {}
    println!(
        "  from now on with {}, {}",
        session.auth_headers().await?.fingerprint(),
        ends_in(session.expiry(), &clock)
    );
    sandbox.log().assert_count("eqworks.refresh", 1);
    println!("Exactly one refresh happened, and no person had to look into a mailbox.");
    Ok(())
}
