//! What EdgeIQ's calls want and give.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_core::{
    AuthHeaders, Error as CoreError, ErrorKind, Expiry, ExtraFields, Fingerprint, Header,
};
use secrecy::SecretString;

use crate::{Error, wire};

/// How long a session token lives if nobody asks for anything else.
pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(4 * 60 * 60);

/// How long a session token can live at the most.
pub const LONGEST_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

auth_core::vendor_token!(
    /// A session token as EdgeIQ issued it. `Debug` shows a fingerprint in place of the secret.
    Token,
    headers
);

/// The headers of an authorised call: the token as it is, without a scheme.
pub(crate) fn headers(token: &auth_core::Token) -> Result<Vec<Header>, Error> {
    Ok(vec![Header::new(wire::AUTHORIZATION, token.access())?])
}

/// A permanent API token: it never ends by itself and never renews. `Debug` shows a fingerprint.
///
/// It comes from the user's profile, from the vendor's portal, or from
/// [`Client::reset_api_token`](crate::Client::reset_api_token), which ends the one before.
#[derive(Clone)]
pub struct ApiToken(SecretString);

impl ApiToken {
    /// The token as the vendor shows it.
    pub fn new(token: impl Into<SecretString>) -> Self {
        Self(token.into())
    }

    /// The secret that authorises calls.
    pub fn secret(&self) -> &SecretString {
        &self.0
    }

    /// A short text that tells this token from others and gives nothing away.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.0)
    }

    /// The token's headers, for calls without a session.
    ///
    /// # Errors
    ///
    /// [`Error::Core`] if the token is empty, or holds characters that no header can carry.
    pub fn auth_headers(&self) -> Result<AuthHeaders, Error> {
        let token = self.clone().into();
        Ok(AuthHeaders::new(&token, &headers(&token)?)?)
    }
}

impl From<ApiToken> for auth_core::Token {
    fn from(token: ApiToken) -> Self {
        // When it was issued nobody knows. In a store a token that somebody adopts is newer.
        Self::new(token.0, Expiry::Never, UNIX_EPOCH)
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ApiToken")
            .field(&self.fingerprint())
            .finish()
    }
}

/// How long a session token is to live: a week at the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lifetime {
    /// As long as the vendor gives unasked: [`DEFAULT_LIFETIME`].
    #[default]
    Default,
    /// So long from the moment of the call.
    For(Duration),
    /// Until this moment.
    Until(SystemTime),
}

impl Lifetime {
    /// The end to ask for, in whole milliseconds as it goes over the wire.
    pub(crate) fn ends_at(self, now: SystemTime) -> Result<Option<SystemTime>, Error> {
        let asked = match self {
            Self::Default => return Ok(None),
            Self::For(lifetime) => now.checked_add(lifetime),
            Self::Until(moment) => Some(moment),
        };
        let latest = now + LONGEST_LIFETIME;
        let refused = |why| Err(CoreError::new(ErrorKind::InvalidConfig, why).into());
        let Some(asked) = asked.filter(|asked| *asked <= latest) else {
            return refused("a session token lives for a week at the most");
        };
        let since_epoch = asked.duration_since(UNIX_EPOCH).unwrap_or_default();
        let whole = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
        let asked = UNIX_EPOCH + Duration::from_millis(whole);
        if asked <= now {
            return refused("a session token must end in the future");
        }
        Ok(Some(asked))
    }
}

impl From<Duration> for Lifetime {
    fn from(lifetime: Duration) -> Self {
        Self::For(lifetime)
    }
}

impl From<SystemTime> for Lifetime {
    fn from(moment: SystemTime) -> Self {
        Self::Until(moment)
    }
}

/// What a log-in gives.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Authenticated {
    /// The session token, and when it ends.
    pub token: Token,
    /// Who has logged in.
    pub user: User,
}

/// A user's profile. What the vendor left out, or wrote in another form than expected, is `None`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct User {
    /// The user's id (`_id` or `id`).
    pub id: Option<String>,
    /// The user's e-mail address.
    pub email: Option<String>,
    /// The user's first name.
    pub first_name: Option<String>,
    /// The user's last name.
    pub last_name: Option<String>,
    /// The id of the user's company.
    pub company_id: Option<String>,
    /// What the user is, in one of the vendor's two fields for it.
    pub user_type: Option<String>,
    /// What the user is, in the other field.
    pub role: Option<String>,
    /// The user's permanent token.
    pub api_token: Option<ApiToken>,
    /// The user's session token, where the vendor shows one.
    pub session_token: Option<SecretString>,
    /// When that one ends, by the vendor's clock.
    pub session_expires_at: Option<SystemTime>,
    /// The fields that stand nowhere above, by the vendor's names: it sends more than it lists.
    pub other: ExtraFields,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::new(1_560_196_191, 217_900_000)
    }

    fn is_refused(lifetime: Lifetime) -> bool {
        match lifetime.ends_at(now()) {
            Ok(_) => false,
            Err(error) => error.kind() == ErrorKind::InvalidConfig,
        }
    }

    #[test]
    fn a_week_is_the_most() {
        let hair = Duration::from_nanos(1);
        assert!(!is_refused(LONGEST_LIFETIME.into()));
        assert!(is_refused((LONGEST_LIFETIME + hair).into()));
        assert!(is_refused(Duration::MAX.into()));
        assert!(!is_refused((now() + LONGEST_LIFETIME).into()));
        assert!(is_refused((now() + LONGEST_LIFETIME + hair).into()));
    }

    #[test]
    fn the_past_is_refused_and_so_is_what_the_wire_makes_past() {
        assert!(is_refused(Duration::ZERO.into()));
        assert!(is_refused(Duration::from_micros(99).into()));
        assert!(!is_refused(Duration::from_micros(100).into()));
        assert!(is_refused(now().into()));
        assert!(is_refused(UNIX_EPOCH.into()));
        assert!(is_refused((UNIX_EPOCH - Duration::from_secs(1)).into()));
    }

    #[test]
    fn the_end_is_in_whole_milliseconds() {
        let asked = Lifetime::For(Duration::from_secs(1)).ends_at(now());
        let whole = UNIX_EPOCH + Duration::from_millis(1_560_196_192_217);
        assert_eq!(asked.ok(), Some(Some(whole)));
    }
}
