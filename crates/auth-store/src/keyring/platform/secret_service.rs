//! The Secret Service, over D-Bus in pure Rust.

use std::collections::HashMap;
use std::sync::Arc;

use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry, Result};
use secret_service::blocking::SecretService;
use secret_service::{EncryptionType, Error};
use zbus_secret_service_keyring_store::Store;

use crate::keyring::problem::Problem;

pub(super) struct Keyring {
    store: Arc<Store>,
    // The store's crate unlocks by asking the user, and cannot tell whether that would be necessary.
    service: SecretService<'static>,
}

impl Keyring {
    pub(super) fn connect() -> std::result::Result<Self, Problem> {
        // This connection carries no secret.
        let service = SecretService::connect(EncryptionType::Plain).map_err(|error| {
            tracing::debug!(%error, "no Secret Service");
            Problem::Unreachable
        })?;
        let store = Store::new().map_err(|_| Problem::Unreachable)?;
        Ok(Self { store, service })
    }

    pub(super) fn check(&self) -> std::result::Result<(), Problem> {
        let collection = self.service.get_default_collection();
        match collection.and_then(|collection| collection.is_locked()) {
            Ok(false) => Ok(()),
            Ok(true) | Err(Error::Locked) => Err(Problem::Locked),
            Err(Error::NoResult) => Err(Problem::Empty),
            Err(error) => {
                tracing::debug!(%error, "the Secret Service failed");
                Err(Problem::Broken)
            }
        }
    }

    pub(super) fn entry(&self, service: &str, user: &str, label: &str) -> Result<Entry> {
        let label = HashMap::from([("label", label)]);
        self.store.build(service, user, Some(&label))
    }

    pub(super) fn entries(&self, service: &str) -> Result<Vec<Entry>> {
        self.store.search(&HashMap::from([("service", service)]))
    }
}
