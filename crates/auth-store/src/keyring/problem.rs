//! What can be wrong with a keyring, with messages that name the choices.

use std::time::Duration;

use auth_core::Error;
use keyring_core::Error as Cause;

use crate::error::store_error;

#[allow(dead_code, reason = "each platform has only some of them")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// This session has no keyring.
    Unreachable,
    /// It needs a password.
    Locked,
    /// It has no default collection.
    Empty,
    /// The connection to it, or a call, failed.
    Broken,
    /// Two entries have one name.
    Twice,
    /// The token is too long for an entry, which holds this many bytes.
    TooLong(u32),
    /// The process from which this one was forked has used the keyring.
    Forked,
    /// No crate supports this platform.
    Unsupported,
}

impl From<Cause> for Problem {
    /// The cause itself is not kept, because it may hold what was read.
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

/// The choice without a keyring.
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
            "read its log, restart it or unlock it",
        ),
        Problem::Twice => (
            "the keyring has two entries for this token",
            "delete one in the keyring's own program",
        ),
        Problem::TooLong(limit) => {
            return store_error(format!(
                "the token is too long for this keyring, which keeps {limit} bytes: keep tokens in \
                 a FileStore (with an encryption key) or a RedisStore"
            ));
        }
        Problem::Forked => (
            "the keyring was used before this process was forked, and cannot be used in both",
            "use it in the child only, or start the child as a program of its own",
        ),
        Problem::Unsupported => ("this platform has no keyring", "use another platform"),
    };
    store_error(format!("{what}: {choice}, {OTHERWISE}"))
}

pub(super) fn timed_out(waited: Duration) -> Error {
    store_error(format!(
        "the keyring did not answer within {waited:?}: it hangs, or waits for an answer to a \
         prompt; unlock or restart it, {OTHERWISE}"
    ))
}
