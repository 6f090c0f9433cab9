//! What IQM's calls return.

use std::fmt;
use std::time::{Duration, SystemTime};

use auth_core::{AuthHeaders, Expiry, ExtraFields, Header, lenient};
use http::HeaderName;
use secrecy::SecretString;
use serde::Deserialize;

use crate::Error;

// IQM's prose says `Authentication`. Every sample, and the service, says `Authorization`.
const AUTHORIZATION: HeaderName = http::header::AUTHORIZATION;
const X_IAA_OW_ID: HeaderName = HeaderName::from_static("x-iaa-ow-id");

/// The name of the attribute under which the workspace id is kept.
const OW_ID: &str = "owId";

/// The name of the attribute under which the scope is kept.
const SCOPE: &str = "scope";

auth_core::vendor_token!(
    /// A token as IQM issued it. `Debug` shows fingerprints in place of the secrets.
    Token,
    headers,
    account
);

impl Token {
    /// How long IQM's tokens live, by its samples. A response decides; this stands in where the
    /// vendor, or the program, does not say.
    pub(crate) const LIFETIME: Duration = Duration::from_secs(35_999);

    /// A token from elsewhere: another program's log-in, or a secret of the deployment.
    ///
    /// White space around it is left out. Name what came with it: the refresh token renews it, the
    /// workspace becomes the header `X-IAA-OW-ID`, and a store keeps it under its account. With a
    /// store, a token without an end takes the place of what the store holds.
    ///
    /// # Example
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    ///
    /// use iqm_auth::{Expiry, Token};
    ///
    /// # fn main() -> Result<(), iqm_auth::Error> {
    /// let end = SystemTime::now() + Duration::from_secs(3_600);
    /// let token = Token::new("d90fa7de", Expiry::At(end))
    ///     .with_refresh_token("2e379c6f")
    ///     .with_ow_id(200_001)
    ///     .with_account("user1@iqm.com");
    /// assert_eq!(token.auth_headers()?.headers()["x-iaa-ow-id"], "200001");
    /// # Ok(()) }
    /// ```
    pub fn new(access_token: impl Into<SecretString>, expiry: Expiry) -> Self {
        let access = access_token.into();
        Self(auth_core::Token::kept(access, expiry, Self::LIFETIME))
    }

    pub(crate) fn issued(
        access: SecretString,
        refresh: Option<SecretString>,
        expiry: Expiry,
        sent_at: SystemTime,
    ) -> Self {
        Self(auth_core::Token::new(access, expiry, sent_at).with_refresh(refresh))
    }

    /// The token in this workspace, unless it knows its own.
    pub(crate) fn or_ow_id(self, ow_id: Option<u64>) -> Self {
        match (self.ow_id(), ow_id) {
            (None, Some(ow_id)) => self.with_ow_id(ow_id),
            _ => self,
        }
    }

    /// The token, if it is the account's where one is named.
    pub(crate) fn or_account(self, account: Option<&str>) -> Self {
        match account {
            Some(account) => self.with_account(account),
            None => self,
        }
    }

    /// Adds the secret that gets the next token.
    pub fn with_refresh_token(self, refresh_token: impl Into<SecretString>) -> Self {
        Self(self.0.with_refresh(Some(refresh_token.into())))
    }

    /// Adds what the token allows: `read write`.
    pub fn with_scope(self, scope: impl Into<String>) -> Self {
        Self(self.0.with_attribute(SCOPE, scope))
    }

    /// The secret that gets the next token; none after a log-in with a second factor.
    pub fn refresh_token(&self) -> Option<&SecretString> {
        self.0.refresh()
    }

    /// The same token in this workspace: for a token that came without one, with what
    /// [`Client::ow_id`](crate::Client::ow_id) says.
    pub fn with_ow_id(self, ow_id: u64) -> Self {
        Self(self.0.with_attribute(OW_ID, ow_id.to_string()))
    }

    /// The Organization Workspace ID: on a log-in and everything that was refreshed from it, not
    /// on a sign-up.
    pub fn ow_id(&self) -> Option<u64> {
        self.0.attribute(OW_ID)?.parse().ok()
    }

    /// What the token allows: `read write`.
    pub fn scope(&self) -> Option<&str> {
        self.0.attribute(SCOPE)
    }
}

/// An e-mail address, as the name of an account.
pub(crate) fn account(email: &str) -> String {
    email.trim().to_owned()
}

/// A secret that a person pasted or that a file holds, without the white space around it. IQM's codes,
/// hashes and client secrets have none.
pub(crate) fn trimmed(secret: &SecretString) -> SecretString {
    auth_core::trimmed_secret(secret.clone())
}

/// The headers of an authorised call: the bearer token, and the workspace where it is known.
pub(crate) fn headers(token: &auth_core::Token) -> Result<Vec<Header>, Error> {
    headers_in(token, token.attribute(OW_ID))
}

/// The headers in this workspace.
pub(crate) fn headers_in(
    token: &auth_core::Token,
    ow_id: Option<&str>,
) -> Result<Vec<Header>, Error> {
    let mut headers = vec![Header::with_scheme(
        AUTHORIZATION,
        "Bearer ",
        token.access(),
    )?];
    if let Some(ow_id) = ow_id {
        headers.push(Header::new(X_IAA_OW_ID, &ow_id.into())?);
    }
    Ok(headers)
}

/// The bearer token alone: for calls that ask which workspaces there are.
pub(crate) fn bearer_alone(headers: &AuthHeaders) -> Result<AuthHeaders, Error> {
    let token = headers.token();
    Ok(AuthHeaders::new(token, &headers_in(token, None)?)?)
}

/// A log-in that waits for its second factor: [`Error::MfaRequired`] has it. Its token is good for
/// nothing but the two calls that take it. `Debug` shows fingerprints in place of the secrets.
#[derive(Clone, Debug)]
pub struct PendingLogin(pub(crate) Token);

impl PendingLogin {
    /// Who is logging in, where that is known.
    pub fn account(&self) -> Option<&str> {
        self.0.account()
    }

    /// The workspace of the log-in.
    pub fn ow_id(&self) -> Option<u64> {
        self.0.ow_id()
    }
}

/// For a log-in whose response did not say that a second factor is wanted.
impl From<Token> for PendingLogin {
    fn from(token: Token) -> Self {
        Self(token)
    }
}

/// A workspace in which a user may work.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Workspace {
    /// The Organization Workspace ID.
    #[serde(deserialize_with = "lenient::integer")]
    pub ow_id: u64,
    /// The organisation's name.
    #[serde(default, deserialize_with = "lenient::if_readable")]
    pub organization_name: Option<String>,
    /// The workspace's host, which [`ClientBuilder::workspace_host`](crate::ClientBuilder::workspace_host)
    /// takes.
    #[serde(default, deserialize_with = "lenient::if_readable")]
    pub workspace_domain: Option<String>,
    /// What kind of customer the organisation is.
    #[serde(default, deserialize_with = "lenient::if_readable")]
    pub customer_type: Option<String>,
}

/// Where to send a person to log in with a browser, and what to check when they come back.
/// [`Client::authorization_request`](crate::Client::authorization_request) makes it.
pub struct AuthorizationRequest {
    pub(crate) url: String,
    pub(crate) state: SecretString,
}

impl AuthorizationRequest {
    /// The address to send the person to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The random text that the redirect must carry as `state` (RFC 6749 §10.12): refuse one with
    /// another, since someone else began that log-in.
    pub fn state(&self) -> &SecretString {
        &self.state
    }
}

impl fmt::Debug for AuthorizationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationRequest")
            .finish_non_exhaustive()
    }
}

/// Who is logged in.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Profile {
    /// The Organization Workspace ID.
    #[serde(deserialize_with = "lenient::integer")]
    pub ow_id: u64,
    /// The user's e-mail address.
    pub email: String,
    /// The user's first name.
    #[serde(default, deserialize_with = "lenient::if_readable")]
    pub first_name: Option<String>,
    /// The user's last name.
    #[serde(default, deserialize_with = "lenient::if_readable")]
    pub last_name: Option<String>,
    /// The name to show.
    #[serde(default, deserialize_with = "lenient::if_readable")]
    pub display_name: Option<String>,
    /// The organisation's name.
    #[serde(default, deserialize_with = "lenient::if_readable")]
    pub organization_name: Option<String>,
    /// All fields by the vendor's names, those above among them: the vendor lists more than it
    /// describes. `parentOrganization` is an object, or null.
    #[serde(skip)]
    pub other: ExtraFields,
}

/// What IQM says of a password-reset link.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResetLink {
    /// Whose password it resets.
    pub email: Option<String>,
    /// Whether it can be used.
    pub is_valid: bool,
    /// Why not.
    pub invalid_reason: Option<String>,
}
