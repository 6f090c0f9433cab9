//! The right to renew a token: an entry that runs out, extended while the renewal runs.

use std::sync::Arc;
use std::time::Duration;

use auth_core::{BoxFuture, Error, Lease, StoreKey};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, sleep_until};

use super::failure::fault;
use super::link::Request;
use super::scripts::{ACQUIRE, EXTEND, RELEASE};
use super::{Shared, millis};
use crate::thread::Thread;

/// The first pause of those who wait for a lease; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// The longest pause: what a waiting worker loses at the most, and what its waiting costs the
/// server.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A lease is extended so often in its time: two extensions may fail.
const EXTENSIONS: u32 = 3;

/// What one lease is about.
#[derive(Clone)]
struct Claim {
    shared: Arc<Shared>,
    key: StoreKey,
    /// Nobody else has it; also tells a repeated request from another worker's.
    owner: String,
}

/// A lease, from the moment it is asked for: whatever happens then, it is given back.
pub(super) struct RedisLease {
    thread: Thread,
    /// None once it is given back, or another's.
    claim: Option<Claim>,
    keeper: Option<AbortHandle>,
    end: End,
    fence: u64,
    was_abandoned: bool,
}

impl RedisLease {
    /// Waits until nobody else has the lease.
    pub(super) async fn acquire(
        thread: &Thread,
        shared: &Arc<Shared>,
        key: &StoreKey,
    ) -> Result<Self, Error> {
        let claim = Claim {
            shared: Arc::clone(shared),
            key: key.clone(),
            owner: uuid::Uuid::new_v4().simple().to_string(),
        };
        let mut lease = Self {
            thread: thread.clone(),
            claim: Some(claim.clone()),
            keeper: None,
            end: End::Unheld,
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
        let mut lease = thread.run_while_awaited(waiting).await??;
        lease.end = End::Dropped;
        Ok(lease)
    }
}

/// What became of a lease, unless something else is said.
#[derive(Clone, Copy)]
enum End {
    /// The holder has done what it was for.
    Done,
    /// The holder broke off in the middle of something.
    Dropped,
    /// Nobody was told of it: nothing has happened under it.
    Unheld,
}

struct Held {
    fence: u64,
    was_abandoned: bool,
    until: Instant,
}

impl Claim {
    async fn wait(&self) -> Result<Held, Error> {
        let limits = &self.shared.limits;
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
                // Negative if the entry has no end, which none of ours is without.
                [0, left] => u64::try_from(left).map_or(Duration::MAX, Duration::from_millis),
                _ => return Err(self.shared.link.nonsense()),
            };
            let now = Instant::now();
            if now >= last {
                return Err(fault(format!(
                    "another worker renews this token and has not ended within {:?}",
                    limits.lease_wait
                )));
            }
            // Not before it may be free, with a jitter that keeps waiting workers apart.
            let until = now + jitter(pause).min(left.saturating_add(Duration::from_millis(1)));
            sleep_until(until.min(last)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn ask(&self) -> Result<Vec<i64>, Error> {
        let Shared {
            link,
            names,
            limits,
            ..
        } = &*self.shared;
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
        let time = self.shared.limits.lease_time;
        let mut is_held = true;
        loop {
            sleep(time / EXTENSIONS).await;
            let asked = Instant::now();
            match self.extend().await {
                Ok(true) => {
                    if !is_held {
                        tracing::info!("the lease is held again; nobody else had it");
                    }
                    is_held = true;
                    until = asked + time;
                }
                Ok(false) => {
                    tracing::warn!("the lease was lost: another worker may renew beside this one");
                    return;
                }
                Err(error) if is_held && Instant::now() >= until => {
                    tracing::warn!(%error, "the lease has run out and could not be extended");
                    is_held = false;
                }
                Err(error) => tracing::debug!(%error, "the lease could not be extended yet"),
            }
        }
    }

    async fn extend(&self) -> Result<bool, Error> {
        let Shared {
            link,
            names,
            limits,
            ..
        } = &*self.shared;
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

    /// False if another worker has the lease: it is left to that one.
    async fn give_back(&self, end: End) -> Result<bool, Error> {
        let Shared { link, names, .. } = &*self.shared;
        let mut script = RELEASE.prepare_invoke();
        script
            .key(names.lease(&self.key))
            .key(names.holder(&self.key))
            .arg(&self.owner)
            .arg(match end {
                End::Done => "done",
                End::Dropped => "dropped",
                End::Unheld => "unheld",
            });
        link.ask(&Request::Script(script), link.deadline()).await
    }

    /// Tries again until the lease has run out by itself: a server that was silent may find a
    /// request for the lease in its socket hours later, and nobody would be there to hold it.
    async fn give_back_at_last(self, end: End) {
        let until = Instant::now() + self.shared.limits.lease_time;
        let mut pause = FIRST_PAUSE;
        while let Err(error) = self.give_back(end).await {
            if Instant::now() >= until {
                tracing::warn!(%error, "a lease was not given back and has run out by now");
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
            self.end_extension();
            let Some(claim) = self.claim.clone() else {
                return Ok(());
            };
            // If it fails, dropping the lease tries on.
            self.end = End::Done;
            let was_ours = self
                .thread
                .run(async move { claim.give_back(End::Done).await })
                .await??;
            self.claim = None;
            if was_ours {
                return Ok(());
            }
            Err(fault(
                "the lease ran out before it was given back, and another worker has it now: choose \
                 a longer lease time if the server was in reach",
            ))
        })
    }
}

impl RedisLease {
    /// To be done before the lease is given back: the extension would take it again.
    fn end_extension(&mut self) {
        if let Some(keeper) = self.keeper.take() {
            keeper.abort();
        }
    }
}

impl Drop for RedisLease {
    fn drop(&mut self) {
        self.end_extension();
        if let Some(claim) = self.claim.take() {
            let end = self.end;
            self.thread.spawn_to_its_end(claim.give_back_at_last(end));
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

/// Between a half of `pause` and the whole. The standard library seeds every `RandomState`
/// differently, which is all that jitter needs.
fn jitter(pause: Duration) -> Duration {
    use std::hash::{BuildHasher as _, Hasher as _};
    let bits = std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish();
    let part = u32::try_from(bits % 1024).unwrap_or_default();
    pause / 2 + pause * part / 2048
}
