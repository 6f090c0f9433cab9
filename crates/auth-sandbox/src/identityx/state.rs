//! What the emulated IdentityX remembers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::people::{
    self, IdentityXAppUser, IdentityXApplication, IdentityXOrgUser, IdentityXOrganization,
};
use super::token::{BadToken, Kind, Minted, Record};
use crate::inbox::{Post, normal};
use crate::jwt::{BadJwt, Secret};
use crate::vendor::Context;
use crate::vendor_clock::VendorClock;

/// How long a login link lives, in seconds.
const LINK_LIFETIME: u64 = 3_600;

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
    pub(super) tokens: BTreeMap<String, Record>,
    /// The permanent tokens, by the administrator's id.
    pub(super) api_tokens: BTreeMap<String, String>,
    pub(super) issued: usize,
    pub(super) switches: Switches,
}

/// What a test has switched on.
#[derive(Default)]
pub(super) struct Switches {
    /// What every field answers that asks another service.
    pub(super) outage: Option<String>,
    pub(super) bearer_form: bool,
    pub(super) error_beside_data: bool,
    /// Applications that are no longer allowed.
    pub(super) blocked: BTreeSet<String>,
    /// Applications whose tenant is switched off.
    pub(super) disabled: BTreeSet<String>,
    /// Applications that the vendor lists, and its database lacks.
    pub(super) lost: BTreeSet<String>,
    /// Organisations that no administrator has permission for.
    pub(super) denied: BTreeSet<String>,
}

impl State {
    pub(super) fn initial(context: Context) -> Self {
        let Context {
            clock,
            post,
            base_url,
        } = context;
        let mut book = Book {
            organizations: people::organizations(),
            applications: people::applications(),
            org_users: people::org_users(),
            app_users: Vec::new(),
            tokens: BTreeMap::new(),
            api_tokens: BTreeMap::new(),
            issued: 0,
            switches: Switches::default(),
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

    /// The vendor's wall clock, as a `Date` of its schema.
    pub(super) fn millis(&self) -> i64 {
        millis(&self.clock)
    }

    /// Makes a token and remembers it.
    pub(super) fn mint(&self, book: &mut Book, mut record: Record) -> Minted {
        let (id, iat) = (Uuid::new_v4().to_string(), self.clock.unix_seconds());
        // As in the source code that the vendor has published: `aud` is the address, and the token's id
        // in an answer is `jti`.
        let mut claims = json!({
            "aud": book.email_of(&record.owner),
            "jti": id,
            "iat": iat,
            "sub": record.kind.subject(),
        });
        if let Some(application) = &record.application {
            claims["iss"] = application.as_str().into();
        }
        if let Some(data) = &record.data {
            claims["data"] = Value::Object(data.clone());
        }
        record.begins = iat;
        if record.kind.is_link() {
            let exp = iat + LINK_LIFETIME;
            claims["exp"] = exp.into();
            record.ends = Some(exp);
        } else {
            book.issued += 1;
        }
        let value = self.secret.sign(&claims);
        let ends = record.ends.map(|exp| UNIX_EPOCH + Duration::from_secs(exp));
        record.value.clone_from(&value);
        book.tokens.insert(id.clone(), record);
        Minted { id, value, ends }
    }

    /// The id and the record of a token of this kind.
    pub(super) fn check(
        &self,
        book: &Book,
        token: &str,
        kind: Kind,
    ) -> Result<(String, Record), BadToken> {
        let claims = self.secret.claims(token).map_err(|bad| match bad {
            BadJwt::Malformed => BadToken::Malformed,
            BadJwt::Characters => BadToken::Invalid,
            BadJwt::Json => BadToken::Json,
            BadJwt::Unsigned => BadToken::Unsigned,
            BadJwt::Algorithm => BadToken::Algorithm,
            BadJwt::Signature => BadToken::Signature,
        })?;
        let exp = claims.get("exp").and_then(Value::as_u64);
        if exp.is_some_and(|exp| self.clock.unix_seconds() >= exp) {
            return Err(BadToken::Expired);
        }
        let text = |name| claims.get(name).and_then(Value::as_str);
        if text("sub") != Some(kind.subject()) {
            return Err(BadToken::Subject);
        }
        let id = text("jti").ok_or(BadToken::Unknown)?;
        let record = book.tokens.get(id).filter(|record| record.kind == kind);
        let record = record.ok_or(BadToken::Unknown)?;
        if record.expired {
            return Err(BadToken::Expired);
        }
        Ok((id.to_owned(), record.clone()))
    }

    /// The permanent token of an administrator: the same at every call.
    pub(super) fn api_token(&self, book: &mut Book, user: &str) -> String {
        if let Some(token) = book.api_tokens.get(user) {
            return token.clone();
        }
        let token = self
            .mint(book, Record::new(Kind::ApiToken, user, None))
            .value;
        book.api_tokens.insert(user.to_owned(), token.clone());
        token
    }
}

fn millis(clock: &VendorClock) -> i64 {
    i64::try_from(clock.unix_millis()).unwrap_or(i64::MAX)
}

impl Book {
    // Decision: addresses are compared without regard to case.

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

    /// The address of an administrator or a user of an application.
    fn email_of(&self, id: &str) -> &str {
        let org = self.org_users.iter().map(|user| (&user.id, &user.email));
        let app = self.app_users.iter().map(|user| (&user.id, &user.email));
        let found = org.chain(app).find(|(own, _)| *own == id);
        found.map_or("", |(_, email)| email)
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
