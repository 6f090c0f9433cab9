//! The two calls about a forgotten password, and the e-mail between them.

use axum::http::StatusCode;
use percent_encoding::percent_decode_str;
use serde_json::json;
use url::Url;

use super::refusal::refuse;
use super::state::{RESET_LIFETIME, Reset, State, check_headers};
use super::users::random;
use crate::answer::{self, Answer};
use crate::inbox::{Mail, MailKind};
use crate::request::{Call, Fields, Problem};

pub(super) fn request_reset(edgeiq: &State, call: &Call) -> Answer {
    check_headers(call)?;
    let fields = call.json()?;
    fields.only(&["email", "url", "subject", "greeting", "from_address"])?;
    let email = fields.text("email")?;
    let mut link = Url::parse(fields.text("url")?)
        .map_err(|_| Problem::field("url", "url has to be an absolute URL"))?;
    let (subject, greeting) = (
        optional(&fields, "subject")?,
        optional(&fields, "greeting")?,
    );
    let from_address = optional(&fields, "from_address")?;

    let mut book = edgeiq.book();
    // Decision: texts and order of both failures. The vendor documents the statuses.
    if book.user(email).is_none() {
        let hint = "there is no user with this e-mail address";
        return Err(refuse(StatusCode::NOT_FOUND, "Not Found", hint));
    }
    if from_address
        .as_ref()
        .is_some_and(|from| !book.whitelist.contains(from))
    {
        let hint = "from_address is not whitelisted; the sandbox's support is whitelist_sender";
        let (status, text) = (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
        return Err(refuse(status, text, hint));
    }

    let token = reset_token();
    link.query_pairs_mut().append_pair("token", &token);
    let mail = Mail {
        code: Some(token.clone()),
        link: Some(link),
        expires_at: Some(edgeiq.clock.wall_after(RESET_LIFETIME)),
        subject,
        greeting,
        from_address,
        ..Mail::new("edgeiq", MailKind::PasswordReset)
    };
    edgeiq.post.send(email, mail);
    let reset = Reset {
        token,
        ends: edgeiq.clock.now() + RESET_LIFETIME,
    };
    book.resets.insert(email.to_owned(), reset);
    Ok(done())
}

pub(super) fn set(edgeiq: &State, call: &Call) -> Answer {
    check_headers(call)?;
    let fields = call.json()?;
    fields.only(&["password", "password_confirmation"])?;
    let password = fields.text("password")?;
    let confirmation = fields.text("password_confirmation")?;
    let segment = call.uri.path().rsplit('/').next();
    let token = percent_decode_str(segment.unwrap_or_default()).decode_utf8_lossy();

    let mut book = edgeiq.book();
    let refused = |hint| refuse(StatusCode::BAD_REQUEST, "Invalid token.", hint);
    let found = book.resets.iter().find(|(_, reset)| reset.token == token);
    let (email, reset) =
        found.ok_or_else(|| refused("the reset token was never sent, or was used or replaced"))?;
    if edgeiq.clock.now() >= reset.ends {
        return Err(refused(
            "the reset token has expired by the sandbox's clock",
        ));
    }
    // The token stays: nothing was changed.
    if password != confirmation {
        // Decision: status and text. The vendor says only that this fails.
        let hint = "password and password_confirmation differ";
        return Err(refuse(StatusCode::BAD_REQUEST, "Bad Request", hint));
    }
    let email = email.clone();
    book.resets.remove(&email);
    // Decision: issued tokens stay valid. The vendor does not say otherwise.
    if let Some(user) = book.user_mut(&email) {
        password.clone_into(&mut user.password);
    }
    Ok(done())
}

fn optional(fields: &Fields, name: &'static str) -> Result<Option<String>, Problem> {
    if fields.has(name) {
        fields.text(name).map(|text| Some(text.to_owned()))
    } else {
        Ok(None)
    }
}

/// Decision: the vendor does not document the form of these tokens. Here they hold characters that a
/// query has to encode, so that a test finds a client that does not decode the link. They have no slash:
/// the vendor's own JavaScript client puts them into the path as they are.
fn reset_token() -> String {
    format!("{}+{}==", random(), random())
}

/// Decision: the body. The vendor documents only the status.
fn done() -> axum::http::Response<axum::body::Body> {
    answer::json(StatusCode::OK, &json!({}))
}
