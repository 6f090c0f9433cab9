//! What a password reset is asked for with, and the token from its e-mail.

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use url::form_urlencoded;

use crate::Error;

/// The query value of the e-mailed link that holds the token.
const TOKEN: &str = "token";

/// How a reset e-mail differs from EdgeIQ's own; by default in nothing.
///
/// Source: EdgeIQ, "Authentication", *Customizing The Password Reset Email*.
///
/// # Example
///
/// ```
/// use edgeiq_auth::ResetEmail;
///
/// let mail = ResetEmail::new()
///     .subject("Your new password")
///     .greeting("Hello,")
///     .from_address("support@example.com");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ResetEmail {
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    greeting: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_address: Option<String>,
}

impl ResetEmail {
    /// EdgeIQ's own e-mail.
    pub fn new() -> Self {
        Self::default()
    }

    /// Its subject line.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Its first line.
    pub fn greeting(mut self, greeting: impl Into<String>) -> Self {
        self.greeting = Some(greeting.into());
        self
    }

    /// The address that it comes from. EdgeIQ's support must have whitelisted it, or no e-mail is
    /// sent: [`Error::SenderNotWhitelisted`].
    pub fn from_address(mut self, from_address: impl Into<String>) -> Self {
        self.from_address = Some(from_address.into());
        self
    }

    pub(crate) fn sender(&self) -> Option<&str> {
        self.from_address.as_deref()
    }
}

/// The token of an e-mailed reset link. It can be used once. `Debug` does not show it.
#[derive(Clone, Debug)]
pub struct ResetToken(SecretString);

impl ResetToken {
    /// A token by itself, without white space around it.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidResetToken`] if it is empty, or cannot be one segment of a path: `..`, or
    /// text with white space or control characters in it.
    ///
    /// # Example
    ///
    /// ```
    /// use edgeiq_auth::ResetToken;
    ///
    /// assert!(ResetToken::new("AbC123").is_ok());
    /// assert!(ResetToken::new("..").is_err());
    /// ```
    pub fn new(token: impl Into<SecretString>) -> Result<Self, Error> {
        let token = token.into();
        let text = token.expose_secret().trim();
        let refused = |reason| Err(Error::InvalidResetToken { reason });
        if text.is_empty() {
            return refused("it is empty");
        }
        // Everything else is percent-encoded. These are not: URL libraries (after dropping tabs
        // and line breaks) take them for steps to another path.
        if matches!(text, "." | "..") {
            return refused("it is a step in a path");
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return refused("it holds white space or control characters");
        }
        Ok(Self(text.into()))
    }

    /// The token of the whole link, as it stands in the e-mail: its query value `token`.
    ///
    /// Source: EdgeIQ, "Authentication", *Resetting Your Password*.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidResetToken`] if the link has no such value, or as for [`ResetToken::new`].
    ///
    /// # Example
    ///
    /// ```
    /// # fn main() -> Result<(), edgeiq_auth::Error> {
    /// use edgeiq_auth::ResetToken;
    ///
    /// let link = "https://app.edgeiq.io/reset_password?token=AbC123";
    /// let token = ResetToken::from_link(&link.into())?;
    /// # Ok(()) }
    /// ```
    pub fn from_link(link: &SecretString) -> Result<Self, Error> {
        // Not by a URL type, which would leave copies of the token in memory.
        let link = link.expose_secret();
        let without_fragment = link.split_once('#').map_or(link, |(before, _)| before);
        let query = without_fragment.split_once('?').map(|(_, query)| query);
        let token = query.and_then(|query| {
            form_urlencoded::parse(query.trim().as_bytes())
                .find_map(|(name, value)| (name == TOKEN).then_some(value))
        });
        match token {
            Some(token) => Self::new(token.into_owned()),
            None => Err(Error::InvalidResetToken {
                reason: "the link has no value `token`",
            }),
        }
    }

    pub(crate) fn secret(&self) -> &SecretString {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Option<String> {
        let token = ResetToken::new(text).ok()?;
        Some(token.secret().expose_secret().to_owned())
    }

    fn token_of(link: &str) -> Option<String> {
        let token = ResetToken::from_link(&link.into()).ok()?;
        Some(token.secret().expose_secret().to_owned())
    }

    #[test]
    fn a_token_that_could_change_the_path_is_refused() {
        for text in [
            "", " ", ".", "..", " .. ", ".\t.", ".\n.", "\t..", "a b", "a\nb", "a\0", "\u{a0}",
        ] {
            assert_eq!(token(text), None, "{text:?}");
        }
    }

    #[test]
    fn any_other_token_is_kept_as_it_is() {
        for text in ["abc", "../me", "a/b", "%2e%2e", "...", "a?b#c", "é", "\\"] {
            assert_eq!(token(text).as_deref(), Some(text));
        }
        assert_eq!(token(" abc\r\n").as_deref(), Some("abc"));
    }

    #[test]
    fn the_token_of_a_link_is_its_query_value() {
        for (link, expected) in [
            ("https://app.edgeiq.io/reset_password?token=abc", "abc"),
            (
                "https://app.edgeiq.io/reset_password?a=b&token=abc&c=d",
                "abc",
            ),
            (
                "https://app.edgeiq.io/reset_password?token=abc#token=other",
                "abc",
            ),
            (
                "https://app.edgeiq.io/reset_password?token=a%2Fb%2Bc%3D",
                "a/b+c=",
            ),
            (" https://app.edgeiq.io/reset_password?token=abc \n", "abc"),
        ] {
            assert_eq!(token_of(link).as_deref(), Some(expected), "{link}");
        }
    }

    #[test]
    fn a_link_without_a_token_is_refused() {
        for link in [
            "",
            "abc",
            "https://app.edgeiq.io/reset_password",
            "https://app.edgeiq.io/reset_password?token=",
            "https://app.edgeiq.io/reset_password?token=%2E%2E",
            "https://app.edgeiq.io/reset_password?tokens=abc",
            "https://app.edgeiq.io/reset_password#?token=abc",
        ] {
            assert_eq!(token_of(link), None, "{link}");
        }
    }
}
