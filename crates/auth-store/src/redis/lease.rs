//! The right to renew a token: an entry that expires, extended while the renewal runs.

use std::sync::Arc;
use std::time::Duration;

use auth_core::{BoxFuture, Error, Lease, StoreKey};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, sleep_until};

use super::entries::{Entries, millis};
use super::link::Request;
use super::scripts::{ACQUIRE, EXTEND, RELEASE};
use crate::error::store_error;
use crate::thread::Thread;

/// The first pause of a worker that waits for a lease. Each later pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// The longest pause: a compromise between the delay of a waiting worker and the load of the server.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How often a lease is extended in its time, so that two extensions may fail.
const EXTENSIONS: u32 = 3;

/// The request for one lease.
#[derive(Clone)]
struct Claim {
    entries: Arc<Entries>,
    key: StoreKey,
    /// Unique. It also distinguishes a repeated request from that of another worker.
    owner: String,
}

/// A lease, from the moment it is asked for. Whatever happens then, it is given back.
pub(super) struct RedisLease {
    thread: Thread,
    /// `None` once it is given back, or another worker has it.
    claim: Option<Claim>,
    keeper: Option<AbortHandle>,
    ending: Ending,
    fence: u64,
    was_abandoned: bool,
}

impl RedisLease {
    /// Waits until no other worker has the lease.
    pub(super) async fn acquire(
        thread: &Thread,
        entries: &Arc<Entries>,
        key: &StoreKey,
    ) -> Result<Self, Error> {
        let claim = Claim {
            entries: Arc::clone(entries),
            key: key.clone(),
            owner: uuid::Uuid::new_v4().simple().to_string(),
        };
        let mut lease = Self {
            thread: thread.clone(),
            claim: Some(claim.clone()),
            keeper: None,
            ending: Ending::Unheld,
            fence: 0,
            was_abandoned: false,
        };
        let waiting = async move {
            let held = claim.wait().await?;
            lease.fence = held.fence;
            lease.was_abandoned = held.was_abandoned;
            lease.keeper = Some(lease.thread.spawn(claim.keep(held.until)));
            Ok(lease)
        };
        let mut lease = thread.run_while_awaited(waiting).await?;
        lease.ending = Ending::Dropped;
        Ok(lease)
    }
}

/// How a lease ends.
#[derive(Clone, Copy)]
enum Ending {
    /// The holder has released it.
    Done,
    /// The holder was interrupted.
    Dropped,
    /// The caller did not get it, so nothing has happened under it.
    Unheld,
}

struct Held {
    fence: u64,
    was_abandoned: bool,
    until: Instant,
}

impl Claim {
    async fn wait(&self) -> Result<Held, Error> {
        let limits = &self.entries.limits;
        let last = Instant::now() + limits.lease_wait;
        let mut pause = FIRST_PAUSE;
        loop {
            let asked = Instant::now();
            let left = match self.ask().await?[..] {
                [1, fence, was_abandoned] => {
                    return Ok(Held {
                        fence: fence.unsigned_abs(),
                        was_abandoned: was_abandoned == 1,
                        until: asked + limits.lease_time,
                    });
                }
                // Negative if the entry does not expire, but each lease does.
                [0, left] => u64::try_from(left).map_or(Duration::MAX, Duration::from_millis),
                _ => return Err(self.entries.link.unknown_reply()),
            };
            let now = Instant::now();
            if now >= last {
                return Err(store_error(format!(
                    "another worker renews this token and has not finished within {:?}",
                    limits.lease_wait
                )));
            }
            // Until it may be free, with jitter that keeps waiting workers apart.
            let until = now + jitter(pause).min(left.saturating_add(Duration::from_millis(1)));
            sleep_until(until.min(last)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn ask(&self) -> Result<Vec<i64>, Error> {
        let Entries {
            link,
            names,
            limits,
            ..
        } = &*self.entries;
        let mut script = ACQUIRE.prepare_invoke();
        script
            .key(names.lease(&self.key))
            .key(names.fence(&self.key))
            .key(names.holder(&self.key))
            .key(names.token(&self.key))
            .arg(&self.owner)
            .arg(millis(limits.lease_time))
            .arg(millis(limits.lease_time.max(limits.keep_after_end)));
        link.ask(&Request::Script(script), link.deadline()).await
    }

    /// Extends the lease until the task is ended.
    async fn keep(self, mut until: Instant) {
        let time = self.entries.limits.lease_time;
        let mut is_held = true;
        loop {
            sleep(time / EXTENSIONS).await;
            let asked = Instant::now();
            match self.extend().await {
                Ok(true) => {
                    if !is_held {
                        tracing::info!("the lease is held again; no other worker had it meanwhile");
                    }
                    is_held = true;
                    until = asked + time;
                }
                Ok(false) => {
                    tracing::warn!("the lease was lost: another worker may renew beside this one");
                    return;
                }
                Err(error) if is_held && Instant::now() >= until => {
                    tracing::warn!(%error, "the lease has expired and could not be extended");
                    is_held = false;
                }
                Err(error) => tracing::debug!(%error, "the lease could not be extended yet"),
            }
        }
    }

    async fn extend(&self) -> Result<bool, Error> {
        let Entries {
            link,
            names,
            limits,
            ..
        } = &*self.entries;
        let mut script = EXTEND.prepare_invoke();
        script
            .key(names.lease(&self.key))
            .key(names.holder(&self.key))
            .arg(&self.owner)
            .arg(millis(limits.lease_time));
        let soon = Instant::now() + limits.lease_time / EXTENSIONS;
        let deadline = link.deadline().min(soon);
        link.ask(&Request::Script(script), deadline).await
    }

    /// `false` if another worker has the lease. It is left to that one.
    async fn give_back(&self, ending: Ending) -> Result<bool, Error> {
        let Entries { link, names, .. } = &*self.entries;
        let mut script = RELEASE.prepare_invoke();
        script
            .key(names.lease(&self.key))
            .key(names.holder(&self.key))
            .arg(&self.owner)
            .arg(match ending {
                Ending::Done => "done",
                Ending::Dropped => "dropped",
                Ending::Unheld => "unheld",
            });
        link.ask(&Request::Script(script), link.deadline()).await
    }

    /// Tries again until the lease has expired by itself. A server that did not answer may handle the
    /// request for the lease hours later, when no worker is there to hold it.
    async fn retry_giving_back(self, ending: Ending) {
        let until = Instant::now() + self.entries.limits.lease_time;
        let mut pause = FIRST_PAUSE;
        while let Err(error) = self.give_back(ending).await {
            if Instant::now() >= until {
                tracing::warn!(%error, "a lease was not given back and has expired by now");
                return;
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

impl Lease for RedisLease {
    fn fence(&self) -> u64 {
        self.fence
    }

    fn was_abandoned(&self) -> bool {
        self.was_abandoned
    }

    fn release(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move {
            self.thread.check()?;
            self.end_extension();
            let Some(claim) = self.claim.clone() else {
                return Ok(());
            };
            // If it fails, dropping the lease tries again.
            self.ending = Ending::Done;
            let was_held = self
                .thread
                .run(async move { claim.give_back(Ending::Done).await })
                .await?;
            self.claim = None;
            if was_held {
                return Ok(());
            }
            Err(store_error(
                "the lease expired before it was given back, and another worker has it now: choose \
                 a longer lease time if the server was in reach",
            ))
        })
    }
}

impl RedisLease {
    /// Must happen before the lease is given back, because an extension would take it again.
    fn end_extension(&mut self) {
        if let Some(keeper) = self.keeper.take() {
            keeper.abort();
        }
    }
}

impl Drop for RedisLease {
    fn drop(&mut self) {
        if !self.thread.is_here() {
            // The parent of this process has the lease. Its connection must not be closed here.
            std::mem::forget((self.claim.take(), self.keeper.take(), self.thread.clone()));
            return;
        }
        self.end_extension();
        if let Some(claim) = self.claim.take() {
            let ending = self.ending;
            self.thread
                .spawn_to_its_end(claim.retry_giving_back(ending));
        }
    }
}

impl std::fmt::Debug for RedisLease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisLease")
            .field("fence", &self.fence)
            .field("was_abandoned", &self.was_abandoned)
            .finish_non_exhaustive()
    }
}

/// A time from half of `pause` to all of it. The standard library seeds every `RandomState`
/// differently, which is all that jitter needs.
fn jitter(pause: Duration) -> Duration {
    use std::hash::{BuildHasher as _, Hasher as _};
    let bits = std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish();
    let part = u32::try_from(bits % 1024).unwrap_or_default();
    pause / 2 + pause * part / 2048
}
