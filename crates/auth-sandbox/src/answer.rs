//! Answers to requests, with a hint for the person who reads a failed test.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::Value;

use crate::request::Problem;

/// The header that says what was wrong with a request, in words, without secrets.
pub const HINT_HEADER: &str = "x-sandbox-hint";

pub(crate) fn json(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

pub(crate) fn text(
    status: StatusCode,
    content_type: &'static str,
    text: &'static str,
) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// What a vendor's handler returns.
pub(crate) type Answer = Result<Response<Body>, Failure>;

/// Why a handler does not do what it is asked for.
pub(crate) enum Failure {
    /// To be put into the vendor's shape.
    Malformed(Problem),
    Refused(Refusal),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Malformed(problem)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// An error in the vendor's shape, with a hint.
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) body: Content,
    pub(crate) hint: String,
}

/// The body of a [`Refusal`]: not every error of every vendor is JSON.
pub(crate) enum Content {
    Json(Value),
    Text(&'static str),
    Html(&'static str),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        let mut response = match self.body {
            Content::Json(body) => json(self.status, &body),
            Content::Text(body) => text(self.status, "text/plain; charset=utf-8", body),
            Content::Html(body) => text(self.status, "text/html; charset=utf-8", body),
        };
        set_hint(&mut response, &self.hint);
        response
    }
}

pub(crate) fn set_hint(response: &mut Response<Body>, hint: &str) {
    let ascii = hint.replace(|c: char| !(c == ' ' || c.is_ascii_graphic()), "?");
    if let Ok(value) = HeaderValue::try_from(ascii) {
        response.headers_mut().insert(HINT_HEADER, value);
    }
}
