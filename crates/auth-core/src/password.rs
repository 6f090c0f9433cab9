//! Where a session gets the password that it logs in with.

use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;

use crate::BoxFuture;

/// The password of a session: held as a secret, or asked for at each log-in.
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
        match &self.0 {
            Kind::Held(password) => Ok(password.clone()),
            Kind::Asked(provider) => provider().await,
        }
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
