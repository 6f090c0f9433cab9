//! What a client is made of.

use std::fmt;
use std::time::Duration;

use auth_core::{Error as CoreError, HttpBuilder};
use url::Url;

use crate::client::Parts;
use crate::{Client, Error, ErrorKind, Lifetime};

const USER_AGENT: &str = concat!("edgeiq-auth/", env!("CARGO_PKG_VERSION"));

/// Builds a [`Client`].
pub struct ClientBuilder {
    http: HttpBuilder,
    reset_url: String,
    session_lifetime: Option<Duration>,
}

impl ClientBuilder {
    /// EdgeIQ's own address.
    pub const DEFAULT_BASE_URL: &str = "https://api.edgeiq.io/api/v1/platform";

    /// The page that EdgeIQ's reset e-mails lead to. By it the vendor tells its environments apart.
    pub const DEFAULT_RESET_URL: &str = "https://app.edgeiq.io/reset_password";

    pub(crate) fn new() -> Self {
        Self {
            http: HttpBuilder::new(Self::DEFAULT_BASE_URL, USER_AGENT),
            reset_url: Self::DEFAULT_RESET_URL.to_owned(),
            session_lifetime: None,
        }
    }

    auth_core::client_builder_methods!();

    /// Another page than [`Self::DEFAULT_RESET_URL`] for reset e-mails to lead to: that of another
    /// environment of the vendor's.
    ///
    /// Source: EdgeIQ, "Authentication", *Resetting Your Password*.
    ///
    /// # Example
    ///
    /// ```
    /// # fn main() -> Result<(), edgeiq_auth::Error> {
    /// use edgeiq_auth::Client;
    ///
    /// let client = Client::builder()
    ///     .reset_url("https://staging.example.com/reset_password")
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn reset_url(mut self, reset_url: impl Into<String>) -> Self {
        self.reset_url = reset_url.into();
        self
    }

    /// How long the tokens of sessions live, asked for with each of their log-ins: a week at the
    /// most. Without it the vendor decides: 4 hours.
    ///
    /// Source: EdgeIQ, "Authentication", *Basic Token Authentication*.
    ///
    /// # Example
    ///
    /// ```
    /// # fn main() -> Result<(), edgeiq_auth::Error> {
    /// use std::time::Duration;
    ///
    /// use edgeiq_auth::Client;
    ///
    /// let day = Duration::from_secs(24 * 60 * 60);
    /// let client = Client::builder().session_lifetime(day).build()?;
    /// # Ok(()) }
    /// ```
    pub fn session_lifetime(mut self, lifetime: Duration) -> Self {
        self.session_lifetime = Some(lifetime);
        self
    }

    /// Builds the client. Needs no runtime and sends nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the base URL, an allowed host or the reset URL cannot be
    /// used, if the lifetime is less than a millisecond or more than a week, or the HTTP library
    /// refuses its settings.
    pub fn build(self) -> Result<Client, Error> {
        let reset_url = Url::parse(&self.reset_url).ok();
        if !reset_url.is_some_and(|url| matches!(url.scheme(), "https" | "http")) {
            let message = "the reset url must be a http or https address";
            return Err(CoreError::new(ErrorKind::InvalidConfig, message).into());
        }
        let session_lifetime = self
            .session_lifetime
            .map_or(Lifetime::Default, Lifetime::For);
        let http = self.http.build()?;
        // Whatever the time is, a length that is refused now will always be.
        session_lifetime.ends_at(http.clock().now().wall())?;
        Ok(Client::from_parts(Parts {
            http,
            reset_url: self.reset_url,
            session_lifetime,
        }))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("http", &self.http)
            .field("session_lifetime", &self.session_lifetime)
            .finish_non_exhaustive()
    }
}
