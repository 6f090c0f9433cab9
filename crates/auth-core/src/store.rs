//! Where tokens are kept beyond one session: the trait that a store implements, and a store in
//! memory. The crate `auth-store` has stores in files, in the keyring and in Redis.
//!
//! A store keeps a [`Token`] for each [`StoreKey`] and gives [leases](Lease): while a session holds
//! the lease of a key, no other session renews that token. To write a store, implement
//! [`TokenStore`] and run the rules of `auth_store::testing` against it.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::background;
use crate::hosts::BaseUrl;
pub use crate::token::{Fingerprint, Token};
pub use crate::{BoxFuture, Error, ErrorKind};

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

impl StoreKey {
    /// The key of the token of `account` at the service at `base`.
    ///
    /// `scope` tells apart what one account has several of: products, workspaces, applications.
    pub fn new(
        vendor: impl Into<String>,
        account: impl Into<String>,
        scope: impl Into<String>,
        base: &BaseUrl,
    ) -> Self {
        Self {
            vendor: vendor.into(),
            account: account.into(),
            scope: scope.into(),
            base_url: base.to_string(),
        }
    }
}

/// The right to renew the token of one key.
///
/// [`Lease::release`] gives it back. Dropping it does so, too, and leaves a mark, where the store
/// keeps one: [`Lease::was_abandoned`]. A session drops a lease under which the refresh token may
/// have been spent while no new token was saved. It releases the next one once a token is saved.
pub trait Lease: fmt::Debug + Send + Sync {
    /// A number that grows from one lease of the key to the next, where the store counts them; 0
    /// where a lease cannot be held beyond its end.
    ///
    /// A renewed token's generation is at least this, so that a worker whose lease has run out
    /// cannot put its token in the place of a later one.
    fn fence(&self) -> u64 {
        0
    }

    /// Whether the holder before died, lost the lease or dropped it: it may have spent the refresh
    /// token without saving what it got.
    ///
    /// A session does not believe a refusal then until it has come in four renewals. Meanwhile
    /// callers get [`ErrorKind::OutcomeUnknown`].
    fn was_abandoned(&self) -> bool {
        false
    }

    /// Gives the lease back.
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        drop(self);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// What became of a [`TokenStore::save`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum SaveOutcome {
    /// The store holds the token now.
    Saved,
    /// The store holds a later token, and kept that.
    Superseded,
}

/// Is called with each token that another session has saved.
pub type OnSaved = Box<dyn Fn(Token) + Send + Sync>;

/// Ends a [`TokenStore::watch`] when it is dropped.
pub struct Watch(Box<dyn Any + Send + Sync>);

impl Watch {
    /// `guard` ends the watch when it is dropped.
    pub fn new(guard: impl Any + Send + Sync) -> Self {
        Self(Box::new(guard))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watch").field(&(*self.0).type_id()).finish()
    }
}

/// Keeps tokens, so that they survive a restart and can be shared.
///
/// A session loads at the start, renews under the lease, loads again once it holds the lease (if
/// another session has renewed, it takes that token and sends nothing), and saves a new token before it
/// is used. It tries a failed save a few times.
///
/// Implementations return [`ErrorKind::Store`] errors, bound every wait,
/// and are called inside a Tokio runtime that may end soon after.
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// The token saved under `key`, if any.
    fn load<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Option<Token>, Error>>;

    /// Saves `token` under `key` in place of an earlier one, in one step: a token that
    /// [is superseded](Token::is_superseded_by) by the one in the store is not saved.
    fn save<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<SaveOutcome, Error>>;

    /// Deletes what is saved under `key`; nothing there is no error.
    fn delete<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<(), Error>>;

    /// The keys under which there are tokens, in their order.
    fn list(&self) -> BoxFuture<'_, Result<Vec<StoreKey>, Error>>;

    /// Waits, for a bounded time, until no other session renews the token of `key`.
    ///
    /// A session may drop the future at any moment. It must not take the lease after that: no one
    /// would give it back. It must not leave the mark of an [abandoned](Lease::was_abandoned) lease
    /// either, since nothing was renewed, and must not keep the place in a queue that others wait
    /// behind. A store that asks a thread or a server for the lease gives back what arrives too late.
    fn lease<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Box<dyn Lease>, Error>>;

    /// Has `on_saved` called with what others save under `key`, as soon as they do. `None` from a
    /// store that cannot tell: its sessions see it when they renew.
    ///
    /// Called without a runtime.
    fn watch(&self, key: &StoreKey, on_saved: OnSaved) -> Option<Watch> {
        let _ = (key, on_saved);
        None
    }
}

impl<S: TokenStore + ?Sized> TokenStore for Arc<S> {
    fn load<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Option<Token>, Error>> {
        (**self).load(key)
    }

    fn save<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<SaveOutcome, Error>> {
        (**self).save(key, token)
    }

    fn delete<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<(), Error>> {
        (**self).delete(key)
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<StoreKey>, Error>> {
        (**self).list()
    }

    fn lease<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Box<dyn Lease>, Error>> {
        (**self).lease(key)
    }

    fn watch(&self, key: &StoreKey, on_saved: OnSaved) -> Option<Watch> {
        (**self).watch(key, on_saved)
    }
}

/// A renewal takes no longer, whatever it sends again.
const LEASE_WAIT: Duration = Duration::from_secs(180);

/// A store in this process's memory: for sessions that share an account, and for tests.
///
/// A cheap clone; clones share what is stored.
#[derive(Clone)]
pub struct MemoryStore {
    entries: Arc<Mutex<HashMap<StoreKey, Entry>>>,
    lease_wait: Duration,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self {
            entries: Arc::default(),
            lease_wait: LEASE_WAIT,
        }
    }
}

#[derive(Default)]
struct Entry {
    token: Option<Token>,
    /// Locked while the lease is held; true if its last holder did not release it.
    lease: Arc<tokio::sync::Mutex<bool>>,
    /// The process in which the lease was made: in a child made by `fork()` its holder does not exist.
    process: u32,
}

impl Entry {
    fn lease(&mut self) -> Arc<tokio::sync::Mutex<bool>> {
        let process = std::process::id();
        if self.process != process {
            self.process = process;
            self.lease = Arc::default();
        }
        Arc::clone(&self.lease)
    }
}

#[derive(Debug)]
struct MemoryLease {
    mark: tokio::sync::OwnedMutexGuard<bool>,
    was_abandoned: bool,
}

impl MemoryLease {
    fn new(mut mark: tokio::sync::OwnedMutexGuard<bool>) -> Self {
        let was_abandoned = std::mem::replace(&mut *mark, true);
        Self {
            mark,
            was_abandoned,
        }
    }
}

impl Lease for MemoryLease {
    fn was_abandoned(&self) -> bool {
        self.was_abandoned
    }

    fn release(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        *self.mark = false;
        Box::pin(std::future::ready(Ok(())))
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how long a session waits while another one renews. The default is 180 s, because no renewal
    /// takes longer.
    pub fn lease_wait(mut self, wait: Duration) -> Self {
        self.lease_wait = wait;
        self
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

    fn save<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<SaveOutcome, Error>> {
        Box::pin(async move {
            let mut entries = self.entries();
            let stored = &mut entries.entry(key.clone()).or_default().token;
            if stored.as_ref().is_some_and(|it| token.is_superseded_by(it)) {
                return Ok(SaveOutcome::Superseded);
            }
            *stored = Some(token.clone());
            Ok(SaveOutcome::Saved)
        })
    }

    fn delete<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            // The entry stays: its lease may be held.
            if let Some(entry) = self.entries().get_mut(key) {
                entry.token = None;
            }
            Ok(())
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<StoreKey>, Error>> {
        Box::pin(async move {
            let entries = self.entries();
            let held = entries.iter().filter(|(_, entry)| entry.token.is_some());
            let mut keys: Vec<_> = held.map(|(key, _)| key.clone()).collect();
            keys.sort();
            Ok(keys)
        })
    }

    fn lease<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Box<dyn Lease>, Error>> {
        Box::pin(async move {
            let lease = self.entries().entry(key.clone()).or_default().lease();
            let limit = self.lease_wait;
            let waiting = async move { tokio::time::timeout(limit, lease.lock_owned()).await };
            background::run_while_awaited(waiting)
                .await?
                .map(|mark| Box::new(MemoryLease::new(mark)) as Box<dyn Lease>)
                .map_err(|_| {
                    let message = "another session of this process renews and does not end";
                    Error::new(ErrorKind::Store, message)
                })
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
