//! What went wrong with the server, in words that say what to do.
//!
//! The library's and the server's own texts are not passed on: a server quotes the arguments of a
//! command that it does not like, and a record is one of them.

use std::time::Duration;

use auth_core::{Error, ErrorKind};
use redis::{ErrorKind as Kind, RedisError};

/// An error of the store.
pub(super) fn fault(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Store, message)
}

/// For a server that says nothing at all.
pub(super) fn silence(address: &str, waited: Duration) -> Error {
    fault(format!(
        "redis at {address} did not answer within {waited:?}: it is down, out of reach or overloaded"
    ))
}

/// For an answer that none of our requests has.
pub(super) fn nonsense(address: &str) -> Error {
    fault(format!(
        "what answers at {address} is no redis that this store understands: version 5 is the least"
    ))
}

/// Whether the same request may succeed a moment later, on another connection perhaps.
pub(super) fn is_passing(error: &RedisError) -> bool {
    (error.is_io_error() && !error.is_timeout()) || error.code() == Some("LOADING")
}

pub(super) fn explain(error: &RedisError, address: &str) -> Error {
    if error.is_connection_refusal() {
        return fault(format!(
            "redis at {address} refuses connections: start it, or correct the address"
        ));
    }
    let what = match (error.kind(), error.code()) {
        (Kind::AuthenticationFailed, _) | (_, Some("NOAUTH" | "WRONGPASS")) => {
            "refuses the user or the password: correct them in the URL"
        }
        (_, Some("NOPERM")) => {
            "does not let this user use the store: allow it the keys and channels of the prefix, and \
             the commands that the documentation of RedisStore names"
        }
        (_, Some("FOREIGN" | "WRONGTYPE")) => {
            "holds something else under a name of this store, and it was left alone: delete it, or \
             choose another prefix"
        }
        (_, Some("OOM")) => "is out of memory: give it more, or let it evict what can be spared",
        (_, Some("MISCONF")) => "refuses writes, since it cannot save its data: mend its disk",
        (_, Some("READONLY")) => "is a read-only replica: name the primary",
        (_, Some("LOADING")) => "is still loading its data: try later",
        (_, Some("MOVED" | "ASK" | "CLUSTERDOWN" | "CROSSSLOT")) => {
            "is a node of a cluster, and this store speaks to one server: name one without cluster \
             mode, or a proxy"
        }
        (_, Some("ERR")) => "answered with an error: is it redis 5 or later?",
        (Kind::Io, _) => {
            return fault(format!(
                "the connection to redis at {address} broke{}: is it redis, does it want TLS \
                 (rediss://), and does it take more clients?",
                io_kind(error).map_or_else(String::new, |kind| format!(" ({kind})")),
            ));
        }
        (Kind::Client | Kind::InvalidClientConfig, _) => {
            "cannot be connected to: is the host name right, and is its certificate trusted?"
        }
        _ => return nonsense(address),
    };
    fault(format!("redis at {address} {what}"))
}

/// Of a fixed set of texts, unlike the error itself.
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
    fn a_cut_connection_is_passing_and_a_refusal_is_not() {
        let cut = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert!(is_passing(&cut.into()));
        let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
        assert!(!is_passing(&late.into()));
        let full = redis::make_extension_error("OOM".to_owned(), None);
        assert!(!is_passing(&full));
    }
}
