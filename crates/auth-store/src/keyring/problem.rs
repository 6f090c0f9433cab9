//! What can be wrong with a keyring, in words that name the choices.

use std::time::Duration;

use auth_core::{Error, ErrorKind};
use keyring_core::Error as Cause;

/// What is wrong.
#[allow(dead_code, reason = "each platform has some of them only")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// There is none in this session.
    Unreachable,
    /// It wants a password.
    Locked,
    /// It has no place to which entries go.
    Empty,
    /// The connection to it, or a call, failed.
    Broken,
    /// Two entries have one name.
    Twice,
    /// The token is too long for an entry; so many bytes fit.
    TooLong(u32),
    /// A platform that no crate is for.
    Unsupported,
}

impl From<Cause> for Problem {
    /// The cause itself is not kept: it may hold what was read.
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::PlatformFailure(cause) => {
                tracing::debug!(%cause, "the keyring failed");
                Self::Broken
            }
            Cause::NoStorageAccess(_) => Self::Locked,
            Cause::Ambiguous(_) => Self::Twice,
            Cause::TooLong(_, limit) => Self::TooLong(limit),
            _ => Self::Broken,
        }
    }
}

pub(super) fn fault(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Store, message)
}

/// What is left where a keyring cannot be had.
const OTHERWISE: &str = "or keep tokens in a FileStore (with an encryption key) or a RedisStore";

pub(super) fn explain(problem: Problem) -> Error {
    let (what, choice) = match problem {
        Problem::Unreachable => (
            "there is no keyring in this session",
            "start one (a Secret Service such as gnome-keyring-daemon, KWallet or KeePassXC, and \
             DBUS_SESSION_BUS_ADDRESS must name its bus)",
        ),
        Problem::Locked => (
            "the keyring is locked",
            "unlock it (log in to the desktop, use the keyring's own program, or pass its password \
             to `gnome-keyring-daemon --unlock`)",
        ),
        Problem::Empty => (
            "the keyring has no default collection",
            "make one in the keyring's own program (`gnome-keyring-daemon --unlock` does, too)",
        ),
        Problem::Broken => (
            "the keyring failed",
            "look into its log, restart it or unlock it",
        ),
        Problem::Twice => (
            "the keyring has two entries for this token",
            "delete one in the keyring's own program",
        ),
        Problem::TooLong(limit) => {
            return fault(format!(
                "the token is too long for this keyring, which keeps {limit} bytes: keep tokens in \
                 a FileStore (with an encryption key) or a RedisStore"
            ));
        }
        Problem::Unsupported => ("this platform has no keyring", "use another platform"),
    };
    fault(format!("{what}: {choice}, {OTHERWISE}"))
}

pub(super) fn silence(waited: Duration) -> Error {
    fault(format!(
        "the keyring did not answer within {waited:?}: it hangs, or shows a prompt that nobody \
         answers; unlock or restart it, {OTHERWISE}"
    ))
}
