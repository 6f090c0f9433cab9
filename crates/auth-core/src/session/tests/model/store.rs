//! A store that several processes share: slow, and failing now and then.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use super::vendor::origin;
use super::{Process, broken, tell};
use crate::simulation::Random;
use crate::store::{Lease, OnSaved, SaveOutcome, StoreKey, TokenStore, Watch};
use crate::{BoxFuture, Error, ErrorKind, Token};

const LEASE_WAIT: Duration = Duration::from_secs(30);

/// What all processes see of the store.
pub(super) struct Shelf {
    pub(super) token: Mutex<Option<Token>>,
    lease: Arc<tokio::sync::Mutex<()>>,
    /// Who had the lease last dropped it.
    mark: Mutex<bool>,
    fence: Option<AtomicU64>,
    /// How many of a hundred calls fail.
    failing: AtomicU64,
    /// Whether others are told of what is saved.
    tells: bool,
    watchers: Mutex<Vec<(usize, Weak<OnSaved>)>>,
}

impl Shelf {
    pub(super) fn new(random: &Random) -> Self {
        let failing = random.pick(&[0, 0, 3, 30]);
        Self {
            token: Mutex::default(),
            lease: Arc::default(),
            mark: Mutex::default(),
            fence: random.chance(50).then(AtomicU64::default),
            failing: AtomicU64::new(failing),
            tells: random.chance(40),
            watchers: Mutex::default(),
        }
    }

    /// From now on every call succeeds.
    pub(super) fn recover(&self) {
        self.failing.store(0, Ordering::Relaxed);
    }
}

/// One process's handle.
#[derive(Clone)]
pub(super) struct Store {
    pub(super) shelf: Arc<Shelf>,
    pub(super) process: Arc<Process>,
    pub(super) random: Random,
}

impl Store {
    async fn takes_its_time(&self, what: &str) -> Result<(), Error> {
        pause(&self.random, 60).await;
        let failing = self.shelf.failing.load(Ordering::Relaxed);
        let fails = self.random.chance(failing);
        tell(&self.process, || {
            let stored = self.shelf.token.lock().unwrap();
            let stored = stored.as_ref().map(Token::generation);
            let mark = self.shelf.mark.lock().unwrap();
            format!("{what}, fails: {fails}, stored: {stored:?}, marked: {mark}")
        });
        if fails {
            return Err(Error::new(ErrorKind::Store, format!("{what} failed")));
        }
        Ok(())
    }

    fn tell(&self, token: &Token) {
        for (process, watcher) in &*self.shelf.watchers.lock().unwrap() {
            if *process == self.process.number {
                continue;
            }
            let (watcher, token) = (Weak::clone(watcher), token.clone());
            let random = self.random.fork();
            tokio::spawn(async move {
                pause(&random, 5_000).await;
                if let Some(on_saved) = watcher.upgrade() {
                    on_saved(token);
                }
            });
        }
    }
}

/// Up to `millis`, or a few turns of others.
pub(super) async fn pause(random: &Random, millis: u64) {
    for _ in 0..random.below(4) {
        tokio::task::yield_now().await;
    }
    if random.chance(60) {
        tokio::time::sleep(Duration::from_millis(random.below(millis))).await;
    }
}

impl TokenStore for Store {
    fn load<'a>(&'a self, _: &'a StoreKey) -> BoxFuture<'a, Result<Option<Token>, Error>> {
        Box::pin(async move {
            self.takes_its_time("load").await?;
            Ok(self.shelf.token.lock().unwrap().clone())
        })
    }

    fn save<'a>(
        &'a self,
        _: &'a StoreKey,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<SaveOutcome, Error>> {
        Box::pin(async move {
            if self.random.chance(5) {
                // Longer than a log-out.
                pause(&self.random, 3_000).await;
            }
            let what = format!("save of {}", token.generation());
            self.takes_its_time(&what).await?;
            if self.process.is_logged_out() {
                broken("after a log-out no write of the session's past reaches the store");
            }
            let mut stored = self.shelf.token.lock().unwrap();
            if stored.as_ref().is_some_and(|it| token.is_superseded_by(it)) {
                return Ok(SaveOutcome::Superseded);
            }
            *stored = Some(token.clone());
            drop(stored);
            self.tell(token);
            Ok(SaveOutcome::Saved)
        })
    }

    fn delete<'a>(&'a self, _: &'a StoreKey) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.takes_its_time("delete").await?;
            let deleted = self.shelf.token.lock().unwrap().take();
            let wants = deleted.and_then(|deleted| origin(&deleted, &self.process));
            // A later log-in replaces whatever is stored.
            let newest = self.process.log_in.load(Ordering::Relaxed);
            let is_wanted = |wants| wants >= newest && !self.process.has_left_since(wants);
            if wants.is_some_and(is_wanted) {
                broken("a log-out deletes no token that was asked for since");
            }
            Ok(())
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<StoreKey>, Error>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn lease<'a>(&'a self, _: &'a StoreKey) -> BoxFuture<'a, Result<Box<dyn Lease>, Error>> {
        Box::pin(async move {
            self.takes_its_time("lease").await?;
            let lock = Arc::clone(&self.shelf.lease);
            let waiting = tokio::time::timeout(LEASE_WAIT, lock.lock_owned());
            let Ok(lock) = waiting.await else {
                return Err(Error::new(ErrorKind::Store, "the lease is held"));
            };
            let fence = self.shelf.fence.as_ref();
            let lease = Held {
                fence: fence.map_or(0, |fence| fence.fetch_add(1, Ordering::Relaxed) + 1),
                was_abandoned: *self.shelf.mark.lock().unwrap(),
                shelf: Some(Arc::clone(&self.shelf)),
                random: self.random.fork(),
                _lock: lock,
            };
            Ok(Box::new(lease) as Box<dyn Lease>)
        })
    }

    fn watch(&self, _: &StoreKey, on_saved: OnSaved) -> Option<Watch> {
        if !self.shelf.tells {
            return None;
        }
        let on_saved = Arc::new(on_saved);
        let mut watchers = self.shelf.watchers.lock().unwrap();
        watchers.push((self.process.number, Arc::downgrade(&on_saved)));
        Some(Watch::new(on_saved))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

struct Held {
    fence: u64,
    was_abandoned: bool,
    /// `None` once it is released.
    shelf: Option<Arc<Shelf>>,
    random: Random,
    _lock: OwnedMutexGuard<()>,
}

impl Lease for Held {
    fn fence(&self) -> u64 {
        self.fence
    }

    fn was_abandoned(&self) -> bool {
        self.was_abandoned
    }

    fn release(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move {
            pause(&self.random, 60).await;
            if let Some(shelf) = self.shelf.take() {
                *shelf.mark.lock().unwrap() = false;
            }
            Ok(())
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(shelf) = &self.shelf {
            *shelf.mark.lock().unwrap() = true;
        }
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}
