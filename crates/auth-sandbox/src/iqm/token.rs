//! Sign-up, log-in and the token endpoint.

use std::time::{Duration, UNIX_EPOCH};

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::ledger::Issued;
use super::refusal::{refuse, success};
use super::settings::IqmTokenEnvelope;
use super::state::{AuthorizationCode, Book, CLIENT_ID, CLIENT_SECRET, State, random};
use super::users::IqmUser;
use crate::answer::{self, Answer, Content, Failure, Refusal};
use crate::request::{Call, Fields, Problem};

/// Which grant a body asks for, in either encoding: faults and the log need it before anything is
/// checked.
pub(super) fn grant(body: &[u8]) -> Option<String> {
    if let Ok(fields) = serde_json::from_slice::<Value>(body) {
        let mut names = ["grant_type", "grantType"].iter();
        return names.find_map(|name| fields.get(*name)?.as_str().map(str::to_owned));
    }
    let mut form = url::form_urlencoded::parse(body);
    let (_, grant) = form.find(|(name, _)| name == "grant_type")?;
    Some(grant.into_owned())
}

pub(super) fn sign_up(iqm: &State, call: &Call) -> Answer {
    State::check_client(call)?;
    let fields = call.json()?;
    fields.only(&["email", "password"])?;
    let (email, password) = (fields.text("email")?, fields.text("password")?);

    let mut book = iqm.book();
    let Some(user) = book.user_mut(email).filter(|user| user.password.is_none()) else {
        return Err(Failure::Refused(Refusal {
            status: StatusCode::FORBIDDEN,
            body: Content::Json(json!({ "success": false, "errorObjects": [{
                "error": "User is not allowed to create a password.",
                "reason": "User is not invited or invitation is processed or invitation is expired.",
            }] })),
            hint: "only a user who was invited and has not signed up yet can sign up".to_owned(),
        }));
    };
    user.password = Some(password.to_owned());
    let issued = book.ledger.issue(email, iqm.now(), false);
    // Without `owId`: that comes with the log-in.
    Ok(answer::json(
        StatusCode::OK,
        &success(&payload(&issued, None)),
    ))
}

pub(super) fn log_in(iqm: &State, call: &Call) -> Answer {
    State::check_client(call)?;
    let fields = call.json()?;
    fields.only(&["grantType", "email", "password"])?;
    fields.exactly("grantType", "password")?;
    let host = match call.headers.get("x-iaa-host") {
        None => None,
        Some(host) => {
            let host = host
                .to_str()
                .map_err(|_| Problem::new("X-IAA-HOST is not ASCII"))?;
            Some(bare_host(host))
        }
    };

    let mut book = iqm.book();
    let email = fields.text("email")?;
    let user = check_password(&book, email, fields.text("password")?, host)?;
    let payload = log_in_payload(iqm, &mut book, &user);
    Ok(answer::json(StatusCode::OK, &success(&payload)))
}

pub(super) fn token(iqm: &State, call: &Call) -> Answer {
    State::check_client(call)?;
    // The older samples send JSON, in which the password grant spells its fields differently.
    let form = call.is_form();
    let fields = if form { call.form()? } else { call.json()? };
    let spelling = if !form && fields.has("grantType") {
        "grantType"
    } else {
        "grant_type"
    };
    match (fields.text(spelling)?, form) {
        ("password", true) => {
            fields.only(&["grant_type", "username", "password"])?;
            password_grant(iqm, fields.text("username")?, fields.text("password")?)
        }
        ("password", false) => {
            fields.only(&["grantType", "email", "password"])?;
            password_grant(iqm, fields.text("email")?, fields.text("password")?)
        }
        ("refresh_token", _) => {
            fields.only(&[spelling, "refresh_token"])?;
            refresh_grant(iqm, fields.text("refresh_token")?)
        }
        ("authorization_code", true) => code_grant(iqm, &fields),
        ("authorization_code", false) => {
            Err(Problem::new("the authorization code grant has to be a form").into())
        }
        _ => Err(Problem::field(
            spelling,
            "the grant type has to be password, refresh_token or authorization_code",
        )
        .into()),
    }
}

fn password_grant(iqm: &State, email: &str, password: &str) -> Answer {
    let mut book = iqm.book();
    let user = check_password(&book, email, password, None)?;
    let payload = log_in_payload(iqm, &mut book, &user);
    let body = match iqm.envelope {
        IqmTokenEnvelope::Enveloped => success(&payload),
        IqmTokenEnvelope::Bare => payload,
    };
    Ok(answer::json(StatusCode::OK, &body))
}

fn refresh_grant(iqm: &State, token: &str) -> Answer {
    let issued = iqm
        .book()
        .ledger
        .refresh(token, iqm.now())
        .map_err(|rejected| {
            let hint = format!("the refresh token {}", rejected.reason());
            // Decision: the vendor documents no answer to an invalid refresh token. 401 is in its
            // list, and means that the user has to log in again.
            refuse(StatusCode::UNAUTHORIZED, "Invalid refresh token.", hint)
        })?;
    let mut payload = payload(&issued, None);
    if issued.pending {
        payload["mfa_required"] = json!(true);
    }
    Ok(answer::json(StatusCode::OK, &payload))
}

fn code_grant(iqm: &State, fields: &Fields) -> Answer {
    fields.only(&[
        "grant_type",
        "code",
        "redirect_uri",
        "client_id",
        "client_secret",
        "scope",
    ])?;
    let (code, redirect_uri) = (fields.text("code")?, fields.text("redirect_uri")?);
    // Not `exactly`, whose hint would name the secret.
    if fields.text("client_id")? != CLIENT_ID || fields.text("client_secret")? != CLIENT_SECRET {
        return Err(refuse(
            StatusCode::UNAUTHORIZED,
            "Client authentication failed.",
            "client_id or client_secret in the body is wrong",
        ));
    }

    let mut book = iqm.book();
    // Removed in any case: a code is for one use (RFC 6749, section 4.1.2).
    let found = book.authorization_codes.remove(code);
    let refused = |hint| refuse(StatusCode::BAD_REQUEST, "Invalid authorization code.", hint);
    let AuthorizationCode {
        email,
        redirect_uri: made_for,
        ends,
    } = found.ok_or_else(|| refused("the code was never made here, or was used already"))?;
    if iqm.now() >= ends {
        return Err(refused("the code has expired by the sandbox's clock"));
    }
    if redirect_uri != made_for {
        return Err(refused(
            "redirect_uri is not the one that the code was made for",
        ));
    }
    let ow_id = book.user(&email).and_then(|user| user.ow_id);
    let issued = book.ledger.issue(&email, iqm.now(), false);
    Ok(answer::json(StatusCode::OK, &payload(&issued, ow_id)))
}

/// The two documented ways in which a log-in fails.
fn check_password(
    book: &Book,
    email: &str,
    password: &str,
    host: Option<String>,
) -> Result<IqmUser, Failure> {
    let refused = |hint| {
        let text = "User doesn't exist or user is not allowed to provided workspace.";
        refuse(StatusCode::FORBIDDEN, text, hint)
    };
    let user = book
        .user(email)
        .ok_or_else(|| refused("there is no user with this e-mail address"))?;
    match &user.password {
        None => return Err(refused("the user was invited and has not signed up yet")),
        Some(set) if set != password => return Err(refused("the password is wrong")),
        Some(_) => {}
    }
    if host.is_some_and(|host| host != user.workspace_host) {
        return Err(refused(
            "X-IAA-HOST is not the host of the user's workspace",
        ));
    }
    if user.on_hold {
        return Err(Failure::Refused(Refusal {
            status: StatusCode::BAD_REQUEST,
            body: Content::Json(json!({
                "success": false,
                "data": {
                    "status": "On Hold",
                    "reason": "The particular account is kept on hold due to missed payment dates for last 3 months.",
                    "supportEmail": "support@iqm.com",
                },
                "errorObjects": [{
                    "error": "User is not allowed to access provided customer",
                    "reason": "User is not associated with any active organization.",
                }],
            })),
            hint: "the user's organization is on hold".to_owned(),
        }));
    }
    Ok(user.clone())
}

/// The header holds the workspace's URL or its host.
fn bare_host(text: &str) -> String {
    let text = text.strip_prefix("https://").unwrap_or(text);
    text.trim_end_matches('/').to_ascii_lowercase()
}

/// The answer to a log-in, with the fields of the vendor's newer schema.
fn log_in_payload(iqm: &State, book: &mut Book, user: &IqmUser) -> Value {
    let issued = book.ledger.issue(&user.email, iqm.now(), user.mfa);
    let mut payload = payload(&issued, user.ow_id);
    let ends = iqm.clock.wall_after(Duration::from_secs(issued.expires_in));
    let ends = ends.duration_since(UNIX_EPOCH).unwrap_or_default();
    payload["expires_at"] = json!(u64::try_from(ends.as_millis()).unwrap_or(u64::MAX));
    payload["jti"] = json!(random());
    payload["mfa_required"] = json!(user.mfa);
    payload
}

fn payload(issued: &Issued, ow_id: Option<u64>) -> Value {
    let mut payload = json!({
        "access_token": issued.access,
        "refresh_token": issued.refresh,
        "scope": "read write",
        "token_type": "bearer",
        "expires_in": issued.expires_in,
    });
    if let Some(ow_id) = ow_id {
        payload["owId"] = json!(ow_id);
    }
    payload
}
