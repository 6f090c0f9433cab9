//! EQ Works: a passcode by e-mail, traded for a JWT.

mod handle;
mod link;
mod login;
mod query;
mod state;
mod token;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::MethodFilter;
use serde_json::{Value, json};

use crate::answer::{Content, Refusal};
use crate::route::on;

pub use handle::EqWorks;
pub(crate) use state::State;
pub use users::{EqWorksAccount, EqWorksUser};

/// Where the vendor lives on the sandbox's port; the stage follows.
pub(crate) const PREFIX: &str = "/eqworks/";

/// Ours: here both stages know the same users, passcodes and tokens.
const STAGES: [&str; 2] = ["dev", "prod"];

const LOGIN: &str = "login";
const VERIFY: &str = "verify";
const CONFIRM: &str = "confirm";
const REFRESH: &str = "refresh";

pub(crate) const OPERATIONS: [&str; 4] = [
    "eqworks.request_passcode",
    "eqworks.verify",
    "eqworks.confirm",
    "eqworks.refresh",
];

/// The operation of a request; `path` without [`PREFIX`].
pub(crate) fn operation(method: &Method, path: &str) -> Option<&'static str> {
    let (stage, call) = path.split_once('/')?;
    // Ours: a HEAD takes effect as the GET does, as in the web framework that the vendor uses.
    let known = [Method::GET, Method::HEAD].contains(method);
    if !known || !STAGES.contains(&stage) {
        return None;
    }
    match call {
        LOGIN => Some("eqworks.request_passcode"),
        VERIFY => Some("eqworks.verify"),
        CONFIRM => Some("eqworks.confirm"),
        REFRESH => Some("eqworks.refresh"),
        _ => None,
    }
}

pub(crate) fn router(state: &Arc<State>) -> Router {
    let mut router = Router::new();
    for stage in STAGES {
        let path = |call: &str| format!("{PREFIX}{stage}/{call}");
        router = router
            .route(&path(LOGIN), on(MethodFilter::GET, login::login))
            .route(&path(VERIFY), on(MethodFilter::GET, token::verify))
            .route(&path(CONFIRM), on(MethodFilter::GET, token::confirm))
            .route(&path(REFRESH), on(MethodFilter::GET, token::refresh));
    }
    router
        .method_not_allowed_fallback(|| async {
            not_found("the path is right and the method wrong: every call is GET")
        })
        .fallback(|| async {
            not_found("no such path; the calls are below /eqworks/dev/ and /eqworks/prod/")
        })
        .with_state(Arc::clone(state))
}

/// The one failure that is not JSON.
fn not_found(hint: &str) -> Refusal {
    let page = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
                <title>Error</title>\n</head>\n<body>\n<pre>Not Found</pre>\n</body>\n</html>\n";
    Refusal {
        status: StatusCode::NOT_FOUND,
        body: Content::Html(page),
        hint: hint.to_owned(),
    }
}

/// That there is a limit, and its text, are ours.
pub(crate) fn too_many(hint: String) -> Refusal {
    no(StatusCode::TOO_MANY_REQUESTS, "Too many requests", hint).0
}

pub(crate) fn error_body(status: StatusCode, text: &str) -> Value {
    let level = if status.is_server_error() {
        "ERROR"
    } else {
        "WARNING"
    };
    json!({ "message": text, "statusCode": status.as_u16(), "logLevel": level })
}

/// A refusal of this vendor: a type of its own, so that no problem of a request silently takes the
/// shape of another vendor.
pub(crate) struct No(Refusal);

impl IntoResponse for No {
    fn into_response(self) -> Response<Body> {
        self.0.into_response()
    }
}

fn no(status: StatusCode, text: &str, hint: impl Into<String>) -> No {
    No(Refusal {
        status,
        body: Content::Json(error_body(status, text)),
        hint: hint.into(),
    })
}
