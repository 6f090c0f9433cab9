//! The Credential Manager of Windows.

use std::collections::HashMap;
use std::sync::Arc;

use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry, Result};
use windows_native_keyring_store::Store;

use crate::keyring::problem::Problem;

pub(super) struct Keyring {
    store: Arc<Store>,
}

impl Keyring {
    pub(super) fn connect() -> std::result::Result<Self, Problem> {
        let store = Store::new().map_err(|_| Problem::Unreachable)?;
        Ok(Self { store })
    }

    /// It is open as long as the user is logged in.
    pub(super) fn check(&self) -> std::result::Result<(), Problem> {
        self.store.search(&HashMap::from([("pattern", "^$")]))?;
        Ok(())
    }

    pub(super) fn entry(&self, service: &str, user: &str, _label: &str) -> Result<Entry> {
        // A token belongs to this machine, so it does not roam.
        let local = HashMap::from([("persistence", "Local")]);
        self.store.build(service, user, Some(&local))
    }

    /// All entries of the user. A pattern would be a second rule for names beside the store's own.
    pub(super) fn entries(&self, _service: &str) -> Result<Vec<Entry>> {
        self.store.search(&HashMap::new())
    }
}
