//! From the command line to a server that runs.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::{env, io};

use tokio::net::TcpListener;

use super::app::App;
use super::options::{self, Command, HELP, Options};
use crate::exchange;

/// What the program `auth-sandbox` does.
pub fn main() -> ExitCode {
    let outcome = match options::parse(lexopt::Parser::from_env()) {
        Ok(Command::Help) => print(HELP),
        Ok(Command::Version) => print(concat!("auth-sandbox ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Command::Run(options)) => run(options),
        Err(error) => Err(format!("{error}; see auth-sandbox --help").into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "auth-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

type Outcome = Result<(), Box<dyn Error>>;

fn run(options: Options) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(serve(options));
    // Held calls and open streams are not waited for.
    runtime.shutdown_background();
    outcome
}

async fn serve(options: Options) -> Outcome {
    let listener = TcpListener::bind(options.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", options.listen))?;
    let app = Arc::new(App::new(options, listener.local_addr()?)?);
    print(&app.greeting())?;
    let answer = move |parts, body, connection| Arc::clone(&app).answer(parts, body, connection);
    tokio::select! {
        () = exchange::serve(listener, answer) => {}
        outcome = interrupted() => outcome?,
    }
    Ok(())
}

/// Completes when the program is asked to end. As the first process of a container it would ignore
/// both signals otherwise.
#[cfg(unix)]
async fn interrupted() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => outcome,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn interrupted() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

fn print(text: &str) -> Outcome {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
