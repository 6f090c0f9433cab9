//! The sessions of a pool as an operator sees them: all at once, and as they change.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use super::{PoolState, SessionPool};
use crate::renew::Renew;
use crate::session::listeners::Listener;
use crate::session::{Session, Shared};
use crate::state::State;

impl<K: Clone + Eq + Hash, R: Renew> SessionPool<K, R> {
    /// Calls `visit` with each session that the pool keeps, the longest unused first. That is no use:
    /// idle sessions still leave.
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::{Renew, SessionPool};
    /// # fn example(pool: &SessionPool<String, impl Renew>) {
    /// pool.for_each(|customer, session| println!("{customer} ends {:?}", session.expiry()));
    /// # }
    /// ```
    pub fn for_each(&self, mut visit: impl FnMut(&K, &Session<R>)) {
        let state = self.state();
        let kept = state.order.values().filter_map(|key| {
            let kept = state.entries.get(key)?.kept.as_ref()?;
            Some((key.clone(), kept.session.clone()))
        });
        let kept: Vec<_> = kept.collect();
        drop(state);
        for (key, session) in &kept {
            visit(key, session);
        }
    }

    /// What each session that the pool keeps does at present, the longest unused first. As
    /// [`for_each`](Self::for_each), that is no use.
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::{Renew, SessionPool, State};
    /// # fn example(pool: &SessionPool<String, impl Renew>) {
    /// let waits = |state: &State| matches!(state, State::LoginRequired { .. });
    /// let states = pool.snapshot();
    /// for (customer, state) in states.iter().filter(|(_, state)| waits(state)) {
    ///     println!("{customer}: {state}");
    /// }
    /// # }
    /// ```
    pub fn snapshot(&self) -> Vec<(K, State)> {
        let state = self.state();
        let kept = state
            .order
            .values()
            .filter_map(|key| Some((key.clone(), state.kept(key)?)));
        let kept: Vec<_> = kept.collect();
        drop(state);
        kept.into_iter()
            .map(|(key, shared)| (key, shared.present_state()))
            .collect()
    }
}

impl<K: Clone + Eq + Hash + Send + Sync + 'static, R: Renew> SessionPool<K, R> {
    /// The states of all sessions that the pool keeps, as they change: the present ones first, then
    /// each change, and `None` for a session that has left. Ends with the pool.
    ///
    /// Only the newest state of a key is kept for a reader. So a slow one misses states in between,
    /// needs no more memory than the pool has keys, and never holds up a session.
    ///
    /// # Example
    ///
    /// ```
    /// # use auth_core::{Renew, SessionPool};
    /// # async fn example(pool: &SessionPool<String, impl Renew>) {
    /// let mut states = pool.states();
    /// while let Some((customer, state)) = states.next().await {
    ///     match state {
    ///         Some(state) => println!("{customer}: {state}"),
    ///         None => println!("{customer} has left the pool"),
    ///     }
    /// }
    /// # }
    /// ```
    pub fn states(&self) -> PoolStates<K, R> {
        let reader = Arc::new(Reader::default());
        let mut state = self.state();
        state.readers.add(&reader);
        state.listen = Some(listener);
        for key in state.order.values() {
            reader.push(key);
        }
        let keys: Vec<_> = state.order.values().cloned().collect();
        for key in &keys {
            state.listen_to(key);
        }
        drop(state);
        PoolStates {
            pool: Arc::downgrade(&self.state),
            reader,
            told: HashSet::new(),
        }
    }
}

/// Makes what has a session tell the readers. A pool whose keys cannot be sent to other threads has none.
pub(super) type Listen<K> = fn(K, &Arc<Readers<K>>) -> Listener;

/// What has a session tell the readers of its pool.
fn listener<K>(key: K, readers: &Arc<Readers<K>>) -> Listener
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
{
    let readers = Arc::downgrade(readers);
    Arc::new(move || match readers.upgrade() {
        Some(readers) => {
            readers.tell(std::slice::from_ref(&key));
            true
        }
        None => false,
    })
}

impl<K: Clone + Eq + Hash, R: Renew> PoolState<K, R> {
    fn kept(&self, key: &K) -> Option<Arc<Shared<R>>> {
        let kept = self.entries.get(key)?.kept.as_ref()?;
        Some(Arc::clone(&kept.session.shared))
    }

    /// The session of `key` came or left: the readers are told by [`give_back`](Change::give_back).
    pub(super) fn moved(&mut self, key: K) {
        if self.listen.is_some() {
            self.moved.push(key);
        }
    }

    /// Has the session of `key` tell the readers, if there ever was one.
    pub(super) fn listen_to(&mut self, key: &K) {
        let (Some(listen), Some(entry)) = (self.listen, self.entries.get_mut(key)) else {
            return;
        };
        if let (Some(kept), false) = (&entry.kept, entry.is_listened_to) {
            entry.is_listened_to = true;
            let listener = listen(key.clone(), &self.readers);
            kept.session.shared.listeners.add(listener);
        }
    }
}

/// A pool's state, locked, in which sessions may have come or left.
pub(super) trait Change {
    /// Gives the lock back, and tells the readers.
    fn give_back(self);
}

impl<K: Clone + Eq + Hash, R: Renew> Change for MutexGuard<'_, PoolState<K, R>> {
    fn give_back(mut self) {
        let moved = std::mem::take(&mut self.moved);
        let readers = Arc::clone(&self.readers);
        drop(self);
        readers.tell(&moved);
    }
}

/// All who read the states of one pool. They hear of its end when this is dropped.
pub(super) struct Readers<K>(Mutex<Vec<Weak<Reader<K>>>>);

impl<K> Default for Readers<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K> Readers<K> {
    fn add(&self, reader: &Arc<Reader<K>>) {
        let mut all = self.all();
        all.retain(|reader| reader.strong_count() > 0);
        all.push(Arc::downgrade(reader));
    }

    fn present(&self) -> Vec<Arc<Reader<K>>> {
        self.all().iter().filter_map(Weak::upgrade).collect()
    }

    fn all(&self) -> MutexGuard<'_, Vec<Weak<Reader<K>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash> Readers<K> {
    /// Something has happened to the sessions of these keys. Called under no lock.
    pub(super) fn tell(&self, keys: &[K]) {
        for reader in self.present() {
            for key in keys {
                reader.push(key);
            }
        }
    }
}

impl<K> Drop for Readers<K> {
    fn drop(&mut self) {
        for reader in self.present() {
            let mut news = reader.news();
            news.is_over = true;
            let waker = news.waker.take();
            drop(news);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

/// What one reader has not read yet.
struct Reader<K>(Mutex<News<K>>);

struct News<K> {
    /// In their order, each once.
    keys: VecDeque<K>,
    known: HashSet<K>,
    waker: Option<Waker>,
    is_over: bool,
}

impl<K> Default for Reader<K> {
    fn default() -> Self {
        Self(Mutex::new(News {
            keys: VecDeque::new(),
            known: HashSet::new(),
            waker: None,
            is_over: false,
        }))
    }
}

impl<K> Reader<K> {
    fn news(&self) -> MutexGuard<'_, News<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash> Reader<K> {
    fn push(&self, key: &K) {
        let mut news = self.news();
        if news.known.insert(key.clone()) {
            news.keys.push_back(key.clone());
        }
        let waker = news.waker.take();
        drop(news);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The next key; `None` once the pool is gone.
    fn poll(&self, context: &Context<'_>) -> Poll<Option<K>> {
        // A waker is foreign code, and so is its clone.
        let waker = context.waker().clone();
        let mut news = self.news();
        let polled = match news.keys.pop_front() {
            Some(key) => {
                news.known.remove(&key);
                Poll::Ready(Some(key))
            }
            None if news.is_over => Poll::Ready(None),
            None => Poll::Pending,
        };
        let before = polled
            .is_pending()
            .then(|| news.waker.replace(waker))
            .flatten();
        drop(news);
        drop(before);
        polled
    }
}

/// The states of a pool's sessions. Made by [`SessionPool::states`].
pub struct PoolStates<K, R: Renew> {
    pool: Weak<Mutex<PoolState<K, R>>>,
    reader: Arc<Reader<K>>,
    /// The keys whose session has not left, as far as this reader was told.
    told: HashSet<K>,
}

impl<K, R: Renew> Unpin for PoolStates<K, R> {}

impl<K: Clone + Eq + Hash, R: Renew> PoolStates<K, R> {
    /// The next change; `None` once the pool is gone.
    pub async fn next(&mut self) -> Option<(K, Option<State>)> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl<K: Clone + Eq + Hash, R: Renew> Stream for PoolStates<K, R> {
    type Item = (K, Option<State>);

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let Some(key) = std::task::ready!(self.reader.poll(context)) else {
                return Poll::Ready(None);
            };
            let Some(pool) = self.pool.upgrade() else {
                return Poll::Ready(None);
            };
            let kept = {
                let state = pool.lock().unwrap_or_else(PoisonError::into_inner);
                state.kept(&key)
            };
            if let Some(shared) = kept {
                self.told.insert(key.clone());
                return Poll::Ready(Some((key, Some(shared.present_state()))));
            }
            if self.told.remove(&key) {
                return Poll::Ready(Some((key, None)));
            }
        }
    }
}

impl<K, R: Renew> fmt::Debug for PoolStates<K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PoolStates")
    }
}
