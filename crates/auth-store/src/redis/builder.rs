//! The settings of a store in Redis.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{Error, ErrorKind, ExposeSecret as _, SecretString};
use redis::{Client, ConnectionInfo, IntoConnectionInfo as _};

use super::entries::{Entries, Limits};
use super::link::Link;
use super::names::Names;
use super::store::RedisStore;
use crate::cipher::Cipher;

/// The shortest lease, because its extension takes some time.
const SHORTEST_LEASE: Duration = Duration::from_millis(100);

/// Longer than any time that makes sense. The server's own limit is 292 million years.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The settings of a [`RedisStore`].
pub struct RedisStoreBuilder {
    url: SecretString,
    prefix: String,
    timeout: Duration,
    limits: Limits,
    cipher: Option<Cipher>,
    #[cfg(feature = "redis-tls")]
    root_certificates: Option<Vec<u8>>,
}

impl RedisStore {
    /// Begins a store on the server at `url`: `redis://[user:password@]host[:port][/database]`,
    /// `rediss://…` for TLS (feature `redis-tls`), or `unix:///path/to/socket`.
    pub fn builder(url: SecretString) -> RedisStoreBuilder {
        RedisStoreBuilder::new(url)
    }
}

impl RedisStoreBuilder {
    /// The prefix of all names, unless another one is set.
    pub const DEFAULT_PREFIX: &str = "auth-store:";

    /// How long one call waits for the server.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);

    /// How long a worker that died keeps others from renewing.
    pub const DEFAULT_LEASE_TIME: Duration = Duration::from_secs(30);

    /// How long a worker waits for another worker's renewal. A renewal with all its retries takes no
    /// longer.
    pub const DEFAULT_LEASE_WAIT: Duration = Duration::from_secs(180);

    /// How long a token is kept after it has expired.
    pub const DEFAULT_KEEP_AFTER_END: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    fn new(url: SecretString) -> Self {
        Self {
            url,
            prefix: Self::DEFAULT_PREFIX.to_owned(),
            timeout: Self::DEFAULT_TIMEOUT,
            limits: Limits {
                lease_time: Self::DEFAULT_LEASE_TIME,
                lease_wait: Self::DEFAULT_LEASE_WAIT,
                keep_after_end: Self::DEFAULT_KEEP_AFTER_END,
            },
            cipher: None,
            #[cfg(feature = "redis-tls")]
            root_certificates: None,
        }
    }

    /// Sets the prefix of the names of all entries and channels. Stores with different prefixes see
    /// nothing of each other.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets how long one call waits for the server, connecting and retries included.
    ///
    /// [`TokenStore::list`](auth_core::TokenStore::list) makes many calls, and
    /// [`TokenStore::lease`](auth_core::TokenStore::lease) also waits for other workers.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long a lease lasts if its holder has died or cannot reach the server.
    ///
    /// A lease is extended every third of this time while it is held, so this need not be as long as
    /// a renewal.
    pub fn lease_time(mut self, time: Duration) -> Self {
        self.limits.lease_time = time;
        self
    }

    /// Sets how long to wait for another worker's renewal.
    pub fn lease_wait(mut self, wait: Duration) -> Self {
        self.limits.lease_wait = wait;
        self
    }

    /// Sets how long the server keeps a token after it has expired: its refresh token may live longer.
    /// A token that never expires is kept until it is deleted.
    pub fn keep_after_end(mut self, time: Duration) -> Self {
        self.limits.keep_after_end = time;
        self
    }

    /// Encrypts what is saved. The server's memory, its files and the network then show no token. All
    /// workers need the same key.
    #[cfg(feature = "encryption")]
    pub fn encrypt_with(mut self, key: crate::cipher::EncryptionKey) -> Self {
        self.cipher = Some(key);
        self
    }

    /// Sets the root certificates (PEM) for the server's certificate, in place of the system's.
    #[cfg(feature = "redis-tls")]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates = Some(pem.into());
        self
    }

    /// Builds the store and starts its thread.
    ///
    /// It needs no runtime. The first call connects to the server.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the URL, the prefix or a time is invalid.
    /// [`ErrorKind::Store`] if no thread can be started.
    pub fn build(self) -> Result<RedisStore, Error> {
        let Limits {
            lease_time,
            lease_wait,
            keep_after_end,
        } = self.limits;
        if self.prefix.contains(['{', '}']) {
            return Err(invalid(
                "the prefix must not contain braces: they mark the names of one key",
            ));
        }
        if self.timeout.is_zero() || lease_time < SHORTEST_LEASE {
            return Err(invalid(
                "the timeout must not be zero, and the lease time must be at least 100 ms",
            ));
        }
        if [self.timeout, lease_time, lease_wait, keep_after_end]
            .iter()
            .any(|time| *time > LONGEST)
        {
            return Err(invalid("no time may be longer than 100 years"));
        }
        let link = Link::new(self.client()?, self.timeout);
        let (names, cipher) = (Names::new(self.prefix), self.cipher.map(Arc::new));
        RedisStore::start(Entries::new(link, names, cipher, self.limits))
    }

    fn client(&self) -> Result<Client, Error> {
        let url = self.url.expose_secret();
        // The message of the library is not passed on, because it may quote a password.
        let info = url.into_connection_info().map_err(|_| {
            invalid(
                "the URL of redis is invalid: use redis://[user:password@]host[:port][/database], \
                 rediss://… for TLS (feature `redis-tls`) or unix:///path/to/socket",
            )
        })?;
        self.open(info).map_err(|_| {
            invalid(
                "the certificates for redis are invalid: they must be PEM, and are for rediss:// only",
            )
        })
    }

    #[cfg(not(feature = "redis-tls"))]
    #[allow(clippy::unused_self, reason = "with TLS there are certificates")]
    fn open(&self, info: ConnectionInfo) -> redis::RedisResult<Client> {
        Client::open(info)
    }

    #[cfg(feature = "redis-tls")]
    fn open(&self, info: ConnectionInfo) -> redis::RedisResult<Client> {
        use rustls::crypto::{CryptoProvider, ring};
        if CryptoProvider::get_default().is_none() {
            // It fails only if another thread was faster, and then there is a default, too.
            let _ = ring::default_provider().install_default();
        }
        match self.root_certificates.clone() {
            None => Client::open(info),
            root_cert => {
                let certificates = redis::TlsCertificates {
                    client_tls: None,
                    root_cert,
                };
                Client::build_with_tls(info, certificates)
            }
        }
    }
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidConfig, message)
}

impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .field("limits", &self.limits)
            .field("is_encrypted", &self.cipher.is_some())
            .finish_non_exhaustive()
    }
}
