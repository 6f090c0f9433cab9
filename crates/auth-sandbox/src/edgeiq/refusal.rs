//! Errors in the vendor's shape.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::answer::{Content, Failure, Refusal};

/// An error. Decision: the shape, since the vendor documents statuses and one text.
pub(super) fn error_body(text: &str) -> Value {
    json!({ "error": text })
}

pub(super) fn refuse(status: StatusCode, text: &str, hint: impl Into<String>) -> Failure {
    Failure::Refused(Refusal {
        status,
        body: Content::Json(error_body(text)),
        hint: hint.into(),
    })
}
