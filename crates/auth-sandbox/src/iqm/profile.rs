//! The calls of a user who is logged in: profile and log-out.

use axum::http::StatusCode;
use serde_json::json;

use super::refusal::success;
use super::state::{State, require_ow_id};
use crate::answer::{self, Answer};
use crate::request::Call;

pub(super) fn profile(iqm: &State, call: &Call) -> Answer {
    let user = iqm.bearer(&iqm.book(), call)?;
    require_ow_id(call)?;
    let data = json!({
        "owId": user.ow_id,
        "email": user.email,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "displayName": format!("{} {}", user.first_name, user.last_name),
        "organizationName": "Sandbox Organization",
        "parentOrganization": "Sandbox Holding",
    });
    Ok(answer::json(StatusCode::OK, &success(&data)))
}

pub(super) fn log_out(iqm: &State, call: &Call) -> Answer {
    let mut book = iqm.book();
    iqm.bearer(&book, call)?;
    require_ow_id(call)?;
    // Decision: the refresh token is revoked, too. The vendor does not say.
    book.ledger.revoke_family_of(call.bearer()?);
    Ok(answer::json(
        StatusCode::OK,
        &success(&json!("User logged out successfully.")),
    ))
}
