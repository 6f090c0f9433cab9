//! A request as a person pastes it elsewhere: as a call of curl, and as a test in Rust.

use std::fmt::Write as _;

use super::mask::Mask;
use crate::log::Entry;

/// Headers that the client's library sends by itself.
const OWN: [&str; 6] = [
    "host",
    "content-length",
    "accept-encoding",
    "connection",
    "transfer-encoding",
    "user-agent",
];

fn headers(entry: &Entry, mask: &Mask) -> Vec<(String, String)> {
    let mut headers = mask.headers(&entry.sent.headers);
    headers.retain(|(name, _)| !OWN.contains(&name.as_str()));
    headers
}

/// For a POSIX shell.
pub(super) fn curl(entry: &Entry, mask: &Mask, origin: &str) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let url = format!("{origin}{}", mask.target(entry));
    let mut curl = format!(
        "curl --include --globoff --request {} {}",
        entry.method,
        quoted(&url)
    );
    for (name, value) in headers(entry, mask) {
        // Writing to a string cannot fail.
        let _ = write!(
            curl,
            " \\\n  --header {}",
            quoted(&format!("{name}: {value}"))
        );
    }
    let body = mask.body(&entry.sent);
    if !body.is_empty() {
        let _ = write!(curl, " \\\n  --data-raw {}", quoted(&body));
    }
    curl
}

/// With this crate, reqwest and Tokio.
pub(super) fn rust(entry: &Entry, mask: &Mask) -> String {
    let Entry {
        operation, method, ..
    } = entry;
    let name = operation.replace('.', "_");
    let method = method.to_ascii_uppercase();
    let target = mask.target(entry);
    let mut rust = format!(
        "#[tokio::test]\n\
         async fn {name}() {{\n    \
             let sandbox = auth_sandbox::Sandbox::start().unwrap();\n    \
             let url = format!(\"http://{{}}{{}}\", sandbox.address(), {target:?});\n    \
             let request = reqwest::Client::new()\n        \
                 .request(reqwest::Method::from_bytes(b\"{method}\").unwrap(), url)"
    );
    for (name, value) in headers(entry, mask) {
        let _ = write!(rust, "\n        .header({name:?}, {value:?})");
    }
    let body = mask.body(&entry.sent);
    if !body.is_empty() {
        let _ = write!(rust, "\n        .body({body:?})");
    }
    rust.push_str(";\n    let response = request.send().await");
    match entry.status() {
        Some(status) => {
            let _ = write!(
                rust,
                ".unwrap();\n    assert_eq!(response.status().as_u16(), {status});"
            );
        }
        None => rust.push_str(";\n    assert!(response.is_err());"),
    }
    let _ = write!(
        rust,
        "\n    sandbox.log().assert_count({operation:?}, 1);\n}}\n"
    );
    rust
}
