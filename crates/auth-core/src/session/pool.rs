//! Sessions by key, for programs with many users.

mod states;

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

pub use self::states::PoolStates;
use self::states::{Change as _, Listen, Readers};
use super::{Session, Shared, settle};
use crate::clock::{Clock, SystemClock};
use crate::renew::Renew;

/// After this time without use a session leaves the pool, unless the program says otherwise.
const IDLE: Duration = Duration::from_secs(60 * 60);

/// The sessions of a program with many users (a site, an agency with many workspaces), one for
/// each key. A cheap clone; clones share the sessions.
///
/// It keeps at most as many as it was told, and none that was not asked for in a while: those that
/// leave are wiped from memory when the last handle is dropped, so give them a
/// [store](crate::SessionBuilder::store), from which they come back. There is never a second session
/// of a key as long as a handle of the first is held or it is renewing, whether it has left or was
/// [removed](Self::remove): so no key is renewed twice at a time. One that has left and was logged
/// out renews no more, so it does not count.
///
/// Nothing runs in the background: idle sessions leave when the pool is next asked, or by
/// [`evict_idle`](Self::evict_idle).
pub struct SessionPool<K, R: Renew> {
    state: Arc<Mutex<PoolState<K, R>>>,
    capacity: NonZeroUsize,
    idle: Duration,
    clock: Arc<dyn Clock>,
}

struct PoolState<K, R: Renew> {
    entries: HashMap<K, Entry<R>>,
    /// The keys of kept sessions, the longest unused first.
    order: BTreeMap<u64, K>,
    /// Counts uses.
    uses: u64,
    /// How many entries there were when those of dead sessions were last taken out.
    swept: usize,
    readers: Arc<Readers<K>>,
    /// What has a session tell the readers, once there was one.
    listen: Option<Listen<K>>,
    /// The keys whose sessions came or left since the readers were told.
    moved: Vec<K>,
}

struct Entry<R: Renew> {
    session: Weak<Shared<R>>,
    /// What the pool itself holds, until the session leaves.
    kept: Option<Kept<R>>,
    is_listened_to: bool,
}

struct Kept<R: Renew> {
    session: Session<R>,
    used: u64,
    used_at: Duration,
}

impl<K: Clone + Eq + Hash, R: Renew> SessionPool<K, R> {
    /// A pool that keeps at most `capacity` sessions, each for an hour after its last use.
    pub fn new(capacity: NonZeroUsize) -> Self {
        Self {
            state: Arc::new(Mutex::new(PoolState {
                entries: HashMap::new(),
                order: BTreeMap::new(),
                uses: 0,
                swept: 0,
                readers: Arc::default(),
                listen: None,
                moved: Vec::new(),
            })),
            capacity,
            idle: IDLE,
            clock: Arc::new(SystemClock),
        }
    }

    /// After how long without use a session leaves.
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Where the time comes from.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The session of `key`; made by `make` where there is none.
    ///
    /// Where two tasks make one at a time, the first is kept and both get it.
    ///
    /// # Errors
    ///
    /// What `make` says.
    pub fn get_or_make(
        &self,
        key: &K,
        make: impl FnOnce() -> Result<Session<R>, R::Error>,
    ) -> Result<Session<R>, R::Error> {
        if let Some(session) = self.get(key) {
            return Ok(session);
        }
        // Not under the lock: making one may take its time.
        let fresh = make()?;
        let now = self.now();
        let mut state = self.state();
        let session = state.living(key).unwrap_or(fresh);
        let left = state.keep(key.clone(), session.clone(), now);
        let evicted = state.evict_beyond(self.capacity);
        state.give_back();
        // Wiping takes its time as well.
        drop((left, evicted));
        Ok(session)
    }

    /// The session of `key`, if there is one.
    pub fn get<Q>(&self, key: &Q) -> Option<Session<R>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        // What is idle is gone before it is looked up.
        self.evict_idle();
        let now = self.now();
        let mut state = self.state();
        let session = state.living(key);
        let mut left = None;
        if let (Some(session), Some((key, _))) = (&session, state.entries.get_key_value::<Q>(key)) {
            let key = key.clone();
            left = state.keep(key, session.clone(), now);
        }
        let evicted = state.evict_beyond(self.capacity);
        state.give_back();
        drop((left, evicted));
        session
    }

    /// Takes the session of `key` out of the pool, to log it out, for example.
    ///
    /// While a handle of it is held and it is not logged out, the pool still returns this session,
    /// and keeps it again, when it is asked for the key.
    pub fn remove<Q>(&self, key: &Q) -> Option<Session<R>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let mut state = self.state();
        let session = state.living(key);
        let kept = state.entries.get_mut(key)?.kept.take();
        if let Some(kept) = &kept {
            let key = state.order.remove(&kept.used);
            if let Some(key) = key {
                state.moved(key);
            }
        }
        state.give_back();
        drop(kept);
        session
    }

    /// Lets go of the sessions that were not used in a while, and says how many.
    pub fn evict_idle(&self) -> usize {
        let now = self.now();
        let mut state = self.state();
        let evicted = state.evict_unused(now, self.idle);
        state.give_back();
        evicted.len()
    }

    /// How many sessions the pool keeps.
    pub fn len(&self) -> usize {
        self.state().order.len()
    }

    /// Whether it keeps none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn now(&self) -> Duration {
        self.clock.now().monotonic()
    }
}

impl<K, R: Renew> SessionPool<K, R> {
    /// The sessions of the pool, and those that have left it and are held elsewhere or renewing.
    pub(super) fn living(&self) -> Vec<Arc<Shared<R>>> {
        let state = self.state();
        let living = state.entries.values().map(|entry| entry.session.upgrade());
        living.flatten().collect()
    }

    fn state(&self) -> MutexGuard<'_, PoolState<K, R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash, R: Renew> PoolState<K, R> {
    fn living<Q>(&self, key: &Q) -> Option<Session<R>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let entry = self.entries.get(key)?;
        let shared = entry.session.upgrade()?;
        // One that has left the pool and was logged out makes way for the next.
        let is_over = entry.kept.is_none() && shared.is_logged_out();
        (!is_over).then(|| Session::of(shared))
    }

    /// Notes a use. Gives back a handle that is no longer needed, to be dropped elsewhere.
    fn keep(&mut self, key: K, session: Session<R>, now: Duration) -> Option<Session<R>> {
        self.sweep();
        self.uses += 1;
        let used = self.uses;
        let entry = self.entries.entry(key.clone()).or_insert_with(|| Entry {
            session: Weak::new(),
            kept: None,
            is_listened_to: false,
        });
        let shared = Arc::downgrade(&session.shared);
        entry.is_listened_to &= entry.session.ptr_eq(&shared);
        entry.session = shared;
        let before = entry.kept.replace(Kept {
            session,
            used,
            used_at: now,
        });
        match &before {
            Some(before) => drop(self.order.remove(&before.used)),
            None => self.moved(key.clone()),
        }
        self.listen_to(&key);
        self.order.insert(used, key);
        before.map(|before| before.session)
    }

    fn evict_beyond(&mut self, capacity: NonZeroUsize) -> Vec<Arc<Shared<R>>> {
        let mut evicted = Vec::new();
        while self.order.len() > capacity.get() {
            evicted.extend(self.evict_first());
        }
        evicted
    }

    fn evict_unused(&mut self, now: Duration, idle: Duration) -> Vec<Arc<Shared<R>>> {
        let mut evicted = Vec::new();
        while self.order.first_key_value().is_some_and(|(_, key)| {
            let kept = self.entries.get(key).and_then(|entry| entry.kept.as_ref());
            kept.is_none_or(|kept| now.saturating_sub(kept.used_at) >= idle)
        }) {
            evicted.extend(self.evict_first());
        }
        evicted
    }

    fn evict_first(&mut self) -> Option<Arc<Shared<R>>> {
        let (_, key) = self.order.pop_first()?;
        let kept = self.entries.get_mut(&key)?.kept.take();
        self.moved(key);
        // The program continues: what is under way is waited for when the pool is dropped.
        kept.map(|kept| kept.session.let_go())
    }

    /// Forgets the sessions that have left and died, when there may be as many as living ones.
    fn sweep(&mut self) {
        if self.entries.len() > 2 * self.swept.max(8) {
            self.entries
                .retain(|_, entry| entry.session.strong_count() > 0);
            self.swept = self.entries.len();
        }
    }
}

impl<K, R: Renew> Drop for PoolState<K, R> {
    fn drop(&mut self) {
        let entries = self.entries.drain();
        let left = entries.filter_map(|(_, entry)| match entry.kept {
            Some(kept) => Some(kept.session.let_go()),
            None => entry.session.upgrade(),
        });
        settle::wait_without_handles(&left.collect::<Vec<_>>());
    }
}

impl<K, R: Renew> Clone for SessionPool<K, R> {
    fn clone(&self) -> Self {
        Self {
            state: Arc::clone(&self.state),
            capacity: self.capacity,
            idle: self.idle,
            clock: Arc::clone(&self.clock),
        }
    }
}

impl<K, R: Renew> fmt::Debug for SessionPool<K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionPool")
            .field("capacity", &self.capacity)
            .field("idle", &self.idle)
            .finish_non_exhaustive()
    }
}
