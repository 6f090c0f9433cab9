//! IdentityX: one GraphQL endpoint, three identities, and log-in by e-mailed link.

mod call;
mod document;
mod endpoint;
mod failure;
mod handle;
mod inputs;
mod mails;
mod people;
mod schema;
mod state;
mod token;
mod types;
mod variables;

use std::sync::Arc;

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing;
use serde_json::{Value, json};

use crate::answer::{Content, Refusal};

pub use handle::IdentityX;
pub use people::{
    IdentityXAccount, IdentityXAppUser, IdentityXApplication, IdentityXOrgUser,
    IdentityXOrganization,
};
pub(crate) use state::State;

/// Where the vendor lives on the sandbox's port.
pub(crate) const PREFIX: &str = "/identityx/";

/// The one endpoint.
const GRAPHQL: &str = "graphql";

pub(crate) const OPERATIONS: [&str; 15] = [
    "identityx.send_app_user_login_link",
    "identityx.log_in_app_user",
    "identityx.log_out_app_user",
    "identityx.active_app_user",
    "identityx.create_app_user",
    "identityx.send_org_user_login_link",
    "identityx.log_in_org_user",
    "identityx.log_out_org_user",
    "identityx.create_api_token",
    "identityx.active_org_user",
    "identityx.organizations",
    "identityx.applications",
    "identityx.ping",
    "identityx.introspect",
    "identityx.other",
];

/// The operation of a request, by the root field of its query; `path` without [`PREFIX`].
pub(crate) fn operation(method: &Method, path: &str, body: &[u8]) -> Option<&'static str> {
    let ours = *method == Method::POST && path == GRAPHQL;
    ours.then(|| document::operation(body))
}

pub(crate) fn router(state: &Arc<State>) -> Router {
    // Ours: the vendor's server may answer a GET as well.
    let wrong_method = || async { not_found("the path is right and the method wrong: only POST") };
    Router::new()
        .route(
            &format!("{PREFIX}{GRAPHQL}"),
            routing::post(endpoint::answer).fallback(wrong_method),
        )
        .fallback(|| async { not_found("no such path; there is only /identityx/graphql") })
        .with_state(Arc::clone(state))
}

/// Ours.
fn not_found(hint: &str) -> Refusal {
    Refusal {
        status: StatusCode::NOT_FOUND,
        body: Content::Text("Not Found"),
        hint: hint.to_owned(),
    }
}

/// That there is a limit, and its text, are ours.
pub(crate) fn too_many(hint: String) -> Refusal {
    Refusal {
        status: StatusCode::TOO_MANY_REQUESTS,
        body: Content::Json(error_body("Too many requests")),
        hint,
    }
}

/// An error that no resolver is at fault for. The shape is the one of the documented ones.
pub(crate) fn error_body(text: &str) -> Value {
    let extensions = json!({ "code": failure::INTERNAL });
    json!({ "errors": [{ "message": text, "extensions": extensions }] })
}
