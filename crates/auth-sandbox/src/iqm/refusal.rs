//! Bodies in the vendor's envelope, above all those that refuse a request.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::answer::{Content, Failure, Refusal};
use crate::request::Problem;

/// `{"success":true,"data":…}`
pub(super) fn success(data: &Value) -> Value {
    json!({ "success": true, "data": data })
}

/// An error in the vendor's envelope.
pub(super) fn error_body(text: &str) -> Value {
    json!({ "success": false, "errorObjects": [{ "error": text }] })
}

pub(super) fn refuse(status: StatusCode, text: &str, hint: impl Into<String>) -> Failure {
    Failure::Refused(Refusal {
        status,
        body: Content::Json(error_body(text)),
        hint: hint.into(),
    })
}

/// Names the field that is wrong.
pub(super) fn malformed(problem: Problem) -> Refusal {
    let mut body = error_body("Invalid request.");
    if let Some(field) = problem.field {
        body["errorObjects"][0]["field"] = json!(field);
    }
    Refusal {
        status: StatusCode::BAD_REQUEST,
        body: Content::Json(body),
        hint: problem.hint,
    }
}
