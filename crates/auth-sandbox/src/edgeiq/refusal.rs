//! Errors in the vendor's shape.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::answer::{Content, Failure, Refusal};

/// An error in the shape that the vendor's own JavaScript client reads.
pub(super) fn error_body(text: &str) -> Value {
    json!({ "error": text, "messages": [text] })
}

/// An error whose text stands in `messages` alone.
pub(super) fn refuse_with_message(status: StatusCode, text: &str, hint: &str) -> Failure {
    Failure::Refused(Refusal {
        status,
        body: Content::Json(json!({ "messages": [text] })),
        hint: hint.to_owned(),
    })
}

pub(super) fn refuse(status: StatusCode, text: &str, hint: impl Into<String>) -> Failure {
    Failure::Refused(Refusal {
        status,
        body: Content::Json(error_body(text)),
        hint: hint.into(),
    })
}
