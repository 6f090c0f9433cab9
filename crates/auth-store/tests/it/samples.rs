//! A key and tokens, for the tests of all stores.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use auth_core::{Expiry, SaveOutcome, StoreKey, Token, TokenStore};
use tracing::subscriber::DefaultGuard;

pub(crate) fn key() -> StoreKey {
    key_of("user1@iqm.com")
}

pub(crate) fn key_of(account: &str) -> StoreKey {
    StoreKey {
        vendor: "iqm".into(),
        account: account.into(),
        scope: "200001".into(),
        base_url: "https://api.iqm.com/".into(),
    }
}

/// A token that lives for an hour. Its secrets contain `name`.
pub(crate) fn token(name: &str, generation: u64) -> Token {
    let now = SystemTime::now();
    let expiry = Expiry::after(now, Duration::from_secs(3600));
    Token::new(format!("access-{name}").into(), expiry, now)
        .with_refresh(Some(format!("refresh-{name}").into()))
        .with_generation(generation)
}

/// Saves a token that the store must accept.
pub(crate) async fn put(store: &impl TokenStore, token: &Token) {
    assert_eq!(store.save(&key(), token).await.unwrap(), SaveOutcome::Saved);
}

/// The generation of the stored token.
pub(crate) async fn held(store: &impl TokenStore) -> Option<u64> {
    let token = store.load(&key()).await.unwrap();
    token.as_ref().map(Token::generation)
}

/// What this thread logs, and what the store logs for it.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Logs to the first value until the second one is dropped.
pub(crate) fn log() -> (Log, DefaultGuard) {
    let log = Log::default();
    let lines = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || lines.clone())
        .finish();
    (log, tracing::subscriber::set_default(subscriber))
}
