//! The log-in by e-mail: what the mail is asked for with, and what a person pastes from it.

use std::fmt;

use auth_core::{BaseUrl, Error as CoreError, UnverifiedClaims};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::generated::send_app_user_login_link::SendAppUserLoginLinkMutationInput;
use crate::graphql::JsonObject;
use crate::types::claimed_subject;
use crate::{ApplicationId, Error, ErrorKind};

/// What an app user's login link looks like, and what it carries.
#[derive(Clone)]
pub struct LoginLinkMail {
    email: String,
    auth_url: Url,
    redirect_to: Option<String>,
    source: Option<String>,
    additional_context: Option<JsonObject>,
    app_context_id: Option<String>,
}

impl LoginLinkMail {
    /// A mail to `email`, whose link leads to `auth_url`: https, or http to a loopback host, and
    /// without a query and a fragment, since the vendor appends `?token=…` to it as text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the address would make a broken link or a leak. It is not
    /// repeated in the message.
    ///
    /// # Example
    ///
    /// ```
    /// use identityx_auth::LoginLinkMail;
    ///
    /// let log_in_page = "https://www.example.com/user/authenticate";
    /// let mail = LoginLinkMail::new("sue@example.com", log_in_page)?.redirect_to("/news");
    /// # Ok::<(), identityx_auth::Error>(())
    /// ```
    pub fn new(email: impl Into<String>, auth_url: impl AsRef<str>) -> Result<Self, Error> {
        Ok(Self {
            email: email.into(),
            auth_url: checked_auth_url(auth_url.as_ref())?,
            redirect_to: None,
            source: None,
            additional_context: None,
            app_context_id: None,
        })
    }

    /// Where your site leads the user after the log-in: the link carries it as `redirectTo`.
    pub fn redirect_to(mut self, redirect_to: impl Into<String>) -> Self {
        self.redirect_to = Some(redirect_to.into());
        self
    }

    /// What made the user log in. The log-in returns it as
    /// [`AppUserLogin::source`](crate::identity::AppUserLogin::source).
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What else the log-in is to return, as
    /// [`AppUserLogin::additional_context`](crate::identity::AppUserLogin::additional_context).
    pub fn additional_context(mut self, context: JsonObject) -> Self {
        self.additional_context = Some(context);
        self
    }

    /// The vendor's id of a context of the application, which may have a mail of its own.
    pub fn app_context_id(mut self, id: impl Into<String>) -> Self {
        self.app_context_id = Some(id.into());
        self
    }

    pub(crate) fn input(&self) -> SendAppUserLoginLinkMutationInput {
        SendAppUserLoginLinkMutationInput {
            email: self.email.clone(),
            auth_url: self.auth_url.to_string(),
            redirect_to: self.redirect_to.clone(),
            source: self.source.clone(),
            additional_context: self.additional_context.clone(),
            app_context_id: self.app_context_id.clone(),
            // No longer used.
            fields: None,
        }
    }
}

impl fmt::Debug for LoginLinkMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The context and the rest of the addresses may hold a program's own secrets.
        f.debug_struct("LoginLinkMail")
            .field("email", &self.email)
            .field("auth_url", &self.auth_url.origin().ascii_serialization())
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// The token will travel there, and only a plain address makes a link that works.
fn checked_auth_url(text: &str) -> Result<Url, Error> {
    let refused = |message: &str| Err(CoreError::new(ErrorKind::InvalidConfig, message).into());
    match Url::parse(text) {
        Ok(url) if url.query().is_some() || url.fragment().is_some() => refused(
            "the auth url must have no query and no fragment: identityx appends `?token=…` to it \
             as text, so that the link would be broken; use `redirect_to` or `additional_context`",
        ),
        Ok(url) if BaseUrl::parse(text).is_ok() => Ok(url),
        _ => refused(
            "the auth url must be https, or http to a loopback host, and without a user name or a \
             password",
        ),
    }
}

/// Whom a login link logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoginLinkKind {
    /// A user of an application.
    AppUser,
    /// An administrator of an organisation.
    OrgUser,
}

impl LoginLinkKind {
    fn of(subject: &str) -> Option<Self> {
        match subject {
            "app-user-login-link" => Some(Self::AppUser),
            "user-login-link" => Some(Self::OrgUser),
            _ => None,
        }
    }
}

/// A login link, taken apart: the token in it, and for whom it says it is.
///
/// It tells what the link *says*; only the vendor can verify it. A link lives for an hour and
/// can be used again until then.
#[derive(Clone)]
pub struct LoginLink {
    token: SecretString,
    kind: Option<LoginLinkKind>,
}

impl LoginLink {
    /// Takes apart what a person pasted: an app user's link, also one that is broken because its
    /// address had a query or a fragment; an administrator's, with the token in the path or in the
    /// query; or the token alone. Nothing is sent.
    ///
    /// Source: IdentityX, "Authentication", of the two kinds of link. It says that an
    /// administrator's has a `token` parameter; the service puts the token into the path.
    ///
    /// # Errors
    ///
    /// [`Error::NotALoginLink`] if it is none of these, or the token in it says that it is no
    /// login link's; the text is not repeated in the message.
    ///
    /// # Example
    ///
    /// ```
    /// use identityx_auth::LoginLink;
    ///
    /// let pasted = "https://www.example.test/user/authenticate?token=e30.e30.c2ln&redirectTo=%2F";
    /// let link = LoginLink::parse(&pasted.into())?;
    /// # assert_eq!(identityx_auth::ExposeSecret::expose_secret(link.token()), "e30.e30.c2ln");
    /// # Ok::<(), identityx_auth::Error>(())
    /// ```
    pub fn parse(pasted: &SecretString) -> Result<Self, Error> {
        let refused = |reason: &str| Err(Error::not_a_login_link(reason));
        let Some(token) = find_token(pasted.expose_secret().trim()) else {
            return refused("there is no token in it");
        };
        let token = SecretString::from(token);
        let kind = match claimed_subject(&token) {
            None => None,
            Some(subject) => match LoginLinkKind::of(&subject) {
                None => return refused("the token in it is not a login link's"),
                kind => kind,
            },
        };
        Ok(Self { token, kind })
    }

    /// The token that is traded for a session.
    pub fn token(&self) -> &SecretString {
        &self.token
    }

    /// Whom the link says it logs in; `None` if its claims cannot be read.
    pub fn kind(&self) -> Option<LoginLinkKind> {
        self.kind
    }

    /// The application that the link says it is for: an app user's has one.
    pub fn application(&self) -> Option<ApplicationId> {
        let claims = UnverifiedClaims::of(&self.token).ok()?;
        ApplicationId::new(claims.text("iss")?).ok()
    }

    /// Refuses what cannot be a link of this kind, before it is sent.
    pub(crate) fn expect(&self, wanted: LoginLinkKind) -> Result<(), Error> {
        if self.kind.is_none_or(|kind| kind == wanted) {
            return Ok(());
        }
        Err(Error::not_a_login_link(match wanted {
            LoginLinkKind::AppUser => "it is an administrator's",
            LoginLinkKind::OrgUser => "it is an app user's",
        }))
    }
}

impl fmt::Debug for LoginLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginLink")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// The token in a link, or alone.
fn find_token(text: &str) -> Option<&str> {
    if is_jwt(text) {
        return Some(text);
    }
    // Not by a URL parser: in the broken forms the parameter is a part of another's value, or of
    // the fragment. The vendor's own is the last one: what follows it is encoded.
    let in_query = text
        .rmatch_indices("token=")
        .filter(|(at, _)| text[..*at].ends_with(['?', '&', '#', ';']))
        .map(|(at, name)| until_the_end(&text[at + name.len()..]))
        .find(|value| is_jwt(value));
    if in_query.is_some() {
        return in_query;
    }
    let path = text.split(['?', '#']).next()?;
    path.rsplit('/')
        .find(|it| !it.is_empty())
        .filter(|it| path.contains('/') && is_jwt(it))
}

/// As far as the characters go that a JWT is made of.
fn until_the_end(text: &str) -> &str {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.=".contains(c);
    text.split(|c| !is_part(c)).next().unwrap_or_default()
}

/// Three parts of base64url, of which the first is a JSON object: many a host name has three parts.
fn is_jwt(text: &str) -> bool {
    let is_part = |part: &str| {
        let part = part.trim_end_matches('=');
        let is_character = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        !part.is_empty() && part.bytes().all(is_character)
    };
    let is_object = |part: &str| UnverifiedClaims::of(&format!(".{part}.").into()).is_ok();
    text.split('.').count() == 3
        && text.split('.').all(is_part)
        && text.split('.').next().is_some_and(is_object)
}
