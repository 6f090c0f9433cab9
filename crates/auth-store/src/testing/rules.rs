//! The rules of the contract.

pub(super) mod generations;
pub(super) mod keys;
pub(super) mod leases;
pub(super) mod tokens;
pub(super) mod watches;

use auth_core::{SaveOutcome, StoreKey, Token, TokenStore};

use super::samples::{short, whole};
use super::{broken, done};

async fn load(rule: &str, store: &impl TokenStore, key: &StoreKey) -> Option<Token> {
    done(rule, store.load(key)).await
}

async fn save(rule: &str, store: &impl TokenStore, key: &StoreKey, token: &Token) -> SaveOutcome {
    done(rule, store.save(key, token)).await
}

/// Saves a token that the store must take.
async fn put(rule: &str, store: &impl TokenStore, key: &StoreKey, token: &Token) {
    if save(rule, store, key, token).await == SaveOutcome::Superseded {
        broken(
            rule,
            "a token was refused, and there is none that outruns it",
        );
    }
}

async fn delete(rule: &str, store: &impl TokenStore, key: &StoreKey) {
    done(rule, store.delete(key)).await;
}

/// Checks that the store holds `expected` under `key`, and all of it.
async fn expect(rule: &str, store: &impl TokenStore, key: &StoreKey, expected: Option<&Token>) {
    let held = load(rule, store, key).await;
    let (held, expected) = (held.as_ref().map(whole), expected.map(whole));
    if held != expected {
        let [key, held, expected] = [short(key), short(&held), short(&expected)];
        let how = format!("the store holds {held}, and should hold {expected}, under {key}");
        broken(rule, how);
    }
}
