//! Tokens in Redis or Valkey, for workers on many machines.

mod builder;
mod failure;
mod lease;
mod link;
mod names;
mod scripts;
mod watch;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use auth_core::{
    BoxFuture, Error, Lease, OnSaved, SaveOutcome, SecretString, StoreKey, Token, TokenStore, Watch,
};
use redis::{Value, cmd, pipe};
use tokio::sync::mpsc::UnboundedSender;
use zeroize::Zeroizing;

pub use builder::RedisStoreBuilder;

use crate::cipher::Cipher;
use crate::record;
use crate::thread::Thread;
use lease::RedisLease;
use link::{Link, Request};
use names::Names;
use scripts::SAVE;
use watch::{Guard, Order, Watcher};

/// A store in Redis (5 or later) or Valkey: one server, or a primary with its replicas.
///
/// - A token is saved in one step on the server, and never in place of a later one.
/// - The lease is an entry that ends by itself ([`RedisStoreBuilder::lease_time`]), is extended
///   while it is held and given back by its holder alone. A holder that died, or dropped the lease
///   without [`release`](Lease::release), is told of: [`Lease::was_abandoned`].
/// - An entry ends [`RedisStoreBuilder::keep_after_end`] after its token.
/// - What others save is noticed at once, by a message; after a broken connection the tokens are
///   read again. A watcher may be told first of what was saved just before it began.
/// - A server that is down or out of reach fails each call within [`RedisStoreBuilder::timeout`];
///   once it is back, the next call succeeds.
///
/// A fail-over to a replica, or a restart without persistence, can lose the last writes, the leases
/// among them: then two workers may renew at once. `appendonly yes` keeps them across a restart.
///
/// The server sees the tokens, and so does the wire without TLS: take `rediss://` (feature
/// `redis-tls`), [`RedisStoreBuilder::encrypt_with`] (feature `encryption`), or both. A Redis user of
/// its own needs `~prefix*`, `&prefix*` and `+@connection +@scripting +@read +@write +@pubsub`.
///
/// A cheap clone. It has a thread of its own for its connection, which ends with the last clone,
/// lease and watch.
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
#[derive(Clone)]
pub struct RedisStore {
    thread: Thread,
    shared: Arc<Shared>,
}

/// What the calls, the leases and the watchers share.
struct Shared {
    link: Link,
    names: Names,
    cipher: Option<Cipher>,
    limits: Limits,
    orders: UnboundedSender<Order>,
}

#[derive(Clone, Debug)]
struct Limits {
    lease_time: Duration,
    lease_wait: Duration,
    keep_after_end: Duration,
}

/// So many entries are listed in one step.
const LISTED_AT_ONCE: usize = 500;

/// A token that lives longer is kept for ever; the server's sums end somewhere.
const LONGEST_LIFE: Duration = Duration::from_secs(200 * 365 * 24 * 60 * 60);

impl RedisStore {
    /// Begins a store on the server at `url`: `redis://[user:password@]host[:port][/database]`,
    /// `rediss://…` for TLS (feature `redis-tls`), or `unix:///path/to/socket`.
    pub fn builder(url: SecretString) -> RedisStoreBuilder {
        RedisStoreBuilder::new(url)
    }
}

impl Shared {
    /// The record of `key`, as it is.
    async fn fetch(&self, key: &StoreKey) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let mut get = cmd("HGET");
        get.arg(self.names.token(key)).arg("record");
        let deadline = self.link.deadline();
        let record: Option<Vec<u8>> = self.link.ask(&Request::Command(get), deadline).await?;
        Ok(record.map(Zeroizing::new))
    }

    fn decode(&self, key: &StoreKey, record: &[u8]) -> Result<Token, Error> {
        record::decode(key, record, self.cipher.as_ref())
            .map_err(|error| self.at(&self.names.token(key), &error))
    }

    /// An error of the record's, with its place.
    fn at(&self, name: &str, error: &Error) -> Error {
        let address = self.link.address();
        failure::fault(format!("{error}; it is `{name}` in redis at {address}"))
    }

    async fn load(&self, key: &StoreKey) -> Result<Option<Token>, Error> {
        let record = self.fetch(key).await?;
        record.map(|it| self.decode(key, &it)).transpose()
    }

    async fn save(&self, key: &StoreKey, token: &Token) -> Result<SaveOutcome, Error> {
        let record = record::encode(key, token, self.cipher.as_ref())?;
        let deadline = self.link.deadline();
        let mut expected = Zeroizing::new(Vec::new());
        // Ends: each further round is due to somebody else's save, and the time is bounded.
        loop {
            let mut script = SAVE.prepare_invoke();
            script
                .key(self.names.token(key))
                .arg(format!("{:020}", token.generation()))
                .arg(record.as_slice())
                .arg(expected.as_slice())
                .arg(
                    self.life(token)
                        .map_or_else(String::new, |it| millis(it).to_string()),
                )
                .arg(self.names.channel(key));
            match self.link.ask(&Request::Script(script), deadline).await? {
                Value::Int(1) => return Ok(SaveOutcome::Saved),
                Value::Int(0) => return Ok(SaveOutcome::Superseded),
                Value::BulkString(held) => {
                    let held = Zeroizing::new(held);
                    // Also if it is older: what cannot be read is never replaced.
                    if token.is_superseded_by(&self.decode(key, &held)?) {
                        return Ok(SaveOutcome::Superseded);
                    }
                    expected = held;
                }
                _ => return Err(self.link.nonsense()),
            }
        }
    }

    /// For how long the server keeps a token from now; None: until it is deleted.
    fn life(&self, token: &Token) -> Option<Duration> {
        let left = token.expiry().left(SystemTime::now())?;
        let life = left.saturating_add(self.limits.keep_after_end);
        // The server refuses zero.
        (life < LONGEST_LIFE).then(|| life.max(Duration::from_millis(1)))
    }

    async fn delete(&self, key: &StoreKey) -> Result<(), Error> {
        let mut delete = cmd("DEL");
        delete.arg(self.names.token(key));
        let deadline = self.link.deadline();
        self.link.ask(&Request::Command(delete), deadline).await
    }

    async fn list(&self) -> Result<Vec<StoreKey>, Error> {
        let mut keys = BTreeSet::new();
        let mut cursor = 0_u64;
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(cursor)
                .arg("MATCH")
                .arg(self.names.pattern())
                .arg("COUNT")
                .arg(LISTED_AT_ONCE);
            let deadline = self.link.deadline();
            let scan = Request::Command(scan);
            let (next, names): (u64, Vec<String>) = self.link.ask(&scan, deadline).await?;
            if !names.is_empty() {
                self.list_some(&names, &mut keys).await?;
            }
            cursor = next;
            if cursor == 0 {
                return Ok(keys.into_iter().collect());
            }
        }
    }

    async fn list_some(
        &self,
        names: &[String],
        keys: &mut BTreeSet<StoreKey>,
    ) -> Result<(), Error> {
        let mut gets = pipe();
        for name in names {
            gets.hget(name, "record");
        }
        let deadline = self.link.deadline();
        let gets = Request::Commands(gets);
        let records: Vec<Option<Vec<u8>>> = self.link.ask(&gets, deadline).await?;
        for (name, record) in names.iter().zip(records) {
            // One that is gone was deleted meanwhile, or has ended.
            let Some(record) = record.map(Zeroizing::new) else {
                continue;
            };
            let (key, _) = record::peek(&record).map_err(|error| self.at(name, &error))?;
            keys.insert(key);
        }
        Ok(())
    }
}

impl TokenStore for RedisStore {
    fn load<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Option<Token>, Error>> {
        Box::pin(async move {
            let (shared, key) = (Arc::clone(&self.shared), key.clone());
            let task = async move { shared.load(&key).await };
            self.thread.run_while_awaited(task).await?
        })
    }

    fn save<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<SaveOutcome, Error>> {
        Box::pin(async move {
            let (shared, key, token) = (Arc::clone(&self.shared), key.clone(), token.clone());
            // To its end: the vendor may have rotated the refresh token already.
            let task = async move { shared.save(&key, &token).await };
            self.thread.run(task).await?
        })
    }

    fn delete<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let (shared, key) = (Arc::clone(&self.shared), key.clone());
            let task = async move { shared.delete(&key).await };
            self.thread.run(task).await?
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<StoreKey>, Error>> {
        Box::pin(async move {
            let shared = Arc::clone(&self.shared);
            let task = async move { shared.list().await };
            self.thread.run_while_awaited(task).await?
        })
    }

    fn lease<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Box<dyn Lease>, Error>> {
        Box::pin(async move {
            let lease = RedisLease::acquire(&self.thread, &self.shared, key).await?;
            Ok(Box::new(lease) as Box<dyn Lease>)
        })
    }

    fn watch(&self, key: &StoreKey, on_saved: OnSaved) -> Option<Watch> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let has_ended = Arc::new(AtomicBool::new(false));
        let watcher = Watcher {
            number,
            on_saved,
            has_ended: Arc::clone(&has_ended),
            seen: None,
        };
        let orders = self.shared.orders.clone();
        orders.send(Order::Begin(key.clone(), watcher)).ok()?;
        Some(Watch::new(Guard {
            number,
            key: key.clone(),
            has_ended,
            orders,
            _thread: self.thread.clone(),
        }))
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("link", &self.shared.link)
            .field("prefix", &self.shared.names.prefix())
            .field("limits", &self.shared.limits)
            .field("is_encrypted", &self.shared.cipher.is_some())
            .finish_non_exhaustive()
    }
}

/// What the server counts in.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
