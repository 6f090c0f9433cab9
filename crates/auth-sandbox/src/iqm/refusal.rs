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

/// An error that names the field that is wrong.
pub(super) fn refuse_field(
    status: StatusCode,
    field: &str,
    text: &str,
    hint: impl Into<String>,
) -> Failure {
    let mut body = error_body(text);
    body["errorObjects"][0]["field"] = json!(field);
    Failure::Refused(Refusal {
        status,
        body: Content::Json(body),
        hint: hint.into(),
    })
}

/// The answer to a token that is not valid: without an envelope.
///
/// Decision: the text repeats the token. The vendor documents that there is one.
pub(super) fn invalid_token(token: &str, hint: impl Into<String>) -> Failure {
    let description = format!("Invalid access token: {token}");
    Failure::Refused(Refusal {
        status: StatusCode::UNAUTHORIZED,
        body: Content::Json(json!({ "error": "invalid_token", "error_description": description })),
        hint: hint.into(),
    })
}

/// The other form, without an envelope as well. Decision: for a request without a token.
pub(super) fn no_token(hint: impl Into<String>) -> Failure {
    Failure::Refused(Refusal {
        status: StatusCode::UNAUTHORIZED,
        body: Content::Json(json!({ "message": "Invalid token" })),
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
