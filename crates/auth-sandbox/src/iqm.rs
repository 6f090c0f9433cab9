//! IQM: bearer tokens plus an organization workspace id.

mod handle;
mod mfa;
mod password;
mod profile;
mod state;
mod token;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing::MethodFilter;
use serde_json::{Value, json};

use crate::answer::{Content, Refusal};
use crate::route::{Answer, on};

pub use handle::Iqm;
pub(crate) use state::State;
pub use state::TokenEnvelope;
pub use users::{IqmAccount, IqmUser};

/// Where the vendor lives on the sandbox's port.
pub(crate) const PREFIX: &str = "/iqm/";

const SIGN_UP: &str = "api/v3/ua/sign-up";
const LOG_IN: &str = "api/v3/ua/login";
const TOKEN: &str = "api/v3/ua/oauth/token";
const LOG_OUT: &str = "api/v3/ua/logout";
const PROFILE: &str = "api/v3/ua/profile";
const MFA_SEND: &str = "api/v3/ua/auth/mfa/send";
const MFA_VERIFY: &str = "api/v3/ua/auth/mfa/verify";
const REQUEST_RESET: &str = "api/v3/ua/user/reset-password";
const VALIDATE_RESET: &str = "api/v3/ua/user/reset-password/validate";
const SET_PASSWORD: &str = "api/v3/ua/user/update-password";
const CHANGE_PASSWORD: &str = "api/v3/ua/user/password/reset";

pub(crate) const OPERATIONS: [&str; 13] = [
    "iqm.sign_up",
    "iqm.log_in",
    "iqm.log_in_oauth",
    "iqm.refresh",
    "iqm.authorization_code",
    "iqm.log_out",
    "iqm.profile",
    "iqm.mfa_send",
    "iqm.mfa_verify",
    "iqm.request_password_reset",
    "iqm.validate_password_reset",
    "iqm.set_password",
    "iqm.change_password",
];

/// The operation of a request; `path` without [`PREFIX`].
pub(crate) fn operation(method: &Method, path: &str, body: &[u8]) -> Option<&'static str> {
    let expected = if path == PROFILE {
        Method::GET
    } else {
        Method::POST
    };
    if *method != expected {
        return None;
    }
    Some(match path {
        SIGN_UP => "iqm.sign_up",
        LOG_IN => "iqm.log_in",
        TOKEN => return token::operation(body),
        LOG_OUT => "iqm.log_out",
        PROFILE => "iqm.profile",
        MFA_SEND => "iqm.mfa_send",
        MFA_VERIFY => "iqm.mfa_verify",
        REQUEST_RESET => "iqm.request_password_reset",
        VALIDATE_RESET => "iqm.validate_password_reset",
        SET_PASSWORD => "iqm.set_password",
        CHANGE_PASSWORD => "iqm.change_password",
        _ => return None,
    })
}

pub(crate) fn router(state: &Arc<State>) -> Router {
    let path = |path: &str| format!("{PREFIX}{path}");
    let router = Router::new()
        .route(&path(SIGN_UP), on(MethodFilter::POST, token::sign_up))
        .route(&path(LOG_IN), on(MethodFilter::POST, token::log_in))
        .route(&path(TOKEN), on(MethodFilter::POST, token::token))
        .route(&path(LOG_OUT), on(MethodFilter::POST, profile::log_out))
        .route(&path(PROFILE), on(MethodFilter::GET, profile::profile))
        .route(&path(MFA_SEND), on(MethodFilter::POST, mfa::send))
        .route(&path(MFA_VERIFY), on(MethodFilter::POST, mfa::verify))
        .route(
            &path(REQUEST_RESET),
            on(MethodFilter::POST, password::request_reset),
        )
        .route(
            &path(VALIDATE_RESET),
            on(MethodFilter::POST, password::validate_reset),
        )
        .route(&path(SET_PASSWORD), on(MethodFilter::POST, password::set))
        .route(
            &path(CHANGE_PASSWORD),
            on(MethodFilter::POST, password::change),
        )
        .method_not_allowed_fallback(|| async { wrong_method() })
        .fallback(|| async { unknown_path() });
    router.with_state(Arc::clone(state))
}

/// The text is ours: the vendor documents only the status.
pub(crate) fn too_many(hint: String) -> Refusal {
    refuse(StatusCode::TOO_MANY_REQUESTS, "Too many requests.", hint)
}

fn wrong_method() -> Refusal {
    let hint = "the path is right and the method wrong: only the profile is GET, all else POST";
    refuse(StatusCode::NOT_FOUND, "Not found.", hint)
}

fn unknown_path() -> Refusal {
    let hint = format!("no such path; the calls are below {PREFIX}api/v3/ua/");
    refuse(StatusCode::NOT_FOUND, "Not found.", hint)
}

/// An error in the vendor's envelope.
pub(crate) fn error_body(text: &str) -> Value {
    json!({ "success": false, "errorObjects": [{ "error": text }] })
}

fn refuse(status: StatusCode, text: &str, hint: impl Into<String>) -> Refusal {
    Refusal {
        status,
        body: Content::Json(error_body(text)),
        hint: hint.into(),
    }
}
