//! What a client is made of.

use std::fmt;
use std::sync::Arc;

use auth_core::{BaseUrl, Clock, Error as CoreError, Hosts, HttpBuilder};
use http::HeaderValue;
use secrecy::SecretString;

use crate::client::Parts;
use crate::{Client, Error, ErrorKind};

/// IQM's own address. Older pages of its documents name `https://app.iqm.com`.
pub const DEFAULT_BASE_URL: &str = "https://api.iqm.com";

/// How many requests IQM answers in a minute, before it answers 429.
pub const VENDOR_RATE_LIMIT: u32 = 20;

const USER_AGENT: &str = concat!("iqm-auth/", env!("CARGO_PKG_VERSION"));

/// What a [`Client`] is made of.
pub struct ClientBuilder {
    client_id: String,
    client_secret: SecretString,
    base_url: String,
    clock: Option<Arc<dyn Clock>>,
    allowed_hosts: Vec<String>,
    adjust_http: Vec<Box<dyn FnOnce(HttpBuilder) -> HttpBuilder + Send>>,
    workspace_host: Option<String>,
    json_grants: bool,
    #[cfg(feature = "rate-limit")]
    rate_limit: Option<std::num::NonZeroU32>,
}

impl ClientBuilder {
    pub(crate) fn new(client_id: String, client_secret: SecretString) -> Self {
        Self {
            client_id,
            client_secret,
            base_url: DEFAULT_BASE_URL.to_owned(),
            clock: None,
            allowed_hosts: Vec::new(),
            adjust_http: Vec::new(),
            workspace_host: None,
            json_grants: false,
            #[cfg(feature = "rate-limit")]
            rate_limit: None,
        }
    }

    /// Another address than [`DEFAULT_BASE_URL`]: https, or http to a loopback host.
    pub fn base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = base_url.into();
        self
    }

    /// Where the time comes from: the system by default.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Lets sessions put their headers on requests to `host` (with its port, where that is not
    /// 443), too: by default to the host of the base URL alone.
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        self.allowed_hosts.push(host.into());
        self
    }

    /// Adjusts time limits, retries and the HTTP library (a proxy, root certificates, a client
    /// identity). See [`HttpBuilder`].
    pub fn http(
        mut self,
        adjust: impl FnOnce(HttpBuilder) -> HttpBuilder + Send + 'static,
    ) -> Self {
        self.adjust_http.push(Box::new(adjust));
        self
    }

    /// The workspace's URL or host, sent as `X-IAA-HOST` with every [`Client::log_in`].
    pub fn workspace_host(mut self, host: impl Into<String>) -> Self {
        self.workspace_host = Some(host.into());
        self
    }

    /// Sends the grants to the token endpoint as JSON, as IQM's older samples do, instead of as a
    /// form (RFC 6749, IQM's current samples).
    pub fn json_grants(mut self, json: bool) -> Self {
        self.json_grants = json;
        self
    }

    /// Keeps all clones of this client together under `per_minute` requests in any minute
    /// ([`VENDOR_RATE_LIMIT`], say), by letting calls wait: half of them may come at once, and
    /// the rest evenly spread. It takes the place of a gate set through [`ClientBuilder::http`].
    #[cfg(feature = "rate-limit")]
    pub fn rate_limit(mut self, per_minute: std::num::NonZeroU32) -> Self {
        self.rate_limit = Some(per_minute);
        self
    }

    /// Builds the client. Needs no runtime and sends nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the base URL, an allowed host or the workspace host cannot be
    /// used, if the client id is empty or contains a colon (RFC 7617 cannot encode it), or the HTTP
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
        let mut hosts = Hosts::of(&BaseUrl::parse(&self.base_url)?);
        for host in &self.allowed_hosts {
            hosts = hosts.and(host)?;
        }
        let mut http = HttpBuilder::new(BaseUrl::parse(&self.base_url)?, USER_AGENT);
        if let Some(clock) = self.clock {
            http = http.clock(clock);
        }
        for adjust in self.adjust_http {
            http = adjust(http);
        }
        // Last, so that it goes by the clock that is in use.
        #[cfg(feature = "rate-limit")]
        if let Some(per_minute) = self.rate_limit {
            http = crate::limiter::limit(http, per_minute);
        }
        Ok(Client::from_parts(Parts {
            http: http.build()?,
            hosts,
            client_id: self.client_id,
            client_secret: self.client_secret,
            workspace_host: self.workspace_host,
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
