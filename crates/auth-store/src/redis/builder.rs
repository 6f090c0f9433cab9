//! What a store in Redis is made of.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{Error, ErrorKind, ExposeSecret as _, SecretString};
use redis::{Client, ConnectionInfo, IntoConnectionInfo as _};
use tokio::sync::mpsc::unbounded_channel;

use super::link::Link;
use super::names::Names;
use super::watch::watch;
use super::{Limits, RedisStore, Shared};
use crate::cipher::Cipher;
use crate::thread::Thread;

/// The shortest lease: what extends it needs some time, too.
const SHORTEST_LEASE: Duration = Duration::from_millis(100);

/// A longer time than any that is meant; the server's own sums end at 292 million years.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The thread's name, as a debugger shows it (Linux keeps 15 characters).
const THREAD_NAME: &str = "auth-redis";

/// What a [`RedisStore`] is made of.
pub struct RedisStoreBuilder {
    url: SecretString,
    prefix: String,
    timeout: Duration,
    limits: Limits,
    cipher: Option<Cipher>,
    #[cfg(feature = "redis-tls")]
    root_certificates: Option<Vec<u8>>,
}

impl RedisStoreBuilder {
    /// What the names of all entries begin with, unless another prefix is set.
    pub const DEFAULT_PREFIX: &str = "auth-store:";

    /// How long one call waits for the server.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);

    /// For how long a worker that died still keeps others from renewing.
    pub const DEFAULT_LEASE_TIME: Duration = Duration::from_secs(30);

    /// How long a worker waits for another's renewal: one with all its repeats takes no longer.
    pub const DEFAULT_LEASE_WAIT: Duration = Duration::from_secs(180);

    /// How long a token is kept after its end.
    pub const DEFAULT_KEEP_AFTER_END: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    pub(super) fn new(url: SecretString) -> Self {
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

    /// What the names of all entries and channels begin with: stores with different prefixes see
    /// nothing of each other.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long one call waits for the server, connecting and repeats included.
    ///
    /// [`TokenStore::list`](auth_core::TokenStore::list) makes many calls, and
    /// [`TokenStore::lease`](auth_core::TokenStore::lease) waits for other workers besides.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// After how long a lease ends by itself if its holder has died or cannot reach the server.
    ///
    /// It is extended at each third of this time for as long as it is held, so it need not be as
    /// long as a renewal.
    pub fn lease_time(mut self, time: Duration) -> Self {
        self.limits.lease_time = time;
        self
    }

    /// How long to wait for another worker's renewal.
    pub fn lease_wait(mut self, wait: Duration) -> Self {
        self.limits.lease_wait = wait;
        self
    }

    /// How long the server keeps a token after its end: nobody knows how long its refresh token
    /// lives. A token that never ends is kept until it is deleted.
    pub fn keep_after_end(mut self, time: Duration) -> Self {
        self.limits.keep_after_end = time;
        self
    }

    /// Encrypts what is saved, so that who can read the server's memory, its files or the wire has
    /// no token. All workers need the same key.
    #[cfg(feature = "encryption")]
    pub fn encrypt_with(mut self, key: crate::EncryptionKey) -> Self {
        self.cipher = Some(key);
        self
    }

    /// The certificates (PEM) that may sign the server's, in place of the system's.
    #[cfg(feature = "redis-tls")]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates = Some(pem.into());
        self
    }

    /// Builds the store and starts its thread. Needs no runtime and connects to nothing: the first
    /// call does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the URL, the prefix or a time cannot be used;
    /// [`ErrorKind::Store`] if the system gives no thread.
    pub fn build(self) -> Result<RedisStore, Error> {
        let Limits {
            lease_time,
            lease_wait,
            keep_after_end,
        } = self.limits;
        if self.prefix.contains(['{', '}']) {
            return Err(invalid(
                "the prefix must not contain braces: they mark what belongs to one key",
            ));
        }
        if self.timeout.is_zero() || lease_time < SHORTEST_LEASE {
            return Err(invalid(
                "the timeout must not be zero, and the lease time not below 100 ms",
            ));
        }
        if [self.timeout, lease_time, lease_wait, keep_after_end]
            .iter()
            .any(|time| *time > LONGEST)
        {
            return Err(invalid("no time may be longer than 100 years"));
        }
        let link = Link::new(self.client()?, self.timeout);
        let thread = Thread::start(THREAD_NAME)?;
        let (orders, received) = unbounded_channel();
        let shared = Arc::new(Shared {
            link,
            names: Names::new(self.prefix),
            cipher: self.cipher,
            limits: self.limits,
            orders,
        });
        thread.spawn(watch(Arc::clone(&shared), received));
        Ok(RedisStore { thread, shared })
    }

    fn client(&self) -> Result<Client, Error> {
        let url = self.url.expose_secret();
        // What the library says of a bad URL is not passed on: it may quote a password.
        let info = url.into_connection_info().map_err(|_| {
            invalid(
                "the URL of redis cannot be used: redis://[user:password@]host[:port][/database], \
                 rediss://… for TLS (feature `redis-tls`) or unix:///path/to/socket",
            )
        })?;
        self.open(info).map_err(|_| {
            invalid(
                "the certificates for redis cannot be used: they are PEM, and for rediss:// only",
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
            // It fails only if another thread was faster: then there is a default as well.
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
