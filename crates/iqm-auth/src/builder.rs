//! What a client is made of.

use std::fmt;

use auth_core::{Error as CoreError, HttpBuilder};
use http::HeaderValue;
use secrecy::SecretString;

use url::Url;

use crate::client::Parts;
use crate::types::trimmed;
use crate::{Client, Error, ErrorKind};

const USER_AGENT: &str = concat!("iqm-auth/", env!("CARGO_PKG_VERSION"));

/// Builds a [`Client`].
pub struct ClientBuilder {
    client_id: String,
    client_secret: SecretString,
    http: HttpBuilder,
    workspace_host: Option<String>,
    web_url: String,
    json_grants: bool,
    #[cfg(feature = "rate-limit")]
    rate_limit: Option<std::num::NonZeroU32>,
}

impl ClientBuilder {
    /// IQM's own address. Older pages of its documents name `https://app.iqm.com`.
    pub const DEFAULT_BASE_URL: &str = "https://api.iqm.com";

    /// IQM's web application, where people log in with a browser.
    pub const DEFAULT_WEB_URL: &str = "https://app.iqm.com";

    /// How many requests in a minute IQM allows. Above it, it responds with status 429.
    pub const VENDOR_RATE_LIMIT: u32 = 20;

    pub(crate) fn new(client_id: &str, client_secret: &SecretString) -> Self {
        Self {
            client_id: client_id.trim().to_owned(),
            client_secret: trimmed(client_secret),
            http: HttpBuilder::new(Self::DEFAULT_BASE_URL, USER_AGENT),
            workspace_host: None,
            web_url: Self::DEFAULT_WEB_URL.to_owned(),
            json_grants: false,
            #[cfg(feature = "rate-limit")]
            rate_limit: None,
        }
    }

    auth_core::client_builder_methods!();

    /// The workspace's URL or host, sent as `X-IAA-HOST` with every [`Client::log_in`].
    ///
    /// IQM's API specification requires the header. IQM's current log-in page leaves it out. Set it if
    /// your workspace has a host of its own.
    ///
    /// # Example
    ///
    /// ```
    /// # fn main() -> Result<(), iqm_auth::Error> {
    /// use iqm_auth::Client;
    ///
    /// let client = Client::builder("client id", "client secret")
    ///     .workspace_host("agency.example.com")
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn workspace_host(mut self, host: impl Into<String>) -> Self {
        self.workspace_host = Some(host.into());
        self
    }

    /// Another address than [`Self::DEFAULT_WEB_URL`] for [`Client::authorization_request`]: that of a
    /// workspace with a host of its own.
    pub fn web_url(mut self, web_url: impl Into<String>) -> Self {
        self.web_url = web_url.into();
        self
    }

    /// Sends the grants to the token endpoint as JSON, as IQM's older samples do, instead of as a
    /// form (RFC 6749, IQM's current samples).
    pub fn json_grants(mut self, json: bool) -> Self {
        self.json_grants = json;
        self
    }

    /// Keeps all clones of this client together under `per_minute` requests in any minute, by
    /// letting calls wait: [`Self::VENDOR_RATE_LIMIT`], for example.
    ///
    /// Half of them may come at once, and the rest evenly spread. It takes the place of a gate set
    /// through [`ClientBuilder::http`].
    ///
    /// # Example
    ///
    /// ```
    /// # fn main() -> Result<(), iqm_auth::Error> {
    /// use std::num::NonZeroU32;
    ///
    /// use iqm_auth::{Client, ClientBuilder};
    ///
    /// let limit = NonZeroU32::new(ClientBuilder::VENDOR_RATE_LIMIT).expect("20 is not zero");
    /// let client = Client::builder("client id", "client secret").rate_limit(limit).build()?;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "rate-limit")]
    pub fn rate_limit(mut self, per_minute: std::num::NonZeroU32) -> Self {
        self.rate_limit = Some(per_minute);
        self
    }

    /// Builds the client. Needs no runtime and sends nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the base URL, the web URL, an allowed host or the workspace host
    /// cannot be used, if the client id is empty or contains a colon (RFC 7617 cannot encode it), or the HTTP
    /// library refuses its settings.
    pub fn build(self) -> Result<Client, Error> {
        if self.client_id.is_empty() || self.client_id.contains(':') {
            let message = "the client id must not be empty or contain a colon";
            return Err(CoreError::new(ErrorKind::InvalidConfig, message).into());
        }
        let host = self.workspace_host.as_deref();
        if host.is_some_and(|host| HeaderValue::from_str(host).is_err()) {
            let message = "the workspace host holds characters that no header can carry";
            return Err(CoreError::new(ErrorKind::InvalidConfig, message).into());
        }
        let web_url = Url::parse(&self.web_url).ok();
        let web_url = web_url.filter(|url| matches!(url.scheme(), "https" | "http"));
        let Some(web_url) = web_url else {
            let message = "the web url must be a http or https address";
            return Err(CoreError::new(ErrorKind::InvalidConfig, message).into());
        };
        let http = self.http;
        // Last, so that it goes by the clock that is in use.
        #[cfg(feature = "rate-limit")]
        let http = match self.rate_limit {
            Some(per_minute) => crate::limiter::limit(http, per_minute),
            None => http,
        };
        Ok(Client::from_parts(Parts {
            http: http.build()?,
            client_id: self.client_id,
            client_secret: self.client_secret,
            workspace_host: self.workspace_host,
            web_url,
            json_grants: self.json_grants,
        }))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("client_id", &self.client_id)
            .field("workspace_host", &self.workspace_host)
            .finish_non_exhaustive()
    }
}
