//! One renewal for all processes of a machine that want the same one: those that waited get its outcome, a
//! failure too. (The store's lease would let them try one after the other.)

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use auth_core::{ErrorKind, Token};
use fs4::FileExt;
use serde_json::{Value, json};

use crate::error::{Failure, Kind};
use crate::profile::state_directory;

/// How long to wait for the others. Then the store's lease decides.
const LIMIT: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_millis(10);

/// How long it is remembered that only a log-in helps. Vendors have refused good tokens during an outage.
const MEMORY: Duration = Duration::from_secs(600);

/// The right to renew, as far as this program's processes are concerned.
pub(crate) struct Turn {
    /// None where the file cannot be used: then there is no queue.
    file: Option<File>,
    since: SystemTime,
}

impl Turn {
    /// Waits for the processes that renew the token of this profile.
    pub(crate) fn wait(profile: &str) -> Self {
        let since = SystemTime::now();
        let file = open(profile).filter(|file| {
            let end = Instant::now() + LIMIT;
            loop {
                match FileExt::try_lock(file) {
                    Ok(()) => return true,
                    Err(_) if Instant::now() >= end => return false,
                    Err(_) => std::thread::park_timeout(PAUSE),
                }
            }
        });
        Self { file, since }
    }

    /// How the renewal of this token failed for the process before, if that is an answer for this one.
    pub(crate) fn earlier(&mut self, token: &Token) -> Option<Failure> {
        let file = self.file.as_mut()?;
        let mut text = String::new();
        file.rewind().ok()?;
        file.read_to_string(&mut text).ok()?;
        let noted: Value = serde_json::from_str(&text).ok()?;
        if noted["token"] != id(token) {
            return None;
        }
        let kind = Kind::of_name(noted["kind"].as_str()?)?;
        let at = UNIX_EPOCH + Duration::from_millis(noted["at"].as_u64()?);
        let age = SystemTime::now().duration_since(at).ok()?;
        let is_final = kind.exit_code() == 4 && age < MEMORY;
        (is_final || at >= self.since).then(|| {
            let wait = noted["retry_after"].as_u64().map(Duration::from_secs);
            Failure::new(kind, noted["message"].as_str().unwrap_or_default()).after(wait)
        })
    }

    /// Tells those that wait how the renewal failed.
    pub(crate) fn note(&mut self, token: &Token, failure: &Failure) {
        let at = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let noted = json!({
            "token": id(token),
            "kind": failure.kind().name(),
            "message": failure.what(),
            "retry_after": failure.retry_after().map(|wait| wait.as_secs()),
            "at": u64::try_from(at.as_millis()).unwrap_or(u64::MAX),
        });
        if let Some(file) = &mut self.file {
            // Without it the others find out for themselves.
            let _ = file
                .set_len(0)
                .and_then(|()| file.rewind())
                .and_then(|()| file.write_all(noted.to_string().as_bytes()));
        }
    }
}

/// Tells a token from others, and nothing of it.
fn id(token: &Token) -> String {
    format!("{} {}", token.fingerprint(), token.generation())
}

fn open(profile: &str) -> Option<File> {
    let directory = state_directory().ok()?.join("renewals");
    fs::create_dir_all(&directory).ok()?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(directory.join(profile)).ok()
}

/// Whether the failure says something of the token, and not of this process's settings alone.
pub(crate) fn is_shared(failure: &Failure) -> bool {
    !matches!(
        failure.kind(),
        Kind::Usage
            | Kind::Other
            | Kind::Auth(
                ErrorKind::InvalidConfig | ErrorKind::InvalidCredentials | ErrorKind::Store
            )
    )
}
