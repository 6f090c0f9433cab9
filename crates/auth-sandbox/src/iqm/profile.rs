//! The calls of a user who is logged in: profile and log-out.

use axum::http::StatusCode;
use serde_json::json;

use super::refusal::success;
use super::state::{State, require_ow_id};
use super::users::ORGANIZATION;
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
        "organizationName": ORGANIZATION,
        // Decision: its fields. The vendor documents that it is an object or null.
        "parentOrganization": { "owId": 200_000, "organizationName": "Sandbox Holding" },
    });
    Ok(answer::json(StatusCode::OK, &success(&data)))
}

/// The user's own workspace. The bearer token is enough.
pub(super) fn ow_id(iqm: &State, call: &Call) -> Answer {
    let user = iqm.bearer(&iqm.book(), call)?;
    Ok(answer::json(StatusCode::OK, &success(&json!(user.ow_id))))
}

/// All workspaces of the user. The bearer token is enough.
pub(super) fn workspaces(iqm: &State, call: &Call) -> Answer {
    let user = iqm.bearer(&iqm.book(), call)?;
    // Decision: the customer type's value.
    let workspace = |ow_id: u64, organization: &str, domain: &str| {
        json!({
            "owId": ow_id,
            "organizationName": organization,
            "workspaceDomain": domain,
            "customerType": "Advertiser",
        })
    };
    let own = user.ow_id.into_iter();
    let own = own.map(|ow_id| workspace(ow_id, ORGANIZATION, &user.workspace_host));
    let others = user.others.iter();
    let others = others.map(|it| workspace(it.ow_id, &it.organization, &it.domain));
    let all: Vec<_> = own.chain(others).collect();
    Ok(answer::json(StatusCode::OK, &success(&json!(all))))
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
