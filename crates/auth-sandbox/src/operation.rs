//! Which vendor's which call a request is: the one place that knows all vendors by name.

use axum::http::request::Parts;
use serde_json::Value;

use crate::iqm;

/// The operation of a request that belongs to none.
pub(crate) const UNKNOWN: &str = "unknown";

/// The operation of a request.
pub(crate) fn of(parts: &Parts, body: &[u8]) -> &'static str {
    let Some(path) = parts.uri.path().strip_prefix(iqm::PREFIX) else {
        return UNKNOWN;
    };
    iqm::operation(&parts.method, path, body).unwrap_or(UNKNOWN)
}

/// An error in the shape of the vendor that the path belongs to.
pub(crate) fn error_body(path: &str, text: &str) -> Value {
    if path.starts_with(iqm::PREFIX) {
        iqm::error_body(text)
    } else {
        serde_json::json!({ "error": text })
    }
}

/// Panics unless there is an operation of this name.
#[track_caller]
#[allow(
    clippy::panic,
    reason = "an assertion: a misspelt name makes a test that cannot fail"
)]
pub(crate) fn assert_known(operation: &str) {
    if operation != UNKNOWN && !iqm::OPERATIONS.contains(&operation) {
        let known = iqm::OPERATIONS.join(", ");
        panic!("the sandbox has no operation {operation:?}; there are: {known}, {UNKNOWN}");
    }
}
