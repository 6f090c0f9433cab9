//! Which vendor's which call a request is: the one place that knows all vendors by name.

use axum::Router;
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde_json::{Value, json};

use crate::answer::{Content, Refusal};
use crate::{edgeiq, eqworks, identityx, iqm};

/// The operation of a request that belongs to none.
pub(crate) const UNKNOWN: &str = "unknown";

/// What each vendor answers with.
pub(crate) struct Routers {
    pub(crate) iqm: Router,
    pub(crate) edgeiq: Router,
    pub(crate) eqworks: Router,
    pub(crate) identityx: Router,
}

impl Routers {
    /// The router of the vendor that the path belongs to.
    pub(crate) fn of(&self, path: &str) -> Option<Router> {
        if path.starts_with(iqm::PREFIX) {
            Some(self.iqm.clone())
        } else if path.starts_with(edgeiq::PREFIX) {
            Some(self.edgeiq.clone())
        } else if path.starts_with(eqworks::PREFIX) {
            Some(self.eqworks.clone())
        } else if path.starts_with(identityx::PREFIX) {
            Some(self.identityx.clone())
        } else {
            None
        }
    }
}

/// The operation of a request.
pub(crate) fn of(parts: &Parts, body: &[u8]) -> &'static str {
    let (method, path) = (&parts.method, parts.uri.path());
    let found = if let Some(path) = path.strip_prefix(iqm::PREFIX) {
        iqm::operation(method, path, body)
    } else if let Some(path) = path.strip_prefix(edgeiq::PREFIX) {
        edgeiq::operation(method, path)
    } else if let Some(path) = path.strip_prefix(eqworks::PREFIX) {
        eqworks::operation(method, path)
    } else if let Some(path) = path.strip_prefix(identityx::PREFIX) {
        identityx::operation(method, path, body)
    } else {
        None
    };
    found.unwrap_or(UNKNOWN)
}

/// An error in the shape of the vendor that the path belongs to.
pub(crate) fn error_body(path: &str, status: StatusCode, text: &str) -> Value {
    if path.starts_with(iqm::PREFIX) {
        iqm::error_body(text)
    } else if path.starts_with(edgeiq::PREFIX) {
        edgeiq::error_body(text)
    } else if path.starts_with(eqworks::PREFIX) {
        eqworks::error_body(status, text)
    } else if path.starts_with(identityx::PREFIX) {
        identityx::error_body(text)
    } else {
        json!({ "error": text })
    }
}

/// The answer where no vendor lives.
pub(crate) fn no_vendor() -> Refusal {
    let prefixes = [
        iqm::PREFIX,
        edgeiq::PREFIX,
        eqworks::PREFIX,
        identityx::PREFIX,
    ]
    .join(", ");
    Refusal {
        status: StatusCode::NOT_FOUND,
        body: Content::Json(json!({ "error": "Not found." })),
        hint: format!("no such path; the vendors live below {prefixes}"),
    }
}

/// The operations of all vendors.
pub(crate) fn all() -> Vec<&'static str> {
    [
        &iqm::OPERATIONS[..],
        &edgeiq::OPERATIONS,
        &eqworks::OPERATIONS,
        &identityx::OPERATIONS,
    ]
    .concat()
}

/// A request's path without the secrets in it.
pub(crate) fn path_to_show<'a>(operation: &str, path: &'a str) -> (&'a str, &'static str) {
    match operation {
        // An unknown path may hold anything.
        UNKNOWN => ("", "…"),
        // The reset token is the last segment.
        edgeiq::SET_PASSWORD => (path.rsplit_once('/').map_or("", |(rest, _)| rest), "/…"),
        _ => (path, ""),
    }
}

/// Panics unless there is an operation of this name.
#[track_caller]
#[allow(
    clippy::panic,
    reason = "an assertion: a misspelt name makes a test that cannot fail"
)]
pub(crate) fn assert_known(operation: &str) {
    let known = all();
    if operation != UNKNOWN && !known.contains(&operation) {
        let known = known.join(", ");
        panic!("the sandbox has no operation {operation:?}; there are: {known}, {UNKNOWN}");
    }
}
