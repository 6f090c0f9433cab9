//! The three identities, as three types that cannot be mixed up.

use std::time::{SystemTime, UNIX_EPOCH};

use auth_core::{AuthHeaders, Expiry, Header, Token, UnverifiedClaims};
use http::HeaderName;
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};

use crate::client::{Client, X_APP_ID};
use crate::{ApplicationId, Error, HeaderStyle, OrganizationId};

/// What is kept beside a token.
const IDENTITY: &str = "identity";
pub(crate) const APPLICATION: &str = "application";
const ORGANIZATION: &str = "organization";

const X_ORG_ID: HeaderName = HeaderName::from_static("x-org-id");

/// One of the three identities that IdentityX knows: [`AppUser`], [`OrgUser`],
/// [`OrgUserApiToken`].
pub trait Identity: Sealed + Clone + Send + Sync + 'static {
    /// As it stands in the `Authorization` header, before the token.
    const SCHEME: &'static str;
}

/// Who may ask for an administrator's own data: [`OrgUser`] or [`OrgUserApiToken`].
pub trait Administrator: Identity {}

/// What only this crate calls.
pub trait Sealed: From<Token> + Into<Token> {
    /// The `sub` claim of the identity's tokens.
    const SUBJECT: &'static str;

    #[doc(hidden)]
    fn token(&self) -> &Token;

    /// Asks the vendor whether the token is good.
    #[doc(hidden)]
    fn confirm(&self, client: &Client) -> impl Future<Output = Result<(), Error>> + Send;

    /// Tells the vendor that the session is over.
    #[doc(hidden)]
    fn end(&self, client: &Client) -> impl Future<Output = Result<(), Error>> + Send;
}

auth_core::vendor_token!(
    /// An application's own user, with the token of a session: from
    /// [`Client::log_in_app_user`](crate::Client::log_in_app_user), or kept from before.
    ///
    /// Its headers go to the application of its log-in. `Debug` shows a fingerprint in place of
    /// the token.
    AppUser,
    short::<AppUser>
);

auth_core::vendor_token!(
    /// An administrator, with the token of a session: from
    /// [`Client::log_in_org_user`](crate::Client::log_in_org_user), or kept from before.
    ///
    /// `Debug` shows a fingerprint in place of the token.
    OrgUser,
    short::<OrgUser>
);

auth_core::vendor_token!(
    /// An administrator's permanent API token: from
    /// [`Client::create_api_token`](crate::Client::create_api_token), or kept from before. It
    /// survives a log-out.
    ///
    /// `Debug` shows a fingerprint in place of the token.
    OrgUserApiToken,
    short::<OrgUserApiToken>
);

impl Identity for AppUser {
    const SCHEME: &'static str = "AppUser";
}

impl Identity for OrgUser {
    const SCHEME: &'static str = "OrgUser";
}

impl Identity for OrgUserApiToken {
    const SCHEME: &'static str = "OrgUserApiToken";
}

impl Administrator for OrgUser {}
impl Administrator for OrgUserApiToken {}

impl Sealed for AppUser {
    const SUBJECT: &'static str = "app-user-auth";

    fn token(&self) -> &Token {
        &self.0
    }

    async fn confirm(&self, client: &Client) -> Result<(), Error> {
        client.active_app_user(self).await.map(drop)
    }

    async fn end(&self, client: &Client) -> Result<(), Error> {
        client.log_out_app_user(self).await
    }
}

impl Sealed for OrgUser {
    const SUBJECT: &'static str = "user-auth";

    fn token(&self) -> &Token {
        &self.0
    }

    async fn confirm(&self, client: &Client) -> Result<(), Error> {
        client.active_org_user(self).await.map(drop)
    }

    async fn end(&self, client: &Client) -> Result<(), Error> {
        client.log_out_org_user(self).await
    }
}

impl Sealed for OrgUserApiToken {
    const SUBJECT: &'static str = "user-api-token";

    fn token(&self) -> &Token {
        &self.0
    }

    async fn confirm(&self, client: &Client) -> Result<(), Error> {
        client.active_org_user(self).await.map(drop)
    }

    // There is no call that ends it.
    async fn end(&self, _: &Client) -> Result<(), Error> {
        Ok(())
    }
}

impl AppUser {
    /// The user of `application` whose session token was kept as text.
    ///
    /// When it was issued and whose it is are taken from its claims, unverified.
    ///
    /// # Errors
    ///
    /// [`Error::WrongIdentity`] if its claims say that it is another kind of token.
    pub fn from_jwt(
        jwt: impl Into<SecretString>,
        application: &ApplicationId,
    ) -> Result<Self, Error> {
        let token = kept::<Self>(jwt.into())?;
        Ok(Self(
            token.with_attribute(APPLICATION, application.as_str()),
        ))
    }

    pub(crate) fn issued(
        jwt: SecretString,
        application: &ApplicationId,
        sent_at: SystemTime,
    ) -> Result<Self, Error> {
        let token = fresh::<Self>(jwt, sent_at)?;
        Ok(Self(
            token.with_attribute(APPLICATION, application.as_str()),
        ))
    }

    /// The application whose user this is.
    pub fn application(&self) -> Option<ApplicationId> {
        ApplicationId::new(self.0.attribute(APPLICATION)?).ok()
    }
}

/// What the two kinds of administrator's tokens have in common.
macro_rules! administrator {
    ($name:ident) => {
        impl $name {
            /// The administrator whose token was kept as text.
            ///
            /// When it was issued is taken from its claims, unverified.
            ///
            /// # Errors
            ///
            /// [`Error::WrongIdentity`] if its claims say that it is another kind of token.
            pub fn from_jwt(jwt: impl Into<SecretString>) -> Result<Self, Error> {
                Ok(Self(kept::<Self>(jwt.into())?))
            }

            pub(crate) fn issued(jwt: SecretString, sent_at: SystemTime) -> Result<Self, Error> {
                Ok(Self(fresh::<Self>(jwt, sent_at)?))
            }

            /// The same administrator, whose calls are about one organisation's data from now on.
            pub fn in_organization(self, organization: &OrganizationId) -> Self {
                Self(self.0.with_attribute(ORGANIZATION, organization.as_str()))
            }

            /// The organisation that the calls are about.
            pub fn organization(&self) -> Option<OrganizationId> {
                OrganizationId::new(self.0.attribute(ORGANIZATION)?).ok()
            }
        }
    };
}

administrator!(OrgUser);
administrator!(OrgUserApiToken);

/// A token that the vendor has just issued.
fn fresh<I: Identity>(jwt: SecretString, sent_at: SystemTime) -> Result<Token, Error> {
    let token = kept::<I>(jwt)?;
    // By our clock.
    let fresh = Token::new(token.access().clone(), token.expiry(), sent_at);
    Ok(fresh.with_attribute(IDENTITY, I::SCHEME))
}

/// A token that was kept as text.
fn kept<I: Identity>(jwt: SecretString) -> Result<Token, Error> {
    let text = jwt.expose_secret();
    // A file ends with a line break, which no header can carry.
    let trimmed = text.trim();
    let jwt = if trimmed.len() < text.len() {
        trimmed.into()
    } else {
        jwt
    };
    let claims = UnverifiedClaims::of(&jwt).ok();
    let moment = |name| claims.as_ref().and_then(|claims| claims.moment(name));
    let issued_at = moment("iat").and_then(Expiry::at).unwrap_or(UNIX_EPOCH);
    // Without `exp` the clock does not end it.
    let expiry = moment("exp").unwrap_or(Expiry::Never);
    let token = Token::new(jwt, expiry, issued_at).with_attribute(IDENTITY, I::SCHEME);
    check::<I>(&token)?;
    Ok(token)
}

/// The kind of token that its claims say it is, where they can be read.
pub(crate) fn claimed_subject(token: &SecretString) -> Option<String> {
    let claims = UnverifiedClaims::of(token).ok()?;
    claims.text("sub").map(str::to_owned)
}

/// Refuses a token of another kind before it is sent.
fn check<I: Identity>(token: &Token) -> Result<(), Error> {
    let stored = token.attribute(IDENTITY).filter(|it| *it != I::SCHEME);
    let claimed = claimed_subject(token.access()).filter(|it| *it != I::SUBJECT);
    let message = match (stored, claimed) {
        (None, None) => return Ok(()),
        (Some(stored), _) => format!("the token is of an {stored}, not of an {}", I::SCHEME),
        (None, Some(_)) => format!("the token's claims say that it is not of an {}", I::SCHEME),
    };
    Err(Error::WrongIdentity { message })
}

fn short<I: Identity>(token: &Token) -> Result<Vec<Header>, Error> {
    headers::<I>(token, HeaderStyle::Short)
}

/// The headers of a call by this identity.
pub(crate) fn headers<I: Identity>(
    token: &Token,
    style: HeaderStyle,
) -> Result<Vec<Header>, Error> {
    check::<I>(token)?;
    // The service splits the value at one single space.
    let scheme = match style {
        HeaderStyle::Short => format!("{} ", I::SCHEME),
        HeaderStyle::Bearer => format!("Bearer {} ", I::SCHEME),
    };
    let mut headers = vec![Header::with_scheme(AUTHORIZATION, &scheme, token.access())?];
    for (name, attribute) in [(X_APP_ID, APPLICATION), (X_ORG_ID, ORGANIZATION)] {
        if let Some(id) = token.attribute(attribute) {
            headers.push(Header::new(name, &id.into())?);
        }
    }
    Ok(headers)
}

/// The headers of one call.
pub(crate) fn auth_headers<I: Identity>(
    identity: &I,
    style: HeaderStyle,
) -> Result<AuthHeaders, Error> {
    let token = identity.token();
    Ok(AuthHeaders::new(token, &headers::<I>(token, style)?)?)
}
