//! Errors of the server, with messages that say what to do.
//!
//! The messages of the library and of the server are not passed on. A server quotes the arguments of
//! a command that it refuses, and a record is one of them.

use std::time::Duration;

use auth_core::Error;
use redis::{ErrorKind as Kind, RedisError};

use crate::error::store_error;

/// For a server that does not answer.
pub(super) fn timed_out(address: &str, waited: Duration) -> Error {
    store_error(format!(
        "redis at {address} did not answer within {waited:?}: it is down, out of reach or overloaded"
    ))
}

/// For a reply that no request of this store has.
pub(super) fn unknown_reply(address: &str) -> Error {
    store_error(format!(
        "the server at {address} is not a redis that this store supports: it needs version 5 or later"
    ))
}

/// Whether the same request may succeed a moment later, perhaps on another connection.
pub(super) fn is_transient(error: &RedisError) -> bool {
    (error.is_io_error() && !error.is_timeout()) || error.code() == Some("LOADING")
}

pub(super) fn explain(error: &RedisError, address: &str) -> Error {
    if error.is_connection_refusal() {
        return store_error(format!(
            "redis at {address} refuses connections: start it, or correct the address"
        ));
    }
    let what = match (error.kind(), error.code()) {
        (Kind::AuthenticationFailed, _) | (_, Some("NOAUTH" | "WRONGPASS")) => {
            "refuses the user or the password: correct them in the URL"
        }
        (_, Some("NOPERM")) => {
            "does not let this user use the store: allow the keys and channels of the prefix, and the \
             commands that the documentation of RedisStore names"
        }
        (_, Some("FOREIGN" | "WRONGTYPE")) => {
            "holds something else under a name of this store, and it was left alone: delete it, or \
             choose another prefix"
        }
        (_, Some("OOM")) => "is out of memory: give it more, or let it evict other entries",
        (_, Some("MISCONF")) => "refuses writes because it cannot save its data: fix its disk",
        (_, Some("READONLY")) => "is a read-only replica: name the primary",
        (_, Some("LOADING")) => "is still loading its data: try later",
        (_, Some("MOVED" | "ASK" | "CLUSTERDOWN" | "CROSSSLOT")) => {
            "is a node of a cluster, and this store needs one server: name one without cluster mode, \
             or a proxy"
        }
        (_, Some("ERR")) => "answered with an error: is it redis 5 or later?",
        (Kind::Io, _) => {
            return store_error(format!(
                "the connection to redis at {address} broke{}: is it redis, does it want TLS \
                 (rediss://), and does it take more clients?",
                io_kind(error).map_or_else(String::new, |kind| format!(" ({kind})")),
            ));
        }
        (Kind::Client | Kind::InvalidClientConfig, _) => {
            "cannot be connected to: is the host name right, and is its certificate trusted?"
        }
        _ => return unknown_reply(address),
    };
    store_error(format!("redis at {address} {what}"))
}

/// Its text is one of a fixed set, unlike the error itself.
fn io_kind(error: &RedisError) -> Option<std::io::ErrorKind> {
    std::error::Error::source(error)?
        .downcast_ref::<std::io::Error>()
        .map(std::io::Error::kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_the_server_is_passed_on() {
        let secret = "d90fa7de-534c-4652-ad8f-c4f6f70461ac";
        let detail = || {
            Some(format!(
                "unknown command, with args beginning with: '{secret}'"
            ))
        };
        for code in ["ERR", "NOPERM", "OOM", "WRONGTYPE", "SOMETHING"] {
            let error = redis::make_extension_error(code.to_owned(), detail());
            assert!(error.to_string().contains(secret), "{error}");
            let shown = explain(&error, "127.0.0.1:6379");
            let shown = format!("{shown} {shown:?}");
            assert!(!shown.contains(secret), "{shown}");
            assert!(shown.contains("127.0.0.1:6379"), "{shown}");
        }
    }

    #[test]
    fn a_cut_connection_is_transient_and_a_refusal_is_not() {
        let cut = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert!(is_transient(&cut.into()));
        let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
        assert!(!is_transient(&late.into()));
        let full = redis::make_extension_error("OOM".to_owned(), None);
        assert!(!is_transient(&full));
    }
}
