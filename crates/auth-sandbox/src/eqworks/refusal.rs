//! Errors in the vendor's shape.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::answer::{Content, Refusal};

/// A refusal of this vendor: a type of its own, so that no problem of a request silently takes the
/// shape of another vendor.
pub(crate) struct Refused(Refusal);

impl IntoResponse for Refused {
    fn into_response(self) -> Response<Body> {
        self.0.into_response()
    }
}

pub(super) fn error_body(status: StatusCode, text: &str) -> Value {
    let level = if status.is_server_error() {
        "ERROR"
    } else {
        "WARNING"
    };
    json!({ "message": text, "statusCode": status.as_u16(), "logLevel": level })
}

pub(super) fn refused(status: StatusCode, text: &str, hint: impl Into<String>) -> Refused {
    Refused(Refusal {
        status,
        body: Content::Json(error_body(status, text)),
        hint: hint.into(),
    })
}
