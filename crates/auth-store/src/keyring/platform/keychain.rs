//! The login keychain of macOS.

use std::collections::HashMap;
use std::sync::Arc;

use apple_native_keyring_store::keychain::Store;
use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry, Result};

use crate::keyring::problem::Problem;

pub(super) struct Keyring {
    store: Arc<Store>,
}

impl Keyring {
    pub(super) fn connect() -> std::result::Result<Self, Problem> {
        let store = Store::new().map_err(|_| Problem::Unreachable)?;
        Ok(Self { store })
    }

    pub(super) fn check(&self) -> std::result::Result<(), Problem> {
        // Reads no secret, and fails where the keychain cannot be opened.
        let nothing = HashMap::from([("service", "auth-store"), ("user", "does it exist?")]);
        self.store.search(&nothing)?;
        Ok(())
    }

    pub(super) fn entry(&self, service: &str, user: &str, _label: &str) -> Result<Entry> {
        self.store.build(service, user, None)
    }

    pub(super) fn entries(&self, service: &str) -> Result<Vec<Entry>> {
        self.store.search(&HashMap::from([("service", service)]))
    }
}
