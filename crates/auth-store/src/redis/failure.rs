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

/// Two errors without a code of their own.
const NO_DATABASE: &str = "ERR DB";
const TOO_MANY_CLIENTS: &str = "ERR CLIENTS";

/// What the texts begin with that come with the code `ERR`, in lower case: of the server itself, and of
/// the library, which gives this code to every error at the choice of a database.
const TEXTS: [(&str, &str); 9] = [
    ("db index is out of range", NO_DATABASE),
    ("invalid db index", NO_DATABASE),
    ("select is not allowed in cluster mode", "CROSSSLOT"),
    ("max number of clients reached", TOO_MANY_CLIENTS),
    // In a script, a right that is missing has no code.
    ("the user executing the script can't", "NOPERM"),
    ("this user has no permissions", "NOPERM"),
    ("user ", "NOPERM"),
    ("redis is busy running", "BUSY"),
    ("link with master is down", "MASTERDOWN"),
];

/// The code of the server's error, of the first one if there were several commands. Servers before
/// version 7 put that of a command in a script into the text:
/// `ERR Error running script (call to …): @user_script:9: -OOM command not allowed …`.
fn code(error: &RedisError) -> Option<String> {
    let errors = error.clone().into_server_errors();
    let (code, text) = match errors.as_deref() {
        Some([(_, first), ..]) => (first.code(), first.details()),
        _ => (error.code()?, error.detail()),
    };
    let Some(text) = text.filter(|_| code == "ERR") else {
        return Some(code.to_owned());
    };
    let in_script = text.strip_prefix("Error running script");
    let inner = in_script.and_then(|text| text.split_once(": -")?.1.split_once(' '));
    Some(match inner {
        Some(("ERR", text)) => coded(text).to_owned(),
        Some((code, _)) => code.to_owned(),
        None => coded(text).to_owned(),
    })
}

fn coded(text: &str) -> &'static str {
    let text = text.to_ascii_lowercase();
    let found = TEXTS.iter().find(|(begin, _)| text.starts_with(begin));
    found.map_or("ERR", |(_, code)| code)
}

pub(super) fn explain(error: &RedisError, address: &str) -> Error {
    if error.is_connection_refusal() {
        return store_error(format!(
            "redis at {address} refuses connections: start it, or correct the address"
        ));
    }
    let what = match (error.kind(), code(error).as_deref()) {
        (Kind::AuthenticationFailed, _) | (_, Some("NOAUTH" | "WRONGPASS")) => {
            "refuses the user or the password: correct them in the URL"
        }
        (_, Some("NOPERM")) => {
            "does not let this user use the store: allow the keys and channels of the prefix, and the \
             commands that the documentation of RedisStore names"
        }
        (_, Some("NOREPLICAS")) => {
            "refuses writes because too few of its replicas are connected: start them, or change \
             min-replicas-to-write"
        }
        (_, Some("BUSY")) => {
            "is busy with a script or a function of another program: wait, or end it by SCRIPT KILL or \
             FUNCTION KILL"
        }
        (_, Some("MASTERDOWN")) => {
            "is a replica that has lost its primary: name the primary, or try later"
        }
        (_, Some("DENIED")) => {
            "is in protected mode and takes no clients from other machines: set a password there"
        }
        (_, Some(NO_DATABASE)) => {
            "has no database of that number: correct the number at the end of the URL"
        }
        (_, Some(TOO_MANY_CLIENTS)) => "takes no more clients: close some, or raise maxclients",
        (_, Some("FOREIGN" | "WRONGTYPE")) => {
            "holds something else under a name of this store, and it was left alone: delete it, or \
             choose another prefix"
        }
        (_, Some("OOM")) => "is out of memory: give it more, or let it evict other entries",
        (_, Some("MISCONF")) => "refuses writes because it cannot save its data: fix its disk",
        (_, Some("READONLY")) => "is a read-only replica: name the primary",
        (_, Some("LOADING")) => "is still loading its data: try later",
        (_, Some("MOVED" | "ASK" | "CLUSTERDOWN" | "CROSSSLOT" | "TRYAGAIN")) => {
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
    fn each_refusal_of_the_server_has_a_message_of_its_own() {
        for (code, detail, said) in [
            (
                "NOPERM",
                "this user has no permissions",
                "does not let this user",
            ),
            (
                "ERR",
                "The user executing the script can't run this",
                "does not let this user",
            ),
            (
                "ERR",
                "User app has no permissions to run",
                "does not let this user",
            ),
            (
                "NOREPLICAS",
                "Not enough good replicas",
                "min-replicas-to-write",
            ),
            ("BUSY", "Redis is busy running a script.", "SCRIPT KILL"),
            ("ERR", "Redis is busy running a script.", "SCRIPT KILL"),
            ("MASTERDOWN", "Link with MASTER is down", "lost its primary"),
            (
                "ERR",
                "DB index is out of range",
                "no database of that number",
            ),
            ("ERR", "invalid DB index", "no database of that number"),
            (
                "ERR",
                "SELECT is not allowed in cluster mode",
                "a node of a cluster",
            ),
            (
                "ERR",
                "max number of clients reached",
                "takes no more clients",
            ),
            (
                "DENIED",
                "Redis is running in protected mode",
                "protected mode",
            ),
            ("CLUSTERDOWN", "Hash slot not served", "a node of a cluster"),
            (
                "ERR",
                "Error running script (call to f_0): @user_script:9: @user_script: 9: -OOM command \
                 not allowed",
                "out of memory",
            ),
            (
                "ERR",
                "Error running script (call to f_0): @user_script:9: @user_script: 9: -NOREPLICAS Not",
                "min-replicas-to-write",
            ),
            (
                "ERR",
                "Error running script (call to f_0): @user_script:9: @user_script: 9: -ERR The user \
                 executing the script can't run this command",
                "does not let this user",
            ),
            ("ERR", "unknown command", "is it redis 5 or later?"),
        ] {
            let error = redis::make_extension_error(code.to_owned(), Some(detail.to_owned()));
            let shown = explain(&error, "127.0.0.1:6379").to_string();
            assert!(shown.contains(said), "{code} {detail}: {shown}");
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
