//! What a session with IdentityX can start from.

use std::time::UNIX_EPOCH;

use auth_core::{Expiry, Token};

use crate::identity::{Administrator, Identity};
use crate::organization::OrganizationId;
use crate::types::{account, in_application, in_organization, scope};
use crate::{AppUser, ApplicationId};

/// What a session of the identity `I` starts from. [`Client::session`](crate::Client::session)
/// takes it, and takes an identity in its place.
#[derive(Clone, Debug)]
pub struct Login<I> {
    pub(crate) account: Option<String>,
    /// The application and the organisation, as they stand beside a token.
    place: Token,
    pub(crate) identity: Option<I>,
}

impl<I: Identity> Login<I> {
    /// Starts with `identity`, from a log-in or kept as text. Its token is used until the vendor
    /// says that it has ended; then a person must log in.
    ///
    /// A store keeps it under the identity's [account](AppUser::account), which a log-in names.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(link: identityx_auth::LoginLink) -> Result<(), identityx_auth::Error> {
    /// use identityx_auth::{Client, Login};
    ///
    /// let client = Client::builder().build()?;
    /// let login = client.log_in_org_user(&link).await?;
    /// let session = client.session(Login::identity(login.user)).build()?;
    /// // or, which is the same: client.session(login.user)
    /// # Ok(()) }
    /// ```
    pub fn identity(identity: I) -> Self {
        let token = identity.token();
        Self {
            account: token.account().map(str::to_owned),
            place: token.clone(),
            identity: Some(identity),
        }
    }

    fn of(email: &str) -> Self {
        Self {
            account: Some(account(email)),
            place: Token::new("".into(), Expiry::Never, UNIX_EPOCH),
            identity: None,
        }
    }

    pub(crate) fn scope(&self) -> String {
        scope(I::KIND, &self.place)
    }
}

impl Login<AppUser> {
    /// Starts with what the session's store holds for the user of `application` with this e-mail
    /// address. Without a store [`SessionBuilder::build`](crate::SessionBuilder::build) refuses.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # fn main() -> Result<(), identityx_auth::Error> {
    /// use identityx_auth::store::MemoryStore; // or a store of the crate `auth-store`
    /// use identityx_auth::{AppUser, ApplicationId, Client, Login};
    ///
    /// let client = Client::builder().build()?;
    /// let application = ApplicationId::new("60a1b2c3d4e5f60718293a01")?;
    /// let login = Login::<AppUser>::stored("sue@example.com", &application);
    /// let session = client.session(login).store(MemoryStore::new()).build()?;
    /// # Ok(()) }
    /// ```
    pub fn stored(email: impl AsRef<str>, application: &ApplicationId) -> Self {
        let login = Self::of(email.as_ref());
        let place = in_application(login.place, application);
        Self { place, ..login }
    }
}

impl<I: Administrator> Login<I> {
    /// Starts with what the session's store holds for the administrator with this e-mail address.
    /// Without a store [`SessionBuilder::build`](crate::SessionBuilder::build) refuses.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # fn main() -> Result<(), identityx_auth::Error> {
    /// use identityx_auth::store::MemoryStore; // or a store of the crate `auth-store`
    /// use identityx_auth::{Client, Login, OrgUser};
    ///
    /// let client = Client::builder().build()?;
    /// let login = Login::<OrgUser>::stored("ann@example.com");
    /// let session = client.session(login).store(MemoryStore::new()).build()?;
    /// # Ok(()) }
    /// ```
    pub fn stored(email: impl AsRef<str>) -> Self {
        Self::of(email.as_ref())
    }

    /// Makes the session's calls about one organisation's data. A store keeps it under a key of
    /// its own.
    pub fn in_organization(self, organization: &OrganizationId) -> Self {
        self.about(|token| in_organization(token, organization))
    }

    /// Makes the session's calls about one application, for operations that need a role there. A
    /// store keeps it under a key of its own.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(token: identityx_auth::OrgUserApiToken) -> Result<(), identityx_auth::Error> {
    /// use identityx_auth::{ApplicationId, Client, Login};
    ///
    /// let client = Client::builder().build()?;
    /// let application = ApplicationId::new("60a1b2c3d4e5f60718293a01")?;
    /// let login = Login::identity(token).in_application(&application);
    /// let headers = client.session(login).build()?.headers().await?; // with `x-app-id`
    /// # Ok(()) }
    /// ```
    pub fn in_application(self, application: &ApplicationId) -> Self {
        self.about(|token| in_application(token, application))
    }

    fn about(self, change: impl Fn(Token) -> Token) -> Self {
        let identity = self.identity.map(|identity| change(identity.into()).into());
        let place = change(self.place);
        Self {
            place,
            identity,
            ..self
        }
    }
}

impl<I: Identity> From<I> for Login<I> {
    fn from(identity: I) -> Self {
        Self::identity(identity)
    }
}
