//! Why no response came: the HTTP library's errors, in words that name no address and no secret.

use std::error::Error as StdError;
use std::io;

use crate::{Error, ErrorKind};

/// What stands in an error of the HTTP, TLS or proxy library, and what it means. In this order: some of them stand in
/// one text together.
const REASONS: [(&str, &str); 18] = [
    (
        "proxy authorization required",
        "the proxy asks for a log-in (status 407)",
    ),
    (
        "failed to create underlying connection",
        "the proxy cannot be reached",
    ),
    (
        "tunnel error: unsuccessful",
        "the proxy refused to connect to the host",
    ),
    ("tunnel error", "the proxy gave no connection"),
    ("dns error", "the host name cannot be resolved"),
    (
        "unknownissuer",
        "the server's certificate is from an unknown issuer",
    ),
    (
        "self-signed certificate",
        "the server's certificate is from an unknown issuer",
    ),
    (
        "self signed certificate",
        "the server's certificate is from an unknown issuer",
    ),
    (
        "local issuer certificate",
        "the server's certificate is from an unknown issuer",
    ),
    (
        "not valid for name",
        "the server's certificate is for another host name",
    ),
    (
        "notvalidforname",
        "the server's certificate is for another host name",
    ),
    (
        "ip address mismatch",
        "the server's certificate is for another host name",
    ),
    (
        "hostname mismatch",
        "the server's certificate is for another host name",
    ),
    (
        "certificate expired",
        "the server's certificate has expired",
    ),
    (
        "certificate has expired",
        "the server's certificate has expired",
    ),
    ("certificate", "the server's certificate was refused"),
    ("corrupt message", "the server does not speak tls"),
    ("wrong version number", "the server does not speak tls"),
];

/// Why no response came.
pub(super) fn error_of(error: reqwest::Error) -> Error {
    let (kind, message) = if error.is_builder() {
        (ErrorKind::InvalidConfig, "the request could not be built")
    } else if error.is_connect() {
        (ErrorKind::Unavailable, "no connection could be made")
    } else if error.is_timeout() {
        (ErrorKind::Unavailable, "no response within the time limit")
    } else {
        (
            ErrorKind::Unavailable,
            "the connection broke before the response was complete",
        )
    };
    // Its URL may hold a secret in the path or the query.
    let error = error.without_url();
    let reason = (kind == ErrorKind::Unavailable).then(|| reason(&error));
    let message = match reason.flatten() {
        Some(reason) => format!("{message}: {reason}"),
        None => message.to_owned(),
    };
    Error::new(kind, message).with_source(error)
}

/// What the causes of `error` say, in words of this crate: those of a library may hold an address.
fn reason(error: &reqwest::Error) -> Option<String> {
    let causes = || std::iter::successors(error.source(), |&cause| cause.source());
    let texts: Vec<_> = causes()
        .map(|it| it.to_string().to_ascii_lowercase())
        .collect();
    let known = REASONS
        .iter()
        .find(|(part, _)| texts.iter().any(|text| text.contains(part)));
    if let Some((_, reason)) = known {
        return Some((*reason).to_owned());
    }
    if error.is_connect() && error.is_timeout() {
        return Some("no answer within the time limit".to_owned());
    }
    let kinds = causes().filter_map(|cause| Some(cause.downcast_ref::<io::Error>()?.kind()));
    let kind = kinds.last().filter(|kind| *kind != io::ErrorKind::Other)?;
    Some(kind.to_string())
}
