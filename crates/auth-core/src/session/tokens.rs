//! How tokens come into a session and leave it, other than by renewal.

use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::state::{RenewalState, wait};
use super::store::{Persistence, StoreFailures, is_later_than_given, is_newer, later, superseded};
use crate::auth_headers::AuthHeaders;
use crate::background;
use crate::renew::Renew;
use crate::retry::quarter_jitter;
use crate::store::SaveOutcome;
use crate::{Error, ErrorKind, Token};

/// How often a log-in's token is offered to a store in which others save at the same time.
const LOG_IN_ATTEMPTS: u32 = 5;

impl<R: Renew> Shared<R> {
    /// Makes `token` the present one. On failure the state is as before.
    pub(super) fn install(
        &self,
        state: &mut RenewalState<R::Error>,
        token: Token,
    ) -> Result<AuthHeaders, R::Error> {
        let now = self.clock.now();
        let headers = self.renewer.headers(&token)?;
        let headers = AuthHeaders::due(&token, &headers, now)?;
        if !headers.0.is_valid(now) {
            let message = "the token has already ended";
            return Err(Error::new(ErrorKind::Protocol, message).into());
        }
        let lifetime = token.lifetime();
        state.token = Some(token);
        if let Some(lifetime) = lifetime {
            // Deadlines are nanoseconds in 64 bits: 584 years.
            let lifetime = lifetime.min(Duration::from_nanos(u64::MAX));
            let window = self.renewer.window(lifetime).min(lifetime);
            headers
                .0
                .renew_before_the_end(quarter_jitter(window).min(lifetime / 2));
            state.window = window;
        }
        state.installed(now);
        self.current.store(Some(Arc::clone(&headers.0)));
        Ok(headers)
    }

    /// The token that a session is built with. It is saved where there is a store, unless that
    /// holds a newer one.
    pub(super) fn start_with(self: &Arc<Self>, token: Token) -> Result<(), R::Error> {
        self.check_account(&token)?;
        let mut state = self.renewal_state();
        if token.expiry().has_passed(self.clock.now().wall()) {
            state.token = Some(token);
        } else {
            self.install(&mut state, token)?;
        }
        self.announce(&state);
        drop(state);
        if self.persistence.is_some() {
            let shared = Arc::clone(self);
            // What the store says is in the state.
            let saving = async move { drop(shared.save_the_first().await) };
            if let Err(error) = background::spawn(saving) {
                let _ = self.note_saved(0, Err(error));
            }
        }
        Ok(())
    }

    /// A token from a log-in elsewhere.
    pub(super) fn replace(&self, token: Token) -> Result<(), R::Error> {
        self.check_account(&token)?;
        let mut state = self.renewal_state();
        self.install(&mut state, token)?;
        state.start_over();
        self.announce(&state);
        Ok(())
    }

    /// Refuses the token of another account. Tokens and sessions that name none pass.
    fn check_account(&self, token: &Token) -> Result<(), Error> {
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
        let (token, epoch) = self.newest();
        let Some(token) = token else { return Ok(()) };
        let saved = match persistence.save(&*self.clock, &token).await {
            Ok(SaveOutcome::Saved) => Ok(()),
            Ok(SaveOutcome::Superseded) => Err(superseded()),
            Err(error) => Err(error),
        };
        self.note_saved(epoch, saved)
    }

    /// Saves the token that the program has set, in place of whatever the store holds.
    pub(super) async fn save_the_login(&self) -> Result<(), Error> {
        let Some(persistence) = &self.persistence else {
            return Ok(());
        };
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
        let lease = match persistence.store.lease(&persistence.key).await {
            Ok(lease) => lease,
            Err(error) => return self.note_saved(0, Err(error)),
        };
        let (token, epoch) = self.newest();
        let saved = match (token, persistence.load().await) {
            (_, Err(error)) => Err(error),
            (Some(token), Ok(Some(stored))) if is_later_than_given(&stored, &token) => {
                self.replace_given(&token, stored);
                Ok(())
            }
            (Some(token), Ok(_)) if epoch == 0 => self.save_login(persistence, token, epoch).await,
            // A log-out or another log-in has come meanwhile.
            _ => Ok(()),
        };
        // It runs out by itself.
        let _ = lease.release().await;
        self.note_saved(0, saved)
    }

    /// Offers a log-in's token to the store, under a later generation than what is there.
    async fn save_login(
        &self,
        persistence: &Persistence,
        token: Token,
        epoch: u64,
    ) -> Result<(), Error> {
        for _ in 0..LOG_IN_ATTEMPTS {
            let generation = match persistence.load().await? {
                Some(stored) if stored.has_same_access(&token) => stored.generation(),
                Some(stored) => later(stored.generation().max(token.generation())),
                None => later(token.generation()),
            };
            let token = token.clone().with_generation(generation);
            {
                let mut state = self.renewal_state();
                if state.epoch != epoch || !state.holds(&token) {
                    return Ok(());
                }
                state.token = Some(token.clone());
            }
            if persistence.save(&*self.clock, &token).await? == SaveOutcome::Saved {
                return Ok(());
            }
        }
        Err(superseded())
    }

    /// Continues with what the store holds in place of the token that the session was built with.
    fn replace_given(&self, given: &Token, stored: Token) {
        let mut state = self.renewal_state();
        if state.epoch != 0 || !state.holds(given) {
            return;
        }
        if stored.expiry().has_passed(self.clock.now().wall()) {
            // Its refresh token gets the next one.
            state.token = Some(stored);
        } else if self.install(&mut state, stored).is_ok() {
            state.may_have_newer = false;
        }
        self.announce(&state);
    }

    fn newest(&self) -> (Option<Token>, u64) {
        let state = self.renewal_state();
        (state.token.clone(), state.epoch)
    }

    fn note_saved(&self, epoch: u64, saved: Result<(), Error>) -> Result<(), Error> {
        let mut state = self.renewal_state();
        if state.epoch == epoch {
            state.store_failures.save = saved.clone().err();
            self.announce(&state);
        }
        saved
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
                    shared.take_over(token);
                }
            }),
        );
        self.renewal_state().watch = watch;
    }

    /// A token that another session has saved.
    fn take_over(&self, token: Token) {
        let mut state = self.renewal_state();
        let has_ended = token.expiry().has_passed(self.clock.now().wall());
        if state.is_logged_out || has_ended || !is_newer(&token, state.token.as_ref()) {
            return;
        }
        tracing::debug!(token = %token.fingerprint(), "another session has renewed");
        // One that cannot be put into headers is no better when the next renewal loads it: that
        // one says so.
        if self.install(&mut state, token).is_ok() {
            state.may_have_newer = false;
            state.store_failures = StoreFailures::default();
        }
        self.announce(&state);
    }

    pub(super) async fn log_out(&self) -> Result<(), R::Error> {
        let (headers, renewal) = {
            let mut state = self.renewal_state();
            state.start_over();
            state.token = None;
            state.is_logged_out = true;
            let error = Error::new(ErrorKind::InteractionRequired, "the session was logged out");
            state.backoff.failed_for_good(error.into());
            let headers = self.current.swap(None).map(AuthHeaders);
            self.announce(&state);
            (headers, state.under_way())
        };
        if let Some(renewal) = renewal {
            let _ = wait(renewal).await;
        }
        let revoked = match headers {
            Some(headers) if headers.0.is_valid(self.clock.now()) => {
                self.renewer.revoke(&headers).await
            }
            _ => Ok(()),
        };
        if let Some(persistence) = &self.persistence {
            persistence.delete().await?;
        }
        revoked
    }
}
