//! What the emulated EdgeIQ remembers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{StatusCode, header};
use url::Url;

use super::refusal::{error_body, refuse_with_message};
use super::settings::{EdgeIqRefusals, Settings};
use super::users::{self, EdgeIqUser};
use crate::answer::{Content, Failure, Refusal};
use crate::inbox::Post;
use crate::request::{Call, Problem};
use crate::vendor::Context;
use crate::vendor_clock::VendorClock;

/// How long a session lives unless the request says otherwise.
pub(super) const SESSION_LIFETIME: Duration = Duration::from_secs(4 * 3_600);
/// How long it lives at most.
pub(super) const LONGEST_SESSION: Duration = Duration::from_secs(7 * 86_400);
/// How long the link in an e-mail lives. Decision: the vendor says "a certain amount of time".
pub(super) const RESET_LIFETIME: Duration = Duration::from_secs(24 * 3_600);

pub(crate) struct State {
    pub(super) clock: VendorClock,
    pub(super) post: Post,
    pub(super) base_url: Url,
    pub(super) settings: Settings,
    book: Mutex<Book>,
}

pub(super) struct Book {
    pub(super) users: Vec<EdgeIqUser>,
    pub(super) sessions: BTreeMap<String, Session>,
    /// By e-mail address: the newest reset of a user is the only one.
    pub(super) resets: BTreeMap<String, Reset>,
    pub(super) whitelist: BTreeSet<String>,
    pub(super) issued: usize,
}

pub(super) struct Session {
    pub(super) email: String,
    pub(super) begins: Duration,
    pub(super) ends: Duration,
    pub(super) revoked: bool,
}

pub(super) struct Reset {
    pub(super) token: String,
    pub(super) ends: Duration,
}

impl State {
    pub(super) fn initial(context: Context, settings: Settings) -> Self {
        let book = Book {
            users: users::initial(),
            sessions: BTreeMap::new(),
            resets: BTreeMap::new(),
            whitelist: BTreeSet::new(),
            issued: 0,
        };
        Self {
            clock: context.clock,
            post: context.post,
            base_url: context.base_url,
            settings,
            book: Mutex::new(book),
        }
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The user whose token the call carries.
    pub(super) fn authorized(&self, book: &Book, call: &Call) -> Result<EdgeIqUser, Failure> {
        let refused = |hint| self.bad_token(hint);
        let sent = call
            .headers
            .get(header::AUTHORIZATION)
            .ok_or_else(|| refused("the Authorization header is missing"))?;
        let sent = sent
            .to_str()
            .map_err(|_| refused("the Authorization header is not ASCII"))?;
        if sent.contains(' ') {
            return Err(refused(
                "the Authorization header has to be the token and nothing else, without a scheme",
            ));
        }
        let owner = book.owner(sent, self.clock.now());
        let email = owner.map_err(|rejected| match rejected {
            Rejected::Unknown(hint) => refused(hint),
            Rejected::Ended(hint) => self.ended_session(hint),
        })?;
        let user = book.user(email);
        Ok(user
            .ok_or_else(|| refused("the token's user is gone"))?
            .clone())
    }

    /// The user with this e-mail address and password.
    pub(super) fn credentials<'b>(
        &self,
        book: &'b mut Book,
        email: &str,
        password: &str,
    ) -> Result<&'b mut EdgeIqUser, Failure> {
        match book.user_mut(email) {
            None => {
                let hint = "there is no user with this e-mail address";
                Err(self.bad_credentials(StatusCode::NOT_FOUND, "not found", hint))
            }
            Some(user) if user.password != password => {
                let hint = "the password is wrong";
                Err(self.bad_credentials(StatusCode::UNAUTHORIZED, "Invalid password", hint))
            }
            Some(user) => Ok(user),
        }
    }

    fn bad_token(&self, hint: &str) -> Failure {
        let json = self.settings.refusals == EdgeIqRefusals::Json;
        forbidden("Not Authorized", json, hint)
    }

    /// Decision: the text. The vendor's own client knows the status.
    fn ended_session(&self, hint: &str) -> Failure {
        match self.settings.refusals {
            EdgeIqRefusals::Mixed => {
                refuse_with_message(StatusCode::UNAUTHORIZED, "session expired", hint)
            }
            EdgeIqRefusals::Text | EdgeIqRefusals::Json => self.bad_token(hint),
        }
    }

    fn bad_credentials(&self, status: StatusCode, text: &str, hint: &str) -> Failure {
        match self.settings.refusals {
            EdgeIqRefusals::Mixed => refuse_with_message(status, text, hint),
            EdgeIqRefusals::Text => forbidden("Not authorized", false, hint),
            EdgeIqRefusals::Json => forbidden("Not authorized", true, hint),
        }
    }
}

fn forbidden(text: &'static str, json: bool, hint: &str) -> Failure {
    Failure::Refused(Refusal {
        status: StatusCode::FORBIDDEN,
        body: if json {
            Content::Json(error_body(text))
        } else {
            Content::Text(text)
        },
        hint: hint.to_owned(),
    })
}

/// Why a token is not accepted, with a hint.
pub(super) enum Rejected {
    Unknown(&'static str),
    /// It was the token of a session.
    Ended(&'static str),
}

impl Book {
    pub(super) fn user(&self, email: &str) -> Option<&EdgeIqUser> {
        self.users.iter().find(|user| user.email == email)
    }

    pub(super) fn user_mut(&mut self, email: &str) -> Option<&mut EdgeIqUser> {
        self.users.iter_mut().find(|user| user.email == email)
    }

    /// The e-mail address of a token's user, for both kinds of token.
    pub(super) fn owner(&self, token: &str, now: Duration) -> Result<&str, Rejected> {
        let permanent = self.users.iter().find(|user| user.api_token == token);
        if let Some(user) = permanent {
            return Ok(&user.email);
        }
        match self.sessions.get(token) {
            None => Err(Rejected::Unknown(
                "the token was never issued by this sandbox, or was reset",
            )),
            Some(session) if session.revoked => {
                Err(Rejected::Ended("the session token was revoked"))
            }
            Some(session) if now >= session.ends => Err(Rejected::Ended(
                "the session token has expired by the sandbox's clock",
            )),
            Some(session) => Ok(&session.email),
        }
    }
}

/// The headers that the vendor lists for every call. Decision: a call without them is refused. Its own
/// JavaScript client accepts more than JSON, and sends no content type where there is no content.
pub(super) fn check_headers(call: &Call) -> Result<(), Problem> {
    let accepted = call.headers.get_all(header::ACCEPT).iter();
    let accepted = accepted.filter_map(|value| value.to_str().ok());
    let mut ranges = accepted.flat_map(|value| value.split(',')).map(essence);
    let json = ["application/json", "application/*", "*/*"];
    if !ranges.any(|range| json.contains(&range.as_str())) {
        return Err(Problem::new(
            "the header accept has to include application/json",
        ));
    }
    let sent = call.headers.get(header::CONTENT_TYPE);
    let sent = sent.map(|value| essence(value.to_str().unwrap_or_default()));
    let is_json = match sent {
        None => call.body.is_empty(),
        Some(sent) => sent == "application/json",
    };
    if is_json {
        Ok(())
    } else {
        Err(Problem::new(
            "the header content-type has to be application/json",
        ))
    }
}

/// A media type without its parameters.
fn essence(value: &str) -> String {
    let essence = value.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}
