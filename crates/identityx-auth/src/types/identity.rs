//! The three identities, as three types that cannot be mixed up.

use std::time::UNIX_EPOCH;

use auth_core::{AuthHeaders, Expiry, Header, Response, Token, UnverifiedClaims, trimmed_secret};
use http::HeaderName;
use http::header::AUTHORIZATION;
use secrecy::SecretString;

use super::scalars::{ApplicationId, OrganizationId};
use crate::Error;

/// What is kept beside a token.
const IDENTITY: &str = "identity";
const APPLICATION: &str = "application";
const ORGANIZATION: &str = "organization";

pub(crate) const X_APP_ID: HeaderName = HeaderName::from_static("x-app-id");
pub(crate) const X_ORG_ID: HeaderName = HeaderName::from_static("x-org-id");

const BEARER: &str = "Bearer ";

/// How the token is put into the `Authorization` header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeaderStyle {
    /// `AppUser <token>`: what the service accepts and the vendor's own clients send.
    #[default]
    Short,
    /// `Bearer AppUser <token>`: what the vendor's documentation shows. The service was seen to
    /// refuse it.
    Bearer,
}

/// One of the three identities that IdentityX knows: [`AppUser`], [`OrgUser`],
/// [`OrgUserApiToken`].
pub trait Identity: Sealed + Clone + Send + Sync + 'static {}

/// An administrator of organisations: [`OrgUser`] or [`OrgUserApiToken`].
pub trait Administrator: Identity {}

/// What only this crate calls.
pub trait Sealed: From<Token> + Into<Token> {
    #[doc(hidden)]
    const KIND: Kind;

    #[doc(hidden)]
    fn token(&self) -> &Token;
}

/// Which of the three identities it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    AppUser,
    OrgUser,
    OrgUserApiToken,
}

impl Kind {
    /// As it stands in the `Authorization` header, before the token.
    pub(crate) fn scheme(self) -> &'static str {
        match self {
            Self::AppUser => "AppUser",
            Self::OrgUser => "OrgUser",
            Self::OrgUserApiToken => "OrgUserApiToken",
        }
    }

    /// The `sub` claim of the identity's tokens.
    fn subject(self) -> &'static str {
        match self {
            Self::AppUser => "app-user-auth",
            Self::OrgUser => "user-auth",
            Self::OrgUserApiToken => "user-api-token",
        }
    }
}

auth_core::vendor_token!(
    /// An application's own user, with the token of a session: from
    /// [`Client::log_in_app_user`](crate::Client::log_in_app_user), or kept from before.
    ///
    /// Its headers name the application of its log-in. `Debug` shows a fingerprint in place of
    /// the token.
    AppUser,
    short::<AppUser>,
    account
);

auth_core::vendor_token!(
    /// An administrator, with the token of a session: from
    /// [`Client::log_in_org_user`](crate::Client::log_in_org_user), or kept from before.
    ///
    /// `Debug` shows a fingerprint in place of the token.
    OrgUser,
    short::<OrgUser>,
    account
);

auth_core::vendor_token!(
    /// An administrator's permanent API token: from
    /// [`Client::create_api_token`](crate::Client::create_api_token), or kept from before. It
    /// survives a log-out.
    ///
    /// `Debug` shows a fingerprint in place of the token.
    OrgUserApiToken,
    short::<OrgUserApiToken>,
    account
);

/// What the three types have in common.
macro_rules! identity {
    ($($name:ident),*) => {
        $(
            impl Identity for $name {}

            impl Sealed for $name {
                const KIND: Kind = Kind::$name;

                fn token(&self) -> &Token {
                    &self.0
                }
            }
        )*
    };
}

identity!(AppUser, OrgUser, OrgUserApiToken);

impl Administrator for OrgUser {}
impl Administrator for OrgUserApiToken {}

impl AppUser {
    /// The user of `application` whose session token was kept as text.
    ///
    /// When it was issued is taken from its claims, unverified.
    /// [`with_account`](Self::with_account) names the user's e-mail address, which a token store
    /// needs.
    ///
    /// # Errors
    ///
    /// [`Error::WrongIdentity`] if its claims say that it is another kind of token.
    ///
    /// # Example
    ///
    /// ```
    /// use identityx_auth::{AppUser, ApplicationId, SecretString};
    ///
    /// fn kept(text: SecretString) -> Result<AppUser, identityx_auth::Error> {
    ///     let application = ApplicationId::new("60a1b2c3d4e5f60718293a01")?;
    ///     Ok(AppUser::from_jwt(text, &application)?.with_account("sue@example.com"))
    /// }
    /// ```
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
        response: &Response,
    ) -> Result<Self, Error> {
        let token = fresh::<Self>(jwt, response)?;
        Ok(Self(
            token.with_attribute(APPLICATION, application.as_str()),
        ))
    }

    /// The application whose user this is.
    pub fn application(&self) -> Option<ApplicationId> {
        application(&self.0)
    }
}

/// What the two kinds of administrator's tokens have in common.
macro_rules! administrator {
    ($name:ident) => {
        impl $name {
            /// The administrator whose token was kept as text.
            ///
            /// When it was issued is taken from its claims, unverified.
            /// [`with_account`](Self::with_account) names the administrator's e-mail address,
            /// which a token store needs.
            ///
            /// # Errors
            ///
            /// [`Error::WrongIdentity`] if its claims say that it is another kind of token.
            pub fn from_jwt(jwt: impl Into<SecretString>) -> Result<Self, Error> {
                Ok(Self(kept::<Self>(jwt.into())?))
            }

            pub(crate) fn issued(jwt: SecretString, response: &Response) -> Result<Self, Error> {
                Ok(Self(fresh::<Self>(jwt, response)?))
            }

            /// The same administrator, whose calls are about one organisation's data from now on.
            pub fn in_organization(self, organization: &OrganizationId) -> Self {
                Self(in_organization(self.0, organization))
            }

            /// The same administrator, whose calls are about one application from now on: for
            /// operations that need a role there, such as `appUsers`. Beside it an organisation can be
            /// named.
            pub fn in_application(self, application: &ApplicationId) -> Self {
                Self(in_application(self.0, application))
            }

            /// The application that the calls are about.
            pub fn application(&self) -> Option<ApplicationId> {
                application(&self.0)
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

/// An e-mail address, as the name of an account: the vendor trims it and lower-cases it.
pub(crate) fn account(email: &str) -> String {
    email
        .trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
        .to_lowercase()
}

/// The application of an app user's token, or the one that an administrator's calls are about.
pub(crate) fn application(token: &Token) -> Option<ApplicationId> {
    ApplicationId::new(token.attribute(APPLICATION)?).ok()
}

/// The token for calls about one organisation's data.
pub(crate) fn in_organization(token: Token, organization: &OrganizationId) -> Token {
    token.with_attribute(ORGANIZATION, organization.as_str())
}

/// The token for calls about one application.
pub(crate) fn in_application(token: Token, application: &ApplicationId) -> Token {
    token.with_attribute(APPLICATION, application.as_str())
}

/// What tells apart the tokens of one account: an app user's application; the organisation and the
/// application that an administrator's calls are about.
pub(crate) fn scope(kind: Kind, token: &Token) -> String {
    let of = |name| token.attribute(name).unwrap_or_default();
    match (kind, of(ORGANIZATION), of(APPLICATION)) {
        (Kind::AppUser, _, application) => application.to_owned(),
        (_, organization, "") => organization.to_owned(),
        (_, organization, application) => format!("{organization}/{application}"),
    }
}

/// A token that the vendor has just issued.
fn fresh<I: Identity>(jwt: SecretString, response: &Response) -> Result<Token, Error> {
    let token = kept::<I>(jwt)?;
    // By the local clock. The vendor's sessions have no end: one that has is new.
    let expiry = response.expiry(token.expiry(), token.lifetime());
    let fresh = Token::new(token.access().clone(), expiry, response.sent_at());
    Ok(fresh.with_attribute(IDENTITY, I::KIND.scheme()))
}

/// A token that was kept as text.
fn kept<I: Identity>(jwt: SecretString) -> Result<Token, Error> {
    let jwt = trimmed_secret(jwt);
    let claims = UnverifiedClaims::of(&jwt).ok();
    let moment = |name| claims.as_ref().and_then(|claims| claims.moment(name));
    let issued_at = moment("iat").and_then(Expiry::at).unwrap_or(UNIX_EPOCH);
    // Without `exp` the clock does not end it.
    let expiry = moment("exp").unwrap_or(Expiry::Never);
    let token = Token::new(jwt, expiry, issued_at).with_attribute(IDENTITY, I::KIND.scheme());
    check(I::KIND, &token)?;
    Ok(token)
}

/// The kind of token that its claims say it is, where they can be read.
pub(crate) fn claimed_subject(token: &SecretString) -> Option<String> {
    let claims = UnverifiedClaims::of(token).ok()?;
    claims.text("sub").map(str::to_owned)
}

/// Refuses a token of another kind before it is sent.
fn check(kind: Kind, token: &Token) -> Result<(), Error> {
    let scheme = kind.scheme();
    let stored = token.attribute(IDENTITY).filter(|it| *it != scheme);
    let claimed = claimed_subject(token.access()).filter(|it| it != kind.subject());
    match (stored, claimed) {
        (None, None) => Ok(()),
        (Some(stored), _) => Err(Error::wrong_identity(format!(
            "the token is of an {stored}, not of an {scheme}"
        ))),
        (None, Some(_)) => Err(Error::wrong_identity(format!(
            "the token's claims say that it is not of an {scheme}"
        ))),
    }
}

/// Refuses the headers of an identity that the call is not for, before they are sent.
pub(crate) fn check_caller(headers: &AuthHeaders, wanted: &[Kind]) -> Result<(), Error> {
    let headers = headers.headers();
    let value = headers.get(AUTHORIZATION).map(http::HeaderValue::as_bytes);
    let value = value.unwrap_or_default();
    let value = value.strip_prefix(BEARER.as_bytes()).unwrap_or(value);
    let is_of = |kind: &Kind| {
        let token = value.strip_prefix(kind.scheme().as_bytes());
        token.is_some_and(|token| token.starts_with(b" "))
    };
    if wanted.iter().any(is_of) {
        return Ok(());
    }
    let names: Vec<_> = wanted.iter().map(|kind| kind.scheme()).collect();
    let message = format!("the headers are not of an {}", names.join(" or an "));
    Err(Error::wrong_identity(message))
}

fn short<I: Identity>(token: &Token) -> Result<Vec<Header>, Error> {
    headers(I::KIND, token, HeaderStyle::Short)
}

/// The headers of a call by this identity.
pub(crate) fn headers(kind: Kind, token: &Token, style: HeaderStyle) -> Result<Vec<Header>, Error> {
    check(kind, token)?;
    // The service splits the value at one single space.
    let scheme = match style {
        HeaderStyle::Short => format!("{} ", kind.scheme()),
        HeaderStyle::Bearer => format!("{BEARER}{} ", kind.scheme()),
    };
    let mut headers = vec![Header::with_scheme(AUTHORIZATION, &scheme, token.access())?];
    for (name, attribute) in [(X_APP_ID, APPLICATION), (X_ORG_ID, ORGANIZATION)] {
        if let Some(id) = token.attribute(attribute) {
            headers.push(Header::new(name, &id.into())?);
        }
    }
    Ok(headers)
}
