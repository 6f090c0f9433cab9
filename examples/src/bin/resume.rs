//! Log in once with a magic link, and start again without, for months: the token is kept in a file.
//!
//! `cargo run -p examples --bin resume` needs no account and no mailbox: the vendor is the sandbox,
//! and its inbox is read. A token lives 90 days. Each run is a process of its own, which makes one call
//! and exits; the token is renewed by those that run in the last weeks of its life. With `--live` this
//! is one such run against EQ Works, with `EQWORKS_USER`, `EQWORKS_PRODUCT` and `EQWORKS_STAGE` (`dev`
//! or `prod`) from the environment: run it twice. `EQWORKS_BASE_URL` overrides the address.

#![allow(clippy::print_stdout, reason = "an example explains what it does")]

use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use auth_sandbox::{Sandbox, SandboxClock};
use auth_store::FileStore;
use eqworks_auth::clock::{Clock, SystemClock};
use eqworks_auth::{Client, ClientBuilder, ErrorKind, Login, Product, SecretString, Stage};
use examples::{Outcome, address, ends_in, needed, short_lived, step};

/// The word that makes this program one run on the sandbox.
const RUN: &str = "--run";

/// What a run writes before it reads a link from its standard input.
const ASKS: &str = "a mail is sent";

/// The days on which the program runs. The first token ends on day 90, and the second at the latest 90
/// days after the last day of the first.
const DAYS: [u64; 10] = [0, 1, 30, 59, 75, 89, 91, 120, 165, 200];

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [RUN, base_url, folder, user, days] => {
            run_on_the_sandbox(base_url, folder, user, days.parse()?)
        }
        [short_lived::WORD] => short_lived::run(),
        _ => start(),
    }
}

#[tokio::main]
async fn start() -> Outcome {
    examples::run(async || on_the_sandbox(), live).await
}

fn on_the_sandbox() -> Outcome {
    let sandbox = Sandbox::start()?;
    let folder = tempfile::tempdir()?;
    println!("EQ Works, emulated at {}", sandbox.eqworks().base_url());
    let mut today = 0;
    for (number, day) in DAYS.into_iter().enumerate() {
        step(
            u32::try_from(number)? + 1,
            &format!("a process on day {day}"),
        );
        sandbox.clock().advance(days(day - today));
        today = day;
        run_in_a_process(&sandbox, folder.path(), day)?;
    }
    let log = sandbox.log();
    log.assert_count("eqworks.verify", 1);
    let renewals = log.count("eqworks.refresh");
    println!("{} processes, one log-in, {renewals} renewals.", DAYS.len());
    Ok(())
}

/// Starts this program again. The link that it asks for is in the sandbox's inbox.
fn run_in_a_process(sandbox: &Sandbox, folder: &Path, day: u64) -> Outcome {
    let user = sandbox.eqworks().user().email;
    let mut process = Command::new(std::env::current_exe()?)
        .args([RUN, sandbox.eqworks().base_url().as_str()])
        .arg(folder.join("tokens"))
        .args([user, &day.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut answers = process.stdin.take().ok_or("no standard input")?;
    let says = process.stdout.take().ok_or("no standard output")?;
    for line in BufReader::new(says).lines() {
        let line = line?;
        println!("{line}");
        if line.ends_with(ASKS) {
            let mail = sandbox.inbox(user).latest().ok_or("no mail came")?;
            writeln!(answers, "{}", mail.link().ok_or("no link?")?)?;
        }
    }
    match process.wait()? {
        status if status.success() => Ok(()),
        status => Err(format!("the process ended with {status}").into()),
    }
}

/// One run, `day` days after the first.
#[tokio::main]
async fn run_on_the_sandbox(base_url: &str, folder: &str, user: &str, day: u64) -> Outcome {
    let clock = SandboxClock::new();
    clock.advance(days(day));
    let client = Client::builder(Stage::Prod, Product::ATOM)
        .base_url(base_url)
        .clock(clock.clone())
        .build()?;
    let store = FileStore::at(folder);
    run(&client, store, user, &clock, || {
        let mut link = String::new();
        std::io::stdin().read_line(&mut link)?;
        Ok(link.trim().into())
    })
    .await
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
    run(&client, store, &user, &SystemClock, || {
        // Hidden: a person who reads it from the screen could log in.
        let pasted = rpassword::prompt_password("  Paste the magic link or the passcode: ")?;
        Ok(pasted.into())
    })
    .await
}

/// A program that makes one call and exits: with the token from the file, or from a person where there
/// is none.
async fn run(
    client: &Client,
    store: FileStore,
    user: &str,
    clock: &dyn Clock,
    paste: impl FnOnce() -> Result<SecretString, Box<dyn Error>>,
) -> Outcome {
    let session = client
        .session(Login::stored(user))
        .store(store)
        // In the background, a renewal might end with the process.
        .renew_in_foreground()
        .build()?;
    match session.headers().await {
        Ok(_) => println!("  the token was in the file"),
        Err(error) if error.kind() == ErrorKind::InteractionRequired => {
            let pending = client.request_passcode(user).await?;
            println!("  {error}; {ASKS}");
            let token = pending.complete(&paste()?).await?;
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
    Ok(())
}

fn days(days: u64) -> Duration {
    Duration::from_secs(days * 86_400)
}
