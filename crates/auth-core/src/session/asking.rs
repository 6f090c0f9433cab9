//! Asking the vendor for the next token.

use std::time::Duration;

use super::Shared;
use super::events::tell;
use crate::clock::Moment;
use crate::password;
use crate::renew::{Reason, Renew};
use crate::{AuthError, ErrorKind, Expiry, Token};

/// How long after a refusal the vendor is asked once more. By the runtime's clock: a test whose
/// clock stands still must not wait for ever.
const BEFORE_THE_SECOND_LOOK: Duration = Duration::from_secs(1);

impl<R: Renew> Shared<R> {
    /// Asks the vendor for the token after `known`. A refusal that would end the session is
    /// believed when it comes twice: some vendors refuse every token while their database is down.
    /// A password is never repeated after a refusal, since accounts get locked.
    pub(super) async fn ask(
        &self,
        known: Option<&Token>,
        reason: Reason,
    ) -> Result<Token, R::Error> {
        let error = match self.ask_once(known, reason).await {
            Ok(token) => return Ok(token),
            Err(error) => error,
        };
        if known.is_none() || !is_refusal(error.kind()) || password::was_used() {
            return Err(error);
        }
        tell!(
            debug,
            self.identity,
            "refused; asking once more",
            kind = error.kind().name(),
            cause = self.identity.shown(&error).as_str()
        );
        tokio::time::sleep(BEFORE_THE_SECOND_LOOK).await;
        self.ask_once(known, reason).await
    }

    async fn ask_once(&self, known: Option<&Token>, reason: Reason) -> Result<Token, R::Error> {
        let sent = self.clock.now();
        let token = self.renewer.renew(known, reason).await?;
        Ok(self.alive_on_arrival(token, sent, self.clock.now()))
    }

    /// A new token that has ended by the local clock, though not by the length of its life: the clock
    /// is wrong, and the life counts from now.
    fn alive_on_arrival(&self, token: Token, sent: Moment, now: Moment) -> Token {
        let took = now.monotonic().saturating_sub(sent.monotonic());
        match token.lifetime().and_then(|life| life.checked_sub(took)) {
            Some(left) if !left.is_zero() && token.expiry().has_passed(now.wall()) => {
                tell!(
                    warn,
                    self.identity,
                    "by this machine's clock the new token has already ended: is the clock fast? the \
                     length of the token's life counts",
                    expires_in = left.as_secs()
                );
                token.issued_again(now.wall(), Expiry::after(now.wall(), left))
            }
            _ => token,
        }
    }
}

/// A refusal of the token, and not of a password.
fn is_refusal(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TokenRejected
            | ErrorKind::InteractionRequired
            | ErrorKind::Denied
            | ErrorKind::NotFound
    )
}
