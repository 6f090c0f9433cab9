//! Multi-factor authentication.
//!
//! Both calls carry the log-in that waits for its second factor: the vendor requires its headers "for
//! all requests".

use axum::http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::refusal::{refuse, success};
use super::state::{CODE_LIFETIME, MfaCode, State, require_ow_id};
use crate::answer::{self, Answer};
use crate::request::Call;

pub(super) fn send(iqm: &State, call: &Call) -> Answer {
    let mut book = iqm.book();
    let user = iqm.bearer_even_if_pending(&book, call)?;
    require_ow_id(call)?;
    let fields = call.json()?;
    fields.only(&["owId"])?;
    let ow_id = fields.integer("owId")?;
    if !user.ow_ids().any(|it| it == ow_id) {
        let text = "Invalid owId or user not found.";
        return Err(refuse(
            StatusCode::BAD_REQUEST,
            text,
            "the token's user has no workspace with this owId",
        ));
    }
    if !user.mfa {
        let text = "User MFA settings not configured.";
        let hint = "the user has not set up multi-factor authentication";
        return Err(refuse(StatusCode::UNPROCESSABLE_ENTITY, text, hint));
    }
    let email = user.email;
    // A new code replaces the one before.
    book.mfa_codes.retain(|_, code| code.email != email);
    let code = loop {
        let code = six_digits();
        if !book.mfa_codes.contains_key(&code) {
            break code;
        }
    };
    book.mfa_codes.insert(
        code,
        MfaCode {
            email,
            ends: iqm.now() + CODE_LIFETIME,
        },
    );
    // Decision: the vendor documents only the status.
    Ok(answer::json(
        StatusCode::OK,
        &success(&json!("MFA code sent successfully.")),
    ))
}

pub(super) fn verify(iqm: &State, call: &Call) -> Answer {
    let mut book = iqm.book();
    let user = iqm.bearer_even_if_pending(&book, call)?;
    require_ow_id(call)?;
    let fields = call.json()?;
    fields.only(&["otp"])?;
    let otp = fields.text("otp")?;
    let refused = |hint| {
        refuse(
            StatusCode::UNAUTHORIZED,
            "Invalid or expired MFA code.",
            hint,
        )
    };
    let code = book
        .mfa_codes
        .get(otp)
        .filter(|code| code.email == user.email)
        .ok_or_else(|| refused("no such code was sent, or it was used"))?;
    if iqm.now() >= code.ends {
        return Err(refused("the code has expired by the sandbox's clock"));
    }
    if user.on_hold {
        // Decision: the vendor documents a 403 and not when it is sent.
        let text = "User is not allowed to access provided customer";
        return Err(refuse(
            StatusCode::FORBIDDEN,
            text,
            "the user's organization is on hold",
        ));
    }
    book.mfa_codes.remove(otp);
    let issued = book.ledger.issue_access_only(&user.email, iqm.now());
    // In camel case, unlike every other token of the vendor, and without a refresh token.
    let data = json!({
        "accessToken": issued.access,
        "tokenType": "bearer",
        "expiresIn": issued.expires_in,
        "owId": user.ow_id,
    });
    Ok(answer::json(StatusCode::OK, &success(&data)))
}

fn six_digits() -> String {
    format!("{:06}", Uuid::new_v4().as_u128() % 1_000_000)
}
