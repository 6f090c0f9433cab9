//! Secrets on their way into a request: writing one and registering it for redaction is one act.

use std::cell::RefCell;

use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};

thread_local! {
    /// The secrets that the body under way has written; `None` while no body is written.
    static WRITTEN: RefCell<Option<Vec<SecretString>>> = const { RefCell::new(None) };
}

/// Writes a secret into a request's body, for `#[serde(serialize_with = "…")]`.
///
/// [`Request::json`](crate::Request::json) redacts what was written this way from whatever the
/// vendor answers. `SecretString` has no `Serialize` of its own, so no secret can be written and
/// forgotten.
///
/// # Errors
///
/// The serializer's.
///
/// # Example
///
/// ```
/// use auth_core::SecretString;
///
/// #[derive(serde::Serialize)]
/// struct LogIn<'a> {
///     email: &'a str,
///     #[serde(serialize_with = "auth_core::serialize_secret")]
///     password: &'a SecretString,
/// }
///
/// let password = SecretString::from("123456");
/// let body = LogIn { email: "sue@example.com", password: &password };
/// assert!(serde_json::to_string(&body)?.contains("123456"));
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn serialize_secret<S: Serializer>(
    secret: &SecretString,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    WRITTEN.with_borrow_mut(|written| {
        if let Some(written) = written {
            written.push(secret.clone());
        }
    });
    serializer.serialize_str(secret.expose_secret())
}

/// A secret without the white space around it, as it comes with what is pasted or read from a file. For tokens and
/// codes, not for passwords, which may begin or end with a blank.
pub fn trimmed(secret: SecretString) -> SecretString {
    let text = secret.expose_secret();
    // Editors of Windows put a byte order mark before the text.
    let trimmed = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if trimmed.len() == text.len() {
        return secret;
    }
    trimmed.into()
}

/// `body` as JSON, and the secrets that it wrote.
pub(crate) fn write_json(
    body: &impl Serialize,
) -> (Result<Vec<u8>, serde_json::Error>, Vec<SecretString>) {
    /// Ends the collecting even if the body's own code panics.
    struct Collecting(Option<Vec<SecretString>>);
    impl Drop for Collecting {
        fn drop(&mut self) {
            WRITTEN.set(self.0.take());
        }
    }
    let outer = Collecting(WRITTEN.replace(Some(Vec::new())));
    let bytes = serde_json::to_vec(body);
    let written = WRITTEN.take().unwrap_or_default();
    drop(outer);
    (bytes, written)
}
