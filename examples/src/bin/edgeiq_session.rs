//! `EdgeIQ`: a session that logs in again by itself, and a permanent token that never has to.
//!
//! `cargo run -p examples --bin edgeiq_session` needs no account: the vendor is the sandbox. With
//! `--live` it does the same against `EdgeIQ`, with `EDGEIQ_EMAIL` and `EDGEIQ_PASSWORD` from the
//! environment; without the latter, the password is asked for. `EDGEIQ_BASE_URL` overrides the
//! address.

#![allow(clippy::disallowed_methods, reason = "a program reads its environment")]
#![allow(clippy::print_stdout, reason = "an example explains what it does")]

use std::time::Duration;

use auth_sandbox::Sandbox;
use edgeiq_auth::{Client, ClientBuilder, Lifetime, Login, SecretString, User};
use examples::{Outcome, address, needed};

/// How long the session's tokens are to live.
const LIFETIME: Duration = Duration::from_secs(3_600);

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
        .session_lifetime(LIFETIME)
        .build()?;
    let clock = sandbox.clock();
    use_it(&client, user.email, user.password.into(), async || {
        println!("  moving the clock past the token's end …");
        clock.advance(LIFETIME);
        Ok(())
    })
    .await?;

    println!("6. a permanent token is given anew, and the old one is dead");
    let password = user.password.into();
    let token = client.reset_api_token(user.email, &password).await?;
    println!("  permanent token {}", token.fingerprint());
    let session = client.session(token).build()?;
    clock.advance(Duration::from_secs(365 * 86_400));
    let me = client.me(&session.auth_headers().await?).await?;
    println!("  a year later it is still good for {}", name(&me));

    let log_ins = sandbox.log().count("edgeiq.authenticate");
    assert_eq!(log_ins, 3, "one by hand, one for each of two lifetimes");
    println!("The vendor saw {log_ins} log-ins: one by hand, one for each of two lifetimes.");
    Ok(())
}

async fn live() -> Outcome {
    let base_url = address("EDGEIQ_BASE_URL", ClientBuilder::DEFAULT_BASE_URL);
    println!("EdgeIQ, live at {base_url}");
    let client = Client::builder()
        .base_url(base_url)
        .session_lifetime(LIFETIME)
        .build()?;
    let email = needed("EDGEIQ_EMAIL")?;
    let password = match std::env::var("EDGEIQ_PASSWORD") {
        Ok(password) => password,
        // What is typed is not shown.
        Err(_) => rpassword::prompt_password(format!("Password of {email}: "))?,
    };
    // The vendor's clock cannot be moved. The permanent token stays as it is: programs use it.
    use_it(&client, &email, password.into(), async || {
        println!("  not waiting for it: live, the token is good for an hour");
        Ok(())
    })
    .await
}

async fn use_it(
    client: &Client,
    email: &str,
    password: SecretString,
    end_the_token: impl AsyncFnOnce() -> Outcome,
) -> Outcome {
    println!("1. logging in by hand: a session token for 4 hours, and the user");
    let authenticated = client
        .authenticate(email, &password, Lifetime::Default)
        .await?;
    println!("  token {}", authenticated.token.fingerprint());
    if let Some(permanent) = &authenticated.user.api_token {
        println!("  the user's permanent token: {}", permanent.fingerprint());
    }

    println!("2. a session logs in when it is first used, for an hour");
    let session = client.session(Login::password(email, password)).build()?;
    let auth_headers = session.auth_headers().await?;
    println!("  token {}", auth_headers.fingerprint());

    println!("3. is that token good?");
    let me = client.me(&auth_headers).await?;
    println!("  yes, it is that of {}", name(&me));

    println!("4. the token ends");
    end_the_token().await?;

    println!("5. the session is asked for headers again, and logs in first where that is due");
    let auth_headers = session.auth_headers().await?;
    println!("  token {}", auth_headers.fingerprint());
    client.me(&auth_headers).await?;
    session.log_out().await?;
    Ok(())
}

fn name(user: &User) -> &str {
    user.email.as_deref().unwrap_or("a user without e-mail")
}
