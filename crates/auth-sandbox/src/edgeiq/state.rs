//! What the emulated EdgeIQ remembers.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{StatusCode, header};
use url::Url;

use super::refusal::error_body;
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
    pub(super) sessions: HashMap<String, Session>,
    /// By e-mail address: the newest reset of a user is the only one.
    pub(super) resets: HashMap<String, Reset>,
    pub(super) whitelist: HashSet<String>,
    pub(super) issued: usize,
}

pub(super) struct Session {
    pub(super) email: String,
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
            sessions: HashMap::new(),
            resets: HashMap::new(),
            whitelist: HashSet::new(),
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
        let email = book.owner(sent, self.clock.now()).map_err(refused)?;
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
            None => Err(self.bad_credentials("there is no user with this e-mail address")),
            Some(user) if user.password != password => {
                Err(self.bad_credentials("the password is wrong"))
            }
            Some(user) => Ok(user),
        }
    }

    fn bad_token(&self, hint: &str) -> Failure {
        let json = self.settings.refusals == EdgeIqRefusals::Json;
        forbidden("Not Authorized", json, hint)
    }

    /// Decision: the status, since the vendor documents only the text.
    fn bad_credentials(&self, hint: &str) -> Failure {
        let json = self.settings.refusals != EdgeIqRefusals::Text;
        forbidden("Not authorized", json, hint)
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

impl Book {
    pub(super) fn user(&self, email: &str) -> Option<&EdgeIqUser> {
        self.users.iter().find(|user| user.email == email)
    }

    pub(super) fn user_mut(&mut self, email: &str) -> Option<&mut EdgeIqUser> {
        self.users.iter_mut().find(|user| user.email == email)
    }

    /// The e-mail address of a token's user, for both kinds of token. The error says why it is refused.
    pub(super) fn owner(&self, token: &str, now: Duration) -> Result<&str, &'static str> {
        let permanent = self.users.iter().find(|user| user.api_token == token);
        if let Some(user) = permanent {
            return Ok(&user.email);
        }
        match self.sessions.get(token) {
            None => Err("the token was never issued by this sandbox, or was reset"),
            Some(session) if session.revoked => Err("the session token was revoked"),
            Some(session) if now >= session.ends => {
                Err("the session token has expired by the sandbox's clock")
            }
            Some(session) => Ok(&session.email),
        }
    }
}

/// The headers that the vendor lists for every call. Decision: a call without them is refused.
pub(super) fn check_headers(call: &Call) -> Result<(), Problem> {
    for name in [header::ACCEPT, header::CONTENT_TYPE] {
        let value = call
            .headers
            .get(&name)
            .and_then(|value| value.to_str().ok());
        let essence = value.and_then(|value| value.split(';').next());
        if !essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json")) {
            let hint = format!("the header {name} has to be application/json");
            return Err(Problem::new(hint));
        }
    }
    Ok(())
}
