//! What a test sees and changes of the emulated EdgeIQ.

use std::fmt;

use url::Url;

use super::state::{Book, State};
use super::users::{self, EdgeIqAccount, EdgeIqUser};
use crate::sandbox::Sandbox;

/// The emulated EdgeIQ of a [`Sandbox`](crate::Sandbox).
///
/// # Example
///
/// ```
/// use auth_sandbox::{EdgeIqUser, Sandbox};
///
/// # fn main() -> std::io::Result<()> {
/// let sandbox = Sandbox::start()?;
/// let edgeiq = sandbox.edgeiq();
/// edgeiq.add_user(EdgeIqUser::new("ann@example.com", "correct horse").api_token("permanent"));
/// assert!(edgeiq.accepts("permanent"));
/// assert_eq!(edgeiq.issued(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct EdgeIq<'a> {
    state: &'a State,
}

impl Sandbox {
    /// EdgeIQ: its base URL and its users.
    pub fn edgeiq(&self) -> EdgeIq<'_> {
        EdgeIq {
            state: self.vendor(),
        }
    }
}

impl EdgeIq<'_> {
    /// The base URL: `http://127.0.0.1:<port>/edgeiq/api/v1/platform/`, to which `me` and the other
    /// paths are appended.
    pub fn base_url(&self) -> Url {
        self.state.base_url.clone()
    }

    /// A user who can authenticate.
    pub fn user(&self) -> EdgeIqAccount {
        users::NORMAL
    }

    /// Another user who can authenticate.
    pub fn other_user(&self) -> EdgeIqAccount {
        users::OTHER
    }

    /// Adds a user, or replaces the one with the same e-mail address.
    pub fn add_user(&self, user: EdgeIqUser) {
        self.book(|book| {
            book.users.retain(|other| other.email != user.email);
            book.users.push(user);
        });
    }

    /// A user's permanent token.
    pub fn api_token(&self, email: &str) -> Option<String> {
        self.book(|book| book.user(email).map(|user| user.api_token.clone()))
    }

    /// Revokes the session tokens of a user. The permanent token stays valid.
    pub fn revoke_sessions(&self, email: &str) {
        self.book(|book| {
            let sessions = book.sessions.values_mut();
            for session in sessions.filter(|session| session.email == email) {
                session.revoked = true;
            }
        });
    }

    /// Whether a token of either kind would be accepted at present.
    pub fn accepts(&self, token: &str) -> bool {
        let now = self.state.clock.now();
        self.book(|book| book.owner(token, now).is_ok())
    }

    /// Does what the vendor's support does before an address may be a `from_address`.
    pub fn whitelist_sender(&self, address: impl Into<String>) {
        self.book(|book| book.whitelist.insert(address.into()));
    }

    /// Sets a user's password without any call of a client. Tokens stay valid.
    ///
    /// # Panics
    ///
    /// If there is no such user.
    #[track_caller]
    pub fn set_password(&self, email: &str, password: impl Into<String>) {
        let password = password.into();
        // Not inside `book`: the panic would hold the lock, and name that function as its place.
        let mut book = self.state.book();
        let found = book.user_mut(email).map(|user| user.password = password);
        drop(book);
        assert!(
            found.is_some(),
            "the sandbox has no user {email:?} at EdgeIQ"
        );
    }

    /// How many tokens of both kinds were issued, by all calls together.
    pub fn issued(&self) -> usize {
        self.book(|book| book.issued)
    }

    fn book<T>(self, with: impl FnOnce(&mut Book) -> T) -> T {
        with(&mut self.state.book())
    }
}

impl fmt::Debug for EdgeIq<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EdgeIq")
            .field("base_url", &self.state.base_url.as_str())
            .finish_non_exhaustive()
    }
}
