//! What a session with EQ Works can start from, and the log-in that waits for a passcode.

use std::fmt;

use secrecy::SecretString;

use crate::magic_link::MagicLink;
use crate::types::account;
use crate::{Client, Error, Product, Token};

/// What a session starts from. [`Client::session`] takes it, and takes a [`Token`] in its place.
///
/// EQ Works has no passwords: a person logs in by e-mail, through [`Client::request_passcode`].
#[derive(Clone, Debug)]
pub struct Login {
    pub(crate) account: Option<String>,
    pub(crate) token: Option<Token>,
}

impl Login {
    /// Starts with `token` and refreshes it before its end. When it has ended or is refused, a
    /// person must log in.
    ///
    /// A store keeps it under the token's [account](Token::account).
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(pasted: eqworks_auth::SecretString) -> Result<(), eqworks_auth::Error> {
    /// use eqworks_auth::{Client, Login, Product, Stage};
    ///
    /// let client = Client::builder(Stage::Prod, Product::ATOM).build()?;
    /// let pending = client.request_passcode("sue@acme.test").await?;
    /// let token = pending.complete(&pasted).await?;
    /// let session = client.session(Login::token(token)).build()?;
    /// # Ok(()) }
    /// ```
    pub fn token(token: Token) -> Self {
        Self {
            account: token.account().map(str::to_owned),
            token: Some(token),
        }
    }

    /// Starts with what the session's store holds for `user`, and refreshes it before its end.
    /// Without a store [`SessionBuilder::build`](crate::SessionBuilder::build) refuses.
    ///
    /// If the store holds nothing, or a token that has ended, the error is
    /// [`Error::LoginRequired`]. [`Session::set_token`](crate::session::Session::set_token) takes
    /// the token of the log-in that follows, and saves it.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # fn main() -> Result<(), eqworks_auth::Error> {
    /// use eqworks_auth::store::MemoryStore; // or a store of the crate `auth-store`
    /// use eqworks_auth::{Client, Login, Product, Stage};
    ///
    /// let client = Client::builder(Stage::Prod, Product::ATOM).build()?;
    /// let login = Login::stored("sue@acme.test");
    /// let session = client.session(login).store(MemoryStore::new()).build()?;
    /// # Ok(()) }
    /// ```
    pub fn stored(user: impl AsRef<str>) -> Self {
        Self {
            account: Some(account(user.as_ref())),
            token: None,
        }
    }
}

impl From<Token> for Login {
    fn from(token: Token) -> Self {
        Self::token(token)
    }
}

/// A log-in that waits for the passcode or the magic link from the user's mailbox.
/// [`Client::request_passcode`] makes one, or [`Client::pending_login`] in another process.
#[derive(Clone)]
pub struct PendingLogin {
    client: Client,
    user: String,
}

impl PendingLogin {
    pub(crate) fn new(client: Client, user: &str) -> Self {
        let user = account(user);
        Self { client, user }
    }

    /// Who logs in, as the vendor writes it: in lower case.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// What the token will be good for.
    pub fn product(&self) -> &Product {
        self.client.product()
    }

    /// Exchanges what a person pasted for a token: the passcode, or the magic link in any form
    /// that [`MagicLink::parse`] reads.
    ///
    /// A link is read and never followed. Not repeated where it may have happened: a passcode
    /// works once.
    ///
    /// # Errors
    ///
    /// [`Error::NotAPasscode`] or [`Error::OtherLogin`] if it cannot belong to this log-in:
    /// nothing was sent, ask the person again. Otherwise as [`Client::verify`].
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), eqworks_auth::Error> {
    /// use eqworks_auth::{Client, Product, Stage};
    ///
    /// let client = Client::builder(Stage::Prod, Product::ATOM).build()?;
    /// let pasted = "https://auth.eqworks.io/prod/verify?user=sue@acme.test&otp=FDEA9F";
    /// let token = client.pending_login("sue@acme.test").complete(&pasted.into()).await?;
    /// # Ok(()) }
    /// ```
    pub async fn complete(&self, pasted: &SecretString) -> Result<Token, Error> {
        let link = self.own_link(pasted)?;
        self.client.verify(&self.user, link.passcode()).await
    }

    /// As [`PendingLogin::complete`]. In addition, all older tokens of the user end, on every
    /// device.
    ///
    /// # Errors
    ///
    /// As [`PendingLogin::complete`].
    pub async fn complete_and_revoke_older(&self, pasted: &SecretString) -> Result<Token, Error> {
        let link = self.own_link(pasted)?;
        let client = &self.client;
        client
            .verify_and_revoke_older(&self.user, link.passcode())
            .await
    }

    /// The link, if it may belong to this log-in.
    fn own_link(&self, pasted: &SecretString) -> Result<MagicLink, Error> {
        let link = MagicLink::read(pasted, Some((&self.user, self.product())))?;
        let refused = |reason: String| Err(Error::OtherLogin { reason });
        // An attacker who gets a person to paste the attacker's own link would log that person in
        // to the attacker's account.
        if link.user().is_some_and(|user| user != self.user) {
            return refused(format!("it is not for {}", self.user));
        }
        if link.product().is_some_and(|it| !self.product().accepts(it)) {
            return refused(format!("it is not for {}", self.product()));
        }
        Ok(link)
    }
}

impl fmt::Debug for PendingLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingLogin")
            .field("user", &self.user)
            .field("client", &self.client)
            .finish()
    }
}
