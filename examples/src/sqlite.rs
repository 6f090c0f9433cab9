//! A token store of one's own: tokens in a table of SQLite, beside the program's other data.
//!
//! What a store must do is `auth_store::testing::contract`, which `tests/sqlite.rs` runs on this one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_store::{ExposeSecret as _, Record};
use iqm_auth::store::{
    BoxFuture, Error, ErrorKind, Lease, SaveOutcome, StoreKey, Token, TokenStore,
};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS tokens (key TEXT PRIMARY KEY, record BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS leases (
        key TEXT PRIMARY KEY, fence INTEGER NOT NULL, held_until INTEGER NOT NULL, is_marked INTEGER NOT NULL
    );";

/// Longer than any renewal: a lease that is held longer belongs to a process that has died.
const LEASE_TIME: Duration = Duration::from_secs(180);

/// How often a session that waits looks whether the lease is free.
const LOOK: Duration = Duration::from_millis(20);

/// How long one call waits for another process that is writing.
const BUSY: Duration = Duration::from_secs(3);

/// Tokens in a file of `SQLite`. A cheap clone.
#[derive(Clone)]
pub struct SqliteStore {
    path: Arc<Path>,
    lease_wait: Duration,
}

impl SqliteStore {
    /// Opens the database, and makes its tables where they are missing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] if that fails.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let store = Self {
            path: path.into().into(),
            lease_wait: LEASE_TIME,
        };
        store
            .connect()
            .and_then(|it| it.execute_batch(TABLES))
            .map_err(failed)?;
        Ok(store)
    }

    /// How long a session waits while another one renews.
    pub fn lease_wait(mut self, wait: Duration) -> Self {
        self.lease_wait = wait;
        self
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open(&self.path)?;
        connection.busy_timeout(BUSY)?;
        Ok(connection)
    }

    /// Runs `call` on a thread of its own: it may wait for another process, and must finish when its
    /// caller is gone.
    fn on_a_thread<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, Error>> {
        let (store, (tell, told)) = (self.clone(), oneshot::channel());
        std::thread::spawn(move || {
            let outcome = store
                .connect()
                .map_err(failed)
                .and_then(|mut it| call(&mut it));
            // If the caller is gone, this drops a lease that was taken in vain. See `SqliteLease`.
            let _ = tell.send(outcome);
        });
        Box::pin(async {
            told.await
                .unwrap_or_else(|_| Err(error("the call broke off")))
        })
    }

    /// Takes the lease, if it is free.
    fn try_lease(&self, key: &StoreKey) -> BoxFuture<'static, Result<Option<SqliteLease>, Error>> {
        let (store, key) = (self.clone(), text(key));
        self.on_a_thread(move |connection| {
            let write = connection.transaction_with_behavior(TransactionBehavior::Immediate);
            let write = write.map_err(failed)?;
            let (now, until) = (millis(Duration::ZERO), millis(LEASE_TIME));
            // The time of a holder that has died runs out, and its mark stays.
            let fence: Option<(i64, bool)> = write
                .query_row(
                    "INSERT INTO leases VALUES (?1, 1, ?3, 0)
                     ON CONFLICT (key) DO UPDATE
                     SET fence = fence + 1, is_marked = is_marked OR held_until > 0, held_until = ?3
                     WHERE held_until <= ?2
                     RETURNING fence, is_marked",
                    params![key, now, until],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()
                .map_err(failed)?;
            write.commit().map_err(failed)?;
            Ok(fence.map(|(fence, was_abandoned)| SqliteLease {
                store,
                key,
                fence,
                was_abandoned,
                is_marked: was_abandoned,
            }))
        })
    }
}

impl TokenStore for SqliteStore {
    fn load<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Option<Token>, Error>> {
        let key = text(key);
        self.on_a_thread(move |connection| load(connection, &key))
    }

    fn save<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<SaveOutcome, Error>> {
        let record = Record::new(key.clone(), token.clone());
        self.on_a_thread(move |connection| {
            let key = text(&record.key);
            // Reading and writing are one step.
            let write = connection.transaction_with_behavior(TransactionBehavior::Immediate);
            let write = write.map_err(failed)?;
            if load(&write, &key)?.is_some_and(|stored| record.token.is_superseded_by(&stored)) {
                return Ok(SaveOutcome::Superseded);
            }
            let bytes = record.to_bytes()?;
            let row = params![key, bytes.expose_secret()];
            write
                .execute("INSERT OR REPLACE INTO tokens VALUES (?1, ?2)", row)
                .map_err(failed)?;
            write.commit().map_err(failed)?;
            Ok(SaveOutcome::Saved)
        })
    }

    fn delete<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<(), Error>> {
        let key = text(key);
        self.on_a_thread(move |connection| {
            let deleted = connection.execute("DELETE FROM tokens WHERE key = ?1", [key]);
            deleted.map(drop).map_err(failed)
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<StoreKey>, Error>> {
        self.on_a_thread(|connection| {
            let mut rows = connection
                .prepare("SELECT record FROM tokens")
                .map_err(failed)?;
            let rows = rows
                .query_map([], |row| row.get::<_, Vec<u8>>(0))
                .map_err(failed)?;
            let keys = rows.map(|row| Ok(Record::from_bytes(&row.map_err(failed)?)?.key));
            let mut keys = keys.collect::<Result<Vec<_>, Error>>()?;
            keys.sort();
            Ok(keys)
        })
    }

    fn lease<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Box<dyn Lease>, Error>> {
        Box::pin(async move {
            let end = Instant::now() + self.lease_wait;
            loop {
                if let Some(mut lease) = self.try_lease(key).await? {
                    // From now on its holder may have spent the refresh token.
                    lease.is_marked = true;
                    return Ok(Box::new(lease) as Box<dyn Lease>);
                }
                if Instant::now() >= end {
                    return Err(error("another process renews and does not end"));
                }
                sleep(LOOK).await;
            }
        })
    }
}

/// Until it has come to its caller, dropping it gives it back as it was found. After that, a dropped
/// lease leaves its mark.
#[derive(Debug)]
struct SqliteLease {
    store: SqliteStore,
    key: String,
    fence: i64,
    was_abandoned: bool,
    is_marked: bool,
}

impl SqliteLease {
    fn give_back(&self) -> Result<(), Error> {
        // By its number: after its time has run out, another holder's lease stays.
        let row = params![self.key, self.fence, self.is_marked];
        let connection = self.store.connect().map_err(failed)?;
        let given = connection.execute(
            "UPDATE leases SET held_until = 0, is_marked = ?3 WHERE key = ?1 AND fence = ?2",
            row,
        );
        given.map(drop).map_err(failed)
    }
}

impl Lease for SqliteLease {
    fn fence(&self) -> u64 {
        u64::try_from(self.fence).unwrap_or_default()
    }

    fn was_abandoned(&self) -> bool {
        self.was_abandoned
    }

    fn release(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        self.is_marked = false;
        let store = self.store.clone();
        // Given back by its drop as well, if this fails.
        store.on_a_thread(move |_| self.give_back())
    }
}

impl Drop for SqliteLease {
    fn drop(&mut self) {
        // If this fails, the time of the lease runs out.
        let _ = self.give_back();
    }
}

fn load(connection: &Connection, key: &str) -> Result<Option<Token>, Error> {
    let query = "SELECT record FROM tokens WHERE key = ?1";
    let row = connection.query_row(query, [key], |row| row.get::<_, Vec<u8>>(0));
    let bytes = row.optional().map_err(failed)?;
    bytes
        .map(|bytes| Ok(Record::from_bytes(&bytes)?.token))
        .transpose()
}

/// The key as one text that no other key has.
fn text(key: &StoreKey) -> String {
    let StoreKey {
        vendor,
        account,
        scope,
        base_url,
    } = key;
    serde_json::json!([vendor, account, scope, base_url]).to_string()
}

/// The moment so long from now, by the wall clock, which all processes share.
fn millis(from_now: Duration) -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from((since + from_now).as_millis()).unwrap_or(i64::MAX)
}

fn error(message: &str) -> Error {
    Error::new(ErrorKind::Store, message)
}

fn failed(cause: rusqlite::Error) -> Error {
    Error::new(ErrorKind::Store, format!("sqlite: {cause}")).with_source(cause)
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
