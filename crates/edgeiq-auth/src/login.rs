//! What a session with EdgeIQ can start from.

use auth_core::{BoxFuture, PasswordSource};
use secrecy::SecretString;

use crate::types::account;
use crate::{ApiToken, Error, Token};

/// What a session starts from. [`Client::session`](crate::Client::session) takes it, and takes a
/// [`Token`] or an [`ApiToken`] in its place.
#[derive(Clone, Debug)]
pub struct Login {
    pub(crate) account: Option<String>,
    pub(crate) password: Option<PasswordSource<Error>>,
    pub(crate) token: Option<auth_core::Token>,
    /// The token is a permanent one.
    pub(crate) is_permanent: bool,
}

impl Login {
    /// Logs in with `password` when the session is first used, and again before each of its tokens
    /// ends. The session keeps the password for as long as it lives.
    ///
    /// The tokens live for [`ClientBuilder::session_lifetime`](crate::ClientBuilder::session_lifetime).
    ///
    /// # Example
    ///
    /// ```no_run
    /// # fn main() -> Result<(), edgeiq_auth::Error> {
    /// use edgeiq_auth::{Client, Login};
    ///
    /// let client = Client::builder().build()?;
    /// let session = client.session(Login::password("user@example.com", "password")).build()?;
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
    /// # fn main() -> Result<(), edgeiq_auth::Error> {
    /// use edgeiq_auth::{Client, Login, SecretString};
    ///
    /// # async fn from_the_vault(name: &str) -> Result<SecretString, edgeiq_auth::Error> { Ok(name.into()) }
    /// let client = Client::builder().build()?;
    /// let login = Login::password_from("user@example.com", || Box::pin(from_the_vault("edgeiq")));
    /// let session = client.session(login).build()?;
    /// # Ok(()) }
    /// ```
    pub fn password_from(
        email: impl AsRef<str>,
        provider: impl Fn() -> BoxFuture<'static, Result<SecretString, Error>> + Send + Sync + 'static,
    ) -> Self {
        Self::with(email.as_ref(), PasswordSource::asked(provider))
    }

    /// Uses a permanent token, which never ends and is never renewed. When it is refused, a person
    /// must log in.
    ///
    /// A store keeps it under the token's [account](ApiToken::account), which is known if the
    /// program has named it.
    ///
    /// # Example
    ///
    /// ```
    /// # fn main() -> Result<(), edgeiq_auth::Error> {
    /// use edgeiq_auth::{ApiToken, Client, Login};
    ///
    /// let client = Client::builder().build()?;
    /// let login = Login::api_token(ApiToken::new("from the portal"));
    /// let session = client.session(login).build()?;
    /// # Ok(()) }
    /// ```
    pub fn api_token(token: ApiToken) -> Self {
        Self {
            is_permanent: true,
            ..Self::given(token.into())
        }
    }

    /// Starts with a session token. EdgeIQ has no call that renews it: when it has ended, a person
    /// must log in.
    ///
    /// A store keeps it under the token's [account](Token::account).
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(password: edgeiq_auth::SecretString) -> Result<(), edgeiq_auth::Error> {
    /// use edgeiq_auth::{Client, Lifetime};
    ///
    /// let client = Client::builder().build()?;
    /// let authenticated = client
    ///     .authenticate("user@example.com", &password, Lifetime::Default)
    ///     .await?;
    /// let session = client.session(authenticated.token).build()?;
    /// # Ok(()) }
    /// ```
    pub fn token(token: Token) -> Self {
        Self::given(token.into())
    }

    /// Starts with what the session's store holds for `email`. When that token has ended, a person
    /// must log in. Without a store [`SessionBuilder::build`](crate::SessionBuilder::build) refuses.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # fn main() -> Result<(), edgeiq_auth::Error> {
    /// use edgeiq_auth::store::MemoryStore; // or a store of the crate `auth-store`
    /// use edgeiq_auth::{Client, Login};
    ///
    /// let client = Client::builder().build()?;
    /// let login = Login::stored("user@example.com");
    /// let session = client.session(login).store(MemoryStore::new()).build()?;
    /// # Ok(()) }
    /// ```
    pub fn stored(email: impl AsRef<str>) -> Self {
        Self {
            account: Some(account(email.as_ref())),
            password: None,
            token: None,
            is_permanent: false,
        }
    }

    fn with(email: &str, password: PasswordSource<Error>) -> Self {
        Self {
            password: Some(password),
            ..Self::stored(email)
        }
    }

    fn given(token: auth_core::Token) -> Self {
        Self {
            account: token.account().map(str::to_owned),
            password: None,
            token: Some(token),
            is_permanent: false,
        }
    }
}

impl From<Token> for Login {
    fn from(token: Token) -> Self {
        Self::token(token)
    }
}

impl From<ApiToken> for Login {
    fn from(token: ApiToken) -> Self {
        Self::api_token(token)
    }
}
