//! What a test sees and changes of the emulated IQM.

use std::fmt;

use url::Url;

use super::state::{
    AuthorizationCode, Book, CLIENT_ID, CLIENT_SECRET, CODE_LIFETIME, State, random,
};
use super::users::{self, IqmAccount, IqmUser};
use crate::sandbox::Sandbox;

/// The emulated IQM of a [`Sandbox`](crate::Sandbox).
///
/// # Example
///
/// ```
/// use auth_sandbox::{IqmUser, Sandbox};
///
/// # fn main() -> std::io::Result<()> {
/// let sandbox = Sandbox::start()?;
/// let iqm = sandbox.iqm();
/// iqm.add_user(IqmUser::new("ann@example.com", "correct horse").ow_id(200_100));
/// assert_eq!(iqm.user().email, "user1@iqm.com");
/// assert_eq!(iqm.mfa_code(iqm.mfa_user().email), None);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Iqm<'a> {
    state: &'a State,
}

impl Sandbox {
    /// IQM: its base URL, its client credentials and its users.
    pub fn iqm(&self) -> Iqm<'_> {
        Iqm {
            state: self.vendor(),
        }
    }
}

impl Iqm<'_> {
    /// The base URL: `http://127.0.0.1:<port>/iqm/`, to which `api/v3/…` is appended.
    pub fn base_url(&self) -> Url {
        self.state.base_url.clone()
    }

    /// The accepted client id.
    pub fn client_id(&self) -> &'static str {
        CLIENT_ID
    }

    /// The accepted client secret.
    pub fn client_secret(&self) -> &'static str {
        CLIENT_SECRET
    }

    /// A user who can log in. The vendor's samples have the same one.
    pub fn user(&self) -> IqmAccount {
        users::NORMAL
    }

    /// A user whose organization is on hold.
    pub fn on_hold_user(&self) -> IqmAccount {
        users::ON_HOLD
    }

    /// A user who was invited, and can sign up.
    pub fn invited_user(&self) -> IqmAccount {
        users::INVITED
    }

    /// A user with multi-factor authentication.
    pub fn mfa_user(&self) -> IqmAccount {
        users::MFA
    }

    /// A user of a workspace with a host of its own.
    pub fn workspace_user(&self) -> IqmAccount {
        users::WORKSPACE
    }

    /// The other workspace in which [`workspace_user`](Self::workspace_user) may work.
    pub fn other_ow_id(&self) -> u64 {
        users::OTHER_OW_ID
    }

    /// Adds a user, or replaces the one with the same e-mail address.
    pub fn add_user(&self, user: IqmUser) {
        self.book(|book| book.add_user(user));
    }

    /// Sets a user's password without any call of a client. Tokens stay valid.
    ///
    /// # Panics
    ///
    /// If there is no such user.
    #[track_caller]
    pub fn set_password(&self, email: &str, password: impl Into<String>) {
        self.change_user(email, |user| user.password = Some(password.into()));
    }

    /// Puts a user's organization on hold, or ends the hold.
    ///
    /// # Panics
    ///
    /// If there is no such user.
    #[track_caller]
    pub fn set_on_hold(&self, email: &str, on_hold: bool) {
        self.change_user(email, |user| user.on_hold = on_hold);
    }

    /// The code that was sent to the user last, unless it was used.
    pub fn mfa_code(&self, email: &str) -> Option<String> {
        self.book(|book| {
            let mut codes = book.mfa_codes.iter();
            codes
                .find(|(_, code)| code.email == email)
                .map(|(code, _)| code.clone())
        })
    }

    /// The hash in the reset link that was sent to the user last, unless it was used.
    pub fn reset_hash(&self, email: &str) -> Option<String> {
        self.book(|book| {
            let reset = book.resets.get(email).filter(|reset| !reset.used)?;
            Some(reset.hash.clone())
        })
    }

    /// Makes a code for the authorization code grant, as if the user had just consented in the
    /// browser. It can be used once, within ten minutes.
    ///
    /// # Panics
    ///
    /// If there is no such user.
    #[track_caller]
    pub fn authorization_code(&self, email: &str, redirect_uri: impl Into<String>) -> String {
        self.change_user(email, |_| ());
        let (email, redirect_uri) = (email.to_owned(), redirect_uri.into());
        let (code, ends) = (random(), self.state.now() + CODE_LIFETIME);
        let made = AuthorizationCode {
            email,
            redirect_uri,
            ends,
        };
        self.book(|book| book.authorization_codes.insert(code.clone(), made));
        code
    }

    /// Revokes the access tokens of a user. The refresh tokens stay valid.
    pub fn revoke_access_tokens(&self, email: &str) {
        self.book(|book| book.ledger.revoke_owner(email, true, false));
    }

    /// Revokes the refresh tokens of a user. The access tokens stay valid until they expire.
    pub fn revoke_refresh_tokens(&self, email: &str) {
        self.book(|book| book.ledger.revoke_owner(email, false, true));
    }

    /// Revokes all tokens of a user.
    pub fn revoke_all(&self, email: &str) {
        self.book(|book| book.ledger.revoke_owner(email, true, true));
    }

    /// Whether an access token would be accepted at present.
    pub fn accepts(&self, access_token: &str) -> bool {
        let now = self.state.now();
        self.book(|book| book.ledger.owner(access_token, now).is_ok())
    }

    /// How many access tokens were issued, by all calls together.
    pub fn issued(&self) -> usize {
        self.book(|book| book.ledger.issued())
    }

    /// How often a refresh token was used that had been rotated away.
    pub fn reuse_detected(&self) -> usize {
        self.book(|book| book.ledger.reuse_detected())
    }

    fn book<T>(self, with: impl FnOnce(&mut Book) -> T) -> T {
        with(&mut self.state.book())
    }

    #[track_caller]
    fn change_user(self, email: &str, change: impl FnOnce(&mut IqmUser)) {
        // Not inside `book`: the panic would hold the lock, and name that function as its place.
        let found = self.state.book().user_mut(email).map(change).is_some();
        assert!(found, "the sandbox has no user {email:?} at IQM");
    }
}

impl fmt::Debug for Iqm<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iqm")
            .field("base_url", &self.state.base_url.as_str())
            .finish_non_exhaustive()
    }
}
