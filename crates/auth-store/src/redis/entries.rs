//! The entries on the server: what is read, compared and written.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use auth_core::{Error, SaveOutcome, StoreKey, Token};
use redis::{Value, cmd, pipe};

use super::link::{Link, Request};
use super::names::Names;
use super::scripts::SAVE;
use crate::cipher::Cipher;
use crate::error::store_error;
use crate::record::{self, Bytes};

/// How many entries are listed in one step.
const LISTED_AT_ONCE: usize = 500;

/// A token that lives longer is kept until it is deleted, because the server's numbers are bounded.
const LONGEST_LIFE: Duration = Duration::from_secs(200 * 365 * 24 * 60 * 60);

/// The entries of one store. Calls, leases and watches share it.
pub(super) struct Entries {
    pub(super) link: Link,
    pub(super) names: Names,
    pub(super) cipher: Option<Arc<Cipher>>,
    pub(super) limits: Limits,
    /// Whether it was logged that saved tokens are not published.
    is_silent: AtomicBool,
}

#[derive(Clone, Debug)]
pub(super) struct Limits {
    pub(super) lease_time: Duration,
    pub(super) lease_wait: Duration,
    pub(super) keep_after_end: Duration,
}

impl Entries {
    pub(super) fn new(
        link: Link,
        names: Names,
        cipher: Option<Arc<Cipher>>,
        limits: Limits,
    ) -> Self {
        Self {
            link,
            names,
            cipher,
            limits,
            is_silent: AtomicBool::new(false),
        }
    }

    /// The same entries, on a connection of their own.
    pub(super) fn anew(&self) -> Self {
        let (names, cipher) = (self.names.clone(), self.cipher.clone());
        Self::new(self.link.anew(), names, cipher, self.limits.clone())
    }

    /// The record of `key`, not decoded.
    pub(super) async fn fetch(&self, key: &StoreKey) -> Result<Option<Bytes>, Error> {
        let mut get = cmd("HGET");
        get.arg(self.names.token(key)).arg("record");
        let deadline = self.link.deadline();
        let record: Option<Vec<u8>> = self.link.ask(&Request::Command(get), deadline).await?;
        Ok(record.map(Bytes::new))
    }

    pub(super) fn decode(&self, key: &StoreKey, record: &[u8]) -> Result<Token, Error> {
        record::decode(key, record, self.cipher.as_deref())
            .map_err(|error| self.at(&self.names.token(key), &error))
    }

    /// An error about the record called `name`.
    fn at(&self, name: &str, error: &Error) -> Error {
        let address = self.link.address();
        store_error(format!("{error}; it is `{name}` in redis at {address}"))
    }

    pub(super) async fn load(&self, key: &StoreKey) -> Result<Option<Token>, Error> {
        let record = self.fetch(key).await?;
        record.map(|it| self.decode(key, &it)).transpose()
    }

    pub(super) async fn save(&self, key: &StoreKey, token: &Token) -> Result<SaveOutcome, Error> {
        let name = self.names.token(key);
        let deadline = self.link.deadline();
        let mut stored = None;
        // It ends: each further round follows the save of another worker, and the time is bounded.
        loop {
            // An older record is decoded as well, because what cannot be read is never replaced.
            let cipher = self.cipher.as_deref();
            let replacement = record::replacement(key, token, stored.as_ref(), cipher);
            let Some(record) = replacement.map_err(|error| self.at(&name, &error))? else {
                return Ok(SaveOutcome::Superseded);
            };
            let life = self.life(token).map(|it| millis(it).to_string());
            let mut script = SAVE.prepare_invoke();
            script
                .key(&name)
                .arg(format!("{:020}", token.generation()))
                .arg(record.as_slice())
                .arg(stored.as_deref().map_or(&[][..], Vec::as_slice))
                .arg(life.unwrap_or_default())
                .arg(self.names.channel(key));
            match self.link.ask(&Request::Script(script), deadline).await? {
                Value::Int(1) => return Ok(SaveOutcome::Saved),
                Value::Int(2) => {
                    self.note_silence();
                    return Ok(SaveOutcome::Saved);
                }
                Value::Int(0) => return Ok(SaveOutcome::Superseded),
                Value::BulkString(held) => stored = Some(Bytes::new(held)),
                _ => return Err(self.link.unknown_reply()),
            }
        }
    }

    /// A user without the right to the channel saves all the same.
    fn note_silence(&self) {
        if !self.is_silent.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                address = self.link.address(),
                "this user of redis may not publish, so other workers see a saved token at their next \
                 renewal only; allow the channels of the prefix"
            );
        }
    }

    /// How long the server keeps the token from now; `None` if until it is deleted.
    fn life(&self, token: &Token) -> Option<Duration> {
        let left = token.expiry().left(SystemTime::now())?;
        let life = left.saturating_add(self.limits.keep_after_end);
        // The server refuses zero.
        (life < LONGEST_LIFE).then(|| life.max(Duration::from_millis(1)))
    }

    pub(super) async fn delete(&self, key: &StoreKey) -> Result<(), Error> {
        let mut delete = cmd("DEL");
        delete.arg(self.names.token(key));
        let deadline = self.link.deadline();
        self.link.ask(&Request::Command(delete), deadline).await
    }

    /// Asks for names of many slots. A node of a cluster refuses those of other nodes, as it refuses to
    /// load and save there, and would list its own entries only.
    async fn check_that_all_is_here(&self) -> Result<(), Error> {
        let mut probes = pipe();
        for name in self.names.probes() {
            probes.exists(name);
        }
        let deadline = self.link.deadline();
        let probes = Request::Commands(probes);
        let _: Vec<i64> = self.link.ask(&probes, deadline).await?;
        Ok(())
    }

    pub(super) async fn list(&self) -> Result<Vec<StoreKey>, Error> {
        self.check_that_all_is_here().await?;
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
            // An entry that is missing now was deleted meanwhile, or has expired.
            let Some(record) = record.map(Bytes::new) else {
                continue;
            };
            let owner = record::owner(&record, |key| self.names.token(key) == *name);
            keys.insert(owner.map_err(|error| self.at(name, &error))?);
        }
        Ok(())
    }
}

/// The server's unit of time.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
