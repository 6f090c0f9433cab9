//! What a test sees and changes of the emulated IdentityX.

use std::fmt;

use serde::Serialize;
use url::Url;

use super::people::{
    self, IdentityXAccount, IdentityXAppUser, IdentityXApplication, IdentityXOrgUser,
    IdentityXOrganization,
};
use super::state::{Book, State};
use super::token::{Kind, Record};
use crate::sandbox::Sandbox;

/// The emulated IdentityX of a [`Sandbox`](crate::Sandbox).
///
/// # Example
///
/// ```
/// use auth_sandbox::{IdentityXOrgUser, Sandbox};
///
/// # fn main() -> std::io::Result<()> {
/// let sandbox = Sandbox::start()?;
/// let identityx = sandbox.identityx();
/// let user = IdentityXOrgUser::new("bea@example.com");
/// identityx.add_org_user(user.member_of(identityx.organization_id(), "Guest"));
/// let session = identityx.mint_org_user_session("bea@example.com");
/// assert!(identityx.accepts(&session));
/// identityx.end_session(&session);
/// assert!(!identityx.accepts(&session));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct IdentityX<'a> {
    state: &'a State,
}

impl Sandbox {
    /// IdentityX: its endpoint, its applications and its users.
    pub fn identityx(&self) -> IdentityX<'_> {
        IdentityX {
            state: self.vendor(),
        }
    }
}

impl IdentityX<'_> {
    /// The base URL: `http://127.0.0.1:<port>/identityx/`. A client takes the
    /// [`endpoint`](Self::endpoint).
    pub fn base_url(&self) -> Url {
        self.state.base_url.clone()
    }

    /// Its GraphQL endpoint: `http://127.0.0.1:<port>/identityx/graphql`.
    pub fn endpoint(&self) -> Url {
        let mut url = self.state.base_url.clone();
        url.set_path(&format!("{}graphql", url.path()));
        url
    }

    /// An application, as `x-app-id` takes it.
    pub fn application_id(&self) -> &'static str {
        people::APPLICATION
    }

    /// Another application of the same organisation, which has no users.
    pub fn other_application_id(&self) -> &'static str {
        people::OTHER_APPLICATION
    }

    /// The organisation of both applications, as `x-org-id` takes it.
    pub fn organization_id(&self) -> &'static str {
        people::ORGANIZATION
    }

    /// An organisation that [`org_user`](Self::org_user) is not a member of.
    pub fn other_organization_id(&self) -> &'static str {
        people::OTHER_ORGANIZATION
    }

    /// A user of the application.
    pub fn app_user(&self) -> IdentityXAccount {
        people::APP_USER
    }

    /// The owner of the organisation.
    pub fn org_user(&self) -> IdentityXAccount {
        people::ORG_USER
    }

    /// An administrator of the other organisation.
    pub fn other_org_user(&self) -> IdentityXAccount {
        people::OTHER_ORG_USER
    }

    /// Adds an application, or replaces the one with the same id.
    pub fn add_application(&self, application: IdentityXApplication) {
        self.book(|book| {
            book.applications.retain(|other| other.id != application.id);
            book.applications.push(application);
        });
    }

    /// Adds an organisation, or replaces the one with the same id.
    pub fn add_organization(&self, organization: IdentityXOrganization) {
        self.book(|book| {
            book.organizations
                .retain(|other| other.id != organization.id);
            book.organizations.push(organization);
        });
    }

    /// Removes an organisation, and keeps the memberships in it. A call that asks for them gets an
    /// error in the place of each, and the others as before.
    pub fn remove_organization(&self, id: &str) {
        self.book(|book| book.organizations.retain(|other| other.id != id));
    }

    /// Adds an administrator, or replaces the one with the same e-mail address.
    pub fn add_org_user(&self, user: IdentityXOrgUser) {
        self.book(|book| {
            book.org_users.retain(|other| other.email != user.email);
            book.org_users.push(user);
        });
    }

    /// Adds a user of an application, or replaces the one with the same e-mail address there.
    pub fn add_app_user(&self, user: IdentityXAppUser) {
        let now = self.state.millis();
        self.book(|book| book.add_app_user(user, now));
    }

    /// A session of a user of an application, as if the user had just logged in.
    ///
    /// # Panics
    ///
    /// If there is no such user.
    #[track_caller]
    pub fn mint_app_user_session(&self, application_id: &str, email: &str) -> String {
        let mut book = self.state.book();
        let user = book.app_user(application_id, email);
        let id = user.map(|user| user.id.clone());
        let session = id.map(|id| {
            let record = Record::new(Kind::AppSession, &id, Some(application_id));
            self.state.mint(&mut book, record).value
        });
        drop(book);
        found(session, email)
    }

    /// A session of an administrator, as if they had just logged in.
    ///
    /// # Panics
    ///
    /// If there is no such administrator.
    #[track_caller]
    pub fn mint_org_user_session(&self, email: &str) -> String {
        let mint = |book: &mut Book, id: &str| {
            let record = Record::new(Kind::OrgSession, id, None);
            self.state.mint(book, record).value
        };
        found(self.with_org_user(email, mint), email)
    }

    /// The permanent token of an administrator, made if there is none yet.
    ///
    /// # Panics
    ///
    /// If there is no such administrator.
    #[track_caller]
    pub fn mint_api_token(&self, email: &str) -> String {
        let mint = |book: &mut Book, id: &str| self.state.api_token(book, id);
        found(self.with_org_user(email, mint), email)
    }

    /// A JWT with any claims, signed with the vendor's secret. The vendor does not know it, since it is
    /// in no list.
    ///
    /// # Panics
    ///
    /// If the claims cannot be written as JSON.
    #[track_caller]
    pub fn sign(&self, claims: &impl Serialize) -> String {
        self.state.secret.sign_any(claims)
    }

    /// Ends a session of either kind, as a log-out does.
    pub fn end_session(&self, token: &str) {
        for kind in [Kind::AppSession, Kind::OrgSession] {
            self.forget(token, kind);
        }
    }

    /// Revokes the permanent token of an administrator. The next one is different.
    ///
    /// # Panics
    ///
    /// If there is no such administrator.
    #[track_caller]
    pub fn revoke_api_token(&self, email: &str) {
        let revoke = |book: &mut Book, id: &str| book.api_tokens.remove(id);
        if let Some(token) = found(self.with_org_user(email, revoke), email) {
            self.forget(&token, Kind::ApiToken);
        }
    }

    /// The application is no longer allowed, or allowed again: every call that names it in
    /// `x-app-id` is refused.
    pub fn block_application(&self, id: &str, blocked: bool) {
        self.book(|book| {
            if blocked {
                book.switches.blocked.insert(id.to_owned());
            } else {
                book.switches.blocked.remove(id);
            }
        });
    }

    /// The application's tenant is switched off, or on again: every call that names the application in
    /// `x-app-id` fails with status 500.
    pub fn disable_application(&self, id: &str, disabled: bool) {
        self.book(|book| {
            if disabled {
                book.switches.disabled.insert(id.to_owned());
            } else {
                book.switches.disabled.remove(id);
            }
        });
    }

    /// The vendor's list has the application, and its database lacks it, or both have it again.
    pub fn lose_application(&self, id: &str, lost: bool) {
        self.book(|book| {
            if lost {
                book.switches.lost.insert(id.to_owned());
            } else {
                book.switches.lost.remove(id);
            }
        });
    }

    /// No administrator has permission for the organisation, or its members have it again.
    pub fn deny_organization(&self, id: &str, denied: bool) {
        self.book(|book| {
            if denied {
                book.switches.denied.insert(id.to_owned());
            } else {
                book.switches.denied.remove(id);
            }
        });
    }

    /// An inner service of the vendor is down, or up again. While it is down, every field but
    /// `ping` fails as with a bad token. Decision: fields that take no token fail, too.
    pub fn inner_service_down(&self, down: bool) {
        // Decision: host, port and address.
        let message = "request to http://token-service.sandbox.invalid:4001/ failed, reason: \
                       connect ECONNREFUSED 192.0.2.1:4001";
        self.inner_service_fails_with(down.then_some(message));
    }

    /// As [`inner_service_down`](Self::inner_service_down), with the text of any other fault inside the
    /// vendor, such as `no connection available for operation`. `None` ends it.
    pub fn inner_service_fails_with(&self, message: Option<&str>) {
        self.book(|book| book.switches.outage = message.map(str::to_owned));
    }

    /// Whether `Authorization: Bearer OrgUser <token>` is accepted beside `OrgUser <token>`.
    /// Default: no, as the service was seen to do, and unlike its documentation.
    pub fn accept_bearer_form(&self, accept: bool) {
        self.book(|book| book.switches.bearer_form = accept);
    }

    /// Whether an answer without errors gets one beside its data. Default: no.
    pub fn error_beside_data(&self, error: bool) {
        self.book(|book| book.switches.error_beside_data = error);
    }

    /// Whether a token would be accepted at present: as a login link, as a session or as an API token.
    pub fn accepts(&self, token: &str) -> bool {
        let kinds = [
            Kind::OrgLink,
            Kind::AppLink,
            Kind::OrgSession,
            Kind::AppSession,
            Kind::ApiToken,
        ];
        let accepts = |book: &Book, kind| self.state.check(book, token, kind).is_ok();
        self.book(|book| kinds.into_iter().any(|kind| accepts(book, kind)))
    }

    /// How many sessions and API tokens were made, by all calls together.
    pub fn issued(&self) -> usize {
        self.book(|book| book.issued)
    }

    fn forget(self, token: &str, kind: Kind) {
        self.book(|book| {
            if let Ok((id, _)) = self.state.check(book, token, kind) {
                book.tokens.remove(&id);
            }
        });
    }

    fn book<T>(self, with: impl FnOnce(&mut Book) -> T) -> T {
        with(&mut self.state.book())
    }

    fn with_org_user<T>(self, email: &str, with: impl FnOnce(&mut Book, &str) -> T) -> Option<T> {
        let mut book = self.state.book();
        let id = book.org_user(email)?.id.clone();
        Some(with(&mut book, &id))
    }
}

/// To be called when the book is not locked: the panic would hold the lock.
#[track_caller]
#[allow(clippy::panic, reason = "an assertion")]
fn found<T>(found: Option<T>, email: &str) -> T {
    match found {
        Some(found) => found,
        None => panic!("the sandbox has no user {email:?} at IdentityX"),
    }
}

impl fmt::Debug for IdentityX<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityX")
            .field("endpoint", &self.endpoint().as_str())
            .finish_non_exhaustive()
    }
}
