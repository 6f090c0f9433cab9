//! What a session with IQM can start from.

use auth_core::{BoxFuture, PasswordSource};
use secrecy::SecretString;

use crate::types::account;
use crate::{Error, Token};

/// What a session starts from. [`Client::session`](crate::Client::session) takes it, and takes a
/// [`Token`] in its place.
#[derive(Clone, Debug)]
pub struct Login {
    pub(crate) account: Option<String>,
    pub(crate) password: Option<PasswordSource<Error>>,
    pub(crate) token: Option<Token>,
    pub(crate) ow_id: Option<u64>,
}

impl Login {
    /// Logs in with `password` when the session is first used, and again whenever there is no other
    /// way to renew its token. The session keeps the password for as long as it lives.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # fn main() -> Result<(), iqm_auth::Error> {
    /// use iqm_auth::{Client, Login};
    ///
    /// let client = Client::builder("client id", "client secret").build()?;
    /// let session = client.session(Login::password("user1@iqm.com", "123456")).build()?;
    /// # Ok(()) }
    /// ```
    pub fn password(email: impl AsRef<str>, password: impl Into<SecretString>) -> Self {
        Self::with(email.as_ref(), PasswordSource::held(password))
    }

    /// As [`Login::password`], but keeps no password: `provider` is asked at each log-in.
    ///
    /// It runs inside the Tokio runtime of a thread that it must not block. Its error is the
    /// session's: after a transient one it is asked again, with a pause between.
    /// [`Error::LoginRequired`] (the person declines) is remembered.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # fn main() -> Result<(), iqm_auth::Error> {
    /// use iqm_auth::{Client, Login, SecretString};
    ///
    /// # async fn from_the_vault(name: &str) -> Result<SecretString, iqm_auth::Error> { Ok(name.into()) }
    /// let client = Client::builder("client id", "client secret").build()?;
    /// let login = Login::password_from("user1@iqm.com", || Box::pin(from_the_vault("iqm")));
    /// let session = client.session(login).build()?;
    /// # Ok(()) }
    /// ```
    pub fn password_from(
        email: impl AsRef<str>,
        provider: impl Fn() -> BoxFuture<'static, Result<SecretString, Error>> + Send + Sync + 'static,
    ) -> Self {
        Self::with(email.as_ref(), PasswordSource::asked(provider))
    }

    /// Starts with `token` and renews it by its refresh token. When that is refused, a person must
    /// log in.
    ///
    /// A store keeps it under the token's [account](Token::account). The token of a code names
    /// none: [`Token::with_account`] does.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(code: iqm_auth::SecretString) -> Result<(), iqm_auth::Error> {
    /// use iqm_auth::Client;
    ///
    /// let client = Client::builder("client id", "client secret").build()?;
    /// let token = client.exchange_code(&code, "https://app.example.com/back", None).await?;
    /// let session = client.session(token).build()?; // the same as `Login::token(token)`
    /// # Ok(()) }
    /// ```
    pub fn token(token: Token) -> Self {
        Self {
            account: token.account().map(str::to_owned),
            password: None,
            token: Some(token),
            ow_id: None,
        }
    }

    /// Starts with what the session's store holds for `email`, and renews it by its refresh token.
    /// Without a store [`SessionBuilder::build`](crate::SessionBuilder::build) refuses.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # fn main() -> Result<(), iqm_auth::Error> {
    /// use iqm_auth::store::MemoryStore; // or a store of the crate `auth-store`
    /// use iqm_auth::{Client, Login};
    ///
    /// let client = Client::builder("client id", "client secret").build()?;
    /// let login = Login::stored("user1@iqm.com");
    /// let session = client.session(login).store(MemoryStore::new()).build()?;
    /// # Ok(()) }
    /// ```
    pub fn stored(email: impl AsRef<str>) -> Self {
        Self {
            account: Some(account(email.as_ref())),
            password: None,
            token: None,
            ow_id: None,
        }
    }

    /// Works in this workspace, one of those that [`Client::workspaces`](crate::Client::workspaces)
    /// lists, in place of the one that the log-in names.
    ///
    /// Only the header `X-IAA-OW-ID` differs. Sessions of one account in several workspaces have one
    /// token between them where they share a store.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: iqm_auth::Client, token: iqm_auth::Token) -> Result<(), iqm_auth::Error> {
    /// use iqm_auth::Login;
    ///
    /// for workspace in client.workspaces(&token.auth_headers()?).await? {
    ///     let login = Login::token(token.clone()).workspace(workspace.ow_id);
    ///     let session = client.session(login).build()?;
    /// }
    /// # Ok(()) }
    /// ```
    pub fn workspace(mut self, ow_id: u64) -> Self {
        self.ow_id = Some(ow_id);
        self
    }

    fn with(email: &str, password: PasswordSource<Error>) -> Self {
        Self {
            password: Some(password),
            ..Self::stored(email)
        }
    }
}

impl From<Token> for Login {
    fn from(token: Token) -> Self {
        Self::token(token)
    }
}
