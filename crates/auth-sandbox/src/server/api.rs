//! The JSON API below `/_sandbox/`.

mod clock;
mod faults;
mod input;
mod mails;
mod requests;
mod tokens;

use axum::Router;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get};
use serde::Serialize;
use serde_json::{Value, json};

use super::{events, page};
use crate::answer;

pub(super) use clock::clock as clock_json;
pub(super) use faults::faults as faults_json;
pub(super) use mails::mail as mail_json;
pub(super) use requests::summary as request_json;

/// Each path and what answers it.
fn routes() -> Vec<(&'static str, MethodRouter)> {
    vec![
        ("/", get(page::page)),
        ("/health", get(health)),
        ("/_sandbox/requests", get(requests::list)),
        ("/_sandbox/mails", get(mails::list)),
        ("/_sandbox/clock", get(clock::read)),
        ("/_sandbox/tokens", get(tokens::list)),
        ("/_sandbox/faults", get(faults::list)),
        ("/_sandbox/events", get(events::stream)),
    ]
}

pub(super) fn router() -> Router {
    let router = routes()
        .into_iter()
        .fold(Router::new(), |router, (path, route)| {
            router.route(path, route)
        });
    let unknown_path = || async {
        let text = "no such path; see /_sandbox/openapi.json";
        Refused(StatusCode::NOT_FOUND, text.to_owned())
    };
    let wrong_method = || async {
        let text = "the path is right and the method wrong; see /_sandbox/openapi.json";
        Refused(StatusCode::METHOD_NOT_ALLOWED, text.to_owned())
    };
    router
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
}

async fn health() -> Reply<Value> {
    Reply(json!({ "status": "ok" }))
}

/// An answer of the API.
pub(super) struct Reply<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response<Body> {
        match serde_json::to_value(self.0) {
            Ok(value) => answer::json(StatusCode::OK, &value),
            Err(error) => Refused(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into(),
        }
    }
}

/// What the API does not do, and why.
#[derive(Debug)]
pub(super) struct Refused(pub(super) StatusCode, pub(super) String);

impl Refused {
    pub(super) fn bad(text: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, text.into())
    }

    pub(super) fn missing(text: impl Into<String>) -> Self {
        Self(StatusCode::NOT_FOUND, text.into())
    }
}

impl From<Refused> for Response<Body> {
    fn from(Refused(status, text): Refused) -> Self {
        answer::json(status, &json!({ "error": text }))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response<Body> {
        self.into()
    }
}
