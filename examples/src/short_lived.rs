//! A program that starts, wants a token of IQM and exits, in all ways in which a program may: what runs
//! in it, and who starts it.
//!
//! It is told what to do by a line of JSON on its standard input.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use auth_sandbox::{Sandbox, SandboxClock};
use auth_store::FileStore;
use iqm_auth::http::RetryPolicy;
use iqm_auth::{Client, Login, Session, State};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::Outcome;

/// The word that makes a program this one.
pub const WORD: &str = "--short-lived";

/// What the program does before it exits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Makes a call, with headers that were renewed in the foreground.
    Call,
    /// Begins a renewal, and leaves `main` without a runtime.
    Thread,
    /// The same, from a runtime of several threads.
    Runtime,
    /// The same, from a runtime of one thread.
    RuntimeOfOneThread,
    /// The same, where a task has dropped the last handle.
    Task,
    /// The handle is in a `static`, and the program ends by `exit`, after `settled_blocking`.
    Exit,
    /// As `Thread`, without the wait that a drop makes: this may lose the token.
    Careless,
}

impl Way {
    /// Those that exit in the middle of a renewal and lose nothing.
    pub const EXITS: [Self; 5] = [
        Self::Thread,
        Self::Runtime,
        Self::RuntimeOfOneThread,
        Self::Task,
        Self::Exit,
    ];

    const ALL: [Self; 7] = [
        Self::Call,
        Self::Thread,
        Self::Runtime,
        Self::RuntimeOfOneThread,
        Self::Task,
        Self::Exit,
        Self::Careless,
    ];
}

/// What became of the program.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// It has exited as it should.
    pub well: bool,
    /// The renewal was under way when it began to exit.
    pub while_renewing: bool,
}

/// The program, as who starts it sees it.
pub struct Process(Child);

impl Process {
    /// Starts `program` as a user of the sandbox: `elapsed` after the sandbox has started, with its
    /// token in `folder`. It begins to exit `after` its renewal has begun.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn start(
        program: &Path,
        sandbox: &Sandbox,
        folder: &Path,
        elapsed: Duration,
        (way, after): (Way, Duration),
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let iqm = sandbox.iqm();
        let task = json!({
            "base_url": iqm.base_url().as_str(),
            "client_id": iqm.client_id(),
            "client_secret": iqm.client_secret(),
            "email": iqm.user().email,
            "folder": folder,
            "elapsed": elapsed.as_secs(),
            "way": format!("{way:?}"),
            "after": after.as_micros(),
        });
        let mut process = Command::new(program)
            .arg(WORD)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = process.stdin.as_mut().ok_or("no standard input")?;
        writeln!(orders, "{task}")?;
        Ok(Self(process))
    }

    /// Lets it exit, and waits until it has.
    ///
    /// # Errors
    ///
    /// If the system gives no answer.
    pub fn exit(self) -> Result<Ended, Box<dyn std::error::Error>> {
        // This ends its standard input.
        let output = self.0.wait_with_output()?;
        Ok(Ended {
            well: output.status.success(),
            while_renewing: output.stdout.starts_with(b"renewing"),
        })
    }
}

/// The program.
///
/// # Errors
///
/// If it has no token, or is told something that it does not understand.
pub fn run() -> Outcome {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let task: Value = serde_json::from_str(&line)?;
    let way = Way::ALL
        .into_iter()
        .find(|way| task["way"] == format!("{way:?}"));
    let way = way.ok_or("which way?")?;
    let after = Duration::from_micros(task["after"].as_u64().unwrap_or_default());
    let (client, session) = session(&task, way)?;
    match way {
        Way::Call => Runtime::new()?.block_on(async {
            session.headers().await?;
            client.profile(&session.auth_headers().await?).await?;
            Ok(())
        }),
        Way::Thread | Way::Careless => {
            session.headers_blocking()?;
            wait(&session, after);
            Ok(())
        }
        Way::Runtime => Runtime::new()?.block_on(begin(session, after)),
        Way::RuntimeOfOneThread => Builder::new_current_thread()
            .build()?
            .block_on(begin(session, after)),
        Way::Task => Runtime::new()?.block_on(async {
            tokio::spawn(async move { begin(session, after).await.map_err(|it| it.to_string()) })
                .await??;
            Ok(())
        }),
        Way::Exit => {
            static SESSION: OnceLock<Session> = OnceLock::new();
            let session = SESSION.get_or_init(|| session);
            session.headers_blocking()?;
            wait(session, after);
            let settled = session.settled_blocking(Duration::from_secs(10))?;
            std::process::exit(i32::from(!settled));
        }
    }
}

/// Gets the headers of a token that is due: its renewal begins in the background. Drops the session.
async fn begin(session: Session, after: Duration) -> Outcome {
    session.headers().await?;
    wait(&session, after);
    Ok(())
}

/// Says whether the renewal is under way when the program begins to exit.
fn wait(session: &Session, after: Duration) {
    std::thread::sleep(after);
    // Until it may.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    let is_renewing = session.state() == State::Renewing;
    println!("{}", if is_renewing { "renewing" } else { "done" });
}

fn session(task: &Value, way: Way) -> Result<(Client, Session), Box<dyn std::error::Error>> {
    let text = |name: &str| task[name].as_str().ok_or(format!("no {name}"));
    let clock = SandboxClock::new();
    clock.advance(Duration::from_secs(
        task["elapsed"].as_u64().unwrap_or_default(),
    ));
    let client = Client::builder(text("client_id")?, text("client_secret")?)
        .base_url(text("base_url")?)
        .clock(clock)
        .http(|http| http.retry(RetryPolicy::default().pauses(Duration::ZERO, Duration::ZERO)))
        .build()?;
    let session = client
        .session(Login::stored(text("email")?))
        .store(FileStore::at(text("folder")?));
    let session = match way {
        Way::Call => session.renew_in_foreground(),
        Way::Careless => session.wait_on_drop(Duration::ZERO),
        _ => session,
    };
    Ok((client, session.build()?))
}
