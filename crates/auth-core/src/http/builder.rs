//! What an [`Http`] is made of.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Http, HttpClientBuilder, Parts, place, policy};
use crate::clock::{BoxFuture, Clock, SystemClock};
use crate::hosts::{self, AllowedHosts, BaseUrl};
use crate::retry::RetryPolicy;
use crate::{Error, ErrorKind};

/// How long a connection may take to be made, unless it is set.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long one attempt may take from the first byte to the last, unless it is set.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) type Gate = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;
type Customize = Box<dyn FnOnce(HttpClientBuilder) -> HttpClientBuilder + Send>;

/// What an [`Http`] is made of.
pub struct HttpBuilder {
    base_url: String,
    allowed_hosts: Vec<String>,
    user_agent: String,
    connect_timeout: Duration,
    timeout: Duration,
    retry: RetryPolicy,
    clock: Arc<dyn Clock>,
    gate: Option<Gate>,
    customize: Option<Customize>,
}

impl HttpBuilder {
    /// Calls to the service at `base_url`, presenting ourselves as `user_agent`.
    pub fn new(base_url: impl Into<String>, user_agent: impl Into<String>) -> Self {
        // As early as there is something to call: reqwest panics where a program uses it before.
        policy::install_crypto_provider();
        Self {
            base_url: base_url.into(),
            allowed_hosts: Vec::new(),
            user_agent: user_agent.into(),
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            timeout: DEFAULT_TIMEOUT,
            retry: RetryPolicy::default(),
            clock: Arc::new(SystemClock),
            gate: None,
            customize: None,
        }
    }

    /// Another address: https, or http to a loopback host.
    pub fn base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = base_url.into();
        self
    }

    /// Lets sessions put their headers on requests to `host` (with its port, where that is not
    /// 443), besides the host of the base URL.
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        self.allowed_hosts.push(host.into());
        self
    }

    /// How long a connection may take to be made, TLS included.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// How long one attempt may take, from connecting to the last byte of the response.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// How often and how long a call is tried.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Where the time comes from.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The clock that was set.
    pub fn clock_in_use(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Awaits `gate` before every attempt: a rate limiter, for example.
    pub fn gate(
        mut self,
        gate: impl Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        self.gate = Some(Arc::new(gate));
        self
    }

    /// Adjusts the HTTP library's builder: a proxy, extra root certificates, a client identity.
    ///
    /// The SDKs' policy is applied afterwards and wins: certificates stay checked, redirects stay off.
    pub fn customize(
        mut self,
        customize: impl FnOnce(HttpClientBuilder) -> HttpClientBuilder + Send + 'static,
    ) -> Self {
        self.customize = Some(match self.customize.take() {
            Some(earlier) => Box::new(move |builder| customize(earlier(builder))),
            None => Box::new(customize),
        });
        self
    }

    /// Builds the client. Needs no runtime.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the address or an allowed host cannot be used, if the HTTP
    /// library refuses the settings, or if https is wanted of a build without TLS.
    pub fn build(self) -> Result<Http, Error> {
        let base = BaseUrl::parse(&self.base_url)?;
        let allowed_hosts = self
            .allowed_hosts
            .iter()
            .try_fold(AllowedHosts::of(&base), |hosts, host| hosts.allow(host))?;
        let builder = reqwest::Client::builder()
            // A kept connection belongs to the runtime that opened it, and hangs when that one is
            // not driven any more while another runtime uses the client. Calls are rare: a new
            // connection each costs less than that. A caller's own builder may choose otherwise.
            .pool_max_idle_per_host(0);
        let builder = match self.customize {
            Some(customize) => customize(builder),
            None => builder,
        };
        let builder = policy::enforce(builder, &base)?
            .user_agent(self.user_agent)
            .connect_timeout(self.connect_timeout)
            .timeout(self.timeout);
        let client = builder.build().map_err(|error| {
            let error = error.without_url();
            // "builder error" alone says nothing; the last cause names what is missing.
            let mut cause: &dyn StdError = &error;
            while let Some(next) = cause.source() {
                cause = next;
            }
            let message = format!("the http client could not be built: {cause}");
            Error::new(ErrorKind::InvalidConfig, message).with_source(error)
        })?;
        Ok(Http(Arc::new(Parts {
            client,
            place: place(&base).into(),
            base,
            allowed_hosts,
            retry: self.retry,
            clock: self.clock,
            gate: self.gate,
        })))
    }
}

impl fmt::Debug for HttpBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpBuilder")
            .field("base_url", &hosts::origin(&self.base_url))
            .field("user_agent", &self.user_agent)
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .field("customized", &self.customize.is_some())
            .finish_non_exhaustive()
    }
}
