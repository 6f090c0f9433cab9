//! What EdgeIQ's calls take and return.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_core::store::Fingerprint;
use auth_core::{AuthHeaders, Error as CoreError, ErrorKind, Expiry, ExtraFields, Header};
use http::header::AUTHORIZATION;
use secrecy::SecretString;

use crate::Error;

auth_core::vendor_token!(
    /// A session token as EdgeIQ issued it. `Debug` shows a fingerprint in place of the secret.
    Token,
    headers,
    account
);

impl Token {
    /// A session token from elsewhere: another program's log-in, or [`User::session_token`].
    ///
    /// White space around it is left out. A store needs its account:
    /// [`with_account`](Self::with_account). With a store, a token without an end takes the place of
    /// what the store holds. For a permanent token there is [`ApiToken::new`].
    ///
    /// # Example
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    ///
    /// use edgeiq_auth::{Expiry, Token};
    ///
    /// # fn main() -> Result<(), edgeiq_auth::Error> {
    /// let end = SystemTime::now() + Duration::from_secs(3_600);
    /// let token = Token::new("b5c9d1f0", Expiry::At(end)).with_account("user@example.com");
    /// assert_eq!(token.auth_headers()?.headers()["authorization"], "b5c9d1f0");
    /// # Ok(()) }
    /// ```
    pub fn new(token: impl Into<SecretString>, expiry: Expiry) -> Self {
        let usual = Lifetime::DEFAULT;
        Self(auth_core::Token::kept(token.into(), expiry, usual))
    }
}

/// A permanent API token: it never ends by itself and never renews. `Debug` shows a fingerprint.
///
/// It comes from the user's profile, from the vendor's portal, or from
/// [`Client::reset_api_token`](crate::Client::reset_api_token), which ends the one before.
#[derive(Clone, Debug)]
pub struct ApiToken(auth_core::Token);

impl ApiToken {
    /// The token as the vendor shows it, without the white space around it.
    ///
    /// # Example
    ///
    /// ```
    /// use edgeiq_auth::ApiToken;
    ///
    /// // A store needs the account.
    /// let token = ApiToken::new("from the portal").with_account("user@example.com");
    /// assert!(!format!("{token:?}").contains("portal"));
    /// ```
    pub fn new(token: impl Into<SecretString>) -> Self {
        let token = token.into();
        Self(auth_core::Token::kept(token, Expiry::Never, Duration::ZERO))
    }

    /// The secret that authorises calls.
    pub fn secret(&self) -> &SecretString {
        self.0.access()
    }

    /// Whose token it is, where that is known: from
    /// [`Client::reset_api_token`](crate::Client::reset_api_token), or by
    /// [`with_account`](Self::with_account).
    pub fn account(&self) -> Option<&str> {
        self.0.account()
    }

    /// Names the account, as a store needs it.
    pub fn with_account(self, email: impl AsRef<str>) -> Self {
        Self(self.0.with_account(account(email.as_ref())))
    }

    /// A short text that tells this token from others and reveals nothing of it.
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint()
    }

    /// The token's headers, for calls without a session.
    ///
    /// # Errors
    ///
    /// [`Error::Core`] if the token is empty, or holds characters that no header can carry.
    pub fn auth_headers(&self) -> Result<AuthHeaders, Error> {
        Ok(AuthHeaders::new(&self.0, &api_token_headers(&self.0)?)?)
    }
}

impl From<ApiToken> for auth_core::Token {
    fn from(token: ApiToken) -> Self {
        token.0
    }
}

/// An e-mail address, as the name of an account.
pub(crate) fn account(email: &str) -> String {
    email.trim().to_owned()
}

/// The headers of an authorised call.
///
/// The prose calls it "the Basic Auth scheme". Every sample sends the token as it is, without a
/// scheme.
pub(crate) fn headers(token: &auth_core::Token) -> Result<Vec<Header>, Error> {
    Ok(vec![Header::new(AUTHORIZATION, token.access())?])
}

/// The same for a permanent token, which came from the caller.
pub(crate) fn api_token_headers(token: &auth_core::Token) -> Result<Vec<Header>, Error> {
    headers(token).map_err(|_| {
        let message = "the api token is empty, or holds characters that no header can carry";
        CoreError::new(ErrorKind::InvalidConfig, message).into()
    })
}

/// How long a session token lives: a week at the most.
///
/// Source: EdgeIQ, "Authentication", *Basic Token Authentication*.
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// use edgeiq_auth::Lifetime;
///
/// let day: Lifetime = Duration::from_secs(24 * 60 * 60).into();
/// assert_ne!(day, Lifetime::Default); // 4 hours
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lifetime {
    /// The vendor decides: [`Lifetime::DEFAULT`].
    #[default]
    Default,
    /// This long from the moment of the call.
    For(Duration),
    /// Until this moment.
    Until(SystemTime),
}

impl Lifetime {
    /// How long a session token lives unless the log-in asks for something else: 4 hours.
    pub const DEFAULT: Duration = Duration::from_secs(4 * 60 * 60);

    /// How long a session token can live at the most: a week.
    pub const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

    /// The end to ask for, in whole milliseconds as it goes over the wire.
    pub(crate) fn ends_at(self, now: SystemTime) -> Result<Option<SystemTime>, Error> {
        let asked = match self {
            Self::Default => return Ok(None),
            Self::For(lifetime) => now.checked_add(lifetime),
            Self::Until(moment) => Some(moment),
        };
        let latest = now + Self::LONGEST;
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

/// What a log-in returns.
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
    /// The ids of all companies of the user.
    pub company_ids: Vec<String>,
    /// The id of what the user is.
    pub user_type_id: Option<String>,
    /// What the user is. Neither this field nor `role` was seen in the vendor's own client.
    pub user_type: Option<String>,
    /// What the user is, in the other field.
    pub role: Option<String>,
    /// The user's permanent token.
    pub api_token: Option<ApiToken>,
    /// The user's session token, where the vendor shows one.
    pub session_token: Option<SecretString>,
    /// When that one ends, by the vendor's clock.
    pub session_expires_at: Option<SystemTime>,
    /// All other fields, by the vendor's names: it sends more than it lists.
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
        assert!(!is_refused(Lifetime::LONGEST.into()));
        assert!(is_refused((Lifetime::LONGEST + hair).into()));
        assert!(is_refused(Duration::MAX.into()));
        assert!(!is_refused((now() + Lifetime::LONGEST).into()));
        assert!(is_refused((now() + Lifetime::LONGEST + hair).into()));
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
