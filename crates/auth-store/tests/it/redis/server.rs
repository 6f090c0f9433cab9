//! A redis-server for one test, killed after it.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use auth_store::{RedisStore, RedisStoreBuilder};
use redis::{Connection, FromRedisValue};
use tempfile::TempDir;

/// A server that keeps nothing on disk, so it is empty after each start.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    settings: Vec<String>,
    folder: TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(settings: &[&str]) -> Self {
        let settings: Vec<_> = settings.iter().map(|&it| it.to_owned()).collect();
        let folder = tempfile::tempdir().unwrap();
        // Another process may take the port first.
        for _ in 0..10 {
            let port = free_port();
            if let Some(child) = launch(port, &settings, &folder) {
                return Self {
                    child,
                    port,
                    settings,
                    folder,
                };
            }
        }
        panic!("no redis-server could be started");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn builder(&self) -> RedisStoreBuilder {
        RedisStore::builder(self.url().into())
    }

    pub(crate) fn store(&self) -> RedisStore {
        self.builder().build().unwrap()
    }

    /// A second connection, to see and change what the store cannot.
    pub(crate) fn look(&self) -> Look {
        let client = redis::Client::open(self.url()).unwrap();
        Look(client.get_connection().unwrap())
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same port.
    pub(crate) fn restart(&mut self) {
        self.child = launch(self.port, &self.settings, &self.folder).expect("its port is free");
    }

    /// `STOP`: connections stay open, and nothing is answered. `CONT`: it answers again.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // This also ends a server that is stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// `None` if the server ends before it is ready.
fn launch(port: u16, settings: &[String], folder: &TempDir) -> Option<Child> {
    let mut child = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
        .args(settings)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("redis-server is installed: apt-get install redis-server");
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let is_ready = said.any(|line| line.is_ok_and(|it| it.contains("Ready to accept connections")));
    if is_ready {
        // It would block if its output were not read.
        std::thread::spawn(move || said.for_each(drop));
        return Some(child);
    }
    let _ = child.wait();
    None
}

/// A connection that sees all entries.
pub(crate) struct Look(Connection);

impl Look {
    /// Sends one command, with words separated by spaces.
    pub(crate) fn ask<T: FromRedisValue>(&mut self, words: &str) -> T {
        let mut words = words.split(' ');
        let mut command = redis::cmd(words.next().unwrap());
        for word in words {
            command.arg(word);
        }
        command.query(&mut self.0).unwrap()
    }

    /// The reply to one command, or its error.
    pub(crate) fn says(&mut self, word: &str) -> String {
        let reply: Result<String, _> = redis::cmd(word).query(&mut self.0);
        reply.unwrap_or_else(|error| error.code().unwrap_or_default().to_owned())
    }

    /// Runs a script until it is killed.
    pub(crate) fn endless_script(&mut self) {
        let mut script = redis::cmd("EVAL");
        script.arg("while true do end").arg(0);
        script.query::<String>(&mut self.0).unwrap_err();
    }

    /// The one entry of that sort: `lease`, `token`.
    pub(crate) fn name(&mut self, sort: &str) -> String {
        let names: Vec<String> = self.ask(&format!("KEYS *:{sort}"));
        assert_eq!(names.len(), 1, "{names:?}");
        names.into_iter().next().unwrap()
    }

    /// Waits for a change on a real server with its timers. The server itself lets 10 ms pass
    /// between two checks.
    pub(crate) fn until(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let began = std::time::Instant::now();
        while !is_so(self) {
            assert!(began.elapsed() < Duration::from_secs(20), "never: {what}");
            self.pass(10);
        }
    }

    /// Lets time pass on the server's clock.
    pub(crate) fn pass(&mut self, millis: u32) {
        let seconds = f64::from(millis) / 1000.0;
        let _: Option<(String, String)> = self.ask(&format!("BLPOP nothing-here {seconds}"));
    }
}
