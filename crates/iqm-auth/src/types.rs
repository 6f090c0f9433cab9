//! What IQM's calls return.

use std::time::SystemTime;

use auth_core::{Expiry, ExtraFields, Header};
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
    pub(crate) fn issued(
        access: SecretString,
        refresh: Option<SecretString>,
        expiry: Expiry,
        sent_at: SystemTime,
    ) -> Self {
        Self(auth_core::Token::new(access, expiry, sent_at).with_refresh(refresh))
    }

    pub(crate) fn with_ow_id(self, ow_id: Option<u64>) -> Self {
        match ow_id {
            Some(ow_id) => Self(self.0.with_attribute(OW_ID, ow_id.to_string())),
            None => self,
        }
    }

    pub(crate) fn with_scope(self, scope: Option<String>) -> Self {
        match scope {
            Some(scope) => Self(self.0.with_attribute(SCOPE, scope)),
            None => self,
        }
    }

    pub(crate) fn with_refresh(self, refresh: Option<SecretString>) -> Self {
        Self(self.0.with_refresh(refresh))
    }

    /// The secret that gets the next token; none after a log-in with a second factor.
    pub fn refresh_token(&self) -> Option<&SecretString> {
        self.0.refresh()
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

/// The headers of an authorised call: the bearer token, and the workspace where it is known.
pub(crate) fn headers(token: &auth_core::Token) -> Result<Vec<Header>, Error> {
    let mut headers = vec![Header::with_scheme(
        AUTHORIZATION,
        "Bearer ",
        token.access(),
    )?];
    if let Some(ow_id) = token.attribute(OW_ID) {
        headers.push(Header::new(X_IAA_OW_ID, &ow_id.into())?);
    }
    Ok(headers)
}

/// Who is logged in.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Profile {
    /// The Organization Workspace ID.
    pub ow_id: u64,
    /// The user's e-mail address.
    pub email: String,
    /// The user's first name.
    pub first_name: Option<String>,
    /// The user's last name.
    pub last_name: Option<String>,
    /// The name to show.
    pub display_name: Option<String>,
    /// The organisation's name.
    pub organization_name: Option<String>,
    /// All fields by the vendor's names, those above among them: the vendor lists more
    /// (`parentOrganization`, …) than it describes.
    #[serde(skip)]
    pub other: ExtraFields,
}

/// What IQM says of a password-reset link.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ResetLink {
    /// Whose password it resets.
    #[serde(rename = "resetEmail")]
    pub email: Option<String>,
    /// Whether it can be used.
    pub is_valid: bool,
    /// Why not.
    pub invalid_reason: Option<String>,
}
