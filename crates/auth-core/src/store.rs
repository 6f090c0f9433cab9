//! Where a token is kept beyond one session: the trait, and a store in memory.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{BoxFuture, Error, Token};

/// Whose token it is. No part of it is a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StoreKey {
    /// The vendor: `iqm`.
    pub vendor: String,
    /// The account: an e-mail address, mostly.
    pub account: String,
    /// The product, workspace or application, where one account has several.
    pub scope: String,
    /// The address of the service: a test system's token is not the live one's.
    pub base_url: String,
}

/// The right to renew the token of one key, given back when it is dropped.
pub trait Lease: fmt::Debug + Send + Sync {}

/// Keeps tokens, so that they survive a restart and can be shared.
///
/// A session loads at the start, renews under the lease, loads again once it holds the lease (if
/// somebody else has renewed, it takes theirs and sends nothing), and saves a new token before it
/// is handed out. It tries a failed save a few times.
///
/// Implementations return [`ErrorKind::Store`](crate::ErrorKind::Store) errors, bound every wait,
/// and are called inside a Tokio runtime.
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// The token saved under `key`, if any.
    fn load<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Option<Token>, Error>>;

    /// Saves `token` under `key`, replacing an older one.
    fn save<'a>(&'a self, key: &'a StoreKey, token: &'a Token) -> BoxFuture<'a, Result<(), Error>>;

    /// Deletes what is saved under `key`; nothing there is no error.
    fn delete<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<(), Error>>;

    /// Waits until nobody else renews the token of `key`.
    fn lease<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Box<dyn Lease>, Error>>;
}

/// A store in this process's memory: for sessions that share an account, and for tests.
///
/// A cheap clone; clones share what is stored.
#[derive(Clone, Default)]
pub struct MemoryStore {
    entries: Arc<Mutex<HashMap<StoreKey, Entry>>>,
}

#[derive(Default)]
struct Entry {
    token: Option<Token>,
    lease: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct MemoryLease {
    _guard: tokio::sync::OwnedMutexGuard<()>,
}

impl Lease for MemoryLease {}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<StoreKey, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenStore for MemoryStore {
    fn load<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Option<Token>, Error>> {
        Box::pin(async move {
            Ok(self
                .entries()
                .get(key)
                .and_then(|entry| entry.token.clone()))
        })
    }

    fn save<'a>(&'a self, key: &'a StoreKey, token: &'a Token) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.entries().entry(key.clone()).or_default().token = Some(token.clone());
            Ok(())
        })
    }

    fn delete<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            // The entry stays: somebody may hold its lease.
            if let Some(entry) = self.entries().get_mut(key) {
                entry.token = None;
            }
            Ok(())
        })
    }

    fn lease<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Box<dyn Lease>, Error>> {
        Box::pin(async move {
            let lease = Arc::clone(&self.entries().entry(key.clone()).or_default().lease);
            Ok(Box::new(MemoryLease {
                _guard: lease.lock_owned().await,
            }) as Box<dyn Lease>)
        })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("entries", &self.entries().len())
            .finish()
    }
}
