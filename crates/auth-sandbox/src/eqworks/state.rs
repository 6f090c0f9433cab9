//! What the emulated EQ Works remembers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use serde_json::{Value, json};
use url::Url;

use super::refusal::refuse;
use super::users::{self, EqWorksUser};
use crate::answer::Failure;
use crate::inbox::Post;
use crate::jwt::Secret;
use crate::vendor::Context;
use crate::vendor_clock::VendorClock;

/// How long a JWT lives: 90 days, in seconds.
const JWT_LIFETIME: u64 = 7_776_000;

pub(crate) struct State {
    pub(super) clock: VendorClock,
    pub(super) post: Post,
    pub(super) base_url: Url,
    pub(super) secret: Secret,
    book: Mutex<Book>,
    /// Locked after the book.
    minted: Mutex<Minted>,
}

/// The tokens that were made. The vendor keeps no such list: it is for the person who tests.
#[derive(Default)]
pub(super) struct Minted {
    /// The latest ones.
    pub(super) tokens: VecDeque<String>,
    /// Those that count as expired, whatever they say.
    pub(super) expired: BTreeSet<String>,
}

/// How many tokens are remembered for the person who tests.
const MOST_MINTED: usize = 10_000;

pub(super) struct Book {
    pub(super) users: Vec<EqWorksUser>,
    /// By e-mail address.
    pub(super) passcodes: BTreeMap<String, Passcode>,
    pub(super) issued: usize,
}

#[derive(Clone)]
pub(super) struct Passcode {
    pub(super) code: String,
    pub(super) ends: Duration,
}

impl State {
    pub(super) fn initial(context: Context) -> Self {
        let book = Book {
            users: users::initial(),
            passcodes: BTreeMap::new(),
            issued: 0,
        };
        Self {
            clock: context.clock,
            post: context.post,
            base_url: context.base_url,
            secret: Secret::new(),
            book: Mutex::new(book),
            minted: Mutex::default(),
        }
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn minted(&self) -> MutexGuard<'_, Minted> {
        self.minted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A valid token. Two of one second are the same. It ends with the user's access at the latest.
    pub(super) fn mint(&self, user: &EqWorksUser, product: &str) -> String {
        let iat = self.clock.unix_seconds();
        let access = user.access_ends.map(|ends| {
            let ends = ends.duration_since(SystemTime::UNIX_EPOCH);
            ends.map_or(0, |ends| ends.as_secs())
        });
        let exp = access.unwrap_or(u64::MAX).min(iat + JWT_LIFETIME);
        let token = self.secret.sign(&json!({
            "email": user.email,
            "api_access": EqWorksUser::api_access(),
            "jwt_uuid": user.jwt_uuid,
            "prefix": user.prefix(),
            "product": product,
            "iat": iat,
            "exp": exp,
        }));
        let mut minted = self.minted();
        if minted.tokens.back() != Some(&token) {
            minted.tokens.push_back(token.clone());
        }
        if minted.tokens.len() > MOST_MINTED {
            minted.tokens.pop_front();
        }
        token
    }

    /// The checks against the vendor's list of users that every call makes. A user whose access has
    /// ended is told so once: then the vendor switches the account off.
    pub(super) fn check_user<'b>(
        &self,
        book: &'b mut Book,
        email: &str,
        is_login: bool,
    ) -> Result<&'b mut EqWorksUser, Failure> {
        let wall = self.clock.wall();
        let Some(user) = book.user_mut(email).filter(|user| user.active) else {
            let text = format!("User {email} not found");
            let hint = "there is no user with this e-mail address, or it is inactive";
            return Err(refuse(StatusCode::NOT_FOUND, &text, hint));
        };
        if user.has_ended(wall) {
            user.active = false;
            let text = if is_login {
                format!(
                    "Access for {email} has expired. Please contact the administrator to \
                     reactivate this account."
                )
            } else {
                "Access has expired".to_owned()
            };
            return Err(refuse(
                StatusCode::FORBIDDEN,
                &text,
                "the user's access has ended",
            ));
        }
        Ok(user)
    }
}

impl Book {
    pub(super) fn user_mut(&mut self, email: &str) -> Option<&mut EqWorksUser> {
        self.users.iter_mut().find(|user| user.email == email)
    }
}

impl EqWorksUser {
    /// Whether the account is on, and its access has not ended.
    pub(super) fn may_log_in(&self, wall: SystemTime) -> bool {
        self.active && !self.has_ended(wall)
    }

    /// Revokes all tokens of the user, if the vendor does so for this account.
    pub(super) fn revoke(&mut self) {
        if !self.keeps_tokens {
            self.jwt_uuid = users::new_uuid();
        }
    }

    fn has_ended(&self, wall: SystemTime) -> bool {
        self.access_ends.is_some_and(|ends| wall >= ends)
    }

    /// What the user may do, as the claim of a token says it. The names are those of the source code that
    /// the vendor has published. Decision: the values, of a user of one company who reads only.
    fn api_access() -> Value {
        json!({ "wl": [1], "customers": -1, "read": 1, "write": 0, "version": 0 })
    }

    /// What the user is.
    fn prefix(&self) -> &'static str {
        if self.keeps_tokens { "mobilesdk" } else { "wl" }
    }

    /// What the user may do, as an answer says it.
    pub(super) fn access(&self) -> Value {
        access(&Self::api_access(), &self.prefix().into())
    }
}

/// The `access` of an answer, from the two claims of a token.
pub(super) fn access(api_access: &Value, prefix: &Value) -> Value {
    let mut access = api_access.as_object().cloned().unwrap_or_default();
    access.insert("prefix".to_owned(), prefix.clone());
    access.into()
}
