//! A machine for a test: a home of its own, a sandbox, and the program.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use auth_core::{Expiry, StoreKey, Token, TokenStore as _};
use auth_sandbox::Sandbox;
use auth_store::FileStore;
use serde_json::Value;

pub(crate) struct Machine {
    pub(crate) sandbox: Sandbox,
    home: tempfile::TempDir,
}

/// What a run of the program ended with.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// It failed with this code, in two lines.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        let last: Vec<_> = self.err.lines().rev().take(2).collect();
        assert!(
            last[1].starts_with("error: ") && last[0].starts_with(" hint: "),
            "{self:?}"
        );
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self::with(Sandbox::start().unwrap())
    }

    pub(crate) fn with(sandbox: Sandbox) -> Self {
        let home = tempfile::tempdir().unwrap();
        Self { sandbox, home }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.home().join("config/authctl/config.toml")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.home().join("state/authctl")
    }

    /// The program with these words, in an environment without anything of the developer's.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_authctl"));
        command
            .args(words.split_whitespace())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("XDG_CONFIG_HOME", self.home().join("config"))
            .env("XDG_STATE_HOME", self.home().join("state"))
            .env("AUTHCTL_CLIENT_SECRET", self.sandbox.iqm().client_secret())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, words: &str) -> Ended {
        Ended::of(self.command(words).output().unwrap())
    }

    /// Runs it with `text` on stdin.
    pub(crate) fn pipe(&self, words: &str, text: &str) -> Ended {
        let mut command = self.command(words);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A program that needs no input may have ended.
        let _ = stdin.write_all(text.as_bytes());
        drop(stdin);
        Ended::of(child.wait_with_output().unwrap())
    }

    /// Starts it, to be talked with.
    pub(crate) fn start(&self, words: &str) -> Talk {
        Talk::of(self.command(words).stdin(Stdio::piped()).spawn().unwrap())
    }

    /// The words of a log-in of the sandbox's user of this vendor, on a file store.
    pub(crate) fn login(&self, vendor: &str) -> String {
        let words = match vendor {
            "iqm" => {
                let iqm = self.sandbox.iqm();
                let (email, id) = (iqm.user().email, iqm.client_id());
                format!("--email {email} --client-id {id} --password-stdin")
            }
            "edgeiq" => format!(
                "--email {} --password-stdin",
                self.sandbox.edgeiq().user().email
            ),
            "eqworks" => {
                let user = self.sandbox.eqworks().user();
                format!("--email {} --product locus --link-stdin", user.email)
            }
            "identityx" => {
                let identityx = self.sandbox.identityx();
                let (email, id) = (identityx.app_user().email, identityx.application_id());
                format!(
                    "--email {email} --application {id} --auth-url https://app.example.com/in \
                     --link-stdin"
                )
            }
            other => panic!("{other}"),
        };
        format!(
            "login {vendor} --store file --base-url {} {words}",
            self.base_url(vendor)
        )
    }

    pub(crate) fn base_url(&self, vendor: &str) -> String {
        match vendor {
            "iqm" => self.sandbox.iqm().base_url().to_string(),
            "edgeiq" => self.sandbox.edgeiq().base_url().to_string(),
            "eqworks" => self.sandbox.eqworks().base_url().to_string(),
            _ => self.sandbox.identityx().base_url().to_string(),
        }
    }

    /// Logs the sandbox's user of this vendor in.
    #[track_caller]
    pub(crate) fn logged_in(self, vendor: &str) -> Self {
        let words = self.login(vendor);
        match vendor {
            "iqm" => self.pipe(&words, self.sandbox.iqm().user().password).ok(),
            "edgeiq" => self
                .pipe(&words, self.sandbox.edgeiq().user().password)
                .ok(),
            _ => {
                let mut talk = self.start(&words);
                talk.until("valid for");
                let link = self.mailed(vendor);
                talk.say(&link).ok()
            }
        };
        self
    }

    /// The link of the latest mail.
    pub(crate) fn mailed(&self, vendor: &str) -> String {
        let email = match vendor {
            "eqworks" => self.sandbox.eqworks().user().email,
            _ => self.sandbox.identityx().app_user().email,
        };
        let mail = self.sandbox.inbox(email).latest().unwrap();
        mail.link_text().unwrap().to_owned()
    }

    /// The store that `--store file` has.
    pub(crate) fn store(&self) -> FileStore {
        FileStore::at(self.state().join("tokens"))
    }

    /// The one token in the store.
    pub(crate) fn stored(&self) -> (StoreKey, Token) {
        wait(async {
            let store = self.store();
            let keys = store.list().await.unwrap();
            let key = keys
                .into_iter()
                .find(|key| key.vendor != "authctl")
                .unwrap();
            let token = store.load(&key).await.unwrap().unwrap();
            (key, token)
        })
    }

    /// Makes the stored token one that has ended, or will end in a moment; the refresh token stays.
    pub(crate) fn age_to(&self, left: Option<Duration>) {
        let (key, token) = self.stored();
        let now = SystemTime::now();
        let hour = Duration::from_secs(3600);
        let end = left.map_or(now - hour, |left| now + left);
        let mut old = Token::new(token.access().clone(), Expiry::At(end), end - 10 * hour)
            .with_refresh(token.refresh().cloned())
            .with_generation(token.generation() + 1);
        for (name, value) in token.attributes() {
            old = old.with_attribute(name, value);
        }
        let saved = wait(self.store().save(&key, &old)).unwrap();
        assert_eq!(saved, auth_core::SaveOutcome::Saved);
    }
}

pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

/// A program that runs, and waits for input.
pub(crate) struct Talk {
    child: Child,
    err: BufReader<ChildStderr>,
    seen: String,
}

impl Talk {
    fn of(mut child: Child) -> Self {
        let err = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            err,
            seen: String::new(),
        }
    }

    /// Reads what it tells until a line holds `text`, which is returned.
    #[track_caller]
    pub(crate) fn until(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.err.read_line(&mut line).unwrap();
            self.seen.push_str(&line);
            assert!(read > 0, "no {text} in {}", self.seen);
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Sends input to its end, and waits for the program's.
    pub(crate) fn say(mut self, text: &str) -> Ended {
        let mut stdin = self.child.stdin.take().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        drop(stdin);
        self.end()
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        self.err.read_to_string(&mut self.seen).unwrap();
        let mut ended = Ended::of(self.child.wait_with_output().unwrap());
        ended.err = self.seen;
        ended
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Talk {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::of(command.stdin(Stdio::piped()).spawn().unwrap())
    }

    /// Sends one line.
    pub(crate) fn line(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        writeln!(stdin, "{text}").unwrap();
    }
}

/// Runs a command with `text` on stdin.
pub(crate) fn piped(command: &mut Command, text: &str) -> Ended {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that needs no input may have ended.
    let _ = stdin.write_all(text.as_bytes());
    drop(stdin);
    Ended::of(child.wait_with_output().unwrap())
}

pub(crate) fn executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(path, mode).unwrap();
}

impl Talk {
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }
}
