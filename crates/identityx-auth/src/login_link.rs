//! The log-in by e-mail: what the mail is asked for with, and what a person pastes from it.

use std::fmt;

use auth_core::{BaseUrl, Error as CoreError, PastedJwt, PastedText, UnverifiedClaims};
use secrecy::SecretString;
use url::Url;

use crate::generated::send_app_user_login_link::SendAppUserLoginLinkMutationInput;
use crate::graphql::JsonObject;
use crate::types::claimed_subject;
use crate::{ApplicationId, Error, ErrorKind};

/// The most bytes of context. The token of the link holds it in base64, which is a third longer, and
/// IdentityX refuses a request, such as the log-in with the link, above 100 KB. Decision: half of it.
const MOST_CONTEXT: usize = 48 * 1024;

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
    /// [`AppUserLogin::source`](crate::identity::AppUserLogin::source), and as `source` in its
    /// [`additional_context`](crate::identity::AppUserLogin::additional_context).
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What else the log-in is to return, as
    /// [`AppUserLogin::additional_context`](crate::identity::AppUserLogin::additional_context): at
    /// most 48 KiB of JSON. The link carries it, and a longer link could not be traded.
    pub fn additional_context(mut self, context: JsonObject) -> Self {
        self.additional_context = Some(context);
        self
    }

    /// The vendor's id of a context of the application, which may have a mail of its own.
    pub fn app_context_id(mut self, id: impl Into<String>) -> Self {
        self.app_context_id = Some(id.into());
        self
    }

    pub(crate) fn input(&self) -> Result<SendAppUserLoginLinkMutationInput, Error> {
        let context = serde_json::to_vec(&self.additional_context);
        let source = self.source.as_ref().map_or(0, String::len);
        if context.is_ok_and(|context| context.len() + source > MOST_CONTEXT) {
            let message = "the additional context of a login link must not be longer than 48 KiB of \
                           json: the link carries it, and identityx would not accept the link";
            return Err(CoreError::new(ErrorKind::InvalidConfig, message).into());
        }
        Ok(SendAppUserLoginLinkMutationInput {
            email: self.email.clone(),
            auth_url: self.auth_url.to_string(),
            redirect_to: self.redirect_to.clone(),
            source: self.source.clone(),
            additional_context: self.additional_context.clone(),
            app_context_id: self.app_context_id.clone(),
            // No longer used.
            fields: None,
        })
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
    /// It is also read in a sentence, in quotes or brackets, out of HTML or quoted-printable, broken
    /// over lines, and as mail scanners wrap it: what counts is the token with the claims of a login
    /// link, wherever it stands.
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
        let text = PastedText::new(pasted);
        let mut other = None;
        for link in text.links() {
            // The vendor's own comes last: what follows it is encoded.
            for PastedJwt { token, in_place } in link.jwts("token").into_iter().rev() {
                let subject = claimed_subject(&token);
                match subject.as_deref().map(LoginLinkKind::of) {
                    Some(None) if in_place => {
                        other = other.or(Some(Err("the token in it is not a login link's")));
                    }
                    Some(None) => {}
                    Some(kind) => return Ok(Self { token, kind }),
                    // Only the vendor can tell.
                    None if in_place && !matches!(other, Some(Ok(_))) => {
                        other = Some(Ok(Self { token, kind: None }));
                    }
                    None => {}
                }
            }
        }
        other
            .unwrap_or(Err("there is no whole token in it"))
            .map_err(Error::not_a_login_link)
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
