//! A token as the vendor issued it, and its fingerprint for people to read.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::Hasher;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::{Expiry, secret};

/// The name of the attribute under which the account is kept.
const ACCOUNT: &str = "account";

/// A token, with all that a session must know to use it, renew it and store it.
///
/// Vendor crates wrap it in a type of their own with typed getters. `Debug` shows a
/// [`Fingerprint`] in place of every secret.
/// A cheap clone, which copies no secret.
#[derive(Clone)]
pub struct Token {
    parts: Arc<Parts>,
    expiry: Expiry,
    issued_at: SystemTime,
    generation: u64,
}

#[derive(Clone)]
struct Parts {
    access: SecretString,
    refresh: Option<SecretString>,
    attributes: BTreeMap<String, String>,
}

impl Token {
    /// A token that was asked for at `issued_at` (the moment the request was *sent*) and lasts
    /// until `expiry`.
    ///
    /// White space around it is left out: a token that was pasted or read from a file may end with a line break.
    pub fn new(access: SecretString, expiry: Expiry, issued_at: SystemTime) -> Self {
        Self {
            parts: Arc::new(Parts {
                access: secret::trimmed(access),
                refresh: None,
                attributes: BTreeMap::new(),
            }),
            expiry,
            issued_at,
            generation: 0,
        }
    }

    /// A token from elsewhere, of which the end is known and not when it was asked for. It is taken
    /// to be as old as one that lives for `usual_lifetime`.
    ///
    /// Not the present moment: each start of a program would give the token a new age, and so put it
    /// in the place of what a store has got for it since.
    pub fn kept(access: SecretString, expiry: Expiry, usual_lifetime: Duration) -> Self {
        let issued_at = expiry.at().and_then(|end| end.checked_sub(usual_lifetime));
        Self::new(access, expiry, issued_at.unwrap_or(SystemTime::UNIX_EPOCH))
    }

    /// Adds the secret that renews the token.
    pub fn with_refresh(mut self, refresh: Option<SecretString>) -> Self {
        Arc::make_mut(&mut self.parts).refresh = refresh.map(secret::trimmed);
        self
    }

    /// Adds something that belongs to the token and is no secret, such as a workspace id.
    pub fn with_attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let parts = Arc::make_mut(&mut self.parts);
        parts.attributes.insert(name.into(), value.into());
        self
    }

    /// Adds whose token it is: the name under which a store keeps it, an e-mail address mostly.
    pub fn with_account(self, account: impl Into<String>) -> Self {
        self.with_attribute(ACCOUNT, account)
    }

    /// Sets which of an account's tokens this is; sessions with a store count them.
    pub fn with_generation(mut self, generation: u64) -> Self {
        self.generation = generation;
        self
    }

    /// The same token with another life, counted by a clock that was set.
    pub(crate) fn issued_again(mut self, at: SystemTime, expiry: Expiry) -> Self {
        self.issued_at = at;
        self.expiry = expiry;
        self
    }

    /// Whose token it is, where that is known.
    pub fn account(&self) -> Option<&str> {
        self.attribute(ACCOUNT)
    }

    /// The secret that authorises calls.
    pub fn access(&self) -> &SecretString {
        &self.parts.access
    }

    /// The secret that renews the token, where there is one.
    pub fn refresh(&self) -> Option<&SecretString> {
        self.parts.refresh.as_ref()
    }

    /// When the token ends.
    pub fn expiry(&self) -> Expiry {
        self.expiry
    }

    /// When the token was asked for, by the local wall clock.
    pub fn issued_at(&self) -> SystemTime {
        self.issued_at
    }

    /// Which of an account's tokens this is: a later one has a greater number, by whatever process
    /// and clock it was made. 0 for a token that no session with a store has renewed or adopted.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The token's whole life; `None` if it never ends.
    pub fn lifetime(&self) -> Option<Duration> {
        self.expiry.left(self.issued_at)
    }

    /// Something that belongs to the token, by name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.parts.attributes.get(name).map(String::as_str)
    }

    /// All that belongs to the token, in the order of the names.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        let attributes = self.parts.attributes.iter();
        attributes.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A short text that tells this token from others and gives nothing away.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.parts.access)
    }

    /// Whether a header can carry it.
    pub(crate) fn is_sendable(&self) -> bool {
        let access = self.parts.access.expose_secret();
        !access.is_empty() && HeaderValue::from_bytes(access.as_bytes()).is_ok()
    }

    pub(crate) fn has_same_access(&self, other: &Self) -> bool {
        self.parts.access.expose_secret() == other.parts.access.expose_secret()
    }

    /// Whether a store that holds `stored` refuses to put this token in its place: it is older, or
    /// another one of the same generation. The rule of [`TokenStore::save`](crate::TokenStore::save).
    pub fn is_superseded_by(&self, stored: &Self) -> bool {
        stored.generation > self.generation
            || stored.generation == self.generation && !stored.has_same_access(self)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("access", &self.fingerprint())
            .field("refresh", &self.parts.refresh.as_ref().map(Fingerprint::of))
            .field("expiry", &self.expiry)
            .field("issued_at", &self.issued_at)
            .field("generation", &self.generation)
            .field("attributes", &self.parts.attributes)
            .finish()
    }
}

/// Eight hexadecimal digits that tell one token from another in logs and on screens.
///
/// 32 bits of a hash: enough to see that two tokens differ, far too few to find a token of a
/// vendor's length. Not for passwords, which can be guessed, and not for storing: another build
/// may compute another fingerprint.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub(crate) u32);

impl Fingerprint {
    /// The fingerprint of `secret`.
    pub fn of(secret: &SecretString) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(secret.expose_secret().as_bytes());
        let bytes = hasher.finish().to_le_bytes();
        Self(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:08x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_fingerprints_and_no_secret() {
        let access = "d90fa7de-534c-4652-ad8f-c4f6f70461ac";
        let refresh = "2e379c6f-959d-498f-8319-ff13ebef6bfe";
        let token = Token::new(access.into(), Expiry::Never, SystemTime::now())
            .with_refresh(Some(refresh.into()))
            .with_attribute("owId", "200001");
        let shown = format!("{token:?}");
        for secret in [access, refresh] {
            for part in secret.split('-') {
                assert!(!shown.contains(part), "{shown}");
            }
        }
        assert!(shown.contains(&token.fingerprint().to_string()), "{shown}");
        assert!(shown.contains("200001"), "{shown}");
    }

    #[test]
    fn white_space_around_a_pasted_token_is_left_out_and_within_it_is_not() {
        for (pasted, kept) in [
            ("abc", "abc"),
            ("abc\n", "abc"),
            (" \tabc\r\n", "abc"),
            ("\u{feff}abc\u{a0}", "abc"),
            ("a\nb c\n", "a\nb c"),
            (" \n", ""),
        ] {
            let token = Token::new(pasted.into(), Expiry::Never, SystemTime::now())
                .with_refresh(Some(pasted.into()));
            assert_eq!(token.access().expose_secret(), kept, "{pasted:?}");
            assert_eq!(token.refresh().unwrap().expose_secret(), kept, "{pasted:?}");
            assert_eq!(token.is_sendable(), kept == "abc", "{pasted:?}");
        }
    }

    #[test]
    fn two_tokens_have_two_fingerprints() {
        assert_ne!(Fingerprint::of(&"a".into()), Fingerprint::of(&"b".into()));
        assert_eq!(Fingerprint::of(&"a".into()), Fingerprint::of(&"a".into()));
    }
}
