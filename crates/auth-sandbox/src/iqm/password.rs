//! The four calls about passwords.

use axum::http::StatusCode;
use serde_json::json;

use super::refusal::{refuse, refuse_field, success};
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
        used: false,
    };
    book.resets.insert(email.to_owned(), reset);
    Ok(answer::json(
        StatusCode::OK,
        &success(&json!("Email with reset password link sent successfully.")),
    ))
}

pub(super) fn validate_reset(iqm: &State, call: &Call) -> Answer {
    let fields = call.json()?;
    // The prose has another name for it than both specifications.
    fields.only(&["inviteHash", "resetHash"])?;
    let hash = fields.text("inviteHash")?;
    if fields.has("resetHash") {
        fields.same("resetHash", "inviteHash")?;
    }

    let mut book = iqm.book();
    let found = book.resets.iter_mut().find(|(_, reset)| reset.hash == hash);
    let (email, reset) = found.ok_or_else(wrong_hash)?;
    if iqm.now() >= reset.ends {
        return Err(not_valid("the reset has expired by the sandbox's clock"));
    }
    if reset.used {
        return Err(not_valid("the reset link was used"));
    }
    reset.validated = true;
    let data = json!({ "resetEmail": email, "isValid": true });
    Ok(answer::json(StatusCode::OK, &success(&data)))
}

pub(super) fn set(iqm: &State, call: &Call) -> Answer {
    let fields = call.json()?;
    fields.only(&["email", "password", "inviteHash"])?;
    let (email, password) = (fields.text("email")?, fields.text("password")?);
    let hash = if fields.has("inviteHash") {
        Some(fields.text("inviteHash")?)
    } else {
        None
    };

    let mut book = iqm.book();
    // Decision: without a hash the call proves nothing by itself, so it has to follow a link that was
    // validated. The vendor does not document how the two belong together.
    let reset = book.resets.get_mut(email);
    let reset = reset.ok_or_else(|| not_valid("no reset was asked for"))?;
    if hash.is_some_and(|hash| hash != reset.hash) {
        return Err(wrong_hash());
    }
    if reset.used {
        return Err(not_valid("the reset link was used"));
    }
    if iqm.now() >= reset.ends {
        return Err(not_valid("the reset has expired by the sandbox's clock"));
    }
    if hash.is_none() && !reset.validated {
        return Err(not_valid("the reset link was not validated"));
    }
    reset.used = true;
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
        let (status, text) = (StatusCode::UNPROCESSABLE_ENTITY, "Invalid old password.");
        let hint = "oldPassword is not the user's password";
        return Err(refuse(status, text, hint));
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
fn not_valid(hint: &str) -> Failure {
    let reason = "Reset password link either not valid or it is already processed.";
    let data = json!({ "invalidReason": reason, "isValid": false });
    let refusal = Refusal {
        status: StatusCode::FORBIDDEN,
        body: Content::Json(success(&data)),
        hint: hint.to_owned(),
    };
    refusal.into()
}

fn wrong_hash() -> Failure {
    let (status, field) = (StatusCode::UNPROCESSABLE_ENTITY, "inviteHash");
    let text = "Provided reset password link hash is incorrect.";
    refuse_field(status, field, text, "no reset link with this hash was sent")
}
