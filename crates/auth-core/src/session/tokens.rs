//! How tokens come into a session other than by renewal.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::events::Event;
use super::locked::Locked;
use super::store::{
    Mark, Persistence, StoreFailures, is_later_than_given, is_newer, later, superseded,
};
use crate::auth_headers::AuthHeaders;
use crate::background;
use crate::clock::Moment;
use crate::renew::Renew;
use crate::retry::quarter_jitter;
use crate::store::SaveOutcome;
use crate::{Error, ErrorKind, Token};

/// How often a log-in's token is offered to a store in which others save at the same time.
const LOG_IN_ATTEMPTS: u32 = 5;

/// A token with its headers, ready to become the present one. Made by foreign code, so before the
/// lock is taken.
pub(super) struct Prepared {
    headers: AuthHeaders,
    window: Duration,
    at: Moment,
}

impl Prepared {
    pub(super) fn token(&self) -> &Token {
        self.headers.token()
    }

    pub(super) fn headers(&self) -> AuthHeaders {
        self.headers.clone()
    }
}

impl<R: Renew> Shared<R> {
    /// Asks the renewer for what `token` needs. Refuses one that has ended.
    pub(super) fn prepare(&self, token: &Token) -> Result<Prepared, R::Error> {
        self.prepare_at(token, self.clock.now())
    }

    /// As [`prepare`](Self::prepare), for a token that another session has saved. A wall clock that
    /// was set back since this session's last token does not bring it back to life.
    pub(super) fn prepare_stored(&self, token: &Token) -> Result<Prepared, R::Error> {
        let state = self.lock();
        let (now, last) = (state.now, state.installed_at);
        drop(state);
        let elapsed = now.monotonic().saturating_sub(last.monotonic());
        let wall = now.wall().max(last.wall() + elapsed);
        self.prepare_at(token, Moment::new(wall, now.monotonic()))
    }

    /// Whether `token` can be put into headers, valid or not.
    pub(super) fn has_headers(&self, token: &Token) -> bool {
        let foreign = AssertUnwindSafe(|| self.renewer.headers(token));
        catch_unwind(foreign).is_ok_and(|headers| headers.is_ok())
    }

    fn prepare_at(&self, token: &Token, now: Moment) -> Result<Prepared, R::Error> {
        // Deadlines are nanoseconds in 64 bits: 584 years.
        let longest = Duration::from_nanos(u64::MAX);
        let lifetime = token.lifetime().map(|lifetime| lifetime.min(longest));
        let foreign = AssertUnwindSafe(|| {
            let headers = self.renewer.headers(token)?;
            let window = lifetime.map(|lifetime| self.renewer.window(lifetime).min(lifetime));
            Ok::<_, R::Error>((headers, window))
        });
        // A panic of the renewer is a failure like any other.
        let (headers, window) =
            catch_unwind(foreign).unwrap_or_else(|_| Err(background::lost().into()))?;
        let headers = AuthHeaders::due(token, &headers, now)?;
        if !headers.0.is_valid(now) {
            let message = "the token has already ended";
            return Err(Error::new(ErrorKind::Protocol, message).into());
        }
        if let (Some(lifetime), Some(window)) = (lifetime, window) {
            let ahead = quarter_jitter(window).min(lifetime / 2);
            headers.0.renew_before_the_end(ahead);
        }
        Ok(Prepared {
            headers,
            window: window.unwrap_or_default(),
            at: now,
        })
    }

    /// Makes a token the present one.
    pub(super) fn install(&self, state: &mut Locked<'_, R>, prepared: Prepared) -> AuthHeaders {
        let Prepared {
            headers,
            window,
            at,
        } = prepared;
        state.token = Some(headers.token().clone());
        if headers.token().lifetime().is_some() {
            state.window = window;
        }
        state.installed(at);
        self.current.store(Some(Arc::clone(&headers.0)));
        headers
    }

    /// The token that a session is built with. It is saved where there is a store, unless that
    /// holds a newer one.
    pub(super) fn start_with(self: &Arc<Self>, token: Token) -> Result<(), R::Error> {
        self.check_account(&token)?;
        if token.expiry().has_passed(self.clock.now().wall()) {
            self.lock().token = Some(token);
        } else {
            let prepared = self.prepare(&token)?;
            self.install(&mut self.lock(), prepared);
        }
        if self.persistence.is_some() {
            let shared = Arc::clone(self);
            // What the store says is in the state.
            let saving = async move { drop(shared.save_the_first().await) };
            if let Err(error) = self.spawn(saving) {
                let _ = self.note_saved(0, Err(error));
            }
        }
        Ok(())
    }

    /// A token from a log-in elsewhere.
    pub(super) fn replace(&self, token: &Token) -> Result<(), R::Error> {
        self.check_account(token)?;
        let prepared = self.prepare(token)?;
        let mut state = self.lock();
        self.install(&mut state, prepared);
        state.start_over();
        Ok(())
    }

    /// Refuses the token of another account. Tokens and sessions that name none pass.
    pub(super) fn check_account(&self, token: &Token) -> Result<(), Error> {
        match (&self.account, token.account()) {
            (Some(account), Some(other)) if account != other => {
                let message = "the token is of another account than the session";
                Err(Error::new(ErrorKind::InvalidConfig, message))
            }
            _ => Ok(()),
        }
    }

    /// Saves the present token as it is.
    pub(super) async fn save_again(&self) -> Result<(), Error> {
        let Some(persistence) = &self.persistence else {
            return Ok(());
        };
        // For its mark alone, if it is this session's: a store that gives no lease may still save.
        let left_mark = self.lock().store_failures.left_mark;
        let lease = if left_mark {
            persistence.lease().await.ok()
        } else {
            None
        };
        let saving = persistence.saves.lock().await;
        let (token, epoch) = self.newest();
        let saved = match token {
            None => Ok(Mark::AsItWas),
            // A log-in's, which could not be counted yet.
            Some(token) if token.generation() == 0 => {
                self.save_login(persistence, token, epoch).await
            }
            Some(token) => match persistence.save(&token).await {
                Ok(SaveOutcome::Saved) => Ok(Mark::Cleared),
                // The mark is of another session, which may hold what is not saved.
                Ok(SaveOutcome::Superseded) => Err(superseded()),
                Err(error) => Err(error),
            },
        };
        drop(saving);
        if let Some(lease) = lease {
            let mark = Mark::after(&saved);
            mark.leave_on(lease, &self.identity).await;
        }
        self.note_saved(epoch, saved)
    }

    /// Saves the token that the program has set, in place of whatever the store holds.
    pub(super) async fn save_the_login(&self) -> Result<(), Error> {
        let Some(persistence) = &self.persistence else {
            return Ok(());
        };
        let _saving = persistence.saves.lock().await;
        let (token, epoch) = self.newest();
        let Some(token) = token else { return Ok(()) };
        let saved = self.save_login(persistence, token, epoch).await;
        self.note_saved(epoch, saved)
    }

    /// Saves the token that the session was built with, unless the store holds a newer one. Under
    /// the lease, since a renewal of that token may begin at any time.
    async fn save_the_first(&self) -> Result<(), Error> {
        let Some(persistence) = &self.persistence else {
            return Ok(());
        };
        let lease = match persistence.lease().await {
            Ok(lease) => lease,
            Err(error) => return self.note_saved(0, Err(error)),
        };
        let saving = persistence.saves.lock().await;
        let (token, epoch) = self.newest();
        let saved = match (token, persistence.load().await) {
            (_, Err(error)) => Err(error),
            (Some(token), Ok(Some(stored)))
                if is_later_than_given(&stored, &token) && self.has_headers(&stored) =>
            {
                self.replace_given(&token, stored);
                Ok(Mark::AsItWas)
            }
            (Some(token), Ok(_)) if epoch == 0 => self.save_login(persistence, token, epoch).await,
            // A log-out or another log-in has come meanwhile.
            _ => Ok(Mark::AsItWas),
        };
        drop(saving);
        let mark = Mark::after(&saved);
        mark.leave_on(lease, &self.identity).await;
        self.note_saved(0, saved)
    }

    /// Offers a log-in's token to the store, under a later generation than what is there, unless
    /// that log-in does not count any more. Returns what a mark is after that.
    async fn save_login(
        &self,
        persistence: &Persistence,
        token: Token,
        epoch: u64,
    ) -> Result<Mark, Error> {
        for _ in 0..LOG_IN_ATTEMPTS {
            let generation = match persistence.load().await? {
                Some(stored) if stored.has_same_access(&token) => stored.generation(),
                Some(stored) => later(stored.generation().max(token.generation())),
                None => later(token.generation()),
            };
            let Some(counted) = self.lock().count(&token, epoch, generation) else {
                return Ok(Mark::AsItWas);
            };
            if persistence.save(&counted).await? == SaveOutcome::Saved {
                return Ok(Mark::Cleared);
            }
        }
        Err(superseded())
    }

    /// Continues with what the store holds in place of the token that the session was built with.
    fn replace_given(&self, given: &Token, stored: Token) {
        // One that has ended is kept for its refresh token.
        let prepared = self.prepare_stored(&stored).ok();
        let mut state = self.lock();
        // It may have been counted since, by a save of the program's.
        if state.epoch != 0 || !state.holds(given) || state.supersedes(&stored) {
            return;
        }
        match prepared {
            Some(prepared) => {
                self.install(&mut state, prepared);
                state.may_have_newer = false;
            }
            None => state.token = Some(stored),
        }
    }

    pub(super) fn newest(&self) -> (Option<Token>, u64) {
        let state = self.lock();
        (state.token.clone(), state.epoch)
    }

    /// Takes over what others save, as soon as the store tells.
    pub(super) fn watch_the_store(self: &Arc<Self>) {
        let Some(persistence) = &self.persistence else {
            return;
        };
        let shared = Arc::downgrade(self);
        let watch = persistence.store.watch(
            &persistence.key,
            Box::new(move |token| {
                if let Some(shared) = shared.upgrade() {
                    shared.take_over(&token);
                }
            }),
        );
        self.lock().watch = watch;
    }

    /// A token that another session has saved.
    fn take_over(&self, token: &Token) {
        // One that cannot be used is no better when the next renewal loads it: that one says so.
        let usable = self.check_account(token).is_ok();
        let prepared = usable.then(|| self.prepare_stored(token).ok());
        let Some(prepared) = prepared.flatten() else {
            return;
        };
        let mut state = self.lock();
        // A log-in here that is about to be counted replaces whatever the store holds.
        let is_uncounted = |known: &Token| state.epoch != 0 && known.generation() == 0;
        let replaces_it = state.token.as_ref().is_some_and(is_uncounted);
        if state.is_logged_out || replaces_it || !is_newer(token, state.token.as_ref()) {
            return;
        }
        state.tell(Event::TakenOver);
        self.install(&mut state, prepared);
        state.may_have_newer = false;
        state.store_failures = StoreFailures::default();
    }
}
