//! A fleet of processes that share one account of IQM through a token store: the workers, and what
//! directs them.
//!
//! A worker is this program started again with `--worker`. It is told what to do line by line on
//! its standard input, and answers with a line of JSON. Its clock is its own, so that a test can
//! let hours pass for all of them at once.

mod worker;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use auth_sandbox::Sandbox;
use serde_json::{Value, json};

pub use self::worker::work;
use crate::Outcome;

/// The word that makes a program a worker.
pub const WORKER: &str = "--worker";

/// A worker, as its director sees it. It is killed when this is dropped.
pub struct Worker {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// What a worker does for as long as it lives.
#[derive(Clone, Debug)]
pub struct Task {
    /// Where the workers' token is kept: a folder, or the address of a Redis server.
    pub store: String,
    /// Whether it keeps the password, and can log in again.
    pub holds_password: bool,
    /// At which step of a renewal it stops for good, so that it can be killed there.
    pub stops: Option<&'static str>,
    /// How long it waits for another worker's renewal.
    pub lease_wait: Duration,
    /// How long a lease of Redis lasts without being extended.
    pub lease_time: Duration,
}

impl Task {
    /// A worker with a password that does not stop.
    pub fn new(store: impl Into<String>) -> Self {
        Self {
            store: store.into(),
            holds_password: true,
            stops: None,
            lease_wait: Duration::from_secs(30),
            lease_time: Duration::from_secs(30),
        }
    }

    fn line(&self, sandbox: &Sandbox) -> String {
        let iqm = sandbox.iqm();
        let password = self.holds_password.then(|| iqm.user().password.to_owned());
        json!({
            "base_url": iqm.base_url().as_str(),
            "client_id": iqm.client_id(),
            "client_secret": iqm.client_secret(),
            "email": iqm.user().email,
            "password": password,
            "store": self.store,
            "stops": self.stops,
            "lease_wait_ms": millis(self.lease_wait),
            "lease_time_ms": millis(self.lease_time),
        })
        .to_string()
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What a worker says of its tasks.
#[derive(Clone, Debug)]
pub struct Report {
    /// How many tasks got a token that the vendor accepts.
    pub valid: u64,
    /// How many got one that it refuses.
    pub refused: u64,
    /// Why the others got none.
    pub failed: Vec<String>,
    /// How many tokens this worker got from the vendor, by log-in or refresh, since its start.
    pub renewals: u64,
    /// The token that it has in the end.
    pub token: String,
    /// The session's state in the end.
    pub state: String,
}

impl Worker {
    /// Starts `program` as a worker of the sandbox's user.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn start(
        program: &Path,
        sandbox: &Sandbox,
        task: &Task,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let mut process = Command::new(program)
            .arg(WORKER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = process.stdin.take().ok_or("no standard input")?;
        let answers = process.stdout.take().ok_or("no standard output")?;
        let mut worker = Self {
            process,
            orders,
            answers: BufReader::new(answers),
        };
        // What is secret goes by this way, which no list of processes shows.
        worker.order(&task.line(sandbox))?;
        Ok(worker)
    }

    /// Lets time pass for the worker, and waits until it has: another one that is ahead could give
    /// it a token of the future. The sandbox's own clock is moved apart from it.
    ///
    /// # Errors
    ///
    /// If it is gone.
    pub fn advance(&mut self, time: Duration) -> Outcome {
        self.order(&format!("advance {}", millis(time)))?;
        let said = self.response()?;
        if said["advanced"].is_null() {
            return Err(format!("it was still busy: {said}").into());
        }
        Ok(())
    }

    /// Has so many tasks ask for headers at once. [`Worker::report`] tells.
    ///
    /// # Errors
    ///
    /// If it is gone.
    pub fn begin(&mut self, tasks: u64) -> Outcome {
        self.order(&format!("use {tasks}"))
    }

    /// Waits until the tasks have ended.
    ///
    /// # Errors
    ///
    /// If the worker is gone, or has stopped on the way.
    pub fn report(&mut self) -> Result<Report, Box<dyn std::error::Error>> {
        let said = self.response()?;
        let number = |name: &str| said[name].as_u64().ok_or(format!("no {name} in {said}"));
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        let failed = said["failed"].as_array().into_iter().flatten();
        Ok(Report {
            valid: number("valid")?,
            refused: number("refused")?,
            failed: failed
                .map(|it| it.as_str().unwrap_or_default().to_owned())
                .collect(),
            renewals: number("renewals")?,
            token: text("token"),
            state: text("state"),
        })
    }

    /// Waits until the worker has stopped where it was told to.
    ///
    /// # Errors
    ///
    /// If it is gone, or has gone past that.
    pub fn stopped(&mut self) -> Outcome {
        let said = self.response()?;
        if said["stopped"].is_null() {
            return Err(format!("it went on: {said}").into());
        }
        Ok(())
    }

    /// Kills the worker, wherever it is.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn kill(mut self) -> Outcome {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    fn order(&mut self, line: &str) -> Outcome {
        writeln!(self.orders, "{line}")?;
        self.orders.flush()?;
        Ok(())
    }

    fn response(&mut self) -> Result<Value, Box<dyn std::error::Error>> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("the worker is gone".into());
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It is gone already, perhaps.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
