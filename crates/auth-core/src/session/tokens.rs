//! How tokens come into a session and leave it, other than by renewal.

use std::sync::Arc;
use std::time::Duration;

use super::control::{Control, Entry};
use super::{Shared, flight};
use crate::credential::Credential;
use crate::renew::Renew;
use crate::retry::quarter_jitter;
use crate::{Error, ErrorKind, Token};

impl<R: Renew> Shared<R> {
    /// Makes `token` the present one.
    pub(super) fn install(
        &self,
        control: &mut Control<R::Error>,
        token: Token,
    ) -> Result<Credential, R::Error> {
        let now = self.clock.now();
        let headers = self.renewer.headers(&token)?;
        let credential = Credential::due(&token, &headers, now)?;
        let lifetime = token.lifetime();
        control.token = Some(token);
        if !credential.0.is_valid(now) {
            let message = "the vendor issued a token that has already ended";
            return Err(Error::new(ErrorKind::Protocol, message).into());
        }
        if let Some(lifetime) = lifetime {
            // Deadlines are nanoseconds in 64 bits: 584 years.
            let lifetime = lifetime.min(Duration::from_nanos(u64::MAX));
            let window = self.renewer.window(lifetime).min(lifetime);
            credential
                .0
                .renew_before_the_end(quarter_jitter(window).min(lifetime / 2));
            control.window = window;
        }
        control.installed(now);
        self.current.store(Some(Arc::clone(&credential.0)));
        Ok(credential)
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

    pub(super) async fn save_again(&self) -> Result<(), Error> {
        let Some((store, key)) = &self.store else {
            return Ok(());
        };
        let (token, epoch) = {
            let control = self.control();
            (control.token.clone(), control.epoch)
        };
        let Some(token) = token else { return Ok(()) };
        let saved = flight::save(&*self.clock, &**store, key, &token).await;
        let mut control = self.control();
        if control.epoch == epoch {
            control.unsaved = saved.clone().err();
            self.announce(&control);
        }
        saved
    }

    pub(super) async fn log_out(&self) -> Result<(), R::Error> {
        let (credential, flight) = {
            let mut control = self.control();
            control.begin_anew();
            control.token = None;
            let error = Error::new(ErrorKind::InteractionRequired, "the session was logged out");
            control.remember_for_good(error.into());
            let credential = self.current.swap(None).map(Credential);
            self.announce(&control);
            (credential, control.flying())
        };
        if let Some(flight) = flight {
            let _ = Entry::Wait(flight).wait().await;
        }
        let revoked = match credential {
            Some(credential) if credential.0.is_valid(self.clock.now()) => {
                self.renewer.revoke(&credential).await
            }
            _ => Ok(()),
        };
        if let Some((store, key)) = &self.store {
            store.delete(key).await?;
        }
        revoked
    }
}
