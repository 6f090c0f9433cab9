//! A memory store that does as it is told: fails, waits, forgets who held the lease.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use auth_core::{
    BoxFuture, Error, ErrorKind, Lease, MemoryStore, OnSaved, SaveOutcome, Session, StoreKey,
    Token, TokenStore, Watch,
};
use auth_sandbox::SandboxClock;
use tokio::sync::Semaphore;

use crate::vendor::Vendor;

pub(crate) fn key() -> StoreKey {
    StoreKey {
        vendor: "test".to_owned(),
        account: "sue@example.com".to_owned(),
        scope: String::new(),
        base_url: "https://api.example.com/".to_owned(),
    }
}

/// A cheap clone; clones share what is stored and what was told.
#[derive(Clone, Debug)]
pub(crate) struct Moody {
    pub(crate) inner: MemoryStore,
    pub(crate) failing_saves: Arc<AtomicUsize>,
    pub(crate) failing_releases: Arc<AtomicBool>,
    pub(crate) saves: Arc<AtomicUsize>,
    /// How many loads have begun.
    pub(crate) loads: Arc<AtomicUsize>,
    /// How many leases were asked for.
    pub(crate) leases: Arc<AtomicUsize>,
    pub(crate) gate: Arc<Semaphore>,
    /// One permit lets one load through.
    pub(crate) load_gate: Arc<Semaphore>,
    /// The next save finds a later token, which is then deleted.
    pub(crate) is_emptied: Arc<AtomicBool>,
    /// Neither loads nor leases nor saves.
    pub(crate) is_down: Arc<AtomicBool>,
    pub(crate) fence: Arc<AtomicU64>,
    /// The holder of the last lease died, or dropped it: the next one hears of it.
    pub(crate) is_abandoned: Arc<AtomicBool>,
    watchers: Watchers,
}

#[derive(Clone, Default)]
struct Watchers(Arc<Mutex<Vec<OnSaved>>>);

impl fmt::Debug for Watchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watchers")
    }
}

#[derive(Debug)]
struct MoodyLease {
    _inner: Box<dyn Lease>,
    fence: u64,
    was_abandoned: bool,
    /// Taken by a release.
    mark: Option<Arc<AtomicBool>>,
    fails: bool,
}

impl Drop for MoodyLease {
    fn drop(&mut self) {
        if let Some(mark) = &self.mark {
            mark.store(true, Ordering::SeqCst);
        }
    }
}

impl Lease for MoodyLease {
    fn fence(&self) -> u64 {
        self.fence
    }

    fn was_abandoned(&self) -> bool {
        self.was_abandoned
    }

    fn release(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        self.mark = None;
        let failure = Error::new(ErrorKind::Store, "the connection broke");
        let released = if self.fails { Err(failure) } else { Ok(()) };
        Box::pin(std::future::ready(released))
    }
}

impl Moody {
    pub(crate) fn new() -> Self {
        Self {
            inner: MemoryStore::new(),
            failing_saves: Arc::default(),
            failing_releases: Arc::default(),
            saves: Arc::default(),
            loads: Arc::default(),
            leases: Arc::default(),
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            load_gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            is_emptied: Arc::default(),
            is_down: Arc::default(),
            fence: Arc::default(),
            is_abandoned: Arc::default(),
            watchers: Watchers::default(),
        }
    }

    /// Tells all who watch, as a store does when another process has saved.
    pub(crate) fn tell(&self, token: &Token) {
        for watcher in self.watchers.0.lock().unwrap().iter() {
            watcher(token.clone());
        }
    }

    /// How many saves have begun.
    pub(crate) fn saves(&self) -> usize {
        self.saves.load(Ordering::SeqCst)
    }

    /// How many loads have begun.
    pub(crate) fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }

    /// Whether the next holder of the lease is told that this one's token may be lost.
    pub(crate) fn is_marked(&self) -> bool {
        self.is_abandoned.load(Ordering::SeqCst)
    }

    fn check(&self) -> Result<(), Error> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Store, "the store is down"));
        }
        Ok(())
    }
}

impl TokenStore for Moody {
    fn load<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Option<Token>, Error>> {
        Box::pin(async move {
            self.loads.fetch_add(1, Ordering::SeqCst);
            self.load_gate.acquire().await.unwrap().forget();
            self.check()?;
            self.inner.load(key).await
        })
    }

    fn save<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<SaveOutcome, Error>> {
        Box::pin(async move {
            self.saves.fetch_add(1, Ordering::SeqCst);
            self.gate.acquire().await.unwrap().forget();
            let fails = |left: usize| left.checked_sub(1);
            if self
                .failing_saves
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails)
                .is_ok()
            {
                return Err(Error::new(ErrorKind::Store, "the disk is full"));
            }
            self.check()?;
            if self.is_emptied.swap(false, Ordering::SeqCst) {
                self.inner.delete(key).await?;
                return Ok(SaveOutcome::Superseded);
            }
            self.inner.save(key, token).await
        })
    }

    fn delete<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<(), Error>> {
        self.inner.delete(key)
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<StoreKey>, Error>> {
        self.inner.list()
    }

    fn lease<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Box<dyn Lease>, Error>> {
        Box::pin(async move {
            self.leases.fetch_add(1, Ordering::SeqCst);
            self.check()?;
            Ok(Box::new(MoodyLease {
                _inner: self.inner.lease(key).await?,
                fence: self.fence.load(Ordering::SeqCst),
                was_abandoned: self.is_abandoned.swap(false, Ordering::SeqCst),
                mark: Some(Arc::clone(&self.is_abandoned)),
                fails: self.failing_releases.load(Ordering::SeqCst),
            }) as Box<dyn Lease>)
        })
    }

    fn watch(&self, _: &StoreKey, on_saved: OnSaved) -> Option<Watch> {
        self.watchers.0.lock().unwrap().push(on_saved);
        Some(Watch::new(()))
    }
}

pub(crate) fn with_store(store: &Moody) -> (Vendor, SandboxClock, Session<Vendor>) {
    let (vendor, clock, _) = Vendor::with_session();
    let session = sharing(&vendor, store);
    (vendor, clock, session)
}

/// A session with `store`.
pub(crate) fn sharing(vendor: &Vendor, store: &Moody) -> Session<Vendor> {
    vendor
        .session()
        .store_as(store.clone(), key())
        .build()
        .unwrap()
}

/// Puts `token` into the store as another process does.
pub(crate) async fn put(store: &Moody, token: Token) {
    assert_eq!(
        store.inner.save(&key(), &token).await.unwrap(),
        SaveOutcome::Saved
    );
}
