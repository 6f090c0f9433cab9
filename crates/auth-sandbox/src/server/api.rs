//! The JSON API below `/_sandbox/`.

mod clock;
mod faults;
mod input;
mod mails;
mod requests;
mod state;
mod tokens;
mod users;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, delete, get, patch, post};
use serde::Serialize;
use serde_json::{Value, json};

use super::{events, page};
use crate::answer;

pub(super) use clock::clock as clock_json;
pub(super) use faults::faults as faults_json;
pub(crate) use input::Span;
pub(super) use input::parse_date;
pub(super) use mails::mail as mail_json;
pub(super) use requests::summary as request_json;
pub(super) use tokens::minted;
pub(super) use users::{records, switched};

/// Each path and what answers it.
fn routes() -> Vec<(&'static str, MethodRouter)> {
    vec![
        ("/health", get(health)),
        (
            "/_sandbox/requests",
            get(requests::list).delete(requests::clear),
        ),
        ("/_sandbox/requests/counts", get(requests::counts)),
        ("/_sandbox/requests/{id}", get(requests::one)),
        ("/_sandbox/mails", get(mails::list).delete(mails::clear)),
        ("/_sandbox/mails/latest", get(mails::latest)),
        ("/_sandbox/clock", get(clock::read)),
        ("/_sandbox/clock/{action}", post(clock::act)),
        ("/_sandbox/tokens", get(tokens::list).post(tokens::mint)),
        ("/_sandbox/tokens/revoke", post(tokens::revoke)),
        ("/_sandbox/tokens/expire", post(tokens::expire)),
        ("/_sandbox/tokens/decode", post(tokens::decode)),
        ("/_sandbox/codes", get(tokens::codes)),
        (
            "/_sandbox/faults",
            get(faults::list).post(faults::add).delete(faults::clear),
        ),
        ("/_sandbox/faults/{id}", delete(faults::remove)),
        ("/_sandbox/faults/{id}/gate", get(faults::gate)),
        ("/_sandbox/faults/{id}/release", post(faults::release)),
        ("/_sandbox/users", get(users::all)),
        ("/_sandbox/users/{list}", post(users::add)),
        (
            "/_sandbox/users/{list}/{name}",
            patch(users::change).delete(users::remove),
        ),
        ("/_sandbox/vendors", get(users::vendors)),
        ("/_sandbox/vendors/{vendor}", patch(users::switch)),
        ("/_sandbox/operations", get(users::operations)),
        ("/_sandbox/reset", post(state::reset)),
        ("/_sandbox/snapshot", get(state::snapshot)),
        ("/_sandbox/restore", post(state::restore)),
        ("/_sandbox/namespaces", get(state::namespaces)),
        (
            "/_sandbox/namespaces/{name}",
            delete(state::remove_namespace),
        ),
        ("/_sandbox/events", get(events::stream)),
        ("/_sandbox/openapi.json", get(async || document(OPENAPI))),
        (
            "/_sandbox/seed.schema.json",
            get(async || document(SEED_SCHEMA)),
        ),
    ]
}

pub(super) fn router() -> Router {
    let all = routes();
    let is_described = |path: &str| OPENAPI.contains(&format!("\n    \"{path}\": {{"));
    debug_assert!(
        all.iter().all(|(path, _)| is_described(path)),
        "openapi.json lacks a path"
    );
    let router = all
        .into_iter()
        .chain(page::routes())
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
        // It was read already, and is not longer than the program allows.
        .layer(DefaultBodyLimit::disable())
}

/// Describes what [`routes`] has.
const OPENAPI: &str = include_str!("openapi.json");
const SEED_SCHEMA: &str = include_str!("seed.schema.json");

fn document(text: &'static str) -> Response<Body> {
    answer::text(StatusCode::OK, "application/json", text)
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
