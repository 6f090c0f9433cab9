//! EdgeIQ: a permanent API token or a session token, sent as it is.

mod handle;
mod password;
mod session;
mod state;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::MethodFilter;
use serde_json::{Value, json};

use crate::answer::{Content, Refusal};
use crate::request::Problem;
use crate::route::on;

pub use handle::EdgeIq;
pub use state::{EdgeIqRefusals, SessionExpiresAt};
pub(crate) use state::{Settings, State};
pub use users::{EdgeIqAccount, EdgeIqUser};

/// Where the vendor lives on the sandbox's port.
pub(crate) const PREFIX: &str = "/edgeiq/api/v1/platform/";

const AUTHENTICATE: &str = "user/authenticate";
const RESET_API_TOKEN: &str = "user/api_token_reset";
const ME: &str = "me";
const REQUEST_RESET: &str = "user/password_reset_request";
/// The token follows, as one segment.
const RESET: &str = "user/password_reset/";

/// The operation with a secret in its path.
pub(crate) const SET_PASSWORD: &str = "edgeiq.set_password";

pub(crate) const OPERATIONS: [&str; 5] = [
    "edgeiq.authenticate",
    "edgeiq.reset_api_token",
    "edgeiq.me",
    "edgeiq.request_password_reset",
    SET_PASSWORD,
];

/// The operation of a request; `path` without [`PREFIX`].
pub(crate) fn operation(method: &Method, path: &str) -> Option<&'static str> {
    let expected = if path == ME {
        Method::GET
    } else {
        Method::POST
    };
    if *method != expected {
        return None;
    }
    match path {
        AUTHENTICATE => Some("edgeiq.authenticate"),
        RESET_API_TOKEN => Some("edgeiq.reset_api_token"),
        ME => Some("edgeiq.me"),
        REQUEST_RESET => Some("edgeiq.request_password_reset"),
        _ => {
            let token = path.strip_prefix(RESET)?;
            let one_segment = !token.is_empty() && !token.contains('/');
            one_segment.then_some(SET_PASSWORD)
        }
    }
}

pub(crate) fn router(state: &Arc<State>) -> Router {
    let path = |path: &str| format!("{PREFIX}{path}");
    Router::new()
        .route(
            &path(AUTHENTICATE),
            on(MethodFilter::POST, session::authenticate),
        )
        .route(
            &path(RESET_API_TOKEN),
            on(MethodFilter::POST, session::reset_api_token),
        )
        .route(&path(ME), on(MethodFilter::GET, session::me))
        .route(
            &path(REQUEST_RESET),
            on(MethodFilter::POST, password::request_reset),
        )
        .route(
            &format!("{PREFIX}{RESET}{{token}}"),
            on(MethodFilter::POST, password::set),
        )
        .method_not_allowed_fallback(|| async { wrong_method() })
        .fallback(|| async { unknown_path() })
        .with_state(Arc::clone(state))
}

/// That there is a limit, and its text, are ours.
pub(crate) fn too_many(hint: String) -> Refusal {
    refuse(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests", hint)
}

// The vendor does not say what it answers here; both are ours.

fn wrong_method() -> Refusal {
    let hint = "the path is right and the method wrong: only /me is GET, all else POST";
    refuse(StatusCode::NOT_FOUND, "Not Found", hint)
}

fn unknown_path() -> Refusal {
    let hint = format!("no such path; the calls are below {PREFIX}");
    refuse(StatusCode::NOT_FOUND, "Not Found", hint)
}

/// An error. The shape is ours: the vendor documents statuses and one text.
pub(crate) fn error_body(text: &str) -> Value {
    json!({ "error": text })
}

/// A refusal of this vendor: a type of its own, so that `?` gives a [`Problem`] this vendor's shape.
pub(crate) struct No(Refusal);

impl IntoResponse for No {
    fn into_response(self) -> Response<Body> {
        self.0.into_response()
    }
}

/// A request that was put together wrongly. Status and text are ours.
impl From<Problem> for No {
    fn from(problem: Problem) -> Self {
        No(refuse(StatusCode::BAD_REQUEST, "Bad Request", problem.hint))
    }
}

fn refuse(status: StatusCode, text: &str, hint: impl Into<String>) -> Refusal {
    Refusal {
        status,
        body: Content::Json(error_body(text)),
        hint: hint.into(),
    }
}
