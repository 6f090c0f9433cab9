//! The four calls about passwords.

use axum::http::StatusCode;
use serde_json::json;

use super::refusal::{refuse, success};
use super::state::{Book, RESET_LIFETIME, Reset, State, random};
use crate::answer::{self, Answer, Content, Failure, Refusal};
use crate::inbox::{Mail, MailKind};
use crate::request::Call;

pub(super) fn request_reset(iqm: &State, call: &Call) -> Answer {
    let fields = call.json()?;
    fields.only(&["email"])?;
    let email = fields.text("email")?;

    let mut book = iqm.book();
    if book.user(email).is_none() {
        let text = "The email is not available in the system.";
        let hint = "there is no user with this e-mail address";
        return Err(refuse(StatusCode::NOT_FOUND, text, hint));
    }
    let hash = random();
    // Without a link: the vendor does not document the form of the link in its e-mail.
    iqm.post.send(
        email,
        Mail {
            code: Some(hash.clone()),
            expires_at: Some(iqm.clock.wall_after(RESET_LIFETIME)),
            ..Mail::new("iqm", MailKind::PasswordReset)
        },
    );
    let reset = Reset {
        hash,
        ends: iqm.now() + RESET_LIFETIME,
        validated: false,
    };
    book.resets.insert(email.to_owned(), reset);
    // Decision: the vendor documents only that it is a string.
    Ok(answer::json(
        StatusCode::OK,
        &success(&json!("Password reset email sent successfully.")),
    ))
}

pub(super) fn validate_reset(iqm: &State, call: &Call) -> Answer {
    let fields = call.json()?;
    fields.only(&["resetHash"])?;
    let hash = fields.text("resetHash")?;

    let mut book = iqm.book();
    let found = book.resets.iter_mut().find(|(_, reset)| reset.hash == hash);
    // Decision: the reasons, and an empty address for an unknown link. The vendor documents that
    // there is always an address.
    let data = match found {
        None => json!({ "resetEmail": "", "isValid": false, "invalidReason": UNKNOWN_LINK }),
        Some((email, reset)) if iqm.now() >= reset.ends => {
            json!({ "resetEmail": email, "isValid": false, "invalidReason": EXPIRED_LINK })
        }
        Some((email, reset)) => {
            reset.validated = true;
            json!({ "resetEmail": email, "isValid": true })
        }
    };
    Ok(answer::json(StatusCode::OK, &success(&data)))
}

const UNKNOWN_LINK: &str = "Reset link is not valid.";
const EXPIRED_LINK: &str = "Reset link is expired.";

pub(super) fn set(iqm: &State, call: &Call) -> Answer {
    let fields = call.json()?;
    fields.only(&["email", "password"])?;
    let (email, password) = (fields.text("email")?, fields.text("password")?);

    let mut book = iqm.book();
    // Decision: the call proves nothing by itself, so it has to follow a link that was validated.
    // The vendor does not document how the two belong together.
    match book.resets.get(email) {
        None => {
            return Err(not_valid(
                UNKNOWN_LINK,
                "no reset was asked for, or it was used",
            ));
        }
        Some(reset) if iqm.now() >= reset.ends => {
            return Err(not_valid(
                EXPIRED_LINK,
                "the reset has expired by the sandbox's clock",
            ));
        }
        Some(reset) if !reset.validated => {
            return Err(not_valid(UNKNOWN_LINK, "the reset link was not validated"));
        }
        Some(_) => {}
    }
    book.resets.remove(email);
    store(&mut book, email, password);
    Ok(answer::json(
        StatusCode::OK,
        &success(&json!("Password changed successfully.")),
    ))
}

pub(super) fn change(iqm: &State, call: &Call) -> Answer {
    let mut book = iqm.book();
    let user = iqm.bearer(&book, call)?;
    let fields = call.json()?;
    fields.only(&["oldPassword", "newPassword"])?;
    let (old, new) = (fields.text("oldPassword")?, fields.text("newPassword")?);
    if user.password.as_deref() != Some(old) {
        // Decision: the vendor documents no answer to a wrong old password.
        let hint = "oldPassword is not the user's password";
        return Err(refuse(
            StatusCode::FORBIDDEN,
            "Old password is not correct.",
            hint,
        ));
    }
    store(&mut book, &user.email, new);
    Ok(answer::json(
        StatusCode::OK,
        &success(&json!("Password reset successfully.")),
    ))
}

/// Decision: issued tokens stay valid. The vendor does not say otherwise.
fn store(book: &mut Book, email: &str, password: &str) {
    if let Some(user) = book.user_mut(email) {
        user.password = Some(password.to_owned());
    }
}

/// As documented: the body says `success`, and the status says failure.
fn not_valid(reason: &str, hint: &str) -> Failure {
    let data = json!({ "invalidReason": reason, "isValid": false });
    let refusal = Refusal {
        status: StatusCode::FORBIDDEN,
        body: Content::Json(success(&data)),
        hint: hint.to_owned(),
    };
    refusal.into()
}
