//! The session's one lock.
//!
//! No foreign code runs under it: no renewer, store, clock, subscriber or waker. Each of these may
//! call the session, which would wait for itself. So the clock is read before the lock is taken,
//! tokens are [prepared](super::tokens) before it is taken, and what is to be told (states to
//! watchers, events to the subscriber) is told after it is given back.

use std::ops::{Deref, DerefMut};
use std::sync::{MutexGuard, PoisonError};

use super::Shared;
use super::events::Event;
use super::state::RenewalState;
use super::store::Mark;
use crate::clock::Moment;
use crate::renew::Renew;
use crate::state::{Announced, StateReason};
use crate::{Error, Token};

/// The renewal state, locked. Giving it back announces the new state, if it was changed.
pub(super) struct Locked<'a, R: Renew> {
    shared: &'a Shared<R>,
    /// `None` only while it is given back.
    state: Option<MutexGuard<'a, RenewalState<R::Error>>>,
    /// From before the lock was taken.
    pub(super) now: Moment,
    is_changed: bool,
    events: Vec<Event>,
}

impl<R: Renew> Shared<R> {
    pub(super) fn lock(&self) -> Locked<'_, R> {
        let now = self.clock.now();
        // Nothing that can panic runs under it.
        let state = self.renewal_state.lock();
        Locked {
            shared: self,
            state: Some(state.unwrap_or_else(PoisonError::into_inner)),
            now,
            is_changed: false,
            events: Vec::new(),
        }
    }
}

impl<R: Renew> Shared<R> {
    /// Without a look at the clock, which is foreign code: for a caller that has a lock of its own.
    pub(super) fn is_logged_out(&self) -> bool {
        let state = self.renewal_state.lock();
        state.unwrap_or_else(PoisonError::into_inner).is_logged_out
    }
}

impl<R: Renew> Locked<'_, R> {
    /// Announces the state although nothing was done: a token may have ended since.
    pub(super) fn announce(&mut self) {
        self.is_changed = true;
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.events.push(event);
    }
}

impl<R: Renew> Deref for Locked<'_, R> {
    type Target = RenewalState<R::Error>;

    fn deref(&self) -> &Self::Target {
        // Given back in `drop` alone.
        self.state.as_deref().unwrap_or_else(|| unreachable!())
    }
}

impl<R: Renew> DerefMut for Locked<'_, R> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.is_changed = true;
        self.state.as_deref_mut().unwrap_or_else(|| unreachable!())
    }
}

impl<R: Renew> Drop for Locked<'_, R> {
    fn drop(&mut self) {
        let Some(mut state) = self.state.take() else {
            return;
        };
        let announcement = self.is_changed.then(|| {
            let token = state.token.as_ref().map(Token::fingerprint);
            self.shared.identity.set_token(token);
            state.announcements += 1;
            Announced {
                state: self.shared.state(&state, self.now),
                number: state.announcements,
            }
        });
        drop(state);
        for event in &self.events {
            self.shared.identity.tell(event);
        }
        if let Some(announcement) = announcement {
            self.shared.announce(announcement);
        }
    }
}

impl<R: Renew> Shared<R> {
    /// What the store said of the newest token is in the state, and a failure in an event.
    pub(super) fn note_saved(&self, epoch: u64, saved: Result<Mark, Error>) -> Result<(), Error> {
        let mut state = self.lock();
        if state.epoch == epoch {
            state.store_failures.left_mark &= saved.is_err();
            state.store_failures.save = saved.as_ref().err().cloned();
        }
        if let Err(error) = &saved {
            state.tell(Event::NotSaved(StateReason::of(error)));
        }
        saved.map(drop)
    }

    /// Tells the watchers, if the state has changed and no later one was announced.
    fn announce(&self, new: Announced) {
        let state = new.state.clone();
        let mut is_new = false;
        self.states.send_if_modified(|known| {
            if new.number >= known.number {
                is_new = known.state != new.state;
                *known = new;
            }
            // A later reader begins with what is there.
            is_new && self.states.receiver_count() > 0
        });
        if is_new {
            self.identity.tell_state(&state);
            self.counted.follow(|| self.states.borrow().state.name());
            self.listeners.tell();
        }
    }
}
