//! Every store keeps the contract, and the contract finds stores that do not.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::{
    BoxFuture, Error, ErrorKind, Lease, MemoryStore, OnSaved, SaveOutcome, StoreKey, Token,
    TokenStore, Watch,
};
use auth_store::testing::contract;
use tokio::sync::OwnedMutexGuard;
use tokio::time::timeout;

#[tokio::test]
async fn the_store_in_memory_keeps_the_contract() {
    let store = MemoryStore::new().lease_wait(Duration::from_millis(300));
    contract(async || store.clone()).await;
}

#[cfg(feature = "file")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_store_keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens");
    let open = async || auth_store::FileStore::at(&path).lease_wait(Duration::from_millis(300));
    contract(open).await;
    // Only the locks are left.
    for entry in std::fs::read_dir(&path).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.starts_with("write-"), "{name}");
    }
}

#[cfg(all(feature = "file", feature = "encryption"))]
#[tokio::test]
async fn the_file_store_keeps_the_contract_with_encryption() {
    let directory = tempfile::tempdir().unwrap();
    let open = async || {
        let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".into();
        auth_store::FileStore::at(directory.path().join("tokens"))
            .encrypt_with(auth_store::EncryptionKey::from_base64(&key).unwrap())
            .lease_wait(Duration::from_millis(300))
    };
    contract(open).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_with_fences_and_watches_keeps_the_contract() {
    let store = Flawed::new(Sound);
    contract(async || store.clone()).await;
}

#[test]
#[should_panic(expected = "call it inside a Tokio runtime with time enabled")]
fn without_a_runtime_the_contract_says_what_it_needs() {
    let store = MemoryStore::new();
    let mut checked = std::pin::pin!(contract(async || store.clone()));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let _ = checked.as_mut().poll(&mut context);
}

#[test]
fn the_contract_finds_every_flaw() {
    for (flaw, rule) in [
        (
            LosesTheRefreshToken,
            "another handle to the storage sees what is saved",
        ),
        (
            LosesTheAttributes,
            "another handle to the storage sees what is saved",
        ),
        (IgnoresTheScope, "keys are distinguished"),
        (ListsInNoOrder, "the list is not in order"),
        (ListsNothing, "a key is not listed"),
        (KeepsWhatIsDeleted, "and should hold None"),
        (TakesEarlierTokens, "a token that is superseded"),
        (
            ConfusesGenerations,
            "generations are whole numbers of 64 bits",
        ),
        (ChecksBeforeItWrites, "of many that save at once"),
        (LeasesToAll, "a lease was given that another session holds"),
        (LeasesOnce, "one session at a time holds the lease"),
        (WaitsForever, "has not ended within 200s"),
        (CountsFencesDown, "after 100"),
        (SaysThatAllAreAbandoned, "counts as abandoned"),
        (LeavesNoMark, "it does not count as abandoned"),
        (LeavesAMarkForEver, "a lease counts as abandoned after one"),
        (
            WatchesTheWrongKey,
            "a watch notifies of what others save under its key",
        ),
        (
            WatchesForever,
            "a watch notifies of what others save under its key",
        ),
    ] {
        let store = Flawed::new(flaw);
        let checked = std::thread::spawn(move || contract_of(&store)).join();
        let said = checked.expect_err(&format!("{flaw:?}"));
        let said = said.downcast::<String>().unwrap();
        assert!(said.contains(rule), "{flaw:?}: {said}");
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn contract_of(store: &Flawed) {
    contract(async || store.clone()).await;
}

/// A mistake of a store.
#[derive(Clone, Copy, Debug)]
enum Flaw {
    Sound,
    LosesTheRefreshToken,
    LosesTheAttributes,
    IgnoresTheScope,
    TakesEarlierTokens,
    ConfusesGenerations,
    ListsInNoOrder,
    ListsNothing,
    KeepsWhatIsDeleted,
    LeasesToAll,
    LeasesOnce,
    WaitsForever,
    CountsFencesDown,
    SaysThatAllAreAbandoned,
    LeavesNoMark,
    LeavesAMarkForEver,
    ChecksBeforeItWrites,
    WatchesTheWrongKey,
    WatchesForever,
}

use Flaw::*;

/// A store in memory with a flaw.
#[derive(Clone)]
struct Flawed {
    inner: MemoryStore,
    leases: Leases,
    flaw: Flaw,
    fence: Arc<AtomicU64>,
    watchers: Watchers,
}

type Watchers = Arc<Mutex<Vec<(u64, StoreKey, OnSaved)>>>;

/// Locked while a lease is held; true if its last holder did not release it. Unlike those of the store in
/// memory, they wait on the test's clock.
type Leases = Arc<Mutex<HashMap<StoreKey, Arc<tokio::sync::Mutex<bool>>>>>;

#[derive(Debug)]
struct FlawedLease {
    mark: Option<OwnedMutexGuard<bool>>,
    was_abandoned: bool,
    flaw: Flaw,
    fence: u64,
}

impl Lease for FlawedLease {
    fn fence(&self) -> u64 {
        self.fence
    }

    fn was_abandoned(&self) -> bool {
        match self.flaw {
            SaysThatAllAreAbandoned => true,
            LeavesNoMark => false,
            _ => self.was_abandoned,
        }
    }

    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        match (self.flaw, self.mark) {
            (LeasesOnce, mark) => std::mem::forget(mark),
            (LeavesAMarkForEver, _) if self.was_abandoned => {}
            (_, Some(mut mark)) => *mark = false,
            (_, None) => {}
        }
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Flawed {
    fn new(flaw: Flaw) -> Self {
        Self {
            inner: MemoryStore::new(),
            leases: Leases::default(),
            flaw,
            fence: Arc::new(AtomicU64::new(100)),
            watchers: Watchers::default(),
        }
    }

    fn key(&self, key: &StoreKey) -> StoreKey {
        let mut key = key.clone();
        if matches!(self.flaw, IgnoresTheScope) {
            key.scope.clear();
        }
        key
    }

    fn token(&self, token: &Token) -> Token {
        let bare = Token::new(token.access().clone(), token.expiry(), token.issued_at());
        let with_attributes = |bare| {
            token.attributes().fold(bare, |it: Token, (name, value)| {
                it.with_attribute(name, value)
            })
        };
        let generation = token.generation();
        match self.flaw {
            LosesTheRefreshToken => with_attributes(bare).with_generation(generation),
            LosesTheAttributes => bare
                .with_refresh(token.refresh().cloned())
                .with_generation(generation),
            // As the numbers of JavaScript and Lua do.
            ConfusesGenerations => with_attributes(bare)
                .with_refresh(token.refresh().cloned())
                .with_generation(if generation == (1 << 53) + 1 {
                    1 << 53
                } else {
                    generation
                }),
            _ => token.clone(),
        }
    }
}

impl TokenStore for Flawed {
    fn load<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Option<Token>, Error>> {
        Box::pin(async move { self.inner.load(&self.key(key)).await })
    }

    fn save<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<SaveOutcome, Error>> {
        Box::pin(async move {
            let (key, token) = (self.key(key), self.token(token));
            match self.flaw {
                TakesEarlierTokens => self.inner.delete(&key).await?,
                ChecksBeforeItWrites => {
                    let stored = self.inner.load(&key).await?;
                    if stored.is_some_and(|it| token.is_superseded_by(&it)) {
                        return Ok(SaveOutcome::Superseded);
                    }
                    tokio::task::yield_now().await;
                    self.inner.delete(&key).await?;
                }
                _ => {}
            }
            let saved = self.inner.save(&key, &token).await;
            for (_, watched, on_saved) in &*self.watchers.lock().unwrap() {
                if *watched == key || matches!(self.flaw, WatchesTheWrongKey) {
                    on_saved(token.clone());
                }
            }
            saved
        })
    }

    fn delete<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if matches!(self.flaw, KeepsWhatIsDeleted) {
                return Ok(());
            }
            self.inner.delete(&self.key(key)).await
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<StoreKey>, Error>> {
        Box::pin(async move {
            let mut keys = self.inner.list().await?;
            match self.flaw {
                ListsInNoOrder => keys.reverse(),
                ListsNothing => keys.clear(),
                _ => {}
            }
            Ok(keys)
        })
    }

    fn lease<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Box<dyn Lease>, Error>> {
        Box::pin(async move {
            let lease = Arc::clone(self.leases.lock().unwrap().entry(key.clone()).or_default());
            let mut mark = match self.flaw {
                LeasesToAll => None,
                WaitsForever => Some(lease.lock_owned().await),
                _ => {
                    let waited = timeout(Duration::from_secs(180), lease.lock_owned()).await;
                    let busy = |_| Error::new(ErrorKind::Store, "it is busy");
                    Some(waited.map_err(busy)?)
                }
            };
            let was_abandoned = mark
                .as_mut()
                .is_some_and(|it| std::mem::replace(&mut **it, true));
            let fence = match self.flaw {
                CountsFencesDown => self.fence.fetch_sub(1, Ordering::SeqCst),
                _ => self.fence.fetch_add(1, Ordering::SeqCst),
            };
            let flaw = self.flaw;
            Ok(Box::new(FlawedLease {
                mark,
                was_abandoned,
                flaw,
                fence,
            }) as Box<dyn Lease>)
        })
    }

    fn watch(&self, key: &StoreKey, on_saved: OnSaved) -> Option<Watch> {
        let id = self.fence.fetch_add(1, Ordering::SeqCst);
        let mut watchers = self.watchers.lock().unwrap();
        watchers.push((id, key.clone(), on_saved));
        Some(match self.flaw {
            WatchesForever => Watch::new(()),
            _ => Watch::new(Unwatch(id, Arc::clone(&self.watchers))),
        })
    }
}

impl std::fmt::Debug for Flawed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Flawed({:?})", self.flaw)
    }
}

struct Unwatch(u64, Watchers);

impl Drop for Unwatch {
    fn drop(&mut self) {
        self.1.lock().unwrap().retain(|(id, ..)| *id != self.0);
    }
}
