//! What the emulated IdentityX remembers.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use url::Url;

use super::people::{
    self, IdentityXAppUser, IdentityXApplication, IdentityXOrgUser, IdentityXOrganization,
};
use super::token::Record;
use crate::inbox::{Post, normal};
use crate::jwt::Secret;
use crate::vendor_clock::VendorClock;

pub(crate) struct State {
    pub(super) clock: VendorClock,
    pub(super) post: Post,
    pub(super) base_url: Url,
    pub(super) secret: Secret,
    book: Mutex<Book>,
}

pub(super) struct Book {
    pub(super) organizations: Vec<IdentityXOrganization>,
    pub(super) applications: Vec<IdentityXApplication>,
    pub(super) org_users: Vec<IdentityXOrgUser>,
    pub(super) app_users: Vec<IdentityXAppUser>,
    /// By the claim `jti`.
    pub(super) tokens: HashMap<String, Record>,
    /// The permanent tokens, by the administrator's id.
    pub(super) api_tokens: HashMap<String, String>,
    pub(super) issued: usize,
    pub(super) knobs: Knobs,
}

/// What a test has switched on.
#[derive(Default)]
pub(super) struct Knobs {
    pub(super) inner_service_down: bool,
    pub(super) bearer_form: bool,
    pub(super) error_beside_data: bool,
    /// Applications that are no longer allowed.
    pub(super) blocked: HashSet<String>,
    /// Organisations that nobody has permission for.
    pub(super) denied: HashSet<String>,
}

impl State {
    pub(crate) fn new(clock: VendorClock, post: Post, base_url: Url) -> Self {
        let mut book = Book {
            organizations: people::organizations(),
            applications: people::applications(),
            org_users: people::org_users(),
            app_users: Vec::new(),
            tokens: HashMap::new(),
            api_tokens: HashMap::new(),
            issued: 0,
            knobs: Knobs::default(),
        };
        for user in people::app_users() {
            book.add_app_user(user, millis(&clock));
        }
        Self {
            clock,
            post,
            base_url,
            secret: Secret::new(),
            book: Mutex::new(book),
        }
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The vendor's wall clock as its `Date` has it.
    pub(super) fn millis(&self) -> i64 {
        millis(&self.clock)
    }
}

fn millis(clock: &VendorClock) -> i64 {
    i64::try_from(clock.unix_millis()).unwrap_or(i64::MAX)
}

impl Book {
    // That addresses are the same in any case is ours.

    pub(super) fn org_user(&self, email: &str) -> Option<&IdentityXOrgUser> {
        let email = normal(email);
        self.org_users.iter().find(|user| user.email == email)
    }

    pub(super) fn org_user_by_id(&self, id: &str) -> Option<&IdentityXOrgUser> {
        self.org_users.iter().find(|user| user.id == id)
    }

    pub(super) fn app_user(&self, application: &str, email: &str) -> Option<&IdentityXAppUser> {
        let email = normal(email);
        let mut users = self.app_users.iter();
        users.find(|user| user.application_id == application && user.email == email)
    }

    pub(super) fn app_user_by_id(&mut self, id: &str) -> Option<&mut IdentityXAppUser> {
        self.app_users.iter_mut().find(|user| user.id == id)
    }

    /// Adds a user, or replaces the one of the same application and address.
    pub(super) fn add_app_user(&mut self, mut user: IdentityXAppUser, now: i64) {
        (user.created_at, user.updated_at) = (now, now);
        self.app_users.retain(|other| {
            other.application_id != user.application_id || other.email != user.email
        });
        self.app_users.push(user);
    }
}
