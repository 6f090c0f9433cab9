//! The keyrings of the platforms, behind one type.

use keyring_core::Entry;

use super::problem::Problem;

#[cfg(all(unix, not(target_vendor = "apple")))]
#[path = "platform/secret_service.rs"]
mod system;

#[cfg(target_os = "macos")]
#[path = "platform/keychain.rs"]
mod system;

#[cfg(windows)]
#[path = "platform/credential_manager.rs"]
mod system;

#[cfg(not(any(all(unix, not(target_vendor = "apple")), target_os = "macos", windows)))]
#[path = "platform/none.rs"]
mod system;

/// A connection to the platform's keyring. Its calls block.
pub(super) struct Platform(system::Keyring);

impl Platform {
    pub(super) fn connect() -> Result<Self, Problem> {
        system::Keyring::connect().map(Self)
    }

    /// Whether the keyring can be used without asking the user for a password.
    pub(super) fn check(&self) -> Result<(), Problem> {
        self.0.check()
    }

    /// The entry of that name, which need not exist. The label is for people.
    pub(super) fn entry(&self, service: &str, user: &str, label: &str) -> Result<Entry, Problem> {
        Ok(self.0.entry(service, user, label)?)
    }

    /// The entries of `service`, and perhaps others.
    pub(super) fn entries(&self, service: &str) -> Result<Vec<Entry>, Problem> {
        Ok(self.0.entries(service)?)
    }
}
