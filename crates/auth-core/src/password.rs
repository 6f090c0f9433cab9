//! Where a session gets the password that it logs in with.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;

use crate::BoxFuture;

tokio::task_local! {
    /// Whether the renewal under way has taken the password, to log in with it.
    static USED: Cell<bool>;
}

/// Runs `renewal`, and tells whether it has logged in with a password.
pub(crate) async fn noting_use<T>(renewal: impl Future<Output = T>) -> (T, bool) {
    let noting = async {
        let outcome = renewal.await;
        (outcome, was_used())
    };
    USED.scope(Cell::new(false), noting).await
}

/// Whether the renewal that calls this has logged in with a password.
pub(crate) fn was_used() -> bool {
    USED.try_with(Cell::get).unwrap_or_default()
}

/// The password of a session: held as a secret, or asked for at each log-in.
///
/// A renewal that has taken it is a log-in: if the vendor answers with anything but a token, a
/// refusal or a success that is not as documented, the session does not log in again by itself,
/// since accounts get locked.
pub struct PasswordSource<E>(Kind<E>);

enum Kind<E> {
    Held(SecretString),
    Asked(Provider<E>),
}

type Provider<E> = Arc<dyn Fn() -> BoxFuture<'static, Result<SecretString, E>> + Send + Sync>;

impl<E> PasswordSource<E> {
    /// A password that the session keeps for as long as it lives.
    pub fn held(password: impl Into<SecretString>) -> Self {
        Self(Kind::Held(password.into()))
    }

    /// Asks `provider` at each log-in, inside the Tokio runtime of a thread that it must not block.
    pub fn asked(
        provider: impl Fn() -> BoxFuture<'static, Result<SecretString, E>> + Send + Sync + 'static,
    ) -> Self {
        Self(Kind::Asked(Arc::new(provider)))
    }

    /// The password.
    ///
    /// # Errors
    ///
    /// What the provider says.
    pub async fn get(&self) -> Result<SecretString, E> {
        let password = match &self.0 {
            Kind::Held(password) => password.clone(),
            Kind::Asked(provider) => provider().await?,
        };
        // Outside a session nothing takes note.
        let _ = USED.try_with(|used| used.set(true));
        Ok(password)
    }
}

impl<E> Clone for PasswordSource<E> {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Kind::Held(password) => Kind::Held(password.clone()),
            Kind::Asked(provider) => Kind::Asked(Arc::clone(provider)),
        })
    }
}

impl<E> fmt::Debug for PasswordSource<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Held(_) => "held",
            Kind::Asked(_) => "asked for",
        })
    }
}
