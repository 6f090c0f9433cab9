//! Errors in the vendor's shape.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::answer::{Content, Refusal};
use crate::request::Problem;

/// A refusal of this vendor: a type of its own, so that `?` gives a [`Problem`] this vendor's shape.
pub(crate) struct Refused(pub(super) Refusal);

impl IntoResponse for Refused {
    fn into_response(self) -> Response<Body> {
        self.0.into_response()
    }
}

/// A malformed request. Decision: status and text, since the vendor documents none.
impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(refuse(StatusCode::BAD_REQUEST, "Bad Request", problem.hint))
    }
}

/// An error. Decision: the shape, since the vendor documents statuses and one text.
pub(super) fn error_body(text: &str) -> Value {
    json!({ "error": text })
}

pub(super) fn refuse(status: StatusCode, text: &str, hint: impl Into<String>) -> Refusal {
    Refusal {
        status,
        body: Content::Json(error_body(text)),
        hint: hint.into(),
    }
}
