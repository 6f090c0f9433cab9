//! How tokens come into a session and leave it, other than by renewal.

use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::control::{Control, Entry};
use super::flight::{self, Lacks, is_newer};
use crate::auth_headers::AuthHeaders;
use crate::renew::Renew;
use crate::retry::quarter_jitter;
use crate::store::SaveOutcome;
use crate::{Error, ErrorKind, Token};

/// How often a log-in's token is offered to a store in which others save at the same time.
const ADOPTIONS: u32 = 5;

impl<R: Renew> Shared<R> {
    /// Makes `token` the present one.
    pub(super) fn install(
        &self,
        control: &mut Control<R::Error>,
        token: Token,
    ) -> Result<AuthHeaders, R::Error> {
        let now = self.clock.now();
        let headers = self.renewer.headers(&token)?;
        let auth_headers = AuthHeaders::due(&token, &headers, now)?;
        let lifetime = token.lifetime();
        control.token = Some(token);
        if !auth_headers.0.is_valid(now) {
            let message = "the vendor issued a token that has already ended";
            return Err(Error::new(ErrorKind::Protocol, message).into());
        }
        if let Some(lifetime) = lifetime {
            // Deadlines are nanoseconds in 64 bits: 584 years.
            let lifetime = lifetime.min(Duration::from_nanos(u64::MAX));
            let window = self.renewer.window(lifetime).min(lifetime);
            auth_headers
                .0
                .renew_before_the_end(quarter_jitter(window).min(lifetime / 2));
            control.window = window;
        }
        control.installed(now);
        self.current.store(Some(Arc::clone(&auth_headers.0)));
        Ok(auth_headers)
    }

    /// The token that a session is built with.
    pub(super) fn start_with(&self, token: Token) -> Result<(), R::Error> {
        let mut control = self.control();
        if token.expiry().has_passed(self.clock.now().wall()) {
            control.token = Some(token);
        } else {
            self.install(&mut control, token)?;
        }
        self.announce(&control);
        Ok(())
    }

    /// A token from a log-in elsewhere.
    pub(super) fn replace(&self, token: Token) -> Result<(), R::Error> {
        let mut control = self.control();
        self.install(&mut control, token)?;
        control.begin_anew();
        self.announce(&control);
        Ok(())
    }

    /// Saves the present token as it is.
    pub(super) async fn save_again(&self) -> Result<(), Error> {
        let Some(place) = &self.place else {
            return Ok(());
        };
        let (token, epoch) = self.newest();
        let Some(token) = token else { return Ok(()) };
        let saved = match flight::save(&*self.clock, place, &token).await {
            Ok(SaveOutcome::Saved) => Ok(()),
            Ok(SaveOutcome::Superseded) => Err(flight::superseded()),
            Err(error) => Err(error),
        };
        self.note_saved(epoch, saved)
    }

    /// Saves the present token in the place of whatever the store holds: somebody logged in.
    pub(super) async fn save_the_adopted(&self) -> Result<(), Error> {
        let Some(place) = &self.place else {
            return Ok(());
        };
        let (token, epoch) = self.newest();
        let Some(token) = token else { return Ok(()) };
        let mut saved = Err(flight::superseded());
        for _ in 0..ADOPTIONS {
            let stored = match place.store.load(&place.key).await {
                Ok(stored) => stored,
                Err(error) => {
                    saved = Err(error);
                    break;
                }
            };
            let generation = match &stored {
                Some(stored) if stored.has_same_access(&token) => stored.generation(),
                Some(stored) => stored.generation().max(token.generation()) + 1,
                None => token.generation() + 1,
            };
            let token = token.clone().with_generation(generation);
            {
                let mut control = self.control();
                if control.epoch != epoch {
                    return Ok(());
                }
                control.token = Some(token.clone());
            }
            match flight::save(&*self.clock, place, &token).await {
                Ok(SaveOutcome::Saved) => saved = Ok(()),
                Ok(SaveOutcome::Superseded) => continue,
                Err(error) => saved = Err(error),
            }
            break;
        }
        self.note_saved(epoch, saved)
    }

    fn newest(&self) -> (Option<Token>, u64) {
        let control = self.control();
        (control.token.clone(), control.epoch)
    }

    fn note_saved(&self, epoch: u64, saved: Result<(), Error>) -> Result<(), Error> {
        let mut control = self.control();
        if control.epoch == epoch {
            control.lacks.save = saved.clone().err();
            self.announce(&control);
        }
        saved
    }

    /// Takes over what others save, as soon as the store tells.
    pub(super) fn watch_the_store(self: &Arc<Self>) {
        let Some(place) = &self.place else { return };
        let shared = Arc::downgrade(self);
        let watch = place.store.watch(
            &place.key,
            Box::new(move |token| {
                if let Some(shared) = shared.upgrade() {
                    shared.take_over(token);
                }
            }),
        );
        self.control().watch = watch;
    }

    /// A token that another session has saved.
    fn take_over(&self, token: Token) {
        let mut control = self.control();
        let has_ended = token.expiry().has_passed(self.clock.now().wall());
        if control.is_logged_out || has_ended || !is_newer(&token, control.token.as_ref()) {
            return;
        }
        tracing::debug!(token = %token.fingerprint(), "somebody else has renewed");
        // One that cannot be put into headers is no better when the next renewal loads it: that
        // one says so.
        if self.install(&mut control, token).is_ok() {
            control.unread = false;
            control.lacks = Lacks::default();
        }
        self.announce(&control);
    }

    pub(super) async fn log_out(&self) -> Result<(), R::Error> {
        let (auth_headers, flight) = {
            let mut control = self.control();
            control.begin_anew();
            control.token = None;
            control.is_logged_out = true;
            let error = Error::new(ErrorKind::InteractionRequired, "the session was logged out");
            control.remember_for_good(error.into());
            let auth_headers = self.current.swap(None).map(AuthHeaders);
            self.announce(&control);
            (auth_headers, control.flying())
        };
        if let Some(flight) = flight {
            let _ = Entry::Wait(flight).wait().await;
        }
        let revoked = match auth_headers {
            Some(auth_headers) if auth_headers.0.is_valid(self.clock.now()) => {
                self.renewer.revoke(&auth_headers).await
            }
            _ => Ok(()),
        };
        if let Some(place) = &self.place {
            // Another process may be about to save a token that it has renewed.
            let lease = place.store.lease(&place.key).await;
            let deleted = place.store.delete(&place.key).await;
            if let Ok(lease) = lease {
                // It runs out by itself.
                let _ = lease.release().await;
            }
            deleted?;
        }
        revoked
    }
}
