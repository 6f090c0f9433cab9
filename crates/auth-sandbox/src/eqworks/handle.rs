//! What a test sees and changes of the emulated EQ Works.

use std::fmt;

use serde::Serialize;
use url::Url;

use super::state::{Book, State};
use super::token;
use super::users::{self, EqWorksAccount, EqWorksUser, new_uuid, normal};
use crate::sandbox::Sandbox;

/// The emulated EQ Works of a [`Sandbox`](crate::Sandbox).
///
/// # Example
///
/// ```
/// use auth_sandbox::{EqWorksUser, Sandbox};
///
/// # fn main() -> std::io::Result<()> {
/// let sandbox = Sandbox::start()?;
/// let eqworks = sandbox.eqworks();
/// eqworks.add_user(EqWorksUser::new("ann@example.com").products(["atom", "locus"]));
/// let jwt = eqworks.mint_token("ann@example.com", "locus");
/// assert!(eqworks.accepts(&jwt));
/// eqworks.revoke("ann@example.com");
/// assert!(!eqworks.accepts(&jwt));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct EqWorks<'a> {
    state: &'a State,
}

impl Sandbox {
    /// EQ Works: its base URL and its users.
    pub fn eqworks(&self) -> EqWorks<'_> {
        EqWorks {
            state: self.vendor(),
        }
    }
}

impl EqWorks<'_> {
    /// The base URL: `http://127.0.0.1:<port>/eqworks/`, to which the stage is appended, `dev`
    /// or `prod`, and then the call.
    pub fn base_url(&self) -> Url {
        self.state.base_url.clone()
    }

    /// A user of both products.
    pub fn user(&self) -> EqWorksAccount {
        users::NORMAL
    }

    /// A user of `atom` alone.
    pub fn atom_user(&self) -> EqWorksAccount {
        users::ATOM_ONLY
    }

    /// A user whose access has ended.
    pub fn ended_user(&self) -> EqWorksAccount {
        users::ENDED
    }

    /// A user whose account is switched off.
    pub fn inactive_user(&self) -> EqWorksAccount {
        users::INACTIVE
    }

    /// Adds a user, or replaces the one with the same e-mail address.
    pub fn add_user(&self, user: EqWorksUser) {
        self.book(|book| {
            book.users.retain(|other| other.email != user.email);
            book.users.push(user);
        });
    }

    /// The passcode that was sent to the user last, unless it was used.
    pub fn passcode(&self, email: &str) -> Option<String> {
        let email = normal(email);
        self.book(|book| {
            book.passcodes
                .get(&email)
                .map(|passcode| passcode.code.clone())
        })
    }

    /// A valid JWT, as if the user had just logged in. [`issued`](Self::issued) does not count it, nor
    /// one of [`sign`](Self::sign).
    ///
    /// # Panics
    ///
    /// If there is no such user.
    #[track_caller]
    pub fn mint_token(&self, email: &str, product: &str) -> String {
        let product = product.to_lowercase();
        self.with_user(email, |user| self.state.mint(user, &product))
    }

    /// A JWT with any claims, signed with the vendor's secret: one without
    /// `exp`, for instance, or one that has expired.
    ///
    /// # Panics
    ///
    /// If the claims cannot be written as JSON.
    ///
    /// # Example
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let sandbox = auth_sandbox::Sandbox::start()?;
    /// let jwt = sandbox.eqworks().sign(&serde_json::json!({ "exp": 317_339_744_057_u64 }));
    /// assert_eq!(jwt.matches('.').count(), 2);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn sign(&self, claims: &impl Serialize) -> String {
        self.state.secret.sign_any(claims)
    }

    /// The id that a valid JWT of this user carries as `jwt_uuid`.
    ///
    /// # Panics
    ///
    /// If there is no such user.
    #[track_caller]
    pub fn jwt_uuid(&self, email: &str) -> String {
        self.with_user(email, |user| user.jwt_uuid.clone())
    }

    /// Revokes all tokens of a user, as a call with `reset_uuid=1` does.
    ///
    /// # Panics
    ///
    /// If there is no such user.
    #[track_caller]
    pub fn revoke(&self, email: &str) {
        self.with_user(email, |user| user.jwt_uuid = new_uuid());
    }

    /// Ends a user's access now.
    ///
    /// # Panics
    ///
    /// If there is no such user.
    #[track_caller]
    pub fn end_access(&self, email: &str) {
        let wall = self.state.clock.wall();
        self.with_user(email, |user| user.access_ends = Some(wall));
    }

    /// Removes a user, and none of the tokens that were issued.
    ///
    /// # Panics
    ///
    /// If there is no such user.
    #[track_caller]
    pub fn remove_user(&self, email: &str) {
        self.with_user(email, |_| ());
        let email = normal(email);
        self.book(|book| book.users.retain(|user| user.email != email));
    }

    /// Whether a JWT would be accepted at present, for the product that it names.
    pub fn accepts(&self, jwt: &str) -> bool {
        token::accepts(self.state, jwt)
    }

    /// How many tokens were issued, by all calls together.
    pub fn issued(&self) -> usize {
        self.book(|book| book.issued)
    }

    fn book<T>(self, with: impl FnOnce(&mut Book) -> T) -> T {
        with(&mut self.state.book())
    }

    #[track_caller]
    #[allow(clippy::panic, reason = "an assertion")]
    fn with_user<T>(self, email: &str, with: impl FnOnce(&mut EqWorksUser) -> T) -> T {
        // Not inside `book`: the panic would hold the lock, and name that function as its place.
        let found = self.state.book().user_mut(&normal(email)).map(with);
        match found {
            Some(found) => found,
            None => panic!("the sandbox has no user {email:?} at EQ Works"),
        }
    }
}

impl fmt::Debug for EqWorks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EqWorks")
            .field("base_url", &self.state.base_url.as_str())
            .finish_non_exhaustive()
    }
}
