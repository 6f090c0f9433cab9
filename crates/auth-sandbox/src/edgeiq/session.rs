//! Tokens of both kinds, and the profile of their user.

use axum::http::StatusCode;
use serde_json::json;

use super::settings::EdgeIqSessionExpiresAt;
use super::state::{LONGEST_SESSION, SESSION_LIFETIME, Session, State, check_headers};
use super::users::random;
use crate::answer::{self, Answer};
use crate::date;
use crate::request::{Call, Problem};

pub(super) fn authenticate(edgeiq: &State, call: &Call) -> Answer {
    check_headers(call)?;
    let fields = call.json()?;
    fields.only(&["email", "password", "token_expiry"])?;
    let (email, password) = (fields.text("email")?, fields.text("password")?);

    let wall = edgeiq.clock.wall();
    let (lifetime, ends_at) = if fields.has("token_expiry") {
        let asked = date::parse(fields.text("token_expiry")?).ok_or_else(|| {
            Problem::new("token_expiry has to be a date like 2019-06-10T19:49:51.217Z")
        })?;
        // Decision: 400. The vendor does not document its answer to a date out of range.
        let lifetime = asked.duration_since(wall).unwrap_or_default();
        if lifetime.is_zero() {
            return Err(Problem::new("token_expiry is in the past by the vendor's clock").into());
        }
        if lifetime > LONGEST_SESSION {
            return Err(Problem::new("token_expiry is more than a week in the future").into());
        }
        (lifetime, asked)
    } else {
        (SESSION_LIFETIME, wall + SESSION_LIFETIME)
    };

    let mut book = edgeiq.book();
    let mut body = edgeiq.credentials(&mut book, email, password)?.json();
    let token = random();
    body["session_token"] = json!(token);
    match edgeiq.settings.session_expires_at {
        EdgeIqSessionExpiresAt::Given => body["session_expires_at"] = json!(date::format(ends_at)),
        EdgeIqSessionExpiresAt::Missing => {}
        EdgeIqSessionExpiresAt::Garbage => body["session_expires_at"] = json!("soon"),
    }
    let begins = edgeiq.clock.now();
    let session = Session {
        email: email.to_owned(),
        begins,
        ends: begins + lifetime,
        revoked: false,
    };
    book.sessions.insert(token, session);
    book.issued += 1;
    Ok(answer::json(StatusCode::OK, &body))
}

pub(super) fn reset_api_token(edgeiq: &State, call: &Call) -> Answer {
    check_headers(call)?;
    let fields = call.json()?;
    fields.only(&["email", "password"])?;
    let (email, password) = (fields.text("email")?, fields.text("password")?);

    let mut book = edgeiq.book();
    let user = edgeiq.credentials(&mut book, email, password)?;
    // Decision: sessions stay valid. The vendor does not say otherwise.
    user.api_token = random();
    let body = user.json();
    book.issued += 1;
    Ok(answer::json(StatusCode::OK, &body))
}

pub(super) fn me(edgeiq: &State, call: &Call) -> Answer {
    check_headers(call)?;
    let user = edgeiq.authorized(&edgeiq.book(), call)?;
    Ok(answer::json(StatusCode::OK, &user.json()))
}
