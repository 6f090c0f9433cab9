//! Errors in the vendor's shape.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::answer::{Content, Failure, Refusal};

pub(super) fn error_body(status: StatusCode, text: &str) -> Value {
    let level = if status.is_server_error() {
        "ERROR"
    } else {
        "WARNING"
    };
    json!({ "message": text, "statusCode": status.as_u16(), "logLevel": level })
}

pub(super) fn refuse(status: StatusCode, text: &str, hint: impl Into<String>) -> Failure {
    Failure::Refused(Refusal {
        status,
        body: Content::Json(error_body(status, text)),
        hint: hint.into(),
    })
}
