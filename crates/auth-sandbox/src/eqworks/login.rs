//! The call that sends the e-mail.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use url::Url;
use uuid::Uuid;

use super::link;
use super::query::Query;
use super::refusal::refuse;
use super::state::{Passcode, State};
use super::users::{ALL, normal};
use crate::answer::{self, Answer, Failure};
use crate::inbox::{Mail, MailKind};
use crate::request::Call;
use crate::vendor::Vendor as _;

/// The path of the call that the default link leads to.
pub(super) const VERIFY: &str = "verify";

/// How long a new passcode lives.
const LIFETIME: Duration = Duration::from_secs(600);
/// How long a passcode has to be still valid for the next e-mail to hold the same one.
const SHORTEST: Duration = Duration::from_secs(300);

const FAILED: &str = "Failed to complete the login process";

pub(super) fn login(eqworks: &State, call: &Call) -> Answer {
    let query = Query::of(call);
    let email = normal(required(&query, "user")?);
    refuse_lists(&query, FAILED)?;
    let product = query.product();

    let mut book = eqworks.book();
    let user = eqworks.check_user(&mut book, &email, true)?;
    if product != ALL && !user.products.contains(&product) {
        let text = format!("User {email} does not have access to {product}");
        let hint = "the product is not one of the user's";
        return Err(refuse(StatusCode::FORBIDDEN, &text, hint));
    }
    let target = match query.get("redirect") {
        None => verify_url(eqworks, call),
        Some(redirect) => link::target(redirect),
    };
    let target = target.ok_or_else(|| {
        let hint = "redirect, decoded twice, is not an absolute URL";
        refuse(StatusCode::INTERNAL_SERVER_ERROR, FAILED, hint)
    })?;

    let now = eqworks.clock.now();
    let old = book.passcodes.get(&email).cloned();
    let passcode = match old.filter(|old| old.ends > now + SHORTEST) {
        Some(same) => same,
        None => Passcode {
            code: six_hexadecimals(),
            ends: now + LIFETIME,
        },
    };
    let lives = passcode.ends.saturating_sub(now);
    // Decision: its e-mail has no link. The parameter was observed, and is not documented.
    let (kind, link) = if query.get("nolink").is_some() {
        (MailKind::Passcode, None)
    } else {
        let link = link::magic(target, &email, &passcode.code, &product);
        (MailKind::MagicLink, Some(link))
    };
    let mail = Mail {
        code: Some(passcode.code.clone()),
        link,
        expires_at: Some(eqworks.clock.wall_after(lives)),
        ..Mail::new("eqworks", kind)
    };
    eqworks.post.send(&email, mail);
    book.passcodes.insert(email.clone(), passcode);
    let message = format!("Login passcode sent to {email} through email");
    Ok(answer::json(
        StatusCode::OK,
        &json!({ "message": message, "user": email }),
    ))
}

/// A required parameter.
pub(super) fn required<'q>(query: &'q Query, name: &str) -> Result<&'q str, Failure> {
    query.get(name).ok_or_else(|| {
        let text = format!("Missing '{name}' in query string parameters");
        refuse(
            StatusCode::BAD_REQUEST,
            &text,
            format!("{name} is missing or empty"),
        )
    })
}

/// Fails as the vendor does where a parameter is given twice.
pub(super) fn refuse_lists(query: &Query, failed: &str) -> Result<(), Failure> {
    if query.has_a_list() {
        let hint = "a parameter is given twice";
        return Err(refuse(StatusCode::INTERNAL_SERVER_ERROR, failed, hint));
    }
    Ok(())
}

/// The default link is the verify call of the same stage: here of the sandbox, so that no test that
/// opens it calls the vendor.
fn verify_url(eqworks: &State, call: &Call) -> Option<Url> {
    // The base URL may have more in front of the prefix than the path has here.
    let below = call.uri.path().strip_prefix(State::PREFIX)?;
    let login = eqworks.base_url.join(below).ok()?;
    login.join(VERIFY).ok()
}

fn six_hexadecimals() -> String {
    format!("{:06X}", Uuid::new_v4().as_u128() & 0xFF_FFFF)
}
