//! `RedisStore`: each call runs on the thread of the store.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    BoxFuture, Error, Lease, OnSaved, SaveOutcome, StoreKey, Token, TokenStore, Watch,
};

use super::entries::Entries;
use super::lease::RedisLease;
use super::watch::Watches;
use crate::per_process::PerProcess;
use crate::thread::Thread;

/// The thread's name, as a debugger shows it (Linux keeps 15 characters).
const THREAD_NAME: &str = "auth-redis";

/// A store in Redis (5 or later) or Valkey: one server, or a primary with its replicas.
///
/// - A token is saved in one step on the server, and never in place of a later one.
/// - The lease is an entry that expires by itself ([`RedisStoreBuilder::lease_time`]). It is extended
///   while it is held, and only its holder gives it back. If a holder died, or dropped the lease
///   without [`release`](Lease::release), the next lease reports it: [`Lease::was_abandoned`].
/// - An entry expires [`RedisStoreBuilder::keep_after_end`] after its token.
/// - A token that another worker saves is noticed at once, by a message. After a broken connection
///   the tokens are read again. The first notification of a watch may be of a token that was saved
///   just before the watch began.
/// - While the server is down or out of reach, each call fails within
///   [`RedisStoreBuilder::timeout`]. Once the server is back, the next call succeeds.
///
/// A fail-over to a replica, or a restart without persistence, can lose the last writes and the
/// leases. Two workers may then renew at once. `appendonly yes` keeps both across a restart.
///
/// The server sees the tokens, and without TLS so does the network. Use `rediss://` (feature
/// `redis-tls`), [`RedisStoreBuilder::encrypt_with`] (feature `encryption`), or both. A Redis user
/// for this store needs `~prefix*`, `&prefix*` and `+@connection +@scripting +@read +@write +@pubsub`.
/// Without the channels (`&prefix*`) tokens are saved, and other workers see them at their next renewal
/// only, which is logged once.
///
/// Cloning is cheap. The store has a thread for its connection, which ends with the last clone,
/// lease and watch. In a child process made by `fork()` it starts a thread and a connection of its own.
/// A lease of the parent stays the parent's, and a watch of the parent ends in the child.
///
/// # Example
///
/// ```no_run
/// use auth_store::RedisStore;
///
/// # fn example(url: auth_core::SecretString) -> Result<(), auth_core::Error> {
/// let store = RedisStore::builder(url).prefix("shop:tokens:").build()?;
/// # Ok(())
/// # }
/// ```
///
/// [`RedisStoreBuilder::lease_time`]: crate::RedisStoreBuilder::lease_time
/// [`RedisStoreBuilder::keep_after_end`]: crate::RedisStoreBuilder::keep_after_end
/// [`RedisStoreBuilder::timeout`]: crate::RedisStoreBuilder::timeout
/// [`RedisStoreBuilder::encrypt_with`]: crate::RedisStoreBuilder::encrypt_with
#[derive(Clone)]
pub struct RedisStore {
    entries: Arc<Entries>,
    live: Arc<PerProcess<Live>>,
}

/// What serves the calls in one process.
#[derive(Clone)]
struct Live {
    thread: Thread,
    entries: Arc<Entries>,
    watches: Watches,
}

impl RedisStore {
    pub(super) fn start(entries: Entries) -> Result<Self, Error> {
        let store = Self {
            entries: Arc::new(entries),
            live: Arc::default(),
        };
        store.live()?;
        Ok(store)
    }

    fn live(&self) -> Result<Live, Error> {
        self.live.get(|| {
            let thread = Thread::start(THREAD_NAME)?;
            let entries = Arc::new(self.entries.anew());
            let watches = Watches::start(&thread, Arc::clone(&entries));
            Ok(Live {
                thread,
                entries,
                watches,
            })
        })
    }
}

impl TokenStore for RedisStore {
    fn load<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Option<Token>, Error>> {
        Box::pin(async move {
            let Live {
                thread, entries, ..
            } = self.live()?;
            let key = key.clone();
            let task = async move { entries.load(&key).await };
            thread.run_while_awaited(task).await
        })
    }

    fn save<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<SaveOutcome, Error>> {
        Box::pin(async move {
            let Live {
                thread, entries, ..
            } = self.live()?;
            let (key, token) = (key.clone(), token.clone());
            // To its end, because the vendor may have rotated the refresh token already.
            let task = async move { entries.save(&key, &token).await };
            thread.run(task).await
        })
    }

    fn delete<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let Live {
                thread, entries, ..
            } = self.live()?;
            let key = key.clone();
            thread.run(async move { entries.delete(&key).await }).await
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<StoreKey>, Error>> {
        Box::pin(async move {
            let Live {
                thread, entries, ..
            } = self.live()?;
            let task = async move { entries.list().await };
            thread.run_while_awaited(task).await
        })
    }

    fn lease<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Box<dyn Lease>, Error>> {
        Box::pin(async move {
            let Live {
                thread, entries, ..
            } = self.live()?;
            let lease = RedisLease::acquire(&thread, &entries, key).await?;
            Ok(Box::new(lease) as Box<dyn Lease>)
        })
    }

    fn watch(&self, key: &StoreKey, on_saved: OnSaved) -> Option<Watch> {
        let live = self.live().ok()?;
        live.watches.begin(key, on_saved, &live.thread)
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("link", &self.entries.link)
            .field("prefix", &self.entries.names.prefix())
            .field("limits", &self.entries.limits)
            .field("is_encrypted", &self.entries.cipher.is_some())
            .finish_non_exhaustive()
    }
}
