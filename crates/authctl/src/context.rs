//! What every command starts from: its options, the configuration, and a way to wait.

use std::future::Future;

use crate::account::Account;
use crate::cli::Global;
use crate::error::{Failure, Kind};
use crate::profile::{Config, Profile};

#[derive(Debug)]
pub(crate) struct Context {
    /// The profile that the command line or the environment names.
    pub(crate) named: Option<String>,
    pub(crate) json: bool,
}

impl Context {
    pub(crate) fn new(global: &Global) -> Self {
        let from_environment = || std::env::var("AUTHCTL_PROFILE").ok();
        let named = global.profile.clone().or_else(from_environment);
        Self {
            named: named.filter(|name| !name.is_empty()),
            json: global.json,
        }
    }

    /// The profile to use.
    pub(crate) fn profile(&self) -> Result<Profile, Failure> {
        Config::load()?.select(self.named.as_deref())
    }

    /// The account of the profile to use, with its store. Asks no vendor.
    pub(crate) fn account(&self) -> Result<Account, Failure> {
        let profile = self.profile()?;
        self.block_on(Account::open(profile))?
    }

    /// Waits for `future` on this thread. The SDKs need no timers and no sockets of a runtime.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> Result<F::Output, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime =
            runtime.map_err(|error| Failure::new(Kind::Other, format!("cannot start: {error}")))?;
        Ok(runtime.block_on(future))
    }
}
